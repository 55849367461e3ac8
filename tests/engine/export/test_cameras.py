"""Which cameras are exported, and in which world."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from roma import rotvec_to_rotmat
from torch import Tensor

from engine.export.cameras import collect_cameras, find_gauge, read_refined_poses
from engine.geometry.similarity import Similarity
from engine.scenes.scene import Scene
from tests.support.runs.exported import standing
from tests.support.runs.fake_trainer import tiny_scene
from tests.support.scenes.synthetic import forward_poses


def moved(poses: Tensor, scale: float, turn: list[float], shift: list[float]) -> Tensor:
    rotation = rotvec_to_rotmat(torch.tensor(turn, dtype=torch.float64))
    return Similarity(torch.tensor(scale).double(), rotation, torch.tensor(shift).double()).apply_to_poses(poses)


def scene_in_units(file_scale: float, reference: bool = True) -> Scene:
    """Six frames, the last held out; one unit of its files is `file_scale` scene units."""
    scene = dataclasses.replace(tiny_scene(6), file_scale=file_scale)
    return scene if reference else dataclasses.replace(scene, reference_poses=None)


@given(st.floats(0.2, 5), st.lists(st.floats(-2, 2), min_size=3, max_size=3), st.floats(0.1, 10))
def test_a_run_that_found_the_reference_up_to_a_similarity_exports_it(
    scale: float, turn: list[float], file_scale: float
) -> None:
    scene = scene_in_units(file_scale)
    wanted = forward_poses(6)[:5]
    run = standing(scene, moved(wanted, scale, turn, [1.0, -2.0, 0.5]), Path("nowhere"))
    cameras = collect_cameras(run)
    in_units = torch.cat([wanted[..., :3], wanted[..., 3:] / file_scale], dim=-1)
    torch.testing.assert_close(cameras.poses, in_units, atol=2e-6 * max(1, 1 / file_scale), rtol=0)
    assert cameras.left_out == ("photo 5.png",)


def test_without_a_reference_the_world_stays_the_run_s_own() -> None:
    scene = scene_in_units(4.0, reference=False)
    fitted = forward_poses(6)[:5]
    cameras = collect_cameras(standing(scene, fitted, Path("nowhere")))
    torch.testing.assert_close(cameras.poses[..., :3], fitted[..., :3])
    torch.testing.assert_close(cameras.poses[..., 3], fitted[..., 3] / 4)


def test_points_are_transformed_with_their_cameras() -> None:
    """What a camera sees at a pixel it sees there in the exported world too."""
    scene, fitted = scene_in_units(2.5), moved(forward_poses(6)[:5], 0.3, [0.1, 0.2, -1], [1, 2, 3])
    point = torch.tensor([0.4, -0.2, 2.0]).double()
    at = find_gauge(scene, fitted).apply(point)
    cameras = collect_cameras(standing(scene, fitted, Path("nowhere")))
    before, after = fitted[0, :, :3] @ point + fitted[0, :, 3], cameras.poses[0, :, :3] @ at + cameras.poses[0, :, 3]
    torch.testing.assert_close(after / after[2], before / before[2])


def evaluation(poses: list[Any]) -> dict[str, Any]:
    """A `test.json` of iteration 7."""
    scores = {"psnr": 20.0, "ssim": None, "lpips": None}
    return scores | {"iteration": 7, "frames": 1, "per_frame": [scores | {"name": "photo 5.png"}], "poses": poses}


def test_held_out_frames_come_from_the_evaluation_of_this_iteration_only(tmp_path: Path) -> None:
    scene, fitted = scene_in_units(1.0), forward_poses(6)[:5]
    entry = {"name": "photo 5.png", "world_to_camera": forward_poses(6)[5].tolist()}
    (tmp_path / "test.json").write_text(json.dumps(evaluation([entry])))
    cameras = collect_cameras(standing(scene, fitted, tmp_path))
    assert (cameras.held_out, cameras.left_out) == (("photo 5.png",), ())
    torch.testing.assert_close(cameras.poses, forward_poses(6), atol=1e-5, rtol=0)
    later = collect_cameras(standing(scene, fitted, tmp_path, iteration=8))
    assert (later.held_out, later.left_out) == ((), ("photo 5.png",))


def test_an_evaluation_that_is_damaged_is_not_used(tmp_path: Path) -> None:
    damaged = [[3], [{"name": "a"}], 5]
    for text in ("", "[]", "{}", '{"iteration": 7}', *(json.dumps(evaluation(poses)) for poses in damaged)):  # type: ignore[arg-type]
        (tmp_path / "test.json").write_text(text)
        assert read_refined_poses(tmp_path, 7) == {}
    poses = [
        {"name": "short", "world_to_camera": [[1, 2, 3]]},
        {"name": "nan", "world_to_camera": np.full((3, 4), np.nan).tolist()},
        {"name": "good", "world_to_camera": np.eye(3, 4).tolist()},
    ]
    (tmp_path / "test.json").write_text(json.dumps(evaluation(poses)))
    assert list(read_refined_poses(tmp_path, 7)) == ["good"]


def test_added_frames_that_are_not_registered_are_left_out() -> None:
    run = standing(scene_in_units(1.0), forward_poses(6)[:5], Path("nowhere"))
    run.trainer.statuses.never_registered = {2}
    cameras = collect_cameras(run)
    assert cameras.frames == (0, 1, 3, 4)
    assert cameras.left_out == ("photo 5.png",)
    assert cameras.not_registered == ("photo 2.png",)
