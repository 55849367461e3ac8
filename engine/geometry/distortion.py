"""Lens distortion as a map of the image plane z = 1, its inverse and its Jacobian, for all models of `lens_models`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from engine.geometry.lens_models import LARGEST_ANGLE, PROJECTIONS, WIDEST_ANGLE, LensModel, find_models, has_model

_NEWTON_STEPS = 12  # near the solution each doubles the correct digits; strong lenses need a few before that
_MINIMUM_DETERMINANT = 0.05  # of the Jacobian; below it distinct points map to one, and the model has no inverse
_LEAST_DENOMINATOR = 0.05  # of the rational radial factor, which is 1 in the middle of the image
_FOLD_SAMPLES = 8  # places between the middle and a point at which a lens is looked at for folding over
_INVERSE_TOLERANCE = 1e-3  # of the plane, by which a point may miss itself after `undistort` and `distort`


def distort(
    points: Float[Tensor, "*#batch 2"], distortion: Float[Tensor, "*#batch coefficients"]
) -> Float[Tensor, "*batch 2"]:
    r"""The positions to which a lens moves ideal image-plane points.

    For a perspective lens with four coefficients

    .. math:: x' = x (1 + k_1 r^2 + k_2 r^4) + 2 p_1 x y + p_2 (r^2 + 2 x^2) \\
        y' = y (1 + k_1 r^2 + k_2 r^4) + p_1 (r^2 + 2 y^2) + 2 p_2 x y

    and for a fisheye the same of the point at its angle from the axis; `LensModel` says what the others do.

    Args:
        points: ideal coordinates (x, y) on the plane z = 1.
        distortion: coefficients and model, as `lens_models` orders them.
    Returns:
        distorted coordinates; times the focal lengths they are pixels from the principal point.
    Reference:
        OpenCV, Camera Calibration and 3D Reconstruction, Fisheye camera model; COLMAP's camera models.
    """
    return _by_model(_distort, points, distortion)


def undistort(
    points: Float[Tensor, "*#batch 2"], distortion: Float[Tensor, "*#batch coefficients"]
) -> Float[Tensor, "*batch 2"]:
    """The ideal image-plane points that a lens moves to the given ones: the inverse of `distort`.

    Newton's iterations without an autograd graph, then one more step with one, which gives the gradients with respect
    to points and distortion (implicit function theorem); projections are inverted in closed form. With zero distortion
    the points are returned unchanged. Where there is no inverse (see `is_invertible`) the values are finite and
    otherwise arbitrary; directions further than 85 degrees from the axis of a fisheye are moved there.

    Args:
        points: distorted coordinates.
        distortion: coefficients and model.
    Returns:
        ideal coordinates on the plane z = 1.
    """
    return _by_model(_undistort, points, distortion)


def distortion_jacobian(
    points: Float[Tensor, "*#batch 2"], distortion: Float[Tensor, "*#batch coefficients"]
) -> Float[Tensor, "*batch 2 2"]:
    """The derivatives of `distort` by the points, without autograd graph."""
    with torch.no_grad():
        flat = _by_model(_jacobian, points, distortion)
    return flat.unflatten(-1, (2, 2))


def differentiate_by_radial(
    points: Float[Tensor, "*#batch 2"], distortion: Float[Tensor, "*#batch coefficients"]
) -> Float[Tensor, "*batch 2"]:
    """The derivatives of `distort` by k1, without autograd graph; zero for models without a k1.

    For RAD_TAN_FISHEYE the tangential terms, close to nothing, are left out.
    """
    with torch.no_grad():
        return _by_model(_radial_derivative, points, distortion)


def add_to_radial(
    distortion: Float[Tensor, "frames coefficients"], added: Float[Tensor, "*frames"]
) -> Float[Tensor, "frames coefficients"]:
    """Distortions with something added to every k1; models whose first column is something else stay as they are."""
    first = distortion[:, 0] + added
    for model in find_models(distortion):
        if not model.has_polynomial:
            first = torch.where(has_model(distortion, model), distortion[:, 0], first)
    return torch.cat([first[:, None], distortion[:, 1:]], dim=1)


def is_invertible(
    points: Float[Tensor, "*#batch 2"], distortion: Float[Tensor, "*#batch coefficients"]
) -> Bool[Tensor, "*batch"]:
    """Whether a lens has one ray for distorted points, no further than `WIDEST_ANGLE` from its axis.

    A polynomial that was fitted to the field of view may fold over outside of it, as in the corners of a picture whose
    fisheye shows a circle.
    """
    with torch.no_grad():
        ideal = undistort(points, distortion)
        radius = ideal.norm(dim=-1)
        miss = (distort(ideal, distortion) - points).norm(dim=-1)
        valid = (radius <= math.tan(WIDEST_ANGLE)) & (miss <= _INVERSE_TOLERANCE * (1 + radius))
        for step in range(1, _FOLD_SAMPLES + 1):
            valid &= torch.linalg.det(distortion_jacobian(ideal * (step / _FOLD_SAMPLES), distortion)) > 0
    return valid


class _Coefficients(NamedTuple):
    """Of a radial factor, numerator and denominator without their leading 1; tangential and of a thin prism."""

    numerator: tuple[Tensor, ...]
    denominator: tuple[Tensor, ...]
    tangential: tuple[Tensor, ...]
    prism: tuple[Tensor, ...]
    one_by_one: bool  # whether the other terms are of the point after the radial factor


def _by_model(
    function: Callable[[Tensor, Tensor, LensModel], Tensor], points: Tensor, distortion: Tensor
) -> Float[Tensor, "*batch values"]:
    """The function's values with the model of each row. The rows of other models count as zero meanwhile, so that
    their gradients stay finite."""
    models = find_models(distortion)
    if len(models) == 1:
        return function(points, distortion, models[0])
    result = None
    for model in models:
        chosen = has_model(distortion, model)[..., None]
        values = function(points, torch.where(chosen, distortion, torch.zeros_like(distortion)), model)
        result = values if result is None else torch.where(chosen, values, result)
    assert result is not None
    return result


def _split(distortion: Tensor, model: LensModel) -> _Coefficients:
    columns = distortion.unbind(-1)
    radial, tangential, further, prism = columns[:2], columns[2:4], columns[4:8], columns[8:12]
    if model == LensModel.PERSPECTIVE:
        return _Coefficients((*radial, *further[:1]), further[1:], tangential, prism, False)
    return _Coefficients((*radial, *further), (), tangential, prism, model == LensModel.RAD_TAN_FISHEYE)


def _distort(points: Tensor, distortion: Tensor, model: LensModel) -> Tensor:
    if model in PROJECTIONS:
        points = points * PROJECTIONS[model].forward(points.square().sum(dim=-1), distortion)[..., None]
    if not model.has_polynomial:
        return points
    return _apply_polynomial(points, _split(distortion, model))


def _undistort(points: Tensor, distortion: Tensor, model: LensModel) -> Tensor:
    projected = points + torch.zeros_like(distortion[..., :1])
    if model.has_polynomial:
        coefficients = _split(distortion, model)
        with torch.no_grad():
            for _ in range(_NEWTON_STEPS):
                projected = _keep_within(projected, model)
                difference = _apply_polynomial(projected, coefficients) - points
                projected = projected - _newton_step(projected, difference, coefficients)
            projected = _keep_within(projected, model)
        difference = _apply_polynomial(projected, coefficients) - points
        projected = projected - _newton_step(projected, difference, coefficients)
    if model not in PROJECTIONS:
        return projected
    return projected * PROJECTIONS[model].backward(projected.square().sum(dim=-1), distortion)[..., None]


def _keep_within(projected: Tensor, model: LensModel) -> Tensor:
    """The points of a fisheye within the angles that directions are computed of: the powers of larger ones, which a
    Newton step may reach, lead away. Those of other models as they are."""
    if model not in PROJECTIONS:
        return projected
    radius = projected.norm(dim=-1, keepdim=True)
    return projected * (LARGEST_ANGLE / radius.clamp(min=LARGEST_ANGLE))


def _jacobian(points: Tensor, distortion: Tensor, model: LensModel) -> Float[Tensor, "*batch 4"]:
    """Of `_distort`, row by row."""
    points = points + torch.zeros_like(distortion[..., :1])
    if model not in PROJECTIONS:
        return torch.stack(_polynomial_jacobian(points, _split(distortion, model)), dim=-1)
    squared = points.square().sum(dim=-1)
    factor = PROJECTIONS[model].forward(squared, distortion)
    jacobian = _radial_jacobian(points, factor, PROJECTIONS[model].slope(squared, distortion))
    if model.has_polynomial:
        points = points * factor[..., None]
        jacobian = _multiply(_polynomial_jacobian(points, _split(distortion, model)), jacobian)
    return torch.stack(jacobian, dim=-1)


def _radial_derivative(points: Tensor, distortion: Tensor, model: LensModel) -> Tensor:
    points = points + torch.zeros_like(distortion[..., :1])
    if not model.has_polynomial:
        return torch.zeros_like(points)
    if model in PROJECTIONS:
        points = points * PROJECTIONS[model].forward(points.square().sum(dim=-1), distortion)[..., None]
    squared = points.square().sum(dim=-1)
    below, _ = _evaluate(_split(distortion, model).denominator, squared)
    return points * (squared / below.clamp(min=_LEAST_DENOMINATOR))[..., None]


def _newton_step(projected: Tensor, difference: Tensor, coefficients: _Coefficients) -> Tensor:
    """J^-1 of the difference, J being the Jacobian of `_apply_polynomial`, held constant."""
    with torch.no_grad():
        xx, xy, yx, yy = _polynomial_jacobian(projected, coefficients)
        determinant = (xx * yy - xy * yx).clamp(min=_MINIMUM_DETERMINANT)
    first, second = difference.unbind(-1)
    step = torch.stack([yy * first - xy * second, xx * second - yx * first], dim=-1)
    return step / determinant[..., None]


def _apply_polynomial(points: Tensor, of: _Coefficients) -> Tensor:
    """Radial factor, tangential and prism terms of projected points."""
    x, y = points.unbind(-1)
    squared = x * x + y * y
    factor, _ = _radial_factor(squared, of)
    moved_x, moved_y = x * factor, y * factor
    if of.one_by_one:
        x, y = moved_x, moved_y
        squared = x * x + y * y
    (p1, p2), twice = of.tangential, 2 * x * y
    moved_x = moved_x + p1 * twice + p2 * (squared + 2 * x * x)
    moved_y = moved_y + p2 * twice + p1 * (squared + 2 * y * y)
    if of.prism:
        s1, s2, s3, s4 = of.prism
        moved_x = moved_x + squared * (s1 + squared * s2)
        moved_y = moved_y + squared * (s3 + squared * s4)
    return torch.stack([moved_x, moved_y], dim=-1)


def _radial_factor(squared: Tensor, of: _Coefficients) -> tuple[Tensor, Tensor]:
    """The factor, and its derivative by the squared distance."""
    factor, slope = _evaluate(of.numerator, squared)
    if of.denominator:
        below, below_slope = _evaluate(of.denominator, squared)
        below = below.clamp(min=_LEAST_DENOMINATOR)
        factor = factor / below
        slope = (slope - factor * below_slope) / below
    return factor, slope


def _evaluate(coefficients: tuple[Tensor, ...], at: Tensor) -> tuple[Tensor, Tensor]:
    """1 + c1 t + c2 t² + ..., and its derivative, by Horner's scheme."""
    value, slope = torch.zeros_like(at), torch.zeros_like(at)
    for coefficient in reversed(coefficients):
        slope = slope * at + value
        value = value * at + coefficient
    return 1 + value * at, value + slope * at


