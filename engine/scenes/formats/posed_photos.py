"""What a reader finds on disk before images are decoded, and how a `Scene` is made of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from engine.geometry.intrinsics import Intrinsics
from engine.scenes.formats.resolution import load_images, shrink_intrinsics
from engine.scenes.formats.validation import check_bounds, check_frame_counts
from engine.scenes.options import SceneOptions
from engine.scenes.paths import name_frames
from engine.scenes.scene import Scene, SceneKind
from engine.scenes.world.initial_poses import choose_initial_poses, resolve_init
from engine.scenes.world.placement import Placement


@dataclass(frozen=True)
class PosedPhotos:
    """Files, cameras and split of a scene.

    Attributes:
        folder: the scene's folder, resolved.
        cameras_file: where the cameras come from, for error messages.
        kind: forward-facing or object.
        images: one file per frame, all of one size.
        factor: by which the images are still to be area-downsampled.
        intrinsics: of the images as stored.
        poses: reference world-to-camera poses in scene units, double precision.
        training_frames, held_out_frames: the split.
        near, far, box_centre, box_half_extent, file_scale: as in `Scene`.
    """

    folder: Path
    cameras_file: Path
    kind: SceneKind
    images: list[Path]
    factor: int
    intrinsics: Intrinsics
    poses: Float[Tensor, "frames 3 4"]
    training_frames: tuple[int, ...]
    held_out_frames: tuple[int, ...]
    near: float
    far: float
    box_centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    box_half_extent: float = 1.0
    file_scale: float = 1.0


def combine_placement(
    folder: Path, cameras_file: Path, images: list[Path], factor: int, intrinsics: Intrinsics, placement: Placement
) -> PosedPhotos:
    """The recording of a scene whose kind, split and world were decided from its cameras."""
    decided = {field.name: getattr(placement, field.name) for field in fields(placement)}
    return PosedPhotos(folder, cameras_file, images=images, factor=factor, intrinsics=intrinsics, **decided)


def build_scene(recording: PosedPhotos, options: SceneOptions) -> Scene:
    """Decode the images and choose the initial poses.

    Raises:
        UserError: an image is damaged, there are too few frames, or the depth bounds make no sense.
    """
    check_frame_counts(recording.training_frames, recording.cameras_file)
    check_bounds(recording.near, recording.far, recording.cameras_file)
    images, transparent = load_images(recording.images, recording.factor, options)
    reference = recording.poses.float()
    initial, noise = choose_initial_poses(
        reference, len(reference), recording.training_frames, recording.kind, options, str(recording.folder)
    )
    return Scene(
        name=recording.folder.name,
        path=recording.folder,
        kind=recording.kind,
        names=name_frames(recording.folder, recording.images),
        images=images,
        intrinsics=shrink_intrinsics(recording.intrinsics, recording.factor),
        initial_poses=initial,
        reference_poses=reference,
        training_frames=recording.training_frames,
        held_out_frames=recording.held_out_frames,
        near=recording.near,
        far=recording.far,
        background=options.background_colour if transparent else None,
        box_centre=recording.box_centre,
        box_half_extent=recording.box_half_extent,
        file_scale=recording.file_scale,
        noise=noise,
        poses_known=resolve_init(recording.kind, options) == "reference",
        files=tuple(recording.images),
    )
