"""The patches of a run with a copy of the learned image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from engine.config.rows import PlanarStage
from engine.fields.image.field import ImageField
from engine.geometry.homography import apply_homography
from engine.geometry.planar_warps import DEGREES, exponential
from engine.geometry.warp_names import PlanarWarp
from engine.lab.frozen.frame import Axis, check, fraction_at_end
from engine.scenes.planar import PlanarScene, plane_warps
from engine.scenes.pyramid.patch_level import downsample_patches
from engine.training.metrics import average_pixels
from engine.training.planar.trainer import PlanarTrainer

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
        family: of the run's warps.
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
    family: PlanarWarp

    @property
    def pixels(self) -> int:
        return len(self.points)

    @property
    def samples(self) -> int:
        return 1

    def losses(
        self, offsets: Float[Tensor, "poses axes"], first: int = 0, last: int | None = None
    ) -> Float[Tensor, " poses"]:
        return self.losses_at(move_about(self.middle, offsets.to(self.warp)) @ self.warp, first, last)

    def losses_at(
        self, warps: Float[Tensor, "poses 3 3"], first: int = 0, last: int | None = None
    ) -> Float[Tensor, " poses"]:
        """The same for warps of the plane."""
        return self._compare(warps, self.points[first:last], self.colours[first:last])

    @property
    def placement(self) -> Float[Tensor, "3 3"]:
        return self.warp

    @property
    def degrees(self) -> int:
        return DEGREES[self.family]

    def move(
        self, placements: Float[Tensor, "poses 3 3"], vectors: Float[Tensor, "poses degrees"]
    ) -> Float[Tensor, "poses 3 3"]:
        return exponential(self.family, vectors) @ placements

    def losses_of(
        self, placements: Float[Tensor, "poses 3 3"], drawn: Int[Tensor, " drawn"], generator: Generator
    ) -> Float[Tensor, " poses"]:
        """There are no samples along rays to be jittered."""
        return self._compare(placements, self.points[drawn], self.colours[drawn])

    def _compare(
        self, warps: Float[Tensor, "poses 3 3"], points: Float[Tensor, "some 2"], colours: Float[Tensor, "some 3"]
    ) -> Float[Tensor, " poses"]:
        seen = self.field.colours(apply_homography(warps, points[None]))
        return average_pixels((seen - colours).square(), None)


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


@dataclass(frozen=True)
class FrozenPatches:
    """All patches of a run, with one copy of the learned image (see `FrozenRun`).

    Attributes:
        scene: of the run.
        warps: from the planes of the patches to that of the image.
        field: the copy.
        stage: whose band limit the copy has.
        stage_index: of the stage that the run is in.
        stages: of the schedule.
        iteration, seed: of the run.
    """

    scene: PlanarScene
    warps: Float[Tensor, "patches 3 3"]
    field: ImageField
    stage: PlanarStage
    stage_index: int
    stages: tuple[PlanarStage, ...]
    iteration: int
    seed: int

    @property
    def movable(self) -> Sequence[int]:
        """All but the first, which is fixed."""
        return range(1, len(self.warps))

    def under(self, stage: int | None) -> FrozenPatches:
        if stage is None:
            return self
        check(0, len(self.warps), stage, self.stages)
        chosen, fraction = self.stages[stage], fraction_at_end(self.stages, stage, self.iteration)
        return replace(self, field=self.field.at_stage(chosen, fraction), stage=chosen)

    def look(self, frame: int, stage: int | None, pixels: int) -> FrozenPatch:
        check(frame, len(self.warps), stage, self.stages)
        within = self.under(stage)
        chosen, field, scene = within.stage, within.field, self.scene
        warp = self.warps[frame]
        data = downsample_patches(scene, chosen.downsample, warp.device)
        generator = torch.Generator().manual_seed(self.seed + frame)
        drawn = torch.randperm(len(data.points), generator=generator)[:pixels].to(warp.device)
        colours = data.images[frame].flatten(start_dim=1)[:, drawn].T
        axes = _list_axes(max(scene.image_size) / 2)
        place = _describe(warp)
        wanted = _describe(plane_warps(scene, scene.transforms[frame : frame + 1])[0])
        angle = math.remainder(wanted[2] - place[2], 2 * math.pi)
        apart = (wanted[0] - place[0], wanted[1] - place[1], angle, wanted[3] / place[3] - 1)
        reference = tuple(value / axis.inside for value, axis in zip(apart, axes, strict=True))
        seen = (field, data.points[drawn], colours, chosen.name, len(data.points), reference, axes, scene.warp)
        return FrozenPatch(frame, warp, warp.new_tensor(place[:2]), *seen)


def freeze_patches(trainer: PlanarTrainer) -> FrozenPatches:
    """See `engine.lab.frozen.freeze`."""
    done = fraction_at_end(trainer.stages, trainer.stage_index, trainer.iteration)
    field, warps = trainer.field.at_stage(trainer.stage, done), trainer.registration.transforms()
    known = (trainer.stage, trainer.stage_index, tuple(trainer.stages), trainer.iteration, trainer.settings.seed)
    return FrozenPatches(trainer.scene, warps, field, *known)


def _list_axes(unit: float) -> tuple[Axis, ...]:
    """Of a patch; `unit` is the length 1 of the plane in pixels."""
    return (
        Axis("x", "moves right", "px", 1 / unit),
        Axis("y", "moves down", "px", 1 / unit),
        Axis("turn", "turns clockwise", "°", math.radians(1)),
        Axis("scale", "grows", "%", 0.01),
    )


def _describe(warp: Float[Tensor, "3 3"]) -> tuple[float, float, float, float]:
    """Where a warp puts the middle of its patch (x, y), how it turns it (radians) and enlarges it there."""
    around = warp.new_tensor([(0, 0), (STEP, 0), (0, STEP)])
    middle, right, below = apply_homography(warp, around).double().tolist()
    across = ((right[0] - middle[0]) / STEP, (right[1] - middle[1]) / STEP)
    down = ((below[0] - middle[0]) / STEP, (below[1] - middle[1]) / STEP)
    area = across[0] * down[1] - across[1] * down[0]
    return middle[0], middle[1], math.atan2(across[1] - down[0], across[0] + down[1]), math.sqrt(abs(area))
