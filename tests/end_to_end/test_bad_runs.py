"""What is wrong with a run, a disk or a loss, through the command that users type: one sentence, nothing lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import SafetensorError

from engine.cli import arguments as cli
from engine.cli.train import train_scene
from engine.fields.field import Rendering
from engine.fields.voxel_grid.field import VoxelGrid
from engine.run.checkpoint import load_checkpoint
from tests.support.in_process import Command, is_one_sentence
from tests.support.scenes.synthetic import (
    forward_poses,
    write_image,
    write_llff,
)

CHECKPOINT = "checkpoint.safetensors"
QUICK = ("--device", "cpu", "--output", "run", "--max-iterations", "3")


def llff(folder: Path, frames: int = 6) -> None:
    write_llff(folder, forward_poses(frames))


def photo(folder: Path, number: int = 2) -> Path:
    return folder / "images_4" / f"IMG_{number:03d}.png"


# ---------------------------------------------------------------------- runs


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scene in `scene` and a finished run of it in `run`, to be copied."""
    folder = tmp_path_factory.mktemp("trained")
    llff(folder / "scene")
    arguments = cli.TrainArguments(folder / "scene", device="cpu", output=folder / "run", max_iterations=3)
    assert train_scene(arguments) == 0
    return folder


@pytest.fixture
def run(tmp_path: Path, trained: Path) -> bytes:
    """The same in this test's own folder; the run's checkpoint."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    return (tmp_path / "run" / CHECKPOINT).read_bytes()


def test_a_run_that_is_there_is_not_overwritten(command: Command, tmp_path: Path, run: bytes) -> None:
    is_one_sentence(command("l2g-train", "scene", *QUICK), "run holds a run already (l2g on scene)")
    assert (tmp_path / "run" / CHECKPOINT).read_bytes() == run


def test_a_checkpoint_of_another_scene(command: Command, tmp_path: Path, run: bytes) -> None:
    llff(tmp_path / "other", frames=7)
    left = command("l2g-train", "other", "--resume", *QUICK)
    is_one_sentence(left, CHECKPOINT, "is a checkpoint of another scene", "number of frames 6 there, 7 here")
    llff(tmp_path / "repainted")
    write_image(photo(tmp_path / "repainted"), seed=99)
    left = command("l2g-train", "repainted", "--resume", *QUICK)
    is_one_sentence(left, CHECKPOINT, "is a checkpoint of another scene", "pixels")
    left = command("l2g-eval", "run", "--scene", "other", "--device", "cpu")
    is_one_sentence(left, "is a checkpoint of another scene")
    assert (tmp_path / "run" / CHECKPOINT).read_bytes() == run


@pytest.mark.parametrize(
    "content",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:100],
        lambda whole: b"",
        lambda whole: b"\xff" * len(whole),
        lambda whole: whole.replace(b'\\"iteration\\"', b'\\"iterration\\"'),
        lambda whole: whole.replace(b'"trainer/error"', b'"trainer/errer"'),
    ],
    ids=["half", "header", "empty", "noise", "key", "tensor"],
)
def test_a_damaged_checkpoint(command: Command, tmp_path: Path, run: bytes, content: Callable[[bytes], bytes]) -> None:
    (tmp_path / "run" / CHECKPOINT).write_bytes(content(run))
    files = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    is_one_sentence(command("l2g-train", "scene", "--resume", *QUICK), CHECKPOINT)
    is_one_sentence(command("l2g-eval", "run", "--device", "cpu"), CHECKPOINT)
    assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == files


# ---------------------------------------------------------------------- disks and numbers


class Disk:
    """Stands in for the function that writes checkpoints; full for the writes it is told to refuse."""

    def __init__(self, write: Callable[..., None], refused: range) -> None:
        self.write, self.refused, self.writes = write, refused, 0

    def __call__(self, tensors: dict[str, Any], path: Path, header: dict[str, str]) -> None:
        self.writes += 1
        if self.writes - 1 in self.refused:
            path.write_bytes(b"the first few bytes")
            raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
        self.write(tensors, path, header)


def test_a_disk_that_is_full_at_the_end(
    command: Command, tmp_path: Path, run: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.run.checkpoint.save_file", Disk(lambda *_: None, range(100)))
    left = command("l2g-train", "scene", "--resume", *QUICK[:-1], "6")
    is_one_sentence(left, f"{CHECKPOINT} was not written: the disk is full; free some space")
    assert (tmp_path / "run" / CHECKPOINT).read_bytes() == run  # the earlier one
    assert json.loads((tmp_path / "run" / "result.json").read_text())["iterations"] == 6
    assert not list((tmp_path / "run").glob(".*"))  # half a file neither


def test_a_disk_that_was_full_for_a_while(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.run.checkpoint import save_file

    llff(tmp_path / "scene")
    monkeypatch.setattr("engine.run.checkpoint.save_file", Disk(save_file, range(1)))
    left = command("l2g-train", "scene", *QUICK, "--checkpoint-every", "0")
    assert (left.code, left.errors) == (0, "")
    events = json.loads((tmp_path / "run" / "result.json").read_text())["events"]
    assert [event["detail"].endswith("choose another folder.") for event in events if event["kind"] == "unsaved"] == [
        True
    ]
    assert load_checkpoint(tmp_path / "run" / CHECKPOINT).trainer[1]["iteration"] == 3


def test_a_loss_that_is_not_a_number_is_left_out_and_reported(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render, calls = VoxelGrid.render, 0

    def spoilt(self: VoxelGrid, *arguments: Any, **options: Any) -> Rendering:
        nonlocal calls
        calls += 1
        rendering = render(self, *arguments, **options)
        return rendering._replace(colour=rendering.colour * float("nan")) if calls == 2 else rendering

    monkeypatch.setattr(VoxelGrid, "render", spoilt)
    llff(tmp_path / "scene")
    left = command("l2g-train", "scene", *QUICK[:-1], "5")
    assert (left.code, left.errors) == (0, "")
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert [(event["iteration"], event["kind"]) for event in result["events"] if event["kind"] == "nan"] == [
        (1, "nan")
    ]
    assert result["iterations"] == 5
    assert np.isfinite(result["train_psnr"])
    poses = json.loads((tmp_path / "run" / "poses.json").read_text())["frames"]
    assert all(np.isfinite(frame["world_to_camera"]).all() for frame in poses)
