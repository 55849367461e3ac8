"""Compiled: Gaussians projected into a pinhole camera, and the gradient of that.

A projected Gaussian has nine numbers: mean x, y in pixels; a, b, c of its inverse covariance [[a, b], [b, c]];
opacity; R, G, B. The covariance is that of the projection's linear part at the mean (EWA splatting), plus `DILATION`.

Reference:
    Zwicker et al., EWA Splatting, 2002; Kerbl et al., 2023, section 4 and appendix A.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from engine.export.splats.gaussians import CONSTANT_HARMONIC, LINEAR_HARMONIC

DILATION = 0.3  # square pixels, added to both variances, as viewers of 3DGS files do: none is smaller than a pixel
MARGIN = 1.3  # of half the picture: farther outside, the linear part is that at this margin, as in 3DGS
LEAST_ALPHA = 1 / 255  # smaller contributions are not drawn, as in 3DGS


@njit(error_model="numpy")
def _rotation(w, x, y, z):
    """The rotation matrix, row by row, of a unit quaternion."""
    return (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )


@njit(error_model="numpy")
def _clamped(slope, limit):
    return min(max(slope, -limit), limit)


@njit(error_model="numpy")
def _factors(row, pose, lens, x, y, z, limit_x, limit_y):
    """The linear part of the projection in world axes (2 x 3), the Gaussian's rotation, and the product of the former
    with its axes, each as long as the standard deviation (2 x 3): the projected covariance is this times its
    transpose."""
    fx, fy = lens[0] / z, lens[1] / z
    slope_x, slope_y = _clamped(x / z, limit_x), _clamped(y / z, limit_y)
    u = (
        fx * (pose[0, 0] - slope_x * pose[2, 0]),
        fx * (pose[0, 1] - slope_x * pose[2, 1]),
        fx * (pose[0, 2] - slope_x * pose[2, 2]),
    )
    v = (
        fy * (pose[1, 0] - slope_y * pose[2, 0]),
        fy * (pose[1, 1] - slope_y * pose[2, 1]),
        fy * (pose[1, 2] - slope_y * pose[2, 2]),
    )
    length = math.sqrt(row[6] ** 2 + row[7] ** 2 + row[8] ** 2 + row[9] ** 2)
    r = _rotation(row[6] / length, row[7] / length, row[8] / length, row[9] / length)
    s = (math.exp(row[3]), math.exp(row[4]), math.exp(row[5]))
    p = (
        (u[0] * r[0][0] + u[1] * r[1][0] + u[2] * r[2][0]) * s[0],
        (u[0] * r[0][1] + u[1] * r[1][1] + u[2] * r[2][1]) * s[1],
        (u[0] * r[0][2] + u[1] * r[1][2] + u[2] * r[2][2]) * s[2],
    )
    q = (
        (v[0] * r[0][0] + v[1] * r[1][0] + v[2] * r[2][0]) * s[0],
        (v[0] * r[0][1] + v[1] * r[1][1] + v[2] * r[2][1]) * s[1],
        (v[0] * r[0][2] + v[1] * r[1][2] + v[2] * r[2][2]) * s[2],
    )
    return u, v, r, s, length, p, q


@njit(error_model="numpy")
def _in_camera(row, pose):
    """The mean in camera axes."""
    return (
        pose[0, 0] * row[0] + pose[0, 1] * row[1] + pose[0, 2] * row[2] + pose[0, 3],
        pose[1, 0] * row[0] + pose[1, 1] * row[1] + pose[1, 2] * row[2] + pose[1, 3],
        pose[2, 0] * row[0] + pose[2, 1] * row[1] + pose[2, 2] * row[2] + pose[2, 3],
    )


@njit(error_model="numpy")
def _towards(row, eye):
    """Unit direction from the camera to the Gaussian, and the distance."""
    x, y, z = row[0] - eye[0], row[1] - eye[1], row[2] - eye[2]
    distance = max(math.sqrt(x * x + y * y + z * z), 1e-12)
    return x / distance, y / distance, z / distance, distance


@njit(error_model="numpy")
def _colour(row, channel, x, y, z):
    """Before it is cut off at 0."""
    linear = -y * row[14 + channel] + z * row[17 + channel] - x * row[20 + channel]
    return 0.5 + CONSTANT_HARMONIC * row[11 + channel] + LINEAR_HARMONIC * linear


@njit(error_model="numpy")
def _project_one(row, pose, eye, lens, width, height, nearest, made, bound):
    """One Gaussian of `project`; returns its depth."""
    limit_x, limit_y = MARGIN * 0.5 * width / lens[0], MARGIN * 0.5 * height / lens[1]
    x, y, z = _in_camera(row, pose)
    opacity = 1 / (1 + math.exp(-row[10]))
    if z <= nearest or opacity <= LEAST_ALPHA:
        return z
    _, _, _, _, _, p, q = _factors(row, pose, lens, x, y, z, limit_x, limit_y)
    xx = p[0] * p[0] + p[1] * p[1] + p[2] * p[2] + DILATION
    xy = p[0] * q[0] + p[1] * q[1] + p[2] * q[2]
    yy = q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + DILATION
    determinant = xx * yy - xy * xy
    column, line = lens[0] * x / z + lens[2], lens[1] * y / z + lens[3]
    reach = 2 * math.log(opacity / LEAST_ALPHA)  # in the metric of the inverse covariance
    half_width, half_height = math.sqrt(reach * xx), math.sqrt(reach * yy)
    left, right = column - half_width - 0.5, column + half_width + 0.5
    top, bottom = line - half_height - 0.5, line + half_height + 0.5
    if not (determinant > 0 and right > 0 and left < width and bottom > 0 and top < height):
        return z
    bound[0], bound[1] = max(math.ceil(left), 0), min(math.floor(right), width)
    bound[2], bound[3] = max(math.ceil(top), 0), min(math.floor(bottom), height)
    made[0], made[1] = column, line
    made[2], made[3], made[4] = yy / determinant, -xy / determinant, xx / determinant
    made[5] = opacity
    dx, dy, dz, _ = _towards(row, eye)
    for channel in range(3):
        made[6 + channel] = max(_colour(row, channel, dx, dy, dz), 0.0)
    return z


@njit(parallel=True, cache=True, error_model="numpy")
def project(rows, pose, eye, lens, width, height, nearest, projected, depths, bounds):
    """Writes the projected Gaussians, their depths, and the pixels [x0, x1) x [y0, y1) that they may touch.

    The bounds of what is not visible are empty, and the rest of it is not written.

    Args:
        rows: Float32 (gaussians, 23).
        pose: world-to-camera, Float32 (3, 4).
        eye: centre of the camera, Float32 (3).
        lens: fx, fy, cx, cy in pixels, Float32 (4).
        width, height: pixels.
        nearest: depth up to which nothing is visible.
        projected: Float32 (gaussians, 9), written.
        depths: Float32 (gaussians), written.
        bounds: Int32 (gaussians, 4), written.
    """
    for index in prange(len(rows)):
        bounds[index] = 0
        depths[index] = _project_one(
            rows[index], pose, eye, lens, width, height, nearest, projected[index], bounds[index]
        )


@njit(error_model="numpy")
def _add_quaternion(out, row, length, by):
    """The gradient by the quaternion; `by` is that by the columns of the rotation matrix (first index: column)."""
    w, x, y, z = row[6] / length, row[7] / length, row[8] / length, row[9] / length
    by_w = 2 * (x * (by[1][2] - by[2][1]) + y * (by[2][0] - by[0][2]) + z * (by[0][1] - by[1][0]))
    by_x = 2 * (
        y * (by[1][0] + by[0][1])
        + z * (by[2][0] + by[0][2])
        + w * (by[1][2] - by[2][1])
        - 2 * x * (by[1][1] + by[2][2])
    )
    by_y = 2 * (
        x * (by[1][0] + by[0][1])
        + z * (by[2][1] + by[1][2])
        + w * (by[2][0] - by[0][2])
        - 2 * y * (by[0][0] + by[2][2])
    )
    by_z = 2 * (
        x * (by[2][0] + by[0][2])
        + y * (by[2][1] + by[1][2])
        + w * (by[0][1] - by[1][0])
        - 2 * z * (by[0][0] + by[1][1])
    )
    along = by_w * w + by_x * x + by_y * y + by_z * z
    out[6], out[7] = (by_w - along * w) / length, (by_x - along * x) / length
    out[8], out[9] = (by_y - along * y) / length, (by_z - along * z) / length


@njit(error_model="numpy")
def _differentiate_one(row, pose, eye, lens, width, height, above, out):
    """One Gaussian of `differentiate_projection`; returns its largest weight in a pixel."""
    limit_x, limit_y = MARGIN * 0.5 * width / lens[0], MARGIN * 0.5 * height / lens[1]
    by_column = by_line = by_a = by_b = by_c = by_opacity = weight = 0.0
    red = green = blue = 0.0
    for one in above:
        weight = max(weight, one[9])
        by_column, by_line = by_column + one[0], by_line + one[1]
        by_a, by_b, by_c = by_a + one[2], by_b + one[3], by_c + one[4]
        by_opacity += one[5]
        red, green, blue = red + one[6], green + one[7], blue + one[8]
    if weight == 0.0:
        return weight
    x, y, z = _in_camera(row, pose)
    u, v, r, s, length, p, q = _factors(row, pose, lens, x, y, z, limit_x, limit_y)
    xx = p[0] * p[0] + p[1] * p[1] + p[2] * p[2] + DILATION
    xy = p[0] * q[0] + p[1] * q[1] + p[2] * q[2]
    yy = q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + DILATION
    determinant = xx * yy - xy * xy
    a, b, c = yy / determinant, -xy / determinant, xx / determinant
    # By the covariance: -inverse G inverse, G the symmetric gradient by the inverse (by_b counts both of its b).
    half = 0.5 * by_b
    ga, gb = a * by_a + b * half, a * half + b * by_c
    gc, gd = b * by_a + c * half, b * half + c * by_c
    by_xx, by_xy, by_yy = -(ga * a + gb * b), -(ga * b + gb * c), -(gc * b + gd * c)
    # By the linear part and the standard deviations and rotation.
    by_u0 = by_u1 = by_u2 = by_v0 = by_v1 = by_v2 = 0.0
    by_rotation = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    for axis in range(3):
        by_p = 2 * (by_xx * p[axis] + by_xy * q[axis])
        by_q = 2 * (by_xy * p[axis] + by_yy * q[axis])
        out[3 + axis] = by_p * p[axis] + by_q * q[axis]
        by_p, by_q = by_p * s[axis], by_q * s[axis]
        by_u0, by_v0 = by_u0 + by_p * r[0][axis], by_v0 + by_q * r[0][axis]
        by_u1, by_v1 = by_u1 + by_p * r[1][axis], by_v1 + by_q * r[1][axis]
        by_u2, by_v2 = by_u2 + by_p * r[2][axis], by_v2 + by_q * r[2][axis]
        added = (by_p * u[0] + by_q * v[0], by_p * u[1] + by_q * v[1], by_p * u[2] + by_q * v[2])
        if axis == 0:
            by_rotation = (added, by_rotation[1], by_rotation[2])
        elif axis == 1:
            by_rotation = (by_rotation[0], added, by_rotation[2])
        else:
            by_rotation = (by_rotation[0], by_rotation[1], added)
    _add_quaternion(out, row, length, by_rotation)
    # By the mean, through the linear part and through the projected mean.
    fx, fy = lens[0] / z, lens[1] / z
    slope_x, slope_y = _clamped(x / z, limit_x), _clamped(y / z, limit_y)
    by_slope_x = -fx * (by_u0 * pose[2, 0] + by_u1 * pose[2, 1] + by_u2 * pose[2, 2])
    by_slope_y = -fy * (by_v0 * pose[2, 0] + by_v1 * pose[2, 1] + by_v2 * pose[2, 2])
    by_z = -(by_u0 * u[0] + by_u1 * u[1] + by_u2 * u[2] + by_v0 * v[0] + by_v1 * v[1] + by_v2 * v[2]) / z
    by_x, by_y = by_column * fx, by_line * fy
    if slope_x == x / z:
        by_x += by_slope_x / z
        by_z -= by_slope_x * slope_x / z
    if slope_y == y / z:
        by_y += by_slope_y / z
        by_z -= by_slope_y * slope_y / z
    by_z -= (by_column * fx * x + by_line * fy * y) / z
    opacity = 1 / (1 + math.exp(-row[10]))
    out[10] = by_opacity * opacity * (1 - opacity)
    # By the colour, and through its direction by the mean.
    dx, dy, dz, distance = _towards(row, eye)
    by_dx = by_dy = by_dz = 0.0
    for channel in range(3):
        given = red if channel == 0 else (green if channel == 1 else blue)
        if _colour(row, channel, dx, dy, dz) <= 0:
            continue
        out[11 + channel] = CONSTANT_HARMONIC * given
        given *= LINEAR_HARMONIC
        out[14 + channel], out[17 + channel], out[20 + channel] = -dy * given, dz * given, -dx * given
        by_dx -= given * row[20 + channel]
        by_dy -= given * row[14 + channel]
        by_dz += given * row[17 + channel]
    along = by_dx * dx + by_dy * dy + by_dz * dz
    out[0] = pose[0, 0] * by_x + pose[1, 0] * by_y + pose[2, 0] * by_z + (by_dx - along * dx) / distance
    out[1] = pose[0, 1] * by_x + pose[1, 1] * by_y + pose[2, 1] * by_z + (by_dy - along * dy) / distance
    out[2] = pose[0, 2] * by_x + pose[1, 2] * by_y + pose[2, 2] * by_z + (by_dz - along * dz) / distance
    return weight


@njit(parallel=True, cache=True, error_model="numpy")
def differentiate_projection(rows, pose, eye, lens, width, height, first, above, gradient, weights):
    """The gradient by the Gaussians' parameters, of the gradient by what was projected.

    Args:
        rows, pose, eye, lens, width, height: as of `project`.
        first: Int64 (gaussians + 1): a Gaussian's rows of `above` are those from its number to the next.
        above: Float32 (entries, 10): gradients by the nine projected numbers, summed here; and the largest weight.
        gradient: Float32 (gaussians, 23), written; zeros where there are no rows.
        weights: Float32 (gaussians), written: the largest weight in a pixel; 0 where there is none.
    """
    for index in prange(len(rows)):
        gradient[index] = 0
        weights[index] = _differentiate_one(
            rows[index], pose, eye, lens, width, height, above[first[index] : first[index + 1]], gradient[index]
        )


@njit(parallel=True, cache=True, error_model="numpy")
def step_adam(rows, gradient, weights, first_moment, second_moment, counts, rates, sizes, beta1, beta2):
    """One step of Adam of those Gaussians that were seen; the others keep their moments.

    Args:
        rows: Float32 (gaussians, 23), changed.
        gradient: Float32 (gaussians, 23).
        weights: Float32 (gaussians): 0 for those that were not seen.
        first_moment, second_moment: Float32 (gaussians, 23), changed.
        counts: Int32 (gaussians), changed: how often each was seen.
        rates: Float32 (23): learning rates.
        sizes: Float32 (gaussians): the unit of the rates of positions.
        beta1, beta2: decay of the moments.
    """
    for index in prange(len(rows)):
        if weights[index] == 0.0:
            continue
        counts[index] += 1
        unbiased1, unbiased2 = 1 / (1 - beta1 ** counts[index]), 1 / (1 - beta2 ** counts[index])
        for column in range(23):
            slope = gradient[index, column]
            first = beta1 * first_moment[index, column] + (1 - beta1) * slope
            second = beta2 * second_moment[index, column] + (1 - beta2) * slope * slope
            first_moment[index, column], second_moment[index, column] = first, second
            rate = rates[column] * (sizes[index] if column < 3 else np.float32(1.0))
            rows[index, column] -= rate * first * unbiased1 / (math.sqrt(second * unbiased2) + 1e-15)
