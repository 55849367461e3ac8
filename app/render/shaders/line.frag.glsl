#version 330 core
// Round ends and soft edges: how much of the pixel the line covers.

uniform float strength;  // opacity of them all
uniform vec4 fade;  // centre and radius of what fades out towards its border; radius 0: nothing does

uniform vec3 viewer;
uniform vec2 haze;     // distances from the viewer where lines begin to grow fainter, and are faintest

in vec4 colour;
in vec3 place;
noperspective in vec2 along;
flat in float reach;
flat in float half_width;

out vec4 shade;

void main() {
    float beyond = max(max(-along.x, along.x - reach), 0.0);
    float apart = length(vec2(beyond, along.y));
    // a line thinner than a pixel gets fainter, not narrower
    float coverage = clamp(max(half_width, 0.5) + 0.5 - apart, 0.0, 1.0) * min(2.0 * half_width, 1.0);
    float alpha = strength * colour.a * coverage;
    alpha *= 1.0 - 0.5 * smoothstep(haze.x, haze.y, distance(place, viewer));
    if (fade.w > 0.0) alpha *= 1.0 - smoothstep(0.35, 1.0, distance(place, fade.xyz) / fade.w);
    if (alpha < 0.02) discard;
    shade = vec4(colour.rgb, alpha);
}
