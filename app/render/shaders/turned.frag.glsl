#version 330 core

// A picture upside down: OpenGL draws from the bottom, pictures are read from the top.

uniform sampler2D picture;
uniform vec2 size;

layout(location = 0) out vec4 result;

void main() {
    vec2 at = gl_FragCoord.xy / size;
    result = vec4(texture(picture, vec2(at.x, 1.0 - at.y)).rgb, 1.0);
}
