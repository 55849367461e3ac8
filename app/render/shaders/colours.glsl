// Perceptually even colour maps: viridis and magma of matplotlib (CC0), in 17 stops, from dark to light.

const vec3 VIRIDIS[17] = vec3[17](
    vec3(0.267, 0.005, 0.329),
    vec3(0.282, 0.095, 0.417),
    vec3(0.279, 0.175, 0.483),
    vec3(0.259, 0.252, 0.525),
    vec3(0.230, 0.322, 0.546),
    vec3(0.199, 0.388, 0.555),
    vec3(0.173, 0.449, 0.558),
    vec3(0.149, 0.508, 0.557),
    vec3(0.128, 0.567, 0.551),
    vec3(0.121, 0.626, 0.533),
    vec3(0.158, 0.684, 0.502),
    vec3(0.246, 0.739, 0.452),
    vec3(0.369, 0.789, 0.383),
    vec3(0.516, 0.831, 0.294),
    vec3(0.678, 0.864, 0.190),
    vec3(0.846, 0.887, 0.100),
    vec3(0.993, 0.906, 0.144)
);

const vec3 MAGMA[17] = vec3[17](
    vec3(0.001, 0.000, 0.014),
    vec3(0.040, 0.031, 0.134),
    vec3(0.113, 0.065, 0.277),
    vec3(0.212, 0.062, 0.419),
    vec3(0.317, 0.072, 0.485),
    vec3(0.415, 0.110, 0.505),
    vec3(0.513, 0.148, 0.508),
    vec3(0.614, 0.182, 0.499),
    vec3(0.716, 0.215, 0.475),
    vec3(0.817, 0.256, 0.436),
    vec3(0.904, 0.320, 0.388),
    vec3(0.961, 0.418, 0.360),
    vec3(0.987, 0.536, 0.382),
    vec3(0.996, 0.654, 0.446),
    vec3(0.997, 0.770, 0.535),
    vec3(0.992, 0.884, 0.640),
    vec3(0.987, 0.991, 0.750)
);

// Near is light, far is dark; t in [0, 1] from near to far.
vec3 depth_colour(float t) {
    float x = (1.0 - clamp(t, 0.0, 1.0)) * 16.0;
    int stop = min(int(x), 15);
    return mix(VIRIDIS[stop], VIRIDIS[stop + 1], x - float(stop));
}

// No difference is dark; t in [0, 1].
vec3 residual_colour(float t) {
    float x = clamp(t, 0.0, 1.0) * 16.0;
    int stop = min(int(x), 15);
    return mix(MAGMA[stop], MAGMA[stop + 1], x - float(stop));
}
