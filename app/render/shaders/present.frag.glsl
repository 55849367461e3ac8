#version 330 core

// The marched field as a picture: one channel in colours, the photo left of the wipe line; rows from the top.

#include "colours.glsl"

uniform sampler2D marched;   // colour, opacity
uniform sampler2D depths;
uniform sampler2D photo;
uniform int channel;         // 0 colour, 1 depth, 2 opacity, 3 residual
uniform vec2 depth_range;
uniform float wipe;          // in pixels from the left
uniform vec2 size;
uniform vec3 accent;

layout(location = 0) out vec4 result;

const float FULL_RESIDUAL = 0.25;  // mean absolute difference at the end of the map
const float LINE = 1.0;            // half width of the wipe line, pixels

void main() {
    vec2 pixel = gl_FragCoord.xy;
    vec2 at = pixel / size;
    vec4 seen = texture(marched, at);
    vec3 colour = clamp(seen.rgb, 0.0, 1.0);
    if (channel == 1) {
        float range = max(log(depth_range.y / depth_range.x), 1e-6);
        colour = depth_colour(log(max(texture(depths, at).r, 1e-6) / depth_range.x) / range);
        colour *= seen.a;
    } else if (channel == 2) {
        colour = vec3(seen.a);
    } else if (channel == 3) {
        vec3 difference = abs(colour - texture(photo, at).rgb);
        colour = residual_colour(dot(difference, vec3(1.0 / 3.0)) / FULL_RESIDUAL);
    }
    if (wipe > 0.0 && pixel.x < wipe) colour = texture(photo, at).rgb;
    if (wipe > 0.0 && abs(pixel.x - wipe) < LINE && wipe < size.x) colour = accent;
    result = vec4(colour, 1.0);
}
