"""Frames added to a scene during training. A `Scene` is frozen, so the result is a new scene with more frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from engine.errors import UserError
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.lens_models import stack_distortions
from engine.scenes.canvas import Size, choose_canvas, list_sizes, mark_pictures, stack_sizes
from engine.scenes.lens_masks import mask_by_lens
from engine.scenes.scene import AddedFrames, Scene
from engine.sfm.lens import make_prior_lens


def add_frames(scene: Scene, added: AddedFrames) -> Scene:
    """The scene with more training frames, appended after the frames that it has.

    An added frame takes over the initial pose of its nearest frame, and its intrinsics unless it brings its own; its
    reference pose is NaN. Where its picture is larger than the canvas of the scene, the canvas grows.

    Raises:
        UserError: the frames do not fit the scene: sizes that do not go together, names in use, or a nearest frame
            that is none.
    """
    _check(scene, added)
    count = len(added.names)
    nearest = torch.tensor(added.nearest, dtype=torch.long)
    noise = scene.noise
    own = scene.intrinsics[nearest] if added.intrinsics is None else added.intrinsics
    intrinsics = _join_intrinsics(scene.intrinsics, own)
    canvas = intrinsics.width, intrinsics.height
    reference = scene.reference_poses
    if reference is not None:
        reference = torch.cat([reference, torch.full_like(reference[:1].expand(count, -1, -1), torch.nan)])
    if noise is not None:
        none = torch.zeros(count, 3)
        noise = replace(
            noise, rotation=torch.cat([noise.rotation, none]), translation=torch.cat([noise.translation, none])
        )
    first = len(scene.names)
    files = tuple(file for file in added.files if file is not None)
    return replace(
        scene,
        names=scene.names + added.names,
        images=torch.cat([_enlarge(scene.images, canvas), _enlarge(added.images.to(scene.images), canvas)]),
        intrinsics=intrinsics,
        lens_covariance=_extend_covariance(scene.lens_covariance, intrinsics.cameras_count),
        initial_poses=_extend(scene.initial_poses, nearest),
        reference_poses=reference,
        training_frames=scene.training_frames + tuple(range(first, first + count)),
        noise=noise,
        masks=_extend_masks(scene.masks, added.masks, intrinsics, count),
        files=scene.files + files if scene.files and len(files) == count else (),
        added=added if scene.added is None else _concatenate(scene.added, added, scene.intrinsics),
    )


def find_copies(added: AddedFrames, folder: Path) -> AddedFrames:
    """The same frames, whose `files` are the copies that a folder holds under their names; None where it has none.

    Symbolic links do not count as copies.
    """
    plain = [folder / name if is_safe_name(name) else folder for name in added.names]
    return replace(added, files=tuple(file if file.is_file() and not file.is_symlink() else None for file in plain))


def is_safe_name(name: object) -> bool:
    """Whether a frame may have this name: a file name that is valid on all systems and has no path separators."""
    return (
        isinstance(name, str)
        and 0 < len(name) <= 200
        and name.isprintable()
        and not name.startswith(".")
        and not set(name) & set('/\\:*?"<>|')
    )


def _check(scene: Scene, added: AddedFrames) -> None:
    canvas = scene.intrinsics if added.intrinsics is None else added.intrinsics
    fits = (
        tuple(added.images.shape) == (len(added.names), canvas.height, canvas.width, 3)
        and (added.intrinsics is None or added.intrinsics.frames == len(added.names))
        and added.images.dtype == torch.uint8
        and (added.masks is None or added.masks.shape == added.images.shape[:3])
        and len(added.nearest) == len(added.files) == len(added.names) == len(set(added.names) - set(scene.names))
        and all(is_safe_name(name) for name in added.names)
        and all(type(index) is int and 0 <= index < scene.frames_read for index in added.nearest)
    )
    if not fits:
        raise UserError(f"The photos that were added are not of {scene.path}: sizes or names do not go together.")


def _extend(values: Tensor, nearest: Tensor) -> Tensor:
    """Values per frame, followed by those of the nearest frames."""
    return torch.cat([values, values[nearest]])


def _join_intrinsics(one: Intrinsics, other: Intrinsics) -> Intrinsics:
    """The intrinsics of all frames of both, on a canvas that holds all of their pictures."""
    sizes = list_sizes(one) + list_sizes(other)
    width, height = choose_canvas(sizes)
    distortion = stack_distortions([tuple(row) for row in (*one.distortion.tolist(), *other.distortion.tolist())])
    several = one.cameras is not None or other.cameras is not None
    return Intrinsics(
        focal=torch.cat([one.focal, other.focal]),
        centre=torch.cat([one.centre, other.centre]),
        distortion=distortion.to(one.distortion),
        width=width,
        height=height,
        sizes=stack_sizes(sizes),
        cameras=torch.cat([one.camera_numbers, other.camera_numbers]) if several else None,
    )


def _enlarge(images: Tensor, canvas: Size) -> Tensor:
    """Images (frames, height, width, ...) in the corner of a canvas (width, height), zero outside."""
    frames, height, width, *rest = images.shape
    if (width, height) == canvas:
        return images
    larger = images.new_zeros(frames, canvas[1], canvas[0], *rest)
    larger[:, :height, :width] = images
    return larger


def _extend_masks(masks: Tensor | None, added: Tensor | None, intrinsics: Intrinsics, count: int) -> Tensor | None:
    """Masks of all frames on their canvas, followed by those of `count` frames, of which those pixels count that
    their lenses have rays for."""
    canvas = intrinsics.width, intrinsics.height
    frames = intrinsics.frames
    own = mark_pictures(intrinsics.own_sizes, canvas)
    shown = mask_by_lens(intrinsics[torch.arange(frames - count, frames)], [""] * count).counts
    if masks is None and shown is None and added is None:
        return None if intrinsics.sizes is None else own
    counts = own[-count:]
    for mask in (shown, None if added is None else _enlarge(added, canvas)):
        counts = counts if mask is None else counts & mask
    before = own[:-count] if masks is None else _enlarge(masks, canvas)
    return torch.cat([before, counts.to(before)])


def _extend_covariance(covariance: Tensor | None, cameras: int) -> Tensor | None:
    """Covariances of the lenses of all cameras; those of new cameras are guesses."""
    if covariance is None or len(covariance) >= cameras:
        return covariance
    guess = torch.from_numpy(make_prior_lens(1.0, False).covariance).to(covariance)
    return torch.cat([covariance, guess.expand(cameras - len(covariance), -1, -1)])


def _concatenate(one: AddedFrames, other: AddedFrames, scene: Intrinsics) -> AddedFrames:
    """Both; where one of them brings intrinsics, those of all are kept."""
    names, nearest, files = one.names + other.names, one.nearest + other.nearest, one.files + other.files
    parts, intrinsics = (one, other), None
    canvas = one.images.shape[2], one.images.shape[1]
    if one.intrinsics is not None or other.intrinsics is not None:
        each = [scene[torch.tensor(part.nearest)] if part.intrinsics is None else part.intrinsics for part in parts]
        intrinsics = _join_intrinsics(*each)
        canvas = intrinsics.width, intrinsics.height
    images = torch.cat([_enlarge(part.images[:, : canvas[1], : canvas[0]], canvas) for part in parts])
    masks = None
    if one.masks is not None or other.masks is not None:
        all_count = (torch.ones_like(part.images[..., 0], dtype=torch.bool) for part in parts)
        known = (every if part.masks is None else part.masks for part, every in zip(parts, all_count, strict=True))
        masks = torch.cat([_enlarge(mask[:, : canvas[1], : canvas[0]], canvas) for mask in known])
    return AddedFrames(names, images, nearest, files, intrinsics, masks)
