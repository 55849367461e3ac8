"""A scene that gets more frames while it is trained on: frozen all the same, another one takes its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from engine.errors import UserError
from engine.geometry.intrinsics import Intrinsics
from engine.scenes.scene import AddedFrames, Scene


def add_frames(scene: Scene, added: AddedFrames) -> Scene:
    """The scene with more training frames, after all that it had.

    They start where the frames stand whose pictures are most alike, and have no reference pose.

    Raises:
        UserError: they are not of this scene: another image size, names that are taken, no such nearest frames.
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
            focal=_extended(intrinsics.focal, nearest),
            centre=_extended(intrinsics.centre, nearest),
            distortion=_extended(intrinsics.distortion, nearest),
            width=intrinsics.width,
            height=intrinsics.height,
        ),
        initial_poses=_extended(scene.initial_poses, nearest),
        reference_poses=reference,
        training_frames=scene.training_frames + tuple(range(first, first + count)),
        noise=noise,
        files=scene.files + files if scene.files and len(files) == count else (),
        added=added if scene.added is None else _joined(scene.added, added),
    )


def find_copies(added: AddedFrames, folder: Path) -> AddedFrames:
    """The same photos with those copies that a folder holds under their names; a link is none."""
    plain = [folder / name if is_safe_name(name) else folder for name in added.names]
    return replace(added, files=tuple(file if file.is_file() and not file.is_symlink() else None for file in plain))


def is_safe_name(name: object) -> bool:
    """Whether a frame may be called so: the name of a file that stays in its folder, whatever the system."""
    return (
        isinstance(name, str)
        and 0 < len(name) <= 200
        and name.isprintable()
        and not name.startswith(".")
        and not set(name) & set('/\\:*?"<>|')
    )


def _check(scene: Scene, added: AddedFrames) -> None:
    shape = (len(added.names), *scene.images.shape[1:])
    sound = (
        tuple(added.images.shape) == shape
        and added.images.dtype == torch.uint8
        and len(added.nearest) == len(added.files) == len(added.names) == len(set(added.names) - set(scene.names))
        and all(is_safe_name(name) for name in added.names)
        and all(type(index) is int and 0 <= index < scene.frames_read for index in added.nearest)
    )
    if not sound:
        raise UserError(f"The photos that were added are not of {scene.path}: sizes or names do not go together.")


def _extended(values: Tensor, nearest: Tensor) -> Tensor:
    return torch.cat([values, values[nearest]])


def _joined(one: AddedFrames, other: AddedFrames) -> AddedFrames:
    return AddedFrames(
        one.names + other.names,
        torch.cat([one.images, other.images]),
        one.nearest + other.nearest,
        one.files + other.files,
    )
