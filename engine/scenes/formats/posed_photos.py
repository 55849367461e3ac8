"""Photos with poses as readers find them on disk, and how a `Scene` is built from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.geometry.intrinsics import Intrinsics
from engine.scenes.canvas import list_sizes, mark_pictures, stack_pictures
from engine.scenes.formats.left_out import check_enough_remain, describe_reason, warn_of_left_out
from engine.scenes.formats.masks import HIDDEN, MaskFile, find_masks, load_masks
from engine.scenes.formats.resolution import choose_reductions, load_images, reduce_intrinsics
from engine.scenes.formats.validation import check_bounds, check_frame_counts
from engine.scenes.lens_masks import MISFIT, combine_masks, mask_by_lens
from engine.scenes.options import SceneOptions
from engine.scenes.paths import name_frames
from engine.scenes.scene import LeftOut, Scene, SceneKind
from engine.scenes.world.initial_poses import choose_initial_poses, resolve_init
from engine.scenes.world.placement import Placement


@dataclass(frozen=True)
class PosedPhotos:
    """Files, cameras and split of a scene before its images are decoded.

    Attributes:
        folder: the scene's folder, resolved.
        cameras_file: file of the cameras, for error messages.
        kind: as in `Scene`.
        images: one file per frame.
        factor: by which the largest of the images still have to be downsampled.
        intrinsics: of the images as stored, with their sizes.
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


def drop_frames(photos: PosedPhotos, dropped: Sequence[int]) -> PosedPhotos:
    """The photos without some frames."""
    kept = [index for index in range(len(photos.images)) if index not in dropped]
    place = {index: number for number, index in enumerate(kept)}
    return replace(
        photos,
        images=[photos.images[index] for index in kept],
        intrinsics=photos.intrinsics[torch.tensor(kept)],
        poses=photos.poses[kept],
        training_frames=tuple(place[index] for index in photos.training_frames if index in place),
        held_out_frames=tuple(place[index] for index in photos.held_out_frames if index in place),
    )


def build_scene(photos: PosedPhotos, options: SceneOptions, masks: Sequence[MaskFile] | None = None) -> Scene:
    """Decodes the images and chooses the initial poses.

    Args:
        photos: of the scene.
        options: how to read.
        masks: of the photos; None for those that lie in the folder `masks`.
    Raises:
        UserError: a mask or most images are damaged, there are too few training frames, or the depth bounds are
            invalid.
    """
    masks = find_masks(photos.folder, photos.images) if masks is None else masks
    reductions = choose_reductions(list_sizes(photos.intrinsics), photos.factor)
    loaded = load_masks(masks, reductions, options.maximum_pixels, photos.folder)
    names = name_frames(photos.folder, photos.images)
    shown = mask_by_lens(reduce_intrinsics(photos.intrinsics, reductions), names)
    counts = combine_masks(loaded.counts, shown.counts)
    dropped = dict.fromkeys(shown.misfits, MISFIT) | dict(loaded.useless)
    if counts is not None:
        nothing = (~counts.flatten(start_dim=1).any(dim=1)).nonzero()[:, 0].tolist()
        dropped = dict.fromkeys(nothing, HIDDEN) | dropped
    left_out = tuple(LeftOut(names[index], reason) for index, reason in sorted(dropped.items()))
    if len(dropped) == len(names):
        raise UserError(f"{photos.cameras_file} has no photo that can be used: {names[0]}: {left_out[0].reason}.")
    if dropped:
        kept = [index for index in range(len(names)) if index not in dropped]
        counts, reductions = None if counts is None else counts[kept], [reductions[index] for index in kept]
        photos = drop_frames(photos, list(dropped))
    check_bounds(photos.near, photos.far, photos.cameras_file)
    pictures, transparent = load_images(photos.images, reductions, options)
    if broken := {index: picture for index, picture in enumerate(pictures) if isinstance(picture, UserError)}:
        check_enough_remain(len(pictures) - len(broken), list(broken.values()))
        damaged = tuple(LeftOut(photos.images[index].name, describe_reason(broken[index])) for index in broken)
        warn_of_left_out(damaged, photos.cameras_file)
        kept = [index for index in range(len(pictures)) if index not in broken]
        counts, reductions = None if counts is None else counts[kept], [reductions[index] for index in kept]
        photos, left_out = drop_frames(photos, list(broken)), left_out + damaged
    check_frame_counts(photos.training_frames, photos.cameras_file)
    images = torch.from_numpy(stack_pictures([picture for picture in pictures if not isinstance(picture, UserError)]))
    intrinsics = reduce_intrinsics(photos.intrinsics, reductions)
    if loaded.counts is None and intrinsics.sizes is not None:
        own = mark_pictures(intrinsics.sizes, (intrinsics.width, intrinsics.height))
        counts = combine_masks(own, None if counts is None else counts[:, : own.shape[1], : own.shape[2]])
    if counts is not None:  # the canvas may have become smaller where frames were left out
        counts = counts[:, : intrinsics.height, : intrinsics.width]
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
        intrinsics=intrinsics,
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
        left_out=left_out,
        notes=loaded.notes + shown.notes,
        masks=counts,
    )
