#version 330 core
// A segment as a quad of constant width in pixels: core OpenGL does not guarantee wide lines. One instance per segment.

uniform mat4 to_clip;
uniform vec2 size;    // of the picture, pixels
uniform float widen;  // pixels of the framebuffer per pixel of the picture
uniform float lift;   // towards the viewer, in normalised depth, so that faces do not hide their own edges
uniform vec3 viewer;
uniform vec2 haze;    // distances from the viewer between which lines grow fainter

in vec3 start;
in vec3 end;
in vec4 start_colour;
in vec4 end_colour;
in float width;

out vec4 colour;
out vec3 place;
noperspective out vec2 along;  // pixels from the start, along and across
flat out float reach;          // length, pixels
flat out float half_width;     // pixels

void main() {
    vec4 a = to_clip * vec4(start, 1.0);
    vec4 b = to_clip * vec4(end, 1.0);
    float from = 0.0, to = 1.0;  // the part of the segment beyond the near plane
    float a_inside = a.z + a.w, b_inside = b.z + b.w;
    gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
    colour = vec4(0.0);
    place = start;
    along = vec2(0.0);
    reach = half_width = 0.0;
    if (a_inside <= 0.0 && b_inside <= 0.0) return;
    if (a_inside < 0.0) from = a_inside / (a_inside - b_inside);
    if (b_inside < 0.0) to = a_inside / (a_inside - b_inside);
    vec4 first = mix(a, b, from), last = mix(a, b, to);

    vec2 first_pixel = 0.5 * size * first.xy / first.w, last_pixel = 0.5 * size * last.xy / last.w;
    vec2 way = last_pixel - first_pixel;
    reach = length(way);
    vec2 forward = reach > 1e-4 ? way / reach : vec2(1.0, 0.0);
    vec2 sideways = vec2(-forward.y, forward.x);
    half_width = 0.5 * width * widen;
    float margin = max(half_width, 0.5) + 0.5;  // as far as the fragment shader's soft edge goes
    bool at_last = gl_VertexID >= 2;
    float side = (gl_VertexID & 1) == 0 ? -1.0 : 1.0;
    vec4 point = at_last ? last : first;
    vec2 pixel = (at_last ? last_pixel + margin * forward : first_pixel - margin * forward) + side * margin * sideways;
    gl_Position = vec4(pixel / (0.5 * size) * point.w, point.z - lift * point.w, point.w);
    along = vec2(at_last ? reach + margin : -margin, side * margin);
    float share = at_last ? to : from;
    colour = mix(start_colour, end_colour, share);
    place = mix(start, end, share);
    colour.a *= 1.0 - 0.5 * smoothstep(haze.x, haze.y, distance(place, viewer));
}
