#version 330 core

// The field from any side, among the cameras: its colour, and the depths between which it is seen.
//
// Samples are evenly spaced in the lattice, where rays are straight in projective space too. Density counts per spacing
// of planes in every direction; along z of a projective volume this is what the engine computes. Of a contracted volume
// the box is drawn, where it is the world as it is.

#include "volume.glsl"

uniform sampler3D overview; // density to be shown
uniform vec2 shown;         // half width and half height at z = 1 of what is drawn of a projective volume
uniform mat3 camera_to_world;
uniform vec3 origin;
uniform vec2 focal;
uniform vec2 centre;
uniform int samples;
uniform float reach;    // depth to which a projective volume is drawn, scene units
uniform float opacity;

layout(location = 0) out vec4 result;  // RGB times opacity, opacity
layout(location = 1) out vec4 depths;  // between which it is seen, along the camera's axis

const float BEGUN = 0.9;   // transmittance at which the volume counts as begun
const float ENDED = 0.1;   // and as ended
const float COUNTS = 1e-3; // weight below which a sample's colour is left out

void clip(inout vec2 span, float at_origin, float along) {
    // The half space at_origin + t * along >= 0.
    float t = -at_origin / (abs(along) < 1e-9 ? 1e-9 : along);
    if (along > 0.0) span.x = max(span.x, t);
    else span.y = min(span.y, t);
}

vec2 frustum_span(vec3 direction) {
    vec2 span = vec2(0.0, 1e9);
    clip(span, origin.z - 1.0, direction.z);
    clip(span, reach - origin.z, -direction.z);
    for (int axis = 0; axis < 2; ++axis) {
        clip(span, shown[axis] * origin.z - origin[axis], shown[axis] * direction.z - direction[axis]);
        clip(span, shown[axis] * origin.z + origin[axis], shown[axis] * direction.z + direction[axis]);
    }
    return span;
}

vec3 lattice(vec3 point) {
    if (PROJECTIVE) return vec3((point.xy / point.z / extent + 1.0) / 2.0, 1.0 / point.z);
    return in_lattice((point - box_centre) / box_half_extent);
}

// Noise in [0, 1), evenly distributed over the pixels: shifts a ray's samples, so that they do not show as rings.
// Interleaved gradient noise of Jimenez, "Next Generation Post Processing in Call of Duty", SIGGRAPH 2014.
float noise(vec2 pixel) {
    return fract(52.9829189 * fract(dot(floor(pixel), vec2(0.06711056, 0.00583715))));
}

void main() {
    result = vec4(0.0);
    depths = vec4(0.0);  // for rays that miss: values interpolated towards 0 still lie in front of what is behind
    vec3 direction = camera_to_world * vec3((gl_FragCoord.xy - centre) / focal, 1.0);
    vec2 span = PROJECTIVE ? frustum_span(direction) : box_span(origin, direction);
    if (span.y <= span.x) return;
    vec3 first = origin + span.x * direction, last = origin + span.y * direction;
    vec3 from = lattice(first), to = lattice(last);
    float planes = float(textureSize(voxels, 0).z) - (PROJECTIVE ? 0.0 : 1.0);
    float per_sample = length(to - from) * planes / float(samples);
    float transmittance = 1.0, start = noise(gl_FragCoord.xy);
    vec3 colour = vec3(0.0);
    vec2 seen = vec2(1e9);
    for (int k = 0; k < samples; ++k) {
        float s = (float(k) + start) / float(samples);
        vec3 position = mix(from, to, s);
        float survives = exp(-textureLod(overview, place(position, overview), 0.0).r * per_sample);
        float weight = transmittance * (1.0 - survives);
        if (weight > COUNTS) colour += weight * sigmoid(raw_at(position).yzw);
        float before = transmittance;
        transmittance *= survives;
        // A line in the lattice is a line in the world, but equal steps in one are not equal in the other.
        float pace = PROJECTIVE ? mix(from.z * span.x, to.z * span.y, s) / position.z : mix(span.x, span.y, s);
        if (before >= BEGUN && transmittance < BEGUN) seen.x = pace;
        if (before >= ENDED && transmittance < ENDED) seen.y = pace;
        if (transmittance < 1e-2) break;
    }
    result = opacity * vec4(colour, 1.0 - transmittance);
    if (seen.x > 1e8) seen.x = span.x;
    depths = vec4(seen.x, min(seen.y, span.y), 0.0, 1.0);
}
