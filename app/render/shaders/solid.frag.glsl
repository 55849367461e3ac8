#version 330 core

in vec4 colour;

out vec4 shade;

void main() {
    shade = colour;
}
