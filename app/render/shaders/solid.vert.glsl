#version 330 core
// Lit triangles with a colour per corner: the gizmo's arrow heads, and meshes.

uniform mat4 to_clip;
uniform vec3 viewer;

in vec3 place;
in vec3 normal;
in vec4 tint;

out vec4 colour;

void main() {
    gl_Position = to_clip * vec4(place, 1.0);
    float facing = dot(normalize(viewer - place), normal);
    colour = vec4(tint.rgb * (0.65 + 0.35 * max(facing, 0.0)), tint.a);
}
