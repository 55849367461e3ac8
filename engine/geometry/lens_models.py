"""The lens models: what the columns of a distortion mean, and how each model projects a direction.

A distortion is a row of 4, 8, 12 or 13 numbers; those that are missing are zero. The first twelve are in OpenCV's
order, k1 k2 p1 p2 k3 k4 k5 k6 s1 s2 s3 s4, and the thirteenth is the number of the `LensModel`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import torch
from jaxtyping import Bool, Float
from torch import Tensor

LENGTHS = (4, 8, 12, 13)  # columns that a distortion may have
COEFFICIENTS = 12
MODEL = 12  # the column of the model's number
WIDEST_ANGLE = math.radians(80)  # from the axis: further out, points of the plane z = 1 lie too far out to work with
LARGEST_ANGLE = math.radians(85)  # that directions are computed of: they are finite


class LensModel(IntEnum):
    """How a lens maps directions to the image.

    With s the squared distance from the centre of what the projection gives, all but the last three apply a radial
    factor R(s), the tangential terms of p1, p2 and the thin prism's of s1 to s4.

    Attributes:
        PERSPECTIVE: R = (1 + k1 s + k2 s² + k3 s³) / (1 + k4 s + k5 s² + k6 s³); OpenCV's model, COLMAP's FULL_OPENCV.
        FISHEYE: equidistant, R = 1 + k1 s + ... + k6 s⁶ with s the squared angle from the axis: OpenCV's fisheye,
            COLMAP's OPENCV_FISHEYE and THIN_PRISM_FISHEYE (its sx1 is s1, its sy1 is s3).
        POLYNOMIAL: perspective with R = 1 + k1 s + ... + k6 s⁶.
        RAD_TAN_FISHEYE: FISHEYE whose tangential and prism terms are of the point after the radial factor: COLMAP's
            RAD_TAN_THIN_PRISM_FISHEYE.
        FOV: of Devernay & Faugeras; omega, radians, stands in the column of k1.
        DIVISION: of Fitzgibbon; k stands in the column of k1.
        EUCM: the enhanced unified camera model of Khomutenko et al.; alpha and beta stand in those of k1 and k2.
    """

    PERSPECTIVE = 0
    FISHEYE = 1
    POLYNOMIAL = 2
    RAD_TAN_FISHEYE = 3
    FOV = 4
    DIVISION = 5
    EUCM = 6

    @property
    def has_polynomial(self) -> bool:
        """Whether the columns hold coefficients of a radial factor and of tangential and prism terms."""
        return self <= LensModel.RAD_TAN_FISHEYE

    @property
    def is_perspective(self) -> bool:
        """Whether straight lines would be straight without the coefficients."""
        return self in (LensModel.PERSPECTIVE, LensModel.POLYNOMIAL)


def make_row(coefficients: Sequence[float], model: LensModel = LensModel.PERSPECTIVE) -> tuple[float, ...]:
    """The shortest row of a distortion with these coefficients in OpenCV's order (those at the end may be missing)."""
    row = [float(value) for value in coefficients]
    if model != LensModel.PERSPECTIVE:
        return (*row, *[0.0] * (COEFFICIENTS - len(row)), float(model))
    while row and row[-1] == 0:
        row.pop()
    length = next(length for length in LENGTHS if length >= len(row))
    return (*row, *[0.0] * (length - len(row)))


def stack_distortions(rows: Sequence[Sequence[float]]) -> Float[Tensor, "frames coefficients"]:
    """Rows of `make_row`, of different lengths, as one tensor."""
    longest = max((len(row) for row in rows), default=LENGTHS[0])
    return torch.tensor([[*row, *[0.0] * (longest - len(row))] for row in rows]).reshape(len(rows), longest)


def find_models(distortion: Float[Tensor, "*batch coefficients"]) -> tuple[LensModel, ...]:
    """The models that occur in a batch of distortions."""
    if distortion.shape[-1] <= MODEL or not distortion.numel():
        return (LensModel.PERSPECTIVE,)
    models = distortion[..., MODEL].detach().reshape(-1)
    if bool((models == models[0]).all()):
        return (LensModel(int(models[0])),)
    return tuple(LensModel(int(number)) for number in models.unique().tolist())


def has_model(distortion: Float[Tensor, "*batch coefficients"], model: LensModel) -> Bool[Tensor, "*batch"]:
    """Which rows are of a model."""
    if distortion.shape[-1] <= MODEL:
        return torch.full(distortion.shape[:-1], model == LensModel.PERSPECTIVE, device=distortion.device)
    return distortion[..., MODEL] == model


