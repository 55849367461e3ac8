"""The cameras of a run with a copy of its field."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from engine.config.rows import Stage
from engine.fields.field import Field
from engine.geometry import rays, se3
from engine.geometry.pose_errors import pose_errors
from engine.lab.frozen.frame import Axis, check, fraction_at_end
from engine.registration.fixed import compose
from engine.registration.relocalisation.search import draw_pixels
from engine.scenes.pyramid import photo_level
from engine.scenes.scene import Scene
from engine.training.cameras import CameraTrainer
from engine.training.metrics import average_pixels

AXES = (
    Axis("rx", "tilts up", "°", math.radians(1)),
    Axis("ry", "pans right", "°", math.radians(1)),
    Axis("rz", "rolls clockwise", "°", math.radians(1)),
    Axis("tx", "moves right", "units", 1.0),
    Axis("ty", "moves down", "units", 1.0),
    Axis("tz", "moves forward", "units", 1.0),
)
"""As `engine.messages.PerturbPose` moves a camera: about and along its own axes."""


@dataclass(frozen=True)
class FrozenCamera:
    """A camera of a run (see `FrozenFrame`), seen by its global pose: warps of single pixels are left out.

    Attributes:
        frame: index among the training frames.
        pose: where it stands, world-to-camera.
        field: a copy, under the band limit of the stage.
        points, colours: of the pixels that are compared: on the plane z = 1, and in the photo.
        gain: of its exposure, on rendered colours.
    """

    frame: int
    pose: Float[Tensor, "3 4"]
    field: Field
    points: Float[Tensor, "pixels 2"]
    colours: Float[Tensor, "pixels 3"]
    gain: Float[Tensor, "3"]
    stage: str
    of: int
    reference: tuple[float, ...] | None
    axes: tuple[Axis, ...] = AXES

    @property
    def pixels(self) -> int:
        return len(self.points)

    @property
    def samples(self) -> int:
        return self.field.stage.samples

    def losses(
        self, offsets: Float[Tensor, "poses axes"], first: int = 0, last: int | None = None
    ) -> Float[Tensor, " poses"]:
        """Samples lie in the middle of their intervals: those of a training step are jittered about them."""
        return self.losses_at(se3.compose(se3.exponential(offsets.to(self.pose)), self.pose), first, last)

    def losses_at(
        self, poses: Float[Tensor, "poses 3 4"], first: int = 0, last: int | None = None
    ) -> Float[Tensor, " poses"]:
        """The same for poses, world-to-camera."""
        return self._compare(poses, self.points[first:last], self.colours[first:last], None)

    @property
    def placement(self) -> Float[Tensor, "3 4"]:
        return self.pose

    @property
    def degrees(self) -> int:
        return len(AXES)

    def move(
        self, placements: Float[Tensor, "poses 3 4"], vectors: Float[Tensor, "poses 6"]
    ) -> Float[Tensor, "poses 3 4"]:
        return compose(placements, vectors)

    def losses_of(
        self, placements: Float[Tensor, "poses 3 4"], drawn: Int[Tensor, " drawn"], generator: Generator
    ) -> Float[Tensor, " poses"]:
        return self._compare(placements, self.points[drawn], self.colours[drawn], generator)

    def _compare(
        self,
        poses: Float[Tensor, "poses 3 4"],
        points: Float[Tensor, "some 2"],
        colours: Float[Tensor, "some 3"],
        generator: Generator | None,
    ) -> Float[Tensor, " poses"]:
        """Samples lie in the middle of their intervals without a generator."""
        origins, directions = rays.rays_through(poses[:, None], points[None])
        origins, directions = origins.expand_as(directions).reshape(-1, 3), directions.reshape(-1, 3)
        with self.field.frozen():
            seen = self.field.render(origins, directions, generator).colour.view(len(poses), -1, 3)
        return average_pixels((seen * self.gain - colours).square(), None)


@dataclass(frozen=True)
class FrozenCameras:
    """All cameras of a run, with one copy of the field (see `FrozenRun`).

    Attributes:
        scene: with the lenses as they are fitted.
        frames: its training frames.
        poses: where they stand, world-to-camera.
        references: in the world of the poses; NaN, or None, where there are none.
        gains: of their exposures, on rendered colours.
        field: the copy.
        stage_index: of the stage that the run is in.
        stages: of the schedule.
        iteration, seed: of the run.
    """

    scene: Scene
    frames: tuple[int, ...]
    poses: Float[Tensor, "frames 3 4"]
    references: Float[Tensor, "frames 3 4"] | None
    gains: Float[Tensor, "frames 3"]
    field: Field
    stage_index: int
    stages: tuple[Stage, ...]
    iteration: int
    seed: int

    @property
    def stage(self) -> Stage:
        """Whose band limit the copy has."""
        return self.field.stage

    @property
    def movable(self) -> Sequence[int]:
        return range(len(self.frames))

    def under(self, stage: int | None) -> FrozenCameras:
        if stage is None:
            return self
        check(0, len(self.frames), stage, self.stages)
        fraction = fraction_at_end(self.stages, stage, self.iteration)
        return replace(self, field=self.field.at_stage(self.stages[stage], fraction))

    def look(self, frame: int, stage: int | None, pixels: int) -> FrozenCamera:
        check(frame, len(self.frames), stage, self.stages)
        field = self.under(stage).field
        chosen, pose = field.stage, self.poses[frame]
        data = photo_level.downsample_photos(self.scene, [self.frames[frame]], chosen.downsample, pose.device)
        points, colours = draw_pixels(0, data, torch.Generator().manual_seed(self.seed + frame), pixels)
        place = self._place_reference(frame)
        return FrozenCamera(frame, pose, field, points, colours, self.gains[frame], chosen.name, data.pixels, place)

    def _place_reference(self, frame: int) -> tuple[float, ...] | None:
        if self.references is None or not bool(self.references[frame].isfinite().all()):
            return None
        twist = se3.logarithm(se3.compose(self.references[frame], se3.invert(self.poses[frame].cpu())))
        return tuple(value / axis.inside for value, axis in zip(twist.tolist(), AXES, strict=True))


def freeze_cameras(trainer: CameraTrainer) -> FrozenCameras:
    """See `engine.lab.frozen.freeze`."""
    scene, poses, field = trainer.scene, trainer.poses(), trainer.field
    references = None
    if scene.reference_poses is not None:
        references = pose_errors(poses.cpu(), scene.reference_poses[trainer.frames]).aligned_reference
    now, stages = field.stage, tuple(trainer.stages)
    index = stages.index(now) if now in stages else trainer.stage_index
    whole = torch.ones(1, 3, device=poses.device)
    gains = torch.cat([trainer.calibration.seen_by(frame, whole).detach() for frame in range(len(poses))])
    return FrozenCameras(
        replace(scene, intrinsics=trainer.calibration.intrinsics(scene.intrinsics.to(poses.device))),
        tuple(trainer.frames),
        poses,
        references,
        gains,
        field.at_stage(now, fraction_at_end(stages, index, trainer.iteration)),
        index,
        stages,
        trainer.iteration,
        trainer.settings.seed,
    )
