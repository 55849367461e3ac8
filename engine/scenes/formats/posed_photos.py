"""Photos with poses as readers find them on disk, and how a `Scene` is built from them."""

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
    """Files, cameras and split of a scene before its images are decoded.

    Attributes:
        folder: the scene's folder, resolved.
        cameras_file: file of the cameras, for error messages.
        kind: as in `Scene`.
        images: one file per frame, all of one size.
        factor: by which the images still have to be downsampled.
        intrinsics: of the images as stored.
        poses: reference world-to-camera poses in scene units, double precision.
        training_frames, held_out_frames: the split, as frame indices.
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
    """The photos of a scene whose kind, split and world frame were chosen by `world.placement`."""
    placed = {field.name: getattr(placement, field.name) for field in fields(placement)}
    return PosedPhotos(folder, cameras_file, images=images, factor=factor, intrinsics=intrinsics, **placed)


def build_scene(photos: PosedPhotos, options: SceneOptions) -> Scene:
    """Decodes the images and chooses the initial poses.

    Raises:
        UserError: an image is damaged, there are too few training frames, or the depth bounds are invalid.
    """
    check_frame_counts(photos.training_frames, photos.cameras_file)
    check_bounds(photos.near, photos.far, photos.cameras_file)
    images, transparent = load_images(photos.images, photos.factor, options)
    reference = photos.poses.float()
    initial, noise = choose_initial_poses(
        reference, len(reference), photos.training_frames, photos.kind, options, str(photos.folder)
    )
    return Scene(
        name=photos.folder.name,
        path=photos.folder,
        kind=photos.kind,
        names=name_frames(photos.folder, photos.images),
        images=images,
        intrinsics=shrink_intrinsics(photos.intrinsics, photos.factor),
        initial_poses=initial,
        reference_poses=reference,
        training_frames=photos.training_frames,
        held_out_frames=photos.held_out_frames,
        near=photos.near,
        far=photos.far,
        background=options.background_colour if transparent else None,
        box_centre=photos.box_centre,
        box_half_extent=photos.box_half_extent,
        file_scale=photos.file_scale,
        noise=noise,
        poses_known=resolve_init(photos.kind, options) == "reference",
        files=tuple(photos.images),
    )
