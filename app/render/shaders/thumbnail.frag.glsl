#version 330 core

uniform sampler2DArray photos;

in vec3 texel;
in float light;

out vec4 shade;

void main() {
    shade = vec4(texture(photos, texel).rgb * light, 1.0);
}
