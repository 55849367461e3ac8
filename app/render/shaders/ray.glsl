// A ray in the lattice: the line `start + s * step` with s in [0, 1], in a box as well as in projective space. In a
// contracted volume it is a few straight pieces (engine/fields/contraction/pieces.py).

struct Line {
    vec3 start;
    vec3 step;
    vec2 depths;   // in a box: where s is 0 and 1, in multiples of the ray's direction
    float skipped; // in projective space: the part of the engine's s that lies behind the camera
    float length;  // of all pieces together, in a contracted volume
    bool meets;
};

const int PIECES = 7;
const int INSIDE = 6;          // number of the function that is 1 everywhere: where it is the largest, a point is in the box
const float SHORTEST = 1e-4;   // units of the box: shorter pieces are left out
const float ENDLESS = 1e30;
const float LEAST_LEFT = 1e-3; // of the last piece: depths end there

// The pieces of the present ray: `begins + s * steps` until s is `ends`; `depths` are (first, rate, ratio) of the engine.
vec3 piece_begins[PIECES];
vec3 piece_steps[PIECES];
vec3 piece_depths[PIECES];
float piece_ends[PIECES];
int last_piece;
int piece; // the one that the sample before lay in; `rewind` before another walk along the ray

// One of the seven functions of which the largest says how a point is contracted: value at depth 0, and slope.
vec2 affine(vec3 origin, vec3 direction, int number) {
    if (number == INSIDE) return vec2(1.0, 0.0);
    int axis = number / 2;
    return (number % 2 == 0 ? 1.0 : -1.0) * vec2(origin[axis], direction[axis]);
}

// Where a point lies in the contracted cube, with the infinitely far one at depth ENDLESS; its maximum norm in w.
vec4 place_of(vec3 origin, vec3 direction, float depth, int number) {
    bool endless = depth >= ENDLESS;
    vec3 point = endless ? direction : origin + depth * direction;
    if (number == INSIDE) return vec4(point, 1.0);
    int axis = number / 2;
    float sign = number % 2 == 0 ? 1.0 : -1.0;
    float size = sign * point[axis];
    vec3 placed = point / size;
    placed[axis] = sign * (1.0 + outer * (1.0 - (endless ? 0.0 : 1.0 / size)));
    return vec4(placed, size);
}

// Cuts a ray, given in units of the box, into its pieces; returns their length in the lattice.
float cut(vec3 origin, vec3 direction) {
    float depth = nearest, total = 0.0;
    int number = INSIDE, count = 0;
    float largest = 1.0;
    for (int other = 0; other < INSIDE; ++other) {
        vec2 line = affine(origin, direction, other);
        float value = line.x + depth * line.y;
        if (value > largest) {
            largest = value;
            number = other;
        }
    }
    for (int turn = 0; turn < PIECES; ++turn) {
        vec2 line = affine(origin, direction, number);
        float stop = ENDLESS, steepest = -ENDLESS;
        int following = number;
        for (int other = 0; other <= INSIDE; ++other) {
            vec2 next = affine(origin, direction, other);
            if (next.y > line.y) {
                float crossing = max((line.x - next.x) / (next.y - line.y), depth);
                if (crossing < stop || (crossing == stop && next.y > steepest)) {
                    stop = crossing;
                    following = other;
                    steepest = next.y;
                }
            }
        }
        if (stop > depth) {
            vec4 begin = place_of(origin, direction, depth, number), finish = place_of(origin, direction, stop, number);
            float span = distance(begin.xyz, finish.xyz);
            if (span > SHORTEST) {
                piece_begins[count] = begin.xyz;
                piece_steps[count] = finish.xyz - begin.xyz;
                piece_depths[count] = stop >= ENDLESS
                    ? vec3(depth, begin.w / line.y, 0.0)
                    : vec3(depth, begin.w * (stop - depth) / finish.w, begin.w / finish.w);
                piece_ends[count] = span;
                total += span;
                ++count;
            }
        }
        if (stop >= ENDLESS) break;
        depth = stop;
        number = following;
    }
    last_piece = count - 1;
    float passed = 0.0;
    for (int k = 0; k < count; ++k) {
        float share = piece_ends[k] / total;
        vec3 step = piece_steps[k] / share;
        piece_begins[k] = in_lattice(piece_begins[k] - passed * step);
        piece_steps[k] = step / (2.0 * (1.0 + outer));
        passed += share;
        piece_ends[k] = passed;
    }
    return total / (2.0 * (1.0 + outer));
}

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
    } else if (CONTRACTED) {
        line.length = cut((origin - box_centre) / box_half_extent, direction / box_half_extent);
        line.meets = last_piece >= 0;
    } else {
        line.depths = box_span(origin, direction);
        line.meets = line.depths.y > line.depths.x;
        vec3 corner = box_centre - box_half_extent;
        line.start = (origin + direction * line.depths.x - corner) / (2.0 * box_half_extent);
        line.step = direction * (line.depths.y - line.depths.x) / (2.0 * box_half_extent);
    }
    return line;
}

// Begins another walk along the ray, from s = 0.
void rewind() {
    piece = 0;
}

// The position at s, which does not decrease along a walk.
vec3 position_at(Line line, float s) {
    if (!CONTRACTED) return line.start + s * line.step;
    while (piece < last_piece && s > piece_ends[piece]) ++piece;
    return piece_begins[piece] + s * piece_steps[piece];
}

// The factor by which density is multiplied for the whole of s: density counts per spacing of voxels.
float optical_length(Line line, ivec3 size) {
    if (PROJECTIVE) return float(size.z) * (1.0 - line.skipped);
    return (CONTRACTED ? line.length : length(line.step)) * float(size.z - 1);
}

// Depth at s, in multiples of the direction.
float depth_at(Line line, float s, vec3 origin, vec3 direction) {
    if (CONTRACTED) {
        int k = 0;
        while (k < last_piece && s > piece_ends[k]) ++k;
        float begin = k > 0 ? piece_ends[k - 1] : 0.0;
        float along = clamp((s - begin) / (piece_ends[k] - begin), 0.0, 1.0);
        vec3 depths = piece_depths[k];
        return depths.x + depths.y * along / max(1.0 - along + depths.z * along, LEAST_LEFT);
    }
    if (!PROJECTIVE) return mix(line.depths.x, line.depths.y, s);
    float disparity = (1.0 - s) * (1.0 - line.skipped);
    return (1.0 / max(disparity, FARTHEST_DISPARITY) - origin.z) / max(direction.z, 1e-3);
}

bool outside(vec3 position, vec3 size) {
    vec3 border = BORDER / (size - 1.0);
    return any(lessThan(position, -border)) || any(greaterThan(position, 1.0 + border));
}
