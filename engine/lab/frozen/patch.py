"""A patch of an image with a copy of the learned image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from engine.fields.image.field import ImageField
from engine.geometry.homography import apply_homography
from engine.lab.frozen.frame import Axis, fraction_at_end
from engine.scenes.planar import plane_warps
from engine.training.metrics import average_pixels
from engine.training.planar import PlanarTrainer

STEP = 1e-3  # of the plane, over which the turn and scale of a warp are measured


@dataclass(frozen=True)
class FrozenPatch:
    """A patch of a run (see `FrozenFrame`), put there by the transform fitted to it.

    Attributes:
        frame: index of the patch.
        warp: from its plane to that of the image.
        middle: where its middle lies in the plane of the image; it is turned and scaled about it.
        field: a copy, under the band limit of the stage.
        points, colours: of the pixels that are compared: in the plane of the patch, and their RGB.
    """

    frame: int
    warp: Float[Tensor, "3 3"]
    middle: Float[Tensor, "2"]
    field: ImageField
    points: Float[Tensor, "pixels 2"]
    colours: Float[Tensor, "pixels 3"]
    stage: str
    of: int
    reference: tuple[float, ...] | None
    axes: tuple[Axis, ...]

    @property
    def pixels(self) -> int:
        return len(self.points)

    def losses(
        self, offsets: Float[Tensor, "poses axes"], first: int = 0, last: int | None = None
    ) -> Float[Tensor, " poses"]:
        return self.losses_at(move_about(self.middle, offsets.to(self.warp)) @ self.warp, first, last)

    def losses_at(
        self, warps: Float[Tensor, "poses 3 3"], first: int = 0, last: int | None = None
    ) -> Float[Tensor, " poses"]:
        """The same for warps of the plane."""
        seen = self.field.colours(apply_homography(warps, self.points[None, first:last]))
        return average_pixels((seen - self.colours[None, first:last]).square(), None)


def move_about(middle: Float[Tensor, "2"], offsets: Float[Tensor, "poses 4"]) -> Float[Tensor, "poses 3 3"]:
    """Shifts (x, y), turns (radians, clockwise as y is down) and growths (shares) about a place, as homographies."""
    across, down, angle, growth = offsets.unbind(dim=-1)
    cosine, sine = (1 + growth) * angle.cos(), (1 + growth) * angle.sin()
    x, y = middle
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    rows = (
        (cosine, -sine, across + x - cosine * x + sine * y),
        (sine, cosine, down + y - sine * x - cosine * y),
        (zero, zero, one),
    )
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def freeze_patch(trainer: PlanarTrainer, frame: int, stage: int | None, pixels: int) -> FrozenPatch:
    """See `engine.lab.frozen.freeze`."""
    chosen = trainer.stage if stage is None else trainer.stages[stage]
    index = trainer.stage_index if stage is None else stage
    field = trainer.field.at_stage(chosen, fraction_at_end(trainer.stages, index, trainer.iteration))
    data, scene = trainer.level(chosen.downsample), trainer.scene
    generator = torch.Generator().manual_seed(trainer.settings.seed + frame)
    drawn = torch.randperm(len(data.points), generator=generator)[:pixels].to(data.points.device)
    colours = data.images[frame].flatten(start_dim=1)[:, drawn].T
    warp = trainer.registration.transforms()[frame]
    true = plane_warps(scene, scene.transforms[frame : frame + 1])[0].to(warp)
    unit = max(scene.image_size) / 2
    axes = (
        Axis("x", "moves right", "px", 1 / unit),
        Axis("y", "moves down", "px", 1 / unit),
        Axis("turn", "turns clockwise", "°", math.radians(1)),
        Axis("scale", "grows", "%", 0.01),
    )
    place, wanted = _describe(warp), _describe(true)
    angle = math.remainder(wanted[2] - place[2], 2 * math.pi)
    apart = (wanted[0] - place[0], wanted[1] - place[1], angle, wanted[3] / place[3] - 1)
    reference = tuple(value / axis.inside for value, axis in zip(apart, axes, strict=True))
    middle = warp.new_tensor(place[:2])
    of = len(data.points)
    return FrozenPatch(frame, warp, middle, field, data.points[drawn], colours, chosen.name, of, reference, axes)


def _describe(warp: Float[Tensor, "3 3"]) -> tuple[float, float, float, float]:
    """Where a warp puts the middle of its patch (x, y), how it turns it (radians) and enlarges it there."""
    around = warp.new_tensor([(0, 0), (STEP, 0), (0, STEP)])
    middle, right, below = apply_homography(warp, around).double().tolist()
    across = ((right[0] - middle[0]) / STEP, (right[1] - middle[1]) / STEP)
    down = ((below[0] - middle[0]) / STEP, (below[1] - middle[1]) / STEP)
    area = across[0] * down[1] - across[1] * down[0]
    return middle[0], middle[1], math.atan2(across[1] - down[0], across[0] + down[1]), math.sqrt(abs(area))
