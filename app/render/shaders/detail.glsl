// The detail of a volume, as documented in `engine.fields.baking.FineVolume`: bricks of 9 x 9 x 9 voxels in an atlas.

uniform sampler3D bricks;        // raw density, raw RGB
uniform usampler3D brick_table;  // where the brick of a block lies, ten bits for each of x, y and z; 0: missing
uniform vec3 detail_size;        // of the lattice, voxels

const float SEAM = 1.0 / 512.0;  // voxels that a sample keeps from the ends of its brick, where rounding would cross them

// Where the atlas holds what lies at a position, in texture coordinates; false where the block is missing.
bool find_brick(vec3 position, out vec3 at) {
    vec3 voxel = clamp(position, 0.0, 1.0) * (detail_size - 1.0);
    ivec3 block = ivec3(min(voxel, detail_size - 2.0)) >> 3;
    uint found = texelFetch(brick_table, block, 0).r;
    vec3 place = vec3(uvec3(found, found >> 10u, found >> 20u) & 1023u);
    vec3 within = clamp(voxel - 8.0 * vec3(block), SEAM, 8.0 - SEAM);
    at = (9.0 * place + within + 0.5) / vec3(textureSize(bricks, 0));
    return found != 0u;
}

vec4 detail_at(vec3 at) {
    return textureLod(bricks, at, 0.0);
}
