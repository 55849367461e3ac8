"""A scene without some of its photos, which tests add later."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from engine.scenes.scene import Scene
from tests.support.scenes.scenes_on_disk import REPOSITORY

FERN = REPOSITORY / "scenes" / "fern"


def without(scene: Scene, left_out: Sequence[int]) -> Scene:
    """The scene as if it had been read without some of its frames."""
    kept = [frame for frame in range(len(scene.names)) if frame not in left_out]
    number = {frame: index for index, frame in enumerate(kept)}
    index = torch.tensor(kept)
    assert scene.noise is None
    return replace(
        scene,
        names=tuple(scene.names[frame] for frame in kept),
        images=scene.images[index],
        intrinsics=scene.intrinsics[index],
        initial_poses=scene.initial_poses[index],
        reference_poses=None if scene.reference_poses is None else scene.reference_poses[index],
        training_frames=tuple(number[frame] for frame in scene.training_frames if frame in number),
        held_out_frames=tuple(number[frame] for frame in scene.held_out_frames if frame in number),
        files=tuple(scene.files[frame] for frame in kept) if scene.files else (),
    )


def write_fern_without(folder: Path, left_out: Sequence[int]) -> Path:
    """Writes the shipped fern scene without some of its photos."""
    photos = sorted((FERN / "images").glob("*.jpg"))
    kept = [index for index in range(len(photos)) if index not in left_out]
    (folder / "images").mkdir(parents=True)
    np.save(folder / "poses_bounds.npy", np.load(FERN / "poses_bounds.npy")[kept])
    for index in kept:
        shutil.copy(photos[index], folder / "images")
    return folder
