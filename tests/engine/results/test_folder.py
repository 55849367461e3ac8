"""A run is never lost to another one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from engine.errors import UserError
from engine.results.folder import check_new_folder, claim_run_folder, folder_to_resume, new_folder


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def put_run(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "checkpoint.safetensors").write_bytes(b"")
    (folder / "result.json").write_text(json.dumps({"scene": "fern", "method": "barf"}))


def test_without_output_runs_are_numbered() -> None:
    names = []
    for _ in range(3):
        folder = new_folder(None, "fern", "l2g")
        names.append(str(folder))
        put_run(folder)
    assert names == [str(Path("runs", name)) for name in ("fern-l2g", "fern-l2g-2", "fern-l2g-3")]
    assert folder_to_resume(None, "fern", "l2g") == Path("runs/fern-l2g-3")


def test_a_folder_with_a_run_is_refused_unless_it_may_go() -> None:
    put_run(Path("mine"))
    Path("mine/notes.txt").write_text("kept")
    with pytest.raises(UserError, match=r"mine holds a run already \(barf on fern\)"):
        new_folder(Path("mine"), "lego", "l2g")
    assert new_folder(Path("mine"), "lego", "l2g", overwrite=True) == Path("mine")
    assert os.listdir("mine") == ["notes.txt"]


def test_a_folder_without_a_run_is_taken() -> None:
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("kept")
    assert new_folder(Path("mine"), "lego", "l2g") == Path("mine")
    assert Path("mine/notes.txt").exists()


def test_a_folder_that_cannot_be_made_is_named() -> None:
    Path("file").write_text("")
    with pytest.raises(UserError, match="file/run cannot hold a run"):
        new_folder(Path("file/run"), "lego", "l2g")


def test_a_folder_that_may_not_be_written_is_named_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(UserError, match=r"new/run cannot hold a run \(/.* is not writable\); give another --output"):
        check_new_folder(Path("new/run"), overwrite=False)
    assert os.listdir() == []


def test_there_is_nothing_to_resume() -> None:
    with pytest.raises(UserError, match="runs/fern-l2g holds no run to continue"):
        folder_to_resume(None, "fern", "l2g")
    with pytest.raises(UserError, match="mine holds no run to continue"):
        folder_to_resume(Path("mine"), "fern", "l2g")


def test_a_folder_into_which_another_program_writes_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    put_run(Path("mine"))
    put_run(Path("runs/fern-l2g-2"))
    busy = {Path("mine"), Path("runs/fern-l2g")}
    monkeypatch.setattr("engine.results.folder.is_claimed_elsewhere", lambda folder: folder in busy)
    monkeypatch.setattr("engine.results.folder.claim_folder", lambda folder: None)
    for take in (
        lambda: new_folder(Path("mine"), "lego", "l2g", overwrite=True),
        lambda: folder_to_resume(Path("mine"), "fern", "l2g"),
        lambda: claim_run_folder(Path("mine")),
    ):
        with pytest.raises(UserError, match="writes its run into mine now; wait until it ends"):
            take()
    assert Path("mine/checkpoint.safetensors").exists()
    assert new_folder(None, "fern", "l2g") == Path("runs/fern-l2g-3")
