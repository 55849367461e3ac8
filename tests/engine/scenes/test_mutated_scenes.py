"""Damaged scenes of every layout end in a scene or in one sentence, within bounds of time and memory.

`L2G_FUZZ=250 pytest tests/engine/scenes/test_mutated_scenes.py` tries 250 of each layout instead of 8.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.errors import UserError
from engine.scenes import SceneOptions, load_scene
from engine.scenes.scene import Scene
from tests.engine.scenes.formats.test_colmap import write_colmap
from tests.support.scenes.exports_of_apps import write_metashape, write_polycam, write_realitycapture, write_record3d
from tests.support.scenes.mutations import mutate_scene
from tests.support.scenes.synthetic import (
    HEIGHT,
    WIDTH,
    forward_poses,
    object_poses,
    scattered_points,
    write_blender,
    write_llff,
    write_nerfstudio,
)

COUNT = int(os.environ.get("L2G_FUZZ", "8"))  # scenes of each layout
SECONDS, BYTES = 20.0, 4 * 2**30  # that reading one may take
FRAMES = 6


def write_masked(folder: Path) -> None:
    """nerfstudio's layout with masks and a point cloud."""
    write_nerfstudio(folder, object_poses(FRAMES), ply_file_path="points.ply")
    header = (
        "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
    )
    (folder / "points.ply").write_text(header + "0 0 0\n1 0 0\n0 1 0\n")
    (folder / "masks").mkdir()
    for index in range(FRAMES):
        mask = np.full((HEIGHT, WIDTH), 255, dtype=np.uint8)
        mask[:, : 3 + index] = 0
        Image.fromarray(mask).save(folder / "masks" / f"frame_{index}.png")


def write_model(folder: Path, form: str) -> None:
    points = scattered_points(torch.tensor([0.2, -0.1, 0.3], dtype=torch.float64), count=20)
    write_colmap(folder, object_poses(FRAMES), points, form=form)


def write_splits(folder: Path) -> None:
    write_blender(folder, object_poses(FRAMES))
    write_blender(folder, object_poses(3), split="test")


WRITERS: dict[str, Callable[[Path], object]] = {
    "llff": lambda folder: write_llff(folder, forward_poses(FRAMES)),
    "blender": write_splits,
    "nerfstudio": write_masked,
    "colmap": lambda folder: write_model(folder, "binary"),
    "colmap_text": lambda folder: write_model(folder, "text"),
    "polycam": lambda folder: write_polycam(folder, object_poses(FRAMES)),
    "record3d": lambda folder: write_record3d(folder, object_poses(FRAMES)),
    "metashape": lambda folder: write_metashape(folder, object_poses(FRAMES)),
    "realitycapture": lambda folder: write_realitycapture(folder, object_poses(FRAMES)),
}


@pytest.mark.parametrize("layout", list(WRITERS))
def test_damaged_scenes_end_in_a_scene_or_in_one_sentence(tmp_path: Path, layout: str) -> None:
    WRITERS[layout](tmp_path / "whole")
    failures = []
    for seed in range(COUNT):
        shutil.copytree(tmp_path / "whole", tmp_path / "scene")
        what = f"{layout}, seed {seed}: {mutate_scene(tmp_path / 'scene', seed)}"
        start = time.perf_counter()
        fault = find_fault(tmp_path / "scene")
        seconds = time.perf_counter() - start
        if fault or seconds > SECONDS:
            failures.append(f"{what}: {fault or f'{seconds:.0f} s'}")
        shutil.rmtree(tmp_path / "scene")
    assert failures == []
    assert measure_peak() < BYTES


def find_fault(folder: Path) -> str:
    """What is wrong with how a damaged scene is read; nothing if it is a sound scene or one sentence."""
    try:
        scene = load_scene(folder, SceneOptions(init="identity"))
    except UserError as error:
        return "" if "\n" not in str(error) and len(str(error)) < 2000 else f"no sentence: {error}"
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{error!r} at {place.filename}:{place.lineno}"
    assert isinstance(scene, Scene)
    poses = scene.initial_poses if scene.reference_poses is None else scene.reference_poses
    each = (poses, scene.intrinsics.focal, scene.intrinsics.centre, scene.intrinsics.distortion)
    frames = len(scene.names)
    if not frames == len(scene.images) == len(set(scene.names)) >= 2 or any(len(values) != frames for values in each):
        return "frames, images and cameras differ in number"
    if not all(bool(torch.isfinite(values).all()) for values in each) or not 0 < scene.near < scene.far:
        return "numbers that are not finite"
    split = sorted((*scene.training_frames, *scene.held_out_frames))
    return "" if split == list(range(frames)) else "a wrong split"


def measure_peak() -> int:
    """Peak memory of this process, bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
