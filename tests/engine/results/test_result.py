"""The run folder's files."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import imageio.v2 as imageio
import numpy as np
import pytest
import torch
from PIL import Image

from engine.config.settings import Settings
from engine.errors import UserError
from engine.geometry.similarity import align_cameras
from engine.messages import PerturbPose, SetLambda
from engine.registration.calibration import Calibration
from engine.results import result as results
from engine.results.convergence_video import View, between, frusta, positions
from engine.run.session import Session
from engine.scenes.scene import PoseNoise, Scene
from engine.system.files import write_json
from tests.support.runs.fake_trainer import FakeTrainer, tiny_scene
from tests.support.scenes.synthetic import object_poses


def ran(scene: Scene | None = None) -> Session:
    session = Session(scene or tiny_scene(), Settings(seed=4), make_trainer=FakeTrainer)  # type: ignore[arg-type]
    session.begin()
    session.apply(SetLambda(1.0))
    while session.busy:
        session.advance()
        session.state.record()
    session.apply(PerturbPose(0, (0.1, 0.0, 0.0)))
    session.state.record()
    return session


def strict(path: Path) -> dict:
    def refuse(word: str) -> NoReturn:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(path.read_text(), parse_constant=refuse)


def test_result_has_the_agreed_keys(tmp_path: Path) -> None:
    session = ran()
    write_json(tmp_path / "result.json", results.result(session))
    found = strict(tmp_path / "result.json")
    assert list(found) == [
        *(
            "scene",
            "method",
            "field",
            "assist",
            "device",
            "seed",
            "seconds",
            "iterations",
            "frames",
            "pose",
        ),
        *("train_psnr", "test", "outliers", "notes", "peak_memory_bytes", "history", "events", "verdict"),
    ]
    assert (found["scene"], found["method"], found["field"], found["device"]) == ("tiny", "l2g", "grid", "cpu")
    assert (found["seed"], found["iterations"], found["frames"]) == (4, 20, 4)
    assert list(found["pose"]) == ["rotation_error_deg", "translation_error", "relative_rotation_error_deg"]
    for errors in found["pose"].values():
        assert list(errors) == ["mean", "median", "max"]
        assert all(value >= 0 for value in errors.values())
    assert {"psnr", "ssim", "frames"} <= set(found["test"])
    assert len(found["history"]) == 21
    assert list(found["history"][0]) == [
        *("iteration", "seconds", "stage", "psnr", "rotation_error_deg", "translation_error"),
    ]
    assert [event["kind"] for event in found["events"]] == ["stage", "set-lambda", "perturb-pose"]
    assert found["train_psnr"] == pytest.approx(30.0)
    assert found["peak_memory_bytes"] > 1e7


@pytest.mark.usefixtures("short_video")
def test_pose_keys_are_null_without_a_reference(tmp_path: Path) -> None:
    session = ran(tiny_scene(reference=False))
    assert not results.write_results(session, tmp_path)
    found = strict(tmp_path / "result.json")
    assert found["pose"]["rotation_error_deg"] == {"mean": None, "median": None, "max": None}
    assert found["history"][3]["rotation_error_deg"] is None
    assert strict(tmp_path / "poses.json")["frames"][0]["reference_world_to_camera"] is None
    assert (tmp_path / "errors.png").is_file()
    assert (tmp_path / "cameras.mp4").is_file()


def test_poses_say_what_they_are() -> None:
    scene = tiny_scene()
    noise = PoseNoise(torch.randn(5, 3), torch.randn(5, 3), 3)
    scene = Scene(**{**vars(scene), "noise": noise, "file_scale": 0.5})
    session = ran(scene)
    found = results.poses(scene, session.history.rows[-1])
    assert "world_to_camera" in found["conventions"]
    assert (found["file_scale"], found["width"], found["height"], found["noise_seed"]) == (0.5, 8, 6, 3)
    assert [frame["name"] for frame in found["frames"]] == [f"photo {index}.png" for index in range(4)]
    fitted = torch.tensor(np.stack([frame["world_to_camera"] for frame in found["frames"]]))
    aligned = torch.stack([frame["reference_world_to_camera"] for frame in found["frames"]])
    assert scene.reference_poses is not None
    wanted = align_cameras(scene.reference_poses[:4], fitted).apply_to_poses(scene.reference_poses[:4])
    torch.testing.assert_close(aligned, wanted, atol=1e-4, rtol=0)
    assert found["frames"][2]["initial_noise"]["rotation"] is not None


def test_poses_have_the_calibration_that_was_learned() -> None:
    session = ran()
    session.trainer.settings = replace(session.settings, optimise_exposure=True)  # type: ignore[union-attr]
    session.trainer.calibration = Calibration(session.trainer.settings, 4, torch.device("cpu"))  # type: ignore[union-attr]
    with torch.no_grad():
        session.trainer.calibration.log_focal += 0.1  # type: ignore[union-attr]
        session.trainer.calibration.log_gain[0] += 0.4  # type: ignore[union-attr]
    found = results.poses(session.scene, session.history.rows[-1], session.trainer)
    assert found["frames"][0]["focal"].tolist() == pytest.approx([11.0517, 11.0517], abs=1e-3)
    assert found["frames"][0]["exposure"].tolist() == pytest.approx([np.exp(0.3)] * 3)
    assert found["frames"][1]["exposure"].tolist() == pytest.approx([np.exp(-0.1)] * 3)


@pytest.mark.slow
def test_the_plot_and_the_video_are_pictures(tmp_path: Path) -> None:
    assert not results.write_results(ran(), tmp_path)
    with Image.open(tmp_path / "errors.png") as plot:
        assert plot.width > 500
    video = imageio.get_reader(tmp_path / "cameras.mp4")
    first, last = np.asarray(video.get_data(0), dtype=int), np.asarray(video.get_data(150), dtype=int)
    assert first.shape == (600, 800, 3)
    assert abs(first - last).max() > 100
    assert sorted(os.listdir(tmp_path)) == ["cameras.mp4", "errors.png", "poses.json", "result.json"]
    video.close()


@pytest.mark.usefixtures("short_video")
def test_a_run_of_one_row_can_be_shown(tmp_path: Path) -> None:
    session = Session(tiny_scene(frames=2), Settings(), make_trainer=FakeTrainer)  # type: ignore[arg-type]
    session.begin()  # one frame at the reference's place, one row, no psnr worth a line
    assert not results.write_results(session, tmp_path)


def test_a_run_that_never_began_has_no_results(tmp_path: Path) -> None:
    session = Session(tiny_scene(), Settings(), make_trainer=FakeTrainer)  # type: ignore[arg-type]
    assert not results.write_results(session, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("short_video")
def test_on_a_full_disk_everything_is_tried_and_each_failure_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def full_but_for_the_plot(source: Path, target: Path) -> None:
        if Path(target).suffix != ".png":
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full_but_for_the_plot)
    failures = results.write_results(ran(), tmp_path)
    assert all(isinstance(failure, UserError) for failure in failures)
    assert [Path(str(failure).split(" was not written")[0]).name for failure in failures] == [
        *("result.json", "poses.json", "cameras.mp4"),
    ]
    assert os.listdir(tmp_path) == ["errors.png"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="limits on the size of files are POSIX's")
def test_a_video_that_the_system_cut_short_is_none(tmp_path: Path) -> None:
    # In a process of its own: below the smaller limit ffmpeg dies at work, at the larger one with its last bytes.
    program = """
