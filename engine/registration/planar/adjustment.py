"""All patches at once: one Gauss-Newton step on the colour differences of every two patches where they overlap.

The residual compares two patches with each other, so the image is no unknown; the cross terms of the normal equations
let patches move together. In the plane this is what bundle adjustment is for cameras.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Generator, Tensor

from engine.geometry import planar_warps
from engine.geometry.homography import apply_homography
from engine.geometry.warp_names import PlanarWarp
from engine.registration.gauss_newton import limit_step
from engine.registration.planar.mosaic import image_slopes, locate_in_patches
from engine.registration.planar.photometric import normal_equations
from engine.scenes.pyramid.patch_level import PatchLevel


@dataclass(frozen=True)
class PlanarAdjustmentOptions:
    """How a step of all patches is taken.

    Attributes:
        robust_scale: colour residual (RGB in [0, 1]) at which a pixel's Cauchy weight has halved.
        damping: Levenberg-Marquardt damping relative to the diagonal; transforms are close already, so it is fixed.
        longest_step: largest component of a step, units of the plane; a longer step is not first order any more.
        partners: most other patches that a patch is compared with in one step; bounds its time.
        pixels: of all pairs together in one step; bounds its time.
        fewest_pixels: of each pair, however many pairs there are.
    """

    robust_scale: float = 0.05
    damping: float = 1e-3
    longest_step: float = 0.05
    partners: int = 6
    pixels: int = 60_000
    fewest_pixels: int = 64


DEFAULT = PlanarAdjustmentOptions()


def adjust_patches(
    family: PlanarWarp,
    warps: Float[Tensor, "patches 3 3"],
    chosen: Sequence[int],
    data: PatchLevel,
    generator: Generator,
    options: PlanarAdjustmentOptions = DEFAULT,
) -> Float[Tensor, "patches 3 3"]:
    """The transforms after one step; the first patch, and those not chosen, stay where they are.

    Args:
        family: of transforms that the step stays within.
        warps: from the planes of the patches to that of the image.
        chosen: registered patches, the first among them.
        data: the patches at some resolution.
        generator: draws pixels, and partners where there are many patches.
        options: of the step.
    """
    first, second = _draw_pairs(chosen, generator, options.partners)
    degrees, count = planar_warps.DEGREES[family], len(warps)
    generators = planar_warps.generators(family).to(warps)
    normal = warps.new_zeros(count, count, degrees, degrees)
    gradient = warps.new_zeros(count, degrees)
    if not len(first):
        return warps
    size = min(len(data.points), max(options.pixels // len(first), options.fewest_pixels))
    channels = torch.cat([data.images, *image_slopes(data.images)], dim=1)
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        pixels = torch.randperm(len(data.points), generator=generator)[:size].to(warps.device)
        placed = apply_homography(warps[one], data.points[pixels])
        seen, inside = locate_in_patches(data, warps[other][None], placed[None])
        sampled = F.grid_sample(channels[other][None], seen[None], align_corners=False)[0, :, 0]
        colour, slope_x, slope_y = sampled.split(3)
        by_x, by_y = _slopes_in_plane(warps[other], placed, slope_x / data.pitch, slope_y / data.pitch)
        residual = colour - data.images[one].flatten(start_dim=1)[:, pixels]
        weights = inside[0] / (1 + residual.square().sum(dim=0) / options.robust_scale**2)
        velocity = planar_warps.velocities(generators, placed)
        square, force = normal_equations(residual, by_x, by_y, weights, velocity)
        normal[one, one] += square
        normal[other, other] += square
        normal[one, other] -= square
        normal[other, one] -= square
        gradient[one] += force
        gradient[other] -= force
    return _solve(family, warps, [patch for patch in chosen if patch != 0], normal, gradient, options)


def _solve(
    family: PlanarWarp,
    warps: Tensor,
    free: Sequence[int],
    normal: Tensor,
    gradient: Tensor,
    options: PlanarAdjustmentOptions,
) -> Tensor:
    """The transforms after solving for the free patches; unchanged where the solution is not finite."""
    system = normal[list(free)][:, list(free)].permute(0, 2, 1, 3).flatten(2).flatten(0, 1).double()
    diagonal = torch.diagonal(system)
    system = system + torch.diag(diagonal * options.damping + diagonal.mean() * 1e-6 + 1e-9)
    step = -torch.linalg.solve(system, gradient[list(free)].flatten().double()).to(warps).view(len(free), -1)
    step = limit_step(step, options.longest_step)
    moved = planar_warps.exponential(family, step) @ warps[list(free)]
    result = warps.clone()
    result[list(free)] = moved / moved[:, 2:, 2:]
    return torch.where(result.isfinite().all(), result, warps)


def _slopes_in_plane(
    warp: Float[Tensor, "3 3"], points: Float[Tensor, "points 2"], slope_x: Tensor, slope_y: Tensor
) -> tuple[Tensor, Tensor]:
    """Slopes in the plane of a patch, converted to slopes in the plane of the image by the chain rule."""
    inverse = torch.linalg.inv(warp)
    depth = points @ inverse[2, :2] + inverse[2, 2]
    seen = apply_homography(inverse, points)
    jacobian = (inverse[:2, :2] - seen[:, :, None] * inverse[2, :2]) / depth[:, None, None]
    by_x = slope_x * jacobian[:, 0, 0] + slope_y * jacobian[:, 1, 0]
    by_y = slope_x * jacobian[:, 0, 1] + slope_y * jacobian[:, 1, 1]
    return by_x, by_y


def _draw_pairs(
    chosen: Sequence[int], generator: Generator, partners: int
) -> tuple[Int[Tensor, " pairs"], Int[Tensor, " pairs"]]:
    """Pairs of each chosen patch with all others, or with `partners` of them, drawn in every step."""
    first, second = [], []
    for one in chosen:
        others = [other for other in chosen if other != one]
        if len(others) > partners:
            order = torch.randperm(len(others), generator=generator)[:partners].tolist()
            others = [others[index] for index in order]
        first += [one] * len(others)
        second += others
    return torch.tensor(first, dtype=torch.long), torch.tensor(second, dtype=torch.long)
