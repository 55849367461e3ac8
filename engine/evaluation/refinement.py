"""Test-time pose refinement: a held-out camera is moved until the field, held still, agrees with its photo."""

from __future__ import annotations

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

STEPS = 12  # Gauss-Newton steps per level, at most
SETTLED = 1e-3  # part of its cost that a hypothesis has to gain in two steps, or it has settled
PIXELS = 4096  # that a single pose is aligned on; many hypotheses share as many
FEWEST_PIXELS = 512  # per hypothesis
COARSEST = 8  # downsampling of the first level
SMALLEST = 24  # pixels along the shorter side that a downsampled photo keeps
VOXELS_PER_PIXEL = 1.25  # of the blurred field beside the downsampled photo
_SURVIVORS = 3  # hypotheses that are followed beyond the first level; one beyond the second


class Level(NamedTuple):
    """The field blurred as photos are by averaging blocks of `downsample` x `downsample` pixels."""

    downsample: int
    field: Field


def pyramid(field: Field, width: int, height: int) -> list[Level]:
    """Levels from coarse to fine for photos of a size, the last being the field itself at full resolution.

    Image and field share a band limit on each, so the coarse ones lead over distances at which the fine one is lost.
    """
    factors = [factor for factor in (8, 4, 2) if factor <= COARSEST and min(width, height) >= factor * SMALLEST]
    blurred = [Level(by, field.at_resolution(round(max(width, height) / by * VOXELS_PER_PIXEL))) for by in factors]
    return [*blurred, Level(1, field)]


def refine_pose(levels: list[Level], photo: Photo, starts: Float[Tensor, "starts 3 4"]) -> Float[Tensor, "3 4"]:
    r"""The pose from which the field looks most like a photo, looked for from one or several guesses.

    .. math:: \arg\min_\xi \sum_u \rho(\| C(u; \exp(\xi) T) - I(u) \|)

    by damped Gauss-Newton from coarse to fine, with Cauchy's robust cost. The result is never worse than the first
    guess, as judged by the squared error on a lattice of the photo.

    Args:
        levels: of `pyramid`; the field gathers no gradients from this.
        photo: what the camera saw.
        starts: world-to-camera poses.
    Returns:
        the refined world-to-camera pose.
    Reference:
        BARF (Lin et al., ICCV 2021), section 4.1, which takes 100 steps of Adam. These stop short of the minimum
        where the fitted cameras disagree with the references by more than a fraction of a degree; Gauss-Newton gets
        there in less time.
    """
    alignment = photometric_alignment.start(starts)
    for index, level in enumerate(levels):
        small = downsampled(photo, level.downsample)
        count = max(PIXELS // len(alignment.poses), FEWEST_PIXELS)
        points, colours = small.at(lattice(small, count))
        _align(alignment, level.field, points, colours)
        alignment = _best(alignment, 1 if index > 0 or level is levels[-1] else _SURVIVORS)
    return best_pose(levels[-1].field, photo, torch.stack([alignment.best, starts[0]]))


@torch.no_grad()
def best_pose(
    field: Field, photo: Photo, poses: Float[Tensor, "poses 3 4"], judged: int = PIXELS
) -> Float[Tensor, "3 4"]:
    """The one of several world-to-camera poses from which the field looks most like a photo, on a lattice of it."""
    points, colours = photo.at(lattice(photo, judged))
    losses = [(field.render(*rays_through(pose, points)).colour - colours).square().mean() for pose in poses]
    return poses[torch.stack(losses).nan_to_num(nan=torch.inf).argmin()]


def downsampled(photo: Photo, factor: int) -> Photo:
    """A photo of which blocks of `factor` x `factor` pixels are averaged; what fills no block is left out."""
    if factor == 1:
        return photo
    stacked = torch.cat([photo.points, photo.colours], dim=-1).movedim(-1, 0)
    means = F.avg_pool2d(stacked[None], factor)[0].movedim(0, -1)
    return Photo(means[..., :2], means[..., 2:])


def lattice(photo: Photo, pixels: int) -> Int[Tensor, " pixels"]:
    """At most about so many pixels (counted row by row), evenly spread over a photo, on its device."""
    step = max(round((photo.width * photo.height / pixels) ** 0.5), 1)
    rows = torch.arange(step // 2, photo.height, step)
    columns = torch.arange(step // 2, photo.width, step)
    return (rows[:, None] * photo.width + columns).flatten().to(photo.points.device)


def _align(
    alignment: Alignment, field: Field, points: Float[Tensor, "points 2"], colours: Float[Tensor, "points 3"]
) -> None:
    """Steps in place until no hypothesis gains any more."""
    alignment.damping.fill_(1e-3)
    before = [torch.full_like(alignment.cost, torch.inf)] * 2
    for _ in range(STEPS):
        photometric_alignment.improve(alignment, field, points, colours)
        if bool((alignment.cost > before[-2] * (1 - SETTLED)).all()):
            return
        before.append(alignment.cost)


def _best(alignment: Alignment, count: int) -> Alignment:
    chosen = alignment.cost.argsort()[:count]
    return Alignment(alignment.poses[chosen], alignment.cost[chosen], alignment.damping[chosen])
