"""Test-time pose refinement: the pose of a held-out frame is fitted to its photo, with the field fixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from engine.evaluation.views import Photo
from engine.fields.field import Field
from engine.geometry.rays import rays_through
from engine.registration.relocalisation import photometric_alignment
from engine.registration.relocalisation.photometric_alignment import Alignment
from engine.scenes.pyramid.photo_masks import downsample_masks


@dataclass(frozen=True)
class RefinementOptions:
    """How poses are refined.

    Attributes:
        factors: downsampling factors of the levels before the full resolution, from coarse to fine.
        least_side: a photo is not downsampled to fewer pixels than this along its shorter side.
        voxels_per_pixel: resolution of the blurred field relative to the downsampled photo; slightly above 1, so
            that the field is not the blurrier of the two.
        steps: most Gauss-Newton steps per level.
        least_gain: relative decrease of the cost in two steps below which a hypothesis has converged.
        pixels: pixels of the photo that are compared, for all hypotheses together; bounds the time.
        fewest_pixels: for each hypothesis, however many there are.
        survivors: hypotheses that are refined beyond the first level; beyond the second it is one.
    """

    factors: tuple[int, ...] = (8, 4, 2)
    least_side: int = 24
    voxels_per_pixel: float = 1.25
    steps: int = 12
    least_gain: float = 1e-3
    pixels: int = 4096
    fewest_pixels: int = 512
    survivors: int = 3


DEFAULT = RefinementOptions()


class Level(NamedTuple):
    """The field, blurred as much as photos whose blocks of `downsample` x `downsample` pixels are averaged."""

    downsample: int
    field: Field


def make_pyramid(field: Field, longest: int, shortest: int, options: RefinementOptions = DEFAULT) -> list[Level]:
    """Levels from coarse to fine for photos with sides of `shortest` to `longest` pixels; the last is the whole field.

    Photo and field have the same band limit on every level: the coarse ones converge from larger pose errors.
    """
    factors = [factor for factor in options.factors if shortest >= factor * options.least_side]
    per_pixel = options.voxels_per_pixel
    blurred = [Level(factor, field.at_resolution(round(longest / factor * per_pixel))) for factor in factors]
    return [*blurred, Level(1, field)]


def refine_pose(
    levels: list[Level], photo: Photo, starts: Float[Tensor, "starts 3 4"], options: RefinementOptions = DEFAULT
) -> Float[Tensor, "3 4"]:
    r"""The pose from which the rendering fits a photo best, refined from one or several initial poses.

    .. math:: \arg\min_\xi \sum_u \rho(\| C(u; \exp(\xi) T) - I(u) \|)

    is minimised by damped Gauss-Newton from coarse to fine, with Cauchy's robust cost. The squared error of the
    result, on a lattice of the photo, is never above that of the first initial pose.

    Args:
        levels: of `make_pyramid`; the field gets no gradients.
        photo: of the camera.
        starts: initial world-to-camera poses.
        options: of the refinement.
    Returns:
        the refined world-to-camera pose.
    Reference:
        BARF (Lin et al., ICCV 2021), section 4.1, which takes 100 steps of Adam. Where the fitted cameras differ
        from the references by more than a fraction of a degree, these do not reach the minimum; Gauss-Newton does,
        in less time.
    """
    alignment = photometric_alignment.start(starts)
    for index, level in enumerate(levels):
        small = downsample(photo, level.downsample)
        count = max(options.pixels // len(alignment.poses), options.fewest_pixels)
        points, colours = small.at(spread_pixels(small, count))
        _align(alignment, level.field, points, colours, options)
        alignment = photometric_alignment.keep_best(
            alignment, 1 if index > 0 or level is levels[-1] else options.survivors
        )
    return choose_pose(levels[-1].field, photo, torch.stack([alignment.best, starts[0]]), options.pixels)


@torch.no_grad()
def choose_pose(
    field: Field, photo: Photo, poses: Float[Tensor, "poses 3 4"], pixels: int = DEFAULT.pixels
) -> Float[Tensor, "3 4"]:
    """The one of several world-to-camera poses with the least squared error on about so many pixels of a photo."""
    points, colours = photo.at(spread_pixels(photo, pixels))
    losses = [(field.render(*rays_through(pose, points)).colour - colours).square().mean() for pose in poses]
    return poses[torch.stack(losses).nan_to_num(nan=torch.inf).argmin()]


def downsample(photo: Photo, factor: int) -> Photo:
    """Averages blocks of `factor` x `factor` pixels; rows and columns that fill no block are left out.

    A pixel of the result counts where all that it averages do.
    """
    if factor == 1:
        return photo
    stacked = torch.cat([photo.points, photo.colours], dim=-1).movedim(-1, 0)
    means = F.avg_pool2d(stacked[None], factor)[0].movedim(0, -1)
    mask = None if photo.mask is None else downsample_masks(photo.mask[None], factor).counts[0]
    return Photo(means[..., :2], means[..., 2:], mask)


def spread_pixels(photo: Photo, pixels: int) -> Int[Tensor, " pixels"]:
    """Indices (row by row) of about so many pixels that count, evenly spread over a photo; on its device."""
    if photo.mask is not None:
        counting = photo.mask.flatten().nonzero()[:, 0]
        return counting[:: max(round(len(counting) / pixels), 1)]
    step = max(round((photo.width * photo.height / pixels) ** 0.5), 1)
    rows = torch.arange(step // 2, photo.height, step)
    columns = torch.arange(step // 2, photo.width, step)
    return (rows[:, None] * photo.width + columns).flatten().to(photo.points.device)


def _align(
    alignment: Alignment,
    field: Field,
    points: Float[Tensor, "points 2"],
    colours: Float[Tensor, "points 3"],
    options: RefinementOptions,
) -> None:
    """Takes steps in place until all hypotheses have converged."""
    alignment.damping.fill_(photometric_alignment.DEFAULT.damping.initial)
    before = [torch.full_like(alignment.cost, torch.inf)] * 2
    for _ in range(options.steps):
        photometric_alignment.improve(alignment, field, points, colours)
        if bool((alignment.cost > before[-2] * (1 - options.least_gain)).all()):
            return
        before.append(alignment.cost)
