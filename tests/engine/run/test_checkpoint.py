"""A run in one file: it comes back whole, is never half written, and is not taken for another scene's."""

from __future__ import annotations

import dataclasses
import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from safetensors.torch import save_file

from engine.config.settings import Settings
from engine.errors import UserError
from engine.messages import Event
from engine.run.checkpoint import (
    VERSION,
    Checkpoint,
    check_same_scene,
    load_checkpoint,
    save_checkpoint,
    scene_identity,
)
from engine.run.history import History
from engine.run.snapshots import starting_snapshot
from engine.scenes.options import SceneOptions
from engine.scenes.scene import PoseNoise, Scene
from tests.support.runs.fake_trainer import tiny_scene


def example(scene: Scene | None = None) -> Checkpoint:
    scene = scene or tiny_scene()
    history = History()
    history.record(starting_snapshot(scene, Settings()))
    history.note(Event(1, 0.1, "set-lambda", "10^3"))
    shared = torch.arange(12.0)
    tensors = {
        "a": shared,
        "b": shared[::2],
        "c": shared,
        "random": torch.Generator().get_state(),
        "scalar": torch.tensor(0.1, dtype=torch.float64),
        "half": torch.ones(2, 3, dtype=torch.bfloat16).mT,
        "none": torch.empty(0, 3),
    }
    noise = PoseNoise(torch.randn(5, 3), torch.randn(5, 3), 7)
    metadata = {"iteration": 5, "rate": 0.1, "unknown": float("inf"), "nested": [{"x": None}]}
    return Checkpoint(
        Settings(method="barf", lambda_exponent=1.5, max_iterations=7),
        SceneOptions(noise_rotation=0.07, background="black"),
        scene_identity(scene),
        noise,
        (tensors, metadata),
        history,
        1.5,
        {"perturbations": [{"kind": "PerturbAll", "rotation_sigma": 0.1}]},
    )


def test_a_checkpoint_comes_back_whole(tmp_path: Path) -> None:
    saved = example()
    save_checkpoint(tmp_path / "c.safetensors", saved)
    loaded = load_checkpoint(tmp_path / "c.safetensors")
    for name in ("settings", "options", "scene", "seconds", "session"):
        assert getattr(loaded, name) == getattr(saved, name)
    assert loaded.trainer[1] == saved.trainer[1]
    assert loaded.trainer[0].keys() == saved.trainer[0].keys()
    for name, tensor in saved.trainer[0].items():
        assert loaded.trainer[0][name].dtype == tensor.dtype
        assert torch.equal(loaded.trainer[0][name], tensor), name
    assert loaded.noise is not None
    assert saved.noise is not None
    assert torch.equal(loaded.noise.rotation, saved.noise.rotation)
    assert torch.equal(loaded.noise.translation, saved.noise.translation)
    assert loaded.noise.seed == 7
    assert loaded.history.events == saved.history.events
    assert os.listdir(tmp_path) == ["c.safetensors"]


def test_a_checkpoint_can_be_read_by_whoever_may_read_the_users_files(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    save_checkpoint(tmp_path / "c.safetensors", example())
    assert (tmp_path / "c.safetensors").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "c.safetensors"
    save_checkpoint(path, example())
    before = path.read_bytes()
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match=r"c\.safetensors was not written: the disk is full"):
        save_checkpoint(path, dataclasses.replace(example(), seconds=99.0))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["c.safetensors"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="limits on the size of files are POSIX's")
def test_a_file_that_the_system_refuses_to_let_grow(tmp_path: Path) -> None:
    # Not a simulated error: the system stops the write half-way, in a process of its own.
    program = """
import resource, sys
from pathlib import Path
import torch
from engine.run.checkpoint import save_checkpoint
from engine.errors import UserError
from tests.engine.run.test_checkpoint import example
path = Path(sys.argv[1]) / "c.safetensors"
save_checkpoint(path, example())
large = example()
large.trainer[0]["large"] = torch.zeros(1_000_000)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    save_checkpoint(path, large)
except UserError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "c.safetensors was not written: the disk is full" in done.stdout
    assert os.listdir(tmp_path) == ["c.safetensors"]
    assert load_checkpoint(tmp_path / "c.safetensors").seconds == 1.5


def test_there_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no checkpoint"):
        load_checkpoint(tmp_path / "c.safetensors")


@pytest.mark.parametrize("keep", [0, 4, 100, 3000, -1])
def test_a_truncated_checkpoint_is_damaged(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, example())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"c\.safetensors is damaged"):
        load_checkpoint(path)


def test_garbage_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    path.write_bytes(b"no tensors in here " * 100)
    with pytest.raises(UserError, match="is damaged"):
        load_checkpoint(path)


@pytest.mark.parametrize("header", [None, {"format": "pt"}, {"format": "l2g-viewer checkpoint", "version": "99"}])
def test_another_format_is_named(tmp_path: Path, header: dict[str, str] | None) -> None:
    path = tmp_path / "c.safetensors"
    save_file({"a": torch.zeros(3)}, path, header)
    with pytest.raises(UserError, match="is not a checkpoint that this version"):
        load_checkpoint(path)


@pytest.mark.parametrize("content", ["{}", "[]", "nonsense", '{"settings": {"wrong": 1}}'])
def test_a_header_that_says_nonsense_is_damaged(tmp_path: Path, content: str) -> None:
    path = tmp_path / "c.safetensors"
    save_file({"a": torch.zeros(3)}, path, {"format": "l2g-viewer checkpoint", "version": VERSION, "content": content})
    with pytest.raises(UserError, match="is damaged"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (tiny_scene(frames=4), "number of frames 5 there, 4 here"),
        (tiny_scene(seed=1), "pixels"),
        (
            dataclasses.replace(tiny_scene(), names=("a", "photo 1.png", "photo 2.png", "photo 3.png", "photo 4.png")),
            "frame names, number 0 'photo 0.png' there, 'a' here",
        ),
        (dataclasses.replace(tiny_scene(), training_frames=(0, 1, 2)), "training frames, number 3 3 there, none here"),
        (
            dataclasses.replace(tiny_scene(), intrinsics=tiny_scene().intrinsics.resized(16, 12)),
            "image size 8x6 there, 16x12 here",
        ),
    ],
)
def test_another_scene_is_named_by_what_differs(other: Scene, named: str) -> None:
    with pytest.raises(UserError, match="a checkpoint of another scene") as error:
        check_same_scene(example(), other, "c.safetensors")
    assert named in str(error.value)


def test_a_scene_may_have_been_moved() -> None:
    check_same_scene(example(), tiny_scene(path=Path("elsewhere") / "other name"), "c.safetensors")
