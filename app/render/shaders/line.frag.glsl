#version 330 core
// Round ends and soft edges: how much of the pixel the line covers. VEILED: a volume can hide it.

uniform float strength;  // opacity of all lines
uniform vec4 fade;       // centre and radius of what fades out towards its border; radius 0: no fading

#ifdef VEILED
uniform sampler2D volume;         // colour and opacity of what was drawn before, rows from the top
uniform sampler2D volume_depths;  // between which depths it is seen
uniform vec2 size;                // of the picture, pixels
#endif

in vec4 colour;
in vec3 place;
noperspective in vec2 along;
flat in float reach;
flat in float half_width;

out vec4 shade;

void main() {
    float beyond = max(max(-along.x, along.x - reach), 0.0);
    float apart = length(vec2(beyond, along.y));
    // a line thinner than a pixel becomes fainter, not narrower
    float coverage = clamp(max(half_width, 0.5) + 0.5 - apart, 0.0, 1.0) * min(2.0 * half_width, 1.0);
    float alpha = strength * colour.a * coverage;
    if (fade.w > 0.0) alpha *= 1.0 - smoothstep(0.35, 1.0, distance(place, fade.xyz) / fade.w);
#ifdef VEILED
    {
        vec2 at = vec2(gl_FragCoord.x, size.y - gl_FragCoord.y) / size, span = texture(volume_depths, at).xy;
        float depth = 1.0 / gl_FragCoord.w;
        float before = clamp((depth - span.x) / max(span.y - span.x, 1e-4 * depth), 0.0, 1.0);
        alpha *= 1.0 - texture(volume, at).a * before;
    }
#endif
    if (alpha < 0.02) discard;
    shade = vec4(colour.rgb, alpha);
}