import resource, sys
from pathlib import Path
from engine.registration.calibration import Calibration
from engine.results.convergence_video import write_video
from engine.errors import UserError
from tests.engine.results.test_result import ran
session, (_, most) = ran(), resource.getrlimit(resource.RLIMIT_FSIZE)
for limit in (20_000, 150_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
    try:
        write_video(session.history, session.scene, Path(sys.argv[1]) / "cameras.mp4")
    except UserError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    sentence = "cameras.mp4 was not written: ffmpeg failed; is the disk full, or ffmpeg missing?"
    assert [line.endswith(sentence) for line in done.stdout.splitlines()] == [True, True], done.stdout
    assert not list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["forward", "object"])
def test_the_video_s_view_has_every_camera_in_the_picture(kind: str) -> None:
    poses = tiny_scene(20).reference_poses if kind == "forward" else object_poses(20).float()
    assert poses is not None
    view = View(frusta(poses, 0.2, torch.tensor([[0.4, 0.3]]).expand(len(poses), 2)))
    pixels = view(frusta(poses, 0.2, torch.tensor([[0.4, 0.3]]).expand(len(poses), 2))).reshape(-1, 2)
    assert (pixels >= 0).all()
    assert (pixels <= np.array([1600, 1200])).all()
    assert np.ptp(pixels, axis=0).max() > 600


def test_frusta_open_towards_what_the_cameras_see() -> None:
    (corners,) = frusta(torch.eye(3, 4)[None], 2.0, torch.tensor([[0.5, 0.25]]))
    np.testing.assert_allclose(corners[[0, 3]], [[0, 0, 0], [1.0, 0.5, 2.0]])


def test_between_two_rows_the_cameras_move_straight() -> None:
    walk = np.stack([np.zeros((1, 5, 3)), np.ones((1, 5, 3))])
    assert between(walk, 0.25)[0, 0, 0] == 0.25
    assert between(walk, 1.0)[0, 0, 0] == 1.0
    assert (positions(1) == 0).all()
    assert positions(5)[-1] == 4
