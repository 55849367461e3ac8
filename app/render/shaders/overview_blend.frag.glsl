#version 330 core

// The marched volume over what is drawn already, where it is not hidden by what is nearer.

uniform sampler2D overview;
uniform sampler2D overview_depths;
uniform sampler2D geometry_depth;
uniform vec2 size;
uniform vec2 clip_planes;  // near, far

layout(location = 0) out vec4 result;

void main() {
    vec2 at = gl_FragCoord.xy / size, top_first = vec2(at.x, 1.0 - at.y);
    vec4 volume = texture(overview, top_first);
    vec2 span = texture(overview_depths, top_first).xy;
    float normalised = texture(geometry_depth, at).r;
    float z = clip_planes.x * clip_planes.y / mix(clip_planes.y, clip_planes.x, normalised);
    float in_front = normalised >= 1.0 ? 1.0 : clamp((z - span.x) / max(span.y - span.x, 1e-4 * z), 0.0, 1.0);
    result = volume * in_front;
}
