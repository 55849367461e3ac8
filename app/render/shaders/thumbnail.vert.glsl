#version 330 core
// A photo in the image plane of its frustum. One instance per frame.

uniform mat4 to_clip;
uniform vec3 viewer;
uniform float depth;

in vec3 centre;
in vec3 right;
in vec3 down;
in vec3 forward;
in vec2 image_plane;  // half width and half height at depth 1
in float layer;

out vec3 texel;
out float light;

void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    vec2 tangent = (2.0 * corner - 1.0) * image_plane;
    vec3 place = centre + depth * (forward + tangent.x * right + tangent.y * down);
    gl_Position = to_clip * vec4(place, 1.0);
    texel = vec3(corner, layer);
    // bright when seen from the camera's side, dim from the scene's side, where its back is seen
    float facing = dot(normalize(place - viewer), forward);
    light = facing > 0.0 ? 0.6 + 0.3 * facing : 0.3 - 0.1 * facing;
}