Matrix = tuple[Tensor, Tensor, Tensor, Tensor]  # xx, xy, yx, yy


def _radial_jacobian(points: Tensor, factor: Tensor, slope: Tensor) -> Matrix:
    """Of points times a factor of their squared distance."""
    x, y = points.unbind(-1)
    across = 2 * slope * x * y
    return factor + 2 * slope * x * x, across, across, factor + 2 * slope * y * y


def _polynomial_jacobian(points: Tensor, of: _Coefficients) -> Matrix:
    factor, slope = _radial_factor(points.square().sum(dim=-1), of)
    radial = _radial_jacobian(points, factor, slope)
    if of.one_by_one:
        points = points * factor[..., None]
    x, y = points.unbind(-1)
    p1, p2 = of.tangential
    both = 2 * (p1 * x + p2 * y)
    further = (2 * p1 * y + 6 * p2 * x, both, both, 6 * p1 * y + 2 * p2 * x)
    if of.prism:
        s1, s2, s3, s4 = of.prism
        squared = x * x + y * y
        right, down = 2 * (s1 + 2 * squared * s2), 2 * (s3 + 2 * squared * s4)
        further = (further[0] + right * x, further[1] + right * y, further[2] + down * x, further[3] + down * y)
    if of.one_by_one:
        return _multiply((1 + further[0], further[1], further[2], 1 + further[3]), radial)
    xx, xy, yx, yy = (one + other for one, other in zip(radial, further, strict=True))
    return xx, xy, yx, yy


def _multiply(left: Matrix, right: Matrix) -> Matrix:
    (a, b, c, d), (e, f, g, h) = left, right
    return a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h
