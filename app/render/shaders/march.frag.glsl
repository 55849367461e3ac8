#version 330 core

// The field seen from a camera, with the engine's own quadrature (engine/fields/voxel_grid/kernels.py: `proposal_edges` and
// `march_forward`): intervals of s, drawn from the pooled density or even, and the sample in the middle of each.

#include "volume.glsl"
#include "ray.glsl"
#include "detail.glsl"

uniform mat3 camera_to_world;
uniform vec3 origin;
uniform vec2 focal;    // pixels of this target
uniform vec2 centre;
uniform int samples;
uniform int bins;      // intervals of s in which the pooled density is evaluated
uniform vec3 background;

layout(location = 0) out vec4 colour_opacity;
layout(location = 1) out float depth;

const bool ENDS = !PROJECTIVE && !CONTRACTED; // outside of a box there is nothing
const int MOST_BINS = 512;
const float FLOOR = 0.08;          // share of the weight that is spread evenly, so that every part of a ray gets samples
const float OPAQUE = 1e-4;         // transmittance below which a ray ends
const float SEEN_THROUGH = 0.25;   // of the optical depth of the pooled density: see the kernels
const float TINT_THRESHOLD = 1e-3; // weight of a sample below which its directional colour is left out

float weights[MOST_BINS];
int last_bin;  // the last one that was evaluated; the weights of the others are 0

float evaluate_bins(Line line) {
    float scale = optical_length(line, textureSize(proposals, 0)) / float(bins);
    vec3 size = vec3(textureSize(proposals, 0));
    float transmittance = 1.0;
    last_bin = bins - 1;
    rewind();
    for (int k = 0; k < bins; ++k) {
        vec3 position = position_at(line, (float(k) + 0.5) / float(bins));
        float density = !ENDS || !outside(position, size) ? pooled_at(position) : 0.0;
        float survives = CONTRACTED && k == bins - 1 ? 0.0 : exp(-density * scale);
        weights[k] = transmittance * (1.0 - survives);
        transmittance *= exp(-SEEN_THROUGH * density * scale);
        if (transmittance < OPAQUE) {
            last_bin = k;
            break;
        }
    }
    float total = 0.0, previous = 0.0, here = weights[0];
    for (int k = 0; k <= last_bin; ++k) {
        float following = k < last_bin ? weights[k + 1] : 0.0;
        total += max(previous, max(here, following));
        previous = here;
        here = following;
    }
    return total + (last_bin + 1 < bins ? previous : 0.0) + FLOOR;
}

// The widened weight of bin k.
float widened(int k) {
    float weight = k <= last_bin ? weights[k] : 0.0;
    if (k > 0 && k - 1 <= last_bin) weight = max(weight, weights[k - 1]);
    if (k + 1 <= last_bin) weight = max(weight, weights[k + 1]);
    return weight + FLOOR / float(bins);
}

void main() {
    vec3 direction = camera_to_world * vec3((gl_FragCoord.xy - centre) / focal, 1.0);
    Line line = line_of(origin, direction);
    float transmittance = 1.0, mean_s = 0.0;
    vec3 colour = vec3(0.0);
    if (line.meets) {
        vec3 unit = normalize(direction);
        vec3 size = DETAILED ? detail_size : vec3(textureSize(voxels, 0));
        float scale = optical_length(line, ivec3(size));
        float total = PROPOSALS ? evaluate_bins(line) : 0.0;
        float bin_weight = PROPOSALS ? widened(0) : 0.0;
        float passed = 0.0, from = 0.0;
        int bin = 0, k = 0;
        rewind();
        while (k < samples && transmittance >= OPAQUE) {
            float s, delta;
            vec3 position, at = vec3(0.0);
            bool found;
            // The next sample; in a volume with detail, the next one in a block that is not missing. A loop of its own, as
            // the pixels that are drawn together then wait for none that has to pass more of empty space.
            do {
                ++k;
                float to = float(k) / float(samples);
                if (PROPOSALS && k < samples) {
                    float target = to * total;
                    while (bin < bins - 1 && passed + bin_weight < target) {
                        passed += bin_weight;
                        bin_weight = widened(++bin);
                    }
                    to = (float(bin) + clamp((target - passed) / bin_weight, 0.0, 1.0)) / float(bins);
                }
                s = 0.5 * (from + to);
                delta = (to - from) * scale;
                from = to;
                position = position_at(line, s);
                found = !ENDS || !outside(position, size);
                if (DETAILED) found = find_brick(position, at) && found;
            } while (DETAILED && !found && k < samples);
            if (!found) continue;
            vec4 raw = DETAILED ? detail_at(at) : raw_at(position);
            float survives = CONTRACTED && k == samples ? 0.0 : exp(-softplus(raw.x) * delta);
            float weight = transmittance * (1.0 - survives);
            if (TINTED && weight > TINT_THRESHOLD) raw.yzw += tint_at(position, unit);
            colour += weight * sigmoid(raw.yzw);
            mean_s += weight * s;
            transmittance *= survives;
        }
    }
    mean_s += transmittance;
    colour_opacity = vec4(colour + transmittance * background, 1.0 - transmittance);
    depth = line.meets ? depth_at(line, mean_s, origin, direction) : 1.0 / FARTHEST_DISPARITY;
}