@dataclass(frozen=True)
class Projection:
    """A radial projection: it shows the point p of the plane z = 1 at forward(|p|²) p.

    The functions take squared distances (one per point) and the distortion.

    Attributes:
        forward: the factor.
        slope: its derivative by |p|².
        backward: the factor from the projected point, by its squared distance, to the plane.
    """

    forward: Callable[[Tensor, Tensor], Tensor]
    slope: Callable[[Tensor, Tensor], Tensor]
    backward: Callable[[Tensor, Tensor], Tensor]


def _arctangent_ratio(squared: Tensor) -> Tensor:
    """atan(r) / r of r²; differentiable at zero."""
    small = squared < 1e-6
    r = torch.where(small, torch.ones_like(squared), squared).sqrt()
    return torch.where(small, 1 - squared / 3 + squared * squared / 5, torch.atan(r) / r)


def _arctangent_slope(squared: Tensor) -> Tensor:
    """The derivative of `_arctangent_ratio` by r²."""
    small = squared < 1e-2
    s = torch.where(small, torch.ones_like(squared), squared)
    series = squared.new_tensor(-1 / 3).expand_as(squared)
    for power, term in enumerate((2 / 5, -3 / 7, 4 / 9, -5 / 11, 6 / 13), start=1):
        series = series + term * squared**power
    return torch.where(small, series, (1 / (1 + s) - _arctangent_ratio(s)) / (2 * s))


def _tangent_ratio(squared: Tensor) -> Tensor:
    """tan(a) / a of a²; beyond the largest angle its tangent is divided by a."""
    small = squared < 1e-6
    angle = torch.where(small, torch.ones_like(squared), squared).sqrt()
    series = 1 + squared / 3 + 2 * squared * squared / 15
    return torch.where(small, series, torch.tan(angle.clamp(max=LARGEST_ANGLE)) / angle)


def _fov_scale(distortion: Tensor) -> tuple[Tensor, Tensor]:
    """omega, and 2 tan(omega / 2) / omega."""
    omega = distortion[..., 0]
    return omega, _tangent_ratio((omega / 2).square())


def _fov_forward(squared: Tensor, distortion: Tensor) -> Tensor:
    omega, scale = _fov_scale(distortion)
    return scale * _arctangent_ratio((scale * omega).square() * squared)


def _fov_slope(squared: Tensor, distortion: Tensor) -> Tensor:
    omega, scale = _fov_scale(distortion)
    steep = (scale * omega).square()
    return scale * steep * _arctangent_slope(steep * squared)


def _fov_backward(squared: Tensor, distortion: Tensor) -> Tensor:
    omega, scale = _fov_scale(distortion)
    return _tangent_ratio(omega.square() * squared) / scale


def _division_root(squared: Tensor, distortion: Tensor) -> Tensor:
    return (1 - 4 * distortion[..., 0] * squared).clamp(min=1e-6).sqrt()


def _division_forward(squared: Tensor, distortion: Tensor) -> Tensor:
    return 2 / (1 + _division_root(squared, distortion))


def _division_slope(squared: Tensor, distortion: Tensor) -> Tensor:
    root = _division_root(squared, distortion)
    return 4 * distortion[..., 0] / (root * (1 + root).square())


def _division_backward(squared: Tensor, distortion: Tensor) -> Tensor:
    return 1 / (1 + distortion[..., 0] * squared).clamp(min=1e-3)


def _eucm_forward(squared: Tensor, distortion: Tensor) -> Tensor:
    alpha, beta = distortion[..., 0], distortion[..., 1]
    return 1 / (alpha * (beta * squared + 1).sqrt() + 1 - alpha)


def _eucm_slope(squared: Tensor, distortion: Tensor) -> Tensor:
    alpha, beta = distortion[..., 0], distortion[..., 1]
    return -alpha * beta * _eucm_forward(squared, distortion).square() / (2 * (beta * squared + 1).sqrt())


def _eucm_backward(squared: Tensor, distortion: Tensor) -> Tensor:
    alpha, beta = distortion[..., 0], distortion[..., 1]
    root = (1 - (2 * alpha - 1) * beta * squared).clamp(min=1e-6).sqrt()
    return (alpha * root + 1 - alpha) / (1 - alpha * alpha * beta * squared).clamp(min=1e-3)


_EQUIDISTANT = Projection(
    forward=lambda squared, _: _arctangent_ratio(squared),
    slope=lambda squared, _: _arctangent_slope(squared),
    backward=lambda squared, _: _tangent_ratio(squared),
)
PROJECTIONS: dict[LensModel, Projection] = {  # models that are not in it are perspective: nothing to project
    LensModel.FISHEYE: _EQUIDISTANT,
    LensModel.RAD_TAN_FISHEYE: _EQUIDISTANT,
    LensModel.FOV: Projection(_fov_forward, _fov_slope, _fov_backward),
    LensModel.DIVISION: Projection(_division_forward, _division_slope, _division_backward),
    LensModel.EUCM: Projection(_eucm_forward, _eucm_slope, _eucm_backward),
}
