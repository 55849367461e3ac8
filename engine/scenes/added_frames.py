"""Frames added to a scene during training. A `Scene` is frozen, so the result is a new scene with more frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from engine.errors import UserError
from engine.geometry.intrinsics import Intrinsics
from engine.scenes.scene import AddedFrames, Scene


def add_frames(scene: Scene, added: AddedFrames) -> Scene:
    """The scene with more training frames, appended after the frames that it has.

    An added frame takes over intrinsics and initial pose of its nearest frame; its reference pose is NaN.

    Raises:
        UserError: the frames do not fit the scene: another image size, names in use, or invalid nearest frames.
    """
    _check(scene, added)
    count = len(added.names)
    nearest = torch.tensor(added.nearest, dtype=torch.long)
    intrinsics, noise = scene.intrinsics, scene.noise
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
        images=torch.cat([scene.images, added.images.to(scene.images)]),
        intrinsics=Intrinsics(
            focal=_extend(intrinsics.focal, nearest),
            centre=_extend(intrinsics.centre, nearest),
            distortion=_extend(intrinsics.distortion, nearest),
            width=intrinsics.width,
            height=intrinsics.height,
        ),
        initial_poses=_extend(scene.initial_poses, nearest),
        reference_poses=reference,
        training_frames=scene.training_frames + tuple(range(first, first + count)),
        noise=noise,
        masks=None if scene.masks is None else _extend_masks(scene.masks, count),
        files=scene.files + files if scene.files and len(files) == count else (),
        added=added if scene.added is None else _concatenate(scene.added, added),
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
    shape = (len(added.names), *scene.images.shape[1:])
    fits = (
        tuple(added.images.shape) == shape
        and added.images.dtype == torch.uint8
        and len(added.nearest) == len(added.files) == len(added.names) == len(set(added.names) - set(scene.names))
        and all(is_safe_name(name) for name in added.names)
        and all(type(index) is int and 0 <= index < scene.frames_read for index in added.nearest)
    )
    if not fits:
        raise UserError(f"The photos that were added are not of {scene.path}: sizes or names do not go together.")


def _extend(values: Tensor, nearest: Tensor) -> Tensor:
    """Values per frame, followed by those of the nearest frames."""
    return torch.cat([values, values[nearest]])


def _extend_masks(masks: Tensor, count: int) -> Tensor:
    """Masks of all frames, followed by those of `count` frames of which all pixels count."""
    return torch.cat([masks, torch.ones_like(masks[:1].expand(count, -1, -1))])


def _concatenate(one: AddedFrames, other: AddedFrames) -> AddedFrames:
    return AddedFrames(
        one.names + other.names,
        torch.cat([one.images, other.images]),
        one.nearest + other.nearest,
        one.files + other.files,
    )
