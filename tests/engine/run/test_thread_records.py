"""What a run leaves while it goes on: checkpoints, written beside it, and its history."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.config.settings import Settings
from engine.messages import (
    Pause,
    PerturbPose,
    Restart,
    SetLambda,
)
from engine.run import checkpoint_writer
from engine.run.checkpoint import load_checkpoint
from engine.run.thread import Run
from tests.support.runs.fake_trainer import FakeTrainer, tiny_scene
from tests.support.runs.threads import MakeRun, kinds, patient, settled, until

# ---------------------------------------------------------------------- a slow disk


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Until it is set, no checkpoint gets written; `disk.asked` is set when the first one is to be."""
    ready = threading.Event()
    ready.asked = threading.Event()  # type: ignore[attr-defined]
    write = checkpoint_writer.save_checkpoint

    def slow(*arguments: Any) -> None:
        ready.asked.set()  # type: ignore[attr-defined]
        assert ready.wait(20)
        write(*arguments)

    monkeypatch.setattr(checkpoint_writer, "save_checkpoint", slow)
    yield ready
    ready.set()


def test_commands_are_obeyed_while_a_checkpoint_is_written(
    make_run: MakeRun, tmp_path: Path, disk: threading.Event
) -> None:
    run = make_run(patient(0.001), Settings(max_iterations=100_000), output=tmp_path, checkpoint_period=0.1)
    assert disk.asked.wait(20)  # type: ignore[attr-defined]
    run.send(SetLambda(-1.0))
    before = until(run, lambda snapshot: snapshot.lambda_exponent == -1.0)
    time.sleep(0.1)
    run.send(PerturbPose(1, (0.3, 0.0, 0.0)))
    during = until(run, lambda snapshot: snapshot.undoable == 1)
    assert during.iteration == before.iteration  # the field must not change meanwhile
    assert not list(tmp_path.glob("*.safetensors"))
    disk.set()
    until(run, lambda snapshot: snapshot.iteration > before.iteration + 3)
    run.send(Pause())
    settled(run)
    assert (tmp_path / "checkpoint.safetensors").is_file()


def test_what_is_written_is_the_run_as_it_stood(make_run: MakeRun, tmp_path: Path, disk: threading.Event) -> None:
    run = make_run(settings=Settings(max_iterations=5), output=tmp_path, checkpoint_period=None)
    until(run, lambda snapshot: snapshot.iteration == 5)
    assert not run.wait(0.1)  # it is not finished before it is saved
    poses = run.ask(lambda session: session.trainer.poses().clone()).result(10)  # type: ignore[union-attr]
    run.send(Pause())
    run.send(PerturbPose(1, (0.3, 0.0, 0.0)))
    until(run, lambda snapshot: snapshot.undoable == 1)
    disk.set()
    settled(run)
    checkpoint = load_checkpoint(tmp_path / "checkpoint.safetensors")
    assert (checkpoint.trainer[0]["poses"] == poses).all()
    assert checkpoint.session == {"perturbations": []}
    run.stop()
    run.join(10)
    assert len(load_checkpoint(tmp_path / "checkpoint.safetensors").session["perturbations"]) == 1


# ---------------------------------------------------------------------- the history


def test_the_history_can_be_had_at_any_time(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.run.thread.HISTORY_PERIOD", 0.0)
    run = make_run(patient(0.05), Settings(max_iterations=100_000))
    run.send(SetLambda(1.0))
    until(run, lambda snapshot: snapshot.seconds > 1.1)
    history = run.history()
    assert len(history.rows) >= 2
    assert [row.iteration for row in history.rows] == sorted({row.iteration for row in history.rows})
    assert "set-lambda" in [event.kind for event in history.events]
    rows = list(history.rows)
    until(run, lambda snapshot: snapshot.seconds > 1.8)
    assert history.rows == rows  # what was handed out stands still
    assert len(run.history().rows) > len(rows)


def test_the_history_is_the_same_object_while_nothing_is_new(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.run.thread.HISTORY_PERIOD", 0.0)
    run = make_run()
    settled(run)
    history = run.history()
    assert run.history() is history
    run.send(PerturbPose(0, (0.1, 0.0, 0.0)))
    until(run, lambda snapshot: "perturb-pose" in kinds(snapshot))
    assert run.history() is not history
    run.send(Restart())
    until(run, lambda snapshot: kinds(snapshot)[-1] == "restart")
    settled(run)
    assert "perturb-pose" not in [event.kind for event in run.history().events]


def test_the_history_is_there_before_the_start_and_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.run.thread.HISTORY_PERIOD", 0.0)
    run = Run(tiny_scene(), Settings(), make_trainer=FakeTrainer)  # type: ignore[arg-type]
    assert run.history().rows == []
    run.start()
    settled(run)
    run.stop()
    run.join(10)
    assert run.history().rows[-1].iteration == 20
