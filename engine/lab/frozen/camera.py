"""A camera with a copy of its field."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from engine.fields.field import Field
from engine.geometry import rays, se3
from engine.geometry.pose_errors import pose_errors
from engine.lab.frozen.frame import Axis, fraction_at_end
from engine.registration.relocalisation.search import draw_pixels
from engine.scenes.pyramid import photo_level
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

    def losses(
        self, offsets: Float[Tensor, "poses axes"], first: int = 0, last: int | None = None
    ) -> Float[Tensor, " poses"]:
        """Samples lie in the middle of their intervals: those of a training step are jittered about them."""
        return self.losses_at(se3.compose(se3.exponential(offsets.to(self.pose)), self.pose), first, last)

    def losses_at(
        self, poses: Float[Tensor, "poses 3 4"], first: int = 0, last: int | None = None
    ) -> Float[Tensor, " poses"]:
        """The same for poses, world-to-camera."""
        origins, directions = rays.rays_through(poses[:, None], self.points[None, first:last])
        with self.field.frozen():
            seen = self.field.render(origins.expand_as(directions).reshape(-1, 3), directions.reshape(-1, 3)).colour
        colours = self.colours[None, first:last]
        return average_pixels((seen.view(len(poses), -1, 3) * self.gain - colours).square(), None)


def freeze_camera(
    trainer: CameraTrainer, frame: int, stage: int | None, pixels: int, shared: Field | None = None
) -> FrozenCamera:
    """See `engine.lab.frozen.freeze`."""
    chosen = trainer.field.stage if stage is None else trainer.stages[stage]
    index = trainer.stage_index if stage is None else stage
    done = fraction_at_end(trainer.stages, index, trainer.iteration)
    field = shared or trainer.field.at_stage(chosen, done)
    calibration, scene = trainer.calibration, trainer.scene
    data = photo_level.downsample_photos(scene, [trainer.frames[frame]], chosen.downsample, trainer.device)
    if calibration.free.focal:
        data = photo_level.replace_intrinsics(data, calibration.intrinsics(data.intrinsics))
    points, colours = draw_pixels(0, data, torch.Generator().manual_seed(trainer.settings.seed + frame), pixels)
    gain = calibration.seen_by(frame, points.new_ones(1, 3)).detach()[0]
    poses = trainer.poses()
    reference = None
    if scene.reference_poses is not None:
        aligned = pose_errors(poses.cpu(), scene.reference_poses[trainer.frames]).aligned_reference[frame]
        twist = se3.logarithm(se3.compose(aligned, se3.invert(poses[frame].cpu())))
        if bool(twist.isfinite().all()):
            reference = tuple(value / axis.inside for value, axis in zip(twist.tolist(), AXES, strict=True))
    return FrozenCamera(frame, poses[frame], field, points, colours, gain, chosen.name, data.pixels, reference)
