"""All patches at once: one Gauss-Newton step on the differences of every two patches where they overlap.

What one patch says of the image stands in for the image in the other's residual, so the image itself need not be
solved for; cross terms are kept, so that patches which must move together do. The planar sister of bundle adjustment.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Generator, Tensor

from engine.geometry import planar_warps
from engine.geometry.homography import apply_homography
from engine.geometry.warp_names import PlanarWarp
from engine.registration.planar.mosaic import seen_by, slopes
from engine.registration.planar.photometric import normal_equations
from engine.scenes.pyramid.patch_level import PatchLevel

ROBUST_SCALE = 0.05  # colour residual at which a pixel's weight has halved
DAMPING = 1e-3  # of the diagonal
LONGEST_STEP = 0.05  # in units of the plane
MOST_PARTNERS = 6  # other patches that a patch is compared with in a step
PIXELS = 60_000  # in a step, over all pairs


def adjusted(
    family: PlanarWarp,
    warps: Float[Tensor, "patches 3 3"],
    chosen: Sequence[int],
    data: PatchLevel,
    generator: Generator,
) -> Float[Tensor, "patches 3 3"]:
    """The transforms after one step; the first patch, and those not chosen, stay where they are.

    Args:
        family: along which they move.
        warps: from the planes of the patches to that of the image.
        chosen: patches that have joined, the first among them.
        data: the patches at some resolution.
        generator: draws pixels, and partners where there are many patches.
    """
    first, second = _pairs(chosen, generator)
    degrees, count = planar_warps.DEGREES[family], len(warps)
    generators = planar_warps.generators(family).to(warps)
    normal = warps.new_zeros(count, count, degrees, degrees)
    gradient = warps.new_zeros(count, degrees)
    if not len(first):
        return warps
    size = min(len(data.points), max(PIXELS // len(first), 64))
    channels = torch.cat([data.images, *slopes(data.images)], dim=1)
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        pixels = torch.randperm(len(data.points), generator=generator)[:size].to(warps.device)
        placed = apply_homography(warps[one], data.points[pixels])
        seen, inside = seen_by(data, warps[other][None], placed[None])
        looks = F.grid_sample(channels[other][None], seen[None], align_corners=False)[0, :, 0]
        colour, slope_x, slope_y = looks.split(3)
        by_x, by_y = _in_plane(warps[other], placed, slope_x / data.pitch, slope_y / data.pitch)
        residual = colour - data.images[one].flatten(start_dim=1)[:, pixels]
        weights = inside[0] / (1 + residual.square().sum(dim=0) / ROBUST_SCALE**2)
        velocity = planar_warps.velocities(generators, placed)
        square, force = normal_equations(residual, by_x, by_y, weights, velocity)
        normal[one, one] += square
        normal[other, other] += square
        normal[one, other] -= square
        normal[other, one] -= square
        gradient[one] += force
        gradient[other] -= force
    return _moved(family, warps, [patch for patch in chosen if patch != 0], normal, gradient)


def _moved(family: PlanarWarp, warps: Tensor, free: Sequence[int], normal: Tensor, gradient: Tensor) -> Tensor:
    """Solves for the free patches and moves them."""
    system = normal[list(free)][:, list(free)].permute(0, 2, 1, 3).flatten(2).flatten(0, 1).double()
    diagonal = torch.diagonal(system)
    system = system + torch.diag(diagonal * DAMPING + diagonal.mean() * 1e-6 + 1e-9)
    step = -torch.linalg.solve(system, gradient[list(free)].flatten().double()).to(warps).view(len(free), -1)
    step = step * (LONGEST_STEP / step.abs().amax(dim=-1, keepdim=True).clamp(min=LONGEST_STEP))
    moved = planar_warps.exponential(family, step) @ warps[list(free)]
    result = warps.clone()
    result[list(free)] = moved / moved[:, 2:, 2:]
    return torch.where(result.isfinite().all(), result, warps)


def _in_plane(
    warp: Float[Tensor, "3 3"], points: Float[Tensor, "points 2"], slope_x: Tensor, slope_y: Tensor
) -> tuple[Tensor, Tensor]:
    """Slopes in the plane of a patch as slopes in the plane of the image, by the chain rule."""
    inverse = torch.linalg.inv(warp)
    depth = points @ inverse[2, :2] + inverse[2, 2]
    seen = apply_homography(inverse, points)
    jacobian = (inverse[:2, :2] - seen[:, :, None] * inverse[2, :2]) / depth[:, None, None]
    by_x = slope_x * jacobian[:, 0, 0] + slope_y * jacobian[:, 1, 0]
    by_y = slope_x * jacobian[:, 0, 1] + slope_y * jacobian[:, 1, 1]
    return by_x, by_y


def _pairs(chosen: Sequence[int], generator: Generator) -> tuple[Int[Tensor, " pairs"], Int[Tensor, " pairs"]]:
    """Each chosen patch with all others, or with some of them, drawn anew in every step."""
    first, second = [], []
    for one in chosen:
        others = [other for other in chosen if other != one]
        if len(others) > MOST_PARTNERS:
            order = torch.randperm(len(others), generator=generator)[:MOST_PARTNERS].tolist()
            others = [others[index] for index in order]
        first += [one] * len(others)
        second += others
    return torch.tensor(first, dtype=torch.long), torch.tensor(second, dtype=torch.long)
