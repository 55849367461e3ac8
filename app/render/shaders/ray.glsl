// A ray in the lattice: the line `start + s * step` with s in [0, 1], in a box as well as in projective space.

struct Line {
    vec3 start;
    vec3 step;
    vec2 depths;   // in a box: where s is 0 and 1, in multiples of the ray's direction
    float skipped; // in projective space: the part of the engine's s that lies behind the camera
    bool meets;
};

Line line_of(vec3 origin, vec3 direction) {
    Line line;
    line.skipped = 0.0;
    if (PROJECTIVE) {
        line.meets = direction.z > 1e-6;
        vec2 far = direction.xy / direction.z;       // where the ray meets the plane at infinity
        vec2 slope = origin.xy - far * origin.z;     // per unit of disparity
        line.start = vec3(((far + slope) / extent + 1.0) / 2.0, 1.0);
        line.step = vec3(-slope / extent / 2.0, -1.0);
        line.skipped = origin.z > 1.0 ? 1.0 - 1.0 / origin.z : 0.0;
        line.start += line.skipped * line.step;
        line.step *= 1.0 - line.skipped;
    } else {
        line.depths = box_span(origin, direction);
        line.meets = line.depths.y > line.depths.x;
        vec3 corner = box_centre - box_half_extent;
        line.start = (origin + direction * line.depths.x - corner) / (2.0 * box_half_extent);
        line.step = direction * (line.depths.y - line.depths.x) / (2.0 * box_half_extent);
    }
    return line;
}

// The factor by which density is multiplied for the whole of s: density counts per spacing of voxels.
float optical_length(Line line, ivec3 size) {
    return PROJECTIVE ? float(size.z) * (1.0 - line.skipped) : length(line.step) * float(size.z - 1);
}

// Depth at s, in multiples of the direction.
float depth_at(Line line, float s, vec3 origin, vec3 direction) {
    if (!PROJECTIVE) return mix(line.depths.x, line.depths.y, s);
    float disparity = (1.0 - s) * (1.0 - line.skipped);
    return (1.0 / max(disparity, FARTHEST_DISPARITY) - origin.z) / max(direction.z, 1e-3);
}

bool outside(vec3 position, vec3 size) {
    vec3 border = BORDER / (size - 1.0);
    return any(lessThan(position, -border)) || any(greaterThan(position, 1.0 + border));
}
