"""OpenCV's radial and tangential lens distortion on the image plane z = 1, and its inverse."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

_NEWTON_STEPS = 12  # near the solution each doubles the correct digits; strong lenses need a few before that
_MINIMUM_DETERMINANT = 0.05  # of the Jacobian; below it distinct points map to one, and the model has no inverse


def distort(points: Float[Tensor, "*#batch 2"], distortion: Float[Tensor, "*#batch 4"]) -> Float[Tensor, "*batch 2"]:
    r"""The positions to which a lens moves ideal image-plane points.

    .. math:: x' = x (1 + k_1 r^2 + k_2 r^4) + 2 p_1 x y + p_2 (r^2 + 2 x^2) \\
        y' = y (1 + k_1 r^2 + k_2 r^4) + p_1 (r^2 + 2 y^2) + 2 p_2 x y

    Args:
        points: ideal coordinates (x, y) on the plane z = 1.
        distortion: k1, k2, p1, p2.
    Returns:
        distorted coordinates on the same plane.
    Reference:
        OpenCV, Camera Calibration and 3D Reconstruction; COLMAP's OPENCV camera model.
    """
    x, y = points.unbind(-1)
    k1, k2, p1, p2 = distortion.unbind(-1)
    squared = x * x + y * y
    radial = 1 + squared * (k1 + squared * k2)
    twice = 2 * x * y
    distorted_x = x * radial + p1 * twice + p2 * (squared + 2 * x * x)
    distorted_y = y * radial + p2 * twice + p1 * (squared + 2 * y * y)
    return torch.stack([distorted_x, distorted_y], dim=-1)


def undistort(points: Float[Tensor, "*#batch 2"], distortion: Float[Tensor, "*#batch 4"]) -> Float[Tensor, "*batch 2"]:
    """The ideal image-plane points that a lens moves to the given ones: the inverse of `distort`.

    Newton's iterations without an autograd graph, then one more step with one, which gives the gradients with respect
    to points and distortion (implicit function theorem). With zero distortion the points are returned unchanged. Where
    the determinant of the Jacobian of `distort` is not positive there is no inverse; the values are finite there and
    otherwise arbitrary.

    Args:
        points: distorted coordinates on the plane z = 1.
        distortion: k1, k2, p1, p2.
    Returns:
        ideal coordinates on the same plane.
    """
    with torch.no_grad():
        ideal = points + torch.zeros_like(distortion[..., :1])
        for _ in range(_NEWTON_STEPS):
            ideal = ideal - _newton_step(ideal, distort(ideal, distortion) - points, distortion)
    return ideal - _newton_step(ideal, distort(ideal, distortion) - points, distortion)


def _newton_step(ideal: Tensor, difference: Tensor, distortion: Tensor) -> Tensor:
    """J^-1 of the difference, J being the Jacobian of `distort` (symmetric), held constant."""
    with torch.no_grad():
        x, y = ideal.unbind(-1)
        k1, k2, p1, p2 = distortion.unbind(-1)
        squared = x * x + y * y
        radial = 1 + squared * (k1 + squared * k2)
        slope = 2 * (k1 + 2 * squared * k2)  # of the factor along x: slope * x
        xx = radial + slope * x * x + 2 * p1 * y + 6 * p2 * x
        yy = radial + slope * y * y + 6 * p1 * y + 2 * p2 * x
        xy = slope * x * y + 2 * p1 * x + 2 * p2 * y
        determinant = (xx * yy - xy * xy).clamp(min=_MINIMUM_DETERMINANT)
    first, second = difference.unbind(-1)
    step = torch.stack([yy * first - xy * second, xx * second - xy * first], dim=-1)
    return step / determinant[..., None]
