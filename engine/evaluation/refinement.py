"""Test-time pose refinement: a held-out camera is moved until the frozen field agrees with its photo."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from engine.evaluation.views import Photo
from engine.fields.field import Field
from engine.geometry.rays import rays_through
from engine.geometry.se3 import compose, exponential


@dataclass(frozen=True)
class Refinement:
    """How a pose is refined.

    Attributes:
        steps: of Adam; 0 leaves poses as they are.
        rays: random pixels per step.
        rates: Adam's rate for the se(3) correction, first and last, exponential in between; radians, and multiples
            of the nearest depth for the translation, so that both move the image by about as much.
        judged: pixels, evenly spread, on which the refined pose has to do better than the one it started from.
    """

    steps: int = 100
    rays: int = 2048
    rates: tuple[float, float] = (1e-3, 1e-4)
    judged: int = 4096


BARF = Refinement()  # from poses aligned through the training cameras: 100 steps, as in BARF
FROM_NEIGHBOURS = Refinement(steps=300, rates=(5e-3, 1e-4))  # from poses guessed from the neighbouring frames


def refine_pose(
    field: Field,
    photo: Photo,
    pose: Float[Tensor, "3 4"],
    nearest: float,
    refinement: Refinement = BARF,
    seed: int = 0,
) -> Float[Tensor, "3 4"]:
    r"""The pose near a given one from which the frozen field looks most like a photo.

    .. math:: \arg\min_\xi \sum_u \| C(u; \exp(\xi) T) - I(u) \|^2

    Never worse than the given pose, as judged on a lattice of the photo; a step that is not finite ends the
    refinement.

    Args:
        field: gathers no gradients from this.
        photo: what the camera saw.
        pose: world-to-camera, where to start.
        nearest: nearest depth in scene units, > 0.
        refinement: steps, rays, rates.
        seed: of the pixels drawn.
    Returns:
        the refined world-to-camera pose.
    Reference:
        BARF (Lin et al., ICCV 2021), section 4.1, `evaluate_test_time_photometric_optim` of its code. There the
        correction acts in the world; here in the camera, where rotation and translation are told apart better.
    """
    if refinement.steps == 0:
        return pose
    generator = torch.Generator().manual_seed(seed)
    unit = torch.tensor([1.0, 1.0, 1.0, nearest, nearest, nearest], dtype=pose.dtype, device=pose.device)
    correction = torch.zeros(6, dtype=pose.dtype, device=pose.device, requires_grad=True)
    optimiser = torch.optim.Adam([correction], lr=refinement.rates[0])
    first, last = refinement.rates
    with field.frozen(), torch.enable_grad():
        for step in range(refinement.steps):
            optimiser.param_groups[0]["lr"] = first * (last / first) ** (step / max(refinement.steps - 1, 1))
            pixels = torch.randint(photo.width * photo.height, (refinement.rays,), generator=generator)
            loss = _photometric(field, photo, compose(exponential(correction * unit), pose), pixels)
            optimiser.zero_grad()
            loss.backward()
            if correction.grad is None or not bool(correction.grad.isfinite().all()):
                break
            optimiser.step()
    with torch.no_grad():
        refined = compose(exponential(correction * unit), pose)
    return best_pose(field, photo, torch.stack([refined, pose]), refinement.judged)


@torch.no_grad()
def best_pose(
    field: Field, photo: Photo, poses: Float[Tensor, "poses 3 4"], judged: int = 1024
) -> Float[Tensor, "3 4"]:
    """The one of several world-to-camera poses from which the field looks most like a photo, on a lattice of it."""
    pixels = lattice(photo, judged)
    losses = torch.stack([_photometric(field, photo, pose, pixels) for pose in poses])
    return poses[losses.nan_to_num(nan=torch.inf).argmin()]


def lattice(photo: Photo, pixels: int) -> Int[Tensor, " pixels"]:
    """At most about so many pixels (counted row by row), evenly spread over a photo."""
    step = max(round((photo.width * photo.height / pixels) ** 0.5), 1)
    rows = torch.arange(step // 2, photo.height, step)
    columns = torch.arange(step // 2, photo.width, step)
    return (rows[:, None] * photo.width + columns).flatten()


def _photometric(field: Field, photo: Photo, pose: Tensor, pixels: Tensor) -> Float[Tensor, ""]:
    points, colours = photo.at(pixels.to(photo.points.device))
    return (field.render(*rays_through(pose, points)).colour - colours).square().mean()
