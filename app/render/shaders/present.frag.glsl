#version 330 core

// One marched field, or two with a line between them, as a picture: one channel in colours, the photo left of the wipe
// line; rows from the top.

#include "colours.glsl"

uniform sampler2D marched;   // colour, opacity
uniform sampler2D depths;
uniform sampler2D photo;
uniform int channel;         // 0 colour, 1 depth, 2 opacity, 3 residual
uniform vec2 depth_range;
uniform vec2 second_range;   // the same to the right of the divider
uniform float divider;       // in pixels from the left; below 0 where there is one field
uniform float wipe;          // likewise
uniform float copies;        // of the photo, beside each other
uniform vec2 size;
uniform vec3 accent;

layout(location = 0) out vec4 result;

const float FULL_RESIDUAL = 0.25;  // mean absolute difference at the end of the map
const float LINE = 1.0;            // half width of the wipe line, pixels

void main() {
    vec2 pixel = gl_FragCoord.xy;
    vec2 at = pixel / size;
    vec2 photo_at = vec2(copies > 1.0 ? fract(copies * at.x) : at.x, at.y);
    vec4 seen = texture(marched, at);
    vec3 colour = clamp(seen.rgb, 0.0, 1.0);
    if (channel == 1) {
        vec2 ends = divider >= 0.0 && pixel.x >= divider ? second_range : depth_range;
        float range = max(log(ends.y / ends.x), 1e-6);
        colour = depth_colour(log(max(texture(depths, at).r, 1e-6) / ends.x) / range);
        colour *= seen.a;
    } else if (channel == 2) {
        colour = vec3(seen.a);
    } else if (channel == 3) {
        vec3 difference = abs(colour - texture(photo, photo_at).rgb);
        colour = residual_colour(dot(difference, vec3(1.0 / 3.0)) / FULL_RESIDUAL);
    }
    if (wipe > 0.0 && pixel.x < wipe) colour = texture(photo, photo_at).rgb;
    if (wipe > 0.0 && abs(pixel.x - wipe) < LINE && wipe < size.x) colour = accent;
    if (divider > 0.0 && abs(pixel.x - divider) < LINE && divider < size.x) colour = accent;
    result = vec4(colour, 1.0);
}
