// The field as a volume, as documented in `engine.fields.baking.FieldVolume`.
//
// Positions are normalised lattice coordinates: 0 at the first voxel's centre, 1 at the last one's, whatever the
// number of voxels. `place` turns them into texture coordinates.

uniform sampler3D voxels;     // raw density, raw RGB
uniform sampler3D tint_red;   // directional coefficients
uniform sampler3D tint_green;
uniform sampler3D tint_blue;
uniform sampler3D proposals;  // density, pooled over blocks, by which intervals are placed
uniform vec2 extent;          // half width and half height at z = 1 of a projective volume
uniform vec3 box_centre;
uniform float box_half_extent;
uniform float outer;          // width of what lies outside the box in a contracted volume, in half edges of the box; else 0
uniform float nearest;        // depth at which rays begin there

const float FARTHEST_DISPARITY = 1e-3;  // depths end at a thousand scene units
const float BORDER = 1e-3;              // voxels by which a sample may lie outside a box

float softplus(float x) {
    return x > 15.0 ? x : log(1.0 + exp(x));
}

vec3 sigmoid(vec3 x) {
    return 1.0 / (1.0 + exp(-x));
}

vec3 place(vec3 position, sampler3D volume) {
    vec3 size = vec3(textureSize(volume, 0));
    return (position * (size - 1.0) + 0.5) / size;
}

vec4 raw_at(vec3 position) {
    return textureLod(voxels, place(position, voxels), 0.0);
}

float pooled_at(vec3 position) {
    return textureLod(proposals, place(position, proposals), 0.0).r;
}

vec3 tint_at(vec3 position, vec3 direction) {
    vec3 at = place(position, tint_red);
    return vec3(
        dot(textureLod(tint_red, at, 0.0).rgb, direction),
        dot(textureLod(tint_green, at, 0.0).rgb, direction),
        dot(textureLod(tint_blue, at, 0.0).rgb, direction)
    );
}

// From units of the box, its middle at 0, to normalised lattice coordinates.
vec3 in_lattice(vec3 position) {
    return (position + 1.0 + outer) / (2.0 * (1.0 + outer));
}

// Entry and exit of a ray, in multiples of its direction, never behind the origin; exit < entry where it misses.
vec2 box_span(vec3 origin, vec3 direction) {
    vec3 safe = mix(direction, vec3(1e-9), lessThan(abs(direction), vec3(1e-9)));
    vec3 one = (box_centre - box_half_extent - origin) / safe;
    vec3 other = (box_centre + box_half_extent - origin) / safe;
    vec3 near = min(one, other), far = max(one, other);
    return vec2(max(max(near.x, near.y), max(near.z, 0.0)), min(far.x, min(far.y, far.z)));
}
