"""A run without its thread: what is saved when, and what happens when it cannot be."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import NoReturn

import pytest
from torch import Tensor

from engine.config.settings import Settings
from engine.errors import UserError
from engine.messages import (
    AutoLambda,
    ExcludeFrame,
    FrameStatus,
    Pause,
    Restart,
    Resume,
    SaveCheckpoint,
    SetLambda,
    SetMu,
    Step,
    Stop,
    UseMatches,
)
from engine.run.checkpoint import load_checkpoint
from engine.run.checkpoint_writer import CHECKPOINT_FILE, CheckpointWriter
from engine.run.session import Session
from engine.scenes.options import SceneOptions
from tests.support.runs.fake_trainer import FakeTrainer, tiny_scene


def begun(folder: Path | None = None, period: float | None = None, **settings: int) -> Session:
    writer = CheckpointWriter(folder, period, SceneOptions(seed=3))
    session = Session(tiny_scene(), Settings(**settings), writer=writer, make_trainer=FakeTrainer)  # type: ignore[arg-type]
    session.begin()
    return session


def trained(session: Session, steps: int = 1_000_000) -> Session:
    while session.busy and steps:
        session.advance()
        steps -= 1
    return session


def full(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_end_of_the_schedule_is_saved(tmp_path: Path) -> None:
    session = trained(begun(tmp_path))
    assert session.status == "finished"
    checkpoint = load_checkpoint(tmp_path / CHECKPOINT_FILE)
    assert checkpoint.trainer[1] == {"iteration": 20}
    assert checkpoint.options == SceneOptions(seed=3)
    assert checkpoint.history.rows[-1].iteration == 20


def test_a_finished_run_trains_on_when_it_is_resumed_and_a_restarted_one_ends_again() -> None:
    session = trained(begun(max_iterations=3))
    assert session.status == "finished"
    session.apply(Resume())
    assert session.status == "running"
    assert trained(session, 2).snapshot().iteration == 5
    session.apply(Restart())
    assert trained(session, 10).snapshot().iteration == 3
    assert session.status == "finished"


def test_checkpoints_are_written_when_they_are_due(tmp_path: Path) -> None:
    session = trained(begun(tmp_path, period=0.0), 3)
    assert load_checkpoint(tmp_path / CHECKPOINT_FILE).trainer[1] == {"iteration": 3}
    session = trained(begun(tmp_path / "later", period=1000.0), 3)
    assert not (tmp_path / "later").exists()
    assert session.trainer is not None


def test_nothing_is_written_twice(tmp_path: Path) -> None:
    session = trained(begun(tmp_path))
    (tmp_path / CHECKPOINT_FILE).unlink()
    session.apply(Stop())
    assert not (tmp_path / CHECKPOINT_FILE).exists()
    session = trained(begun(tmp_path))
    session.apply(SetLambda(1.0))
    (tmp_path / CHECKPOINT_FILE).unlink()
    session.apply(Stop())
    assert (tmp_path / CHECKPOINT_FILE).exists()


def test_a_full_disk_is_reported_and_training_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = trained(begun(tmp_path, period=0.0), 2)
    monkeypatch.setattr(os, "replace", full)
    trained(session, 3)
    snapshot = session.snapshot()
    assert (snapshot.status, snapshot.iteration) == ("running", 5)
    assert "the disk is full" in snapshot.message
    assert "unsaved" in [event.kind for event in snapshot.events]
    assert isinstance(session.writer.unsaved, UserError)
    assert load_checkpoint(tmp_path / CHECKPOINT_FILE).trainer[1] == {"iteration": 2}
    monkeypatch.undo()
    trained(session)
    assert session.writer.unsaved is None
    assert load_checkpoint(tmp_path / CHECKPOINT_FILE).trainer[1] == {"iteration": 20}


def test_a_checkpoint_is_saved_where_it_is_asked_for(tmp_path: Path) -> None:
    session = trained(begun(), 2)
    session.apply(SaveCheckpoint(tmp_path / "mine.safetensors"))
    assert session.history.events[-1].kind == "save-checkpoint"
    assert load_checkpoint(tmp_path / "mine.safetensors").trainer[1] == {"iteration": 2}


def test_the_clock_stands_while_nothing_is_done() -> None:
    session = trained(begun(), 2)
    session.apply(Pause())
    assert session.seconds == session.seconds
    session = trained(begun())
    assert session.seconds == session.seconds


def test_a_single_step_is_a_whole_one_in_however_many_pieces() -> None:
    class Pieces(FakeTrainer):
        pieces = 4

    session = Session(tiny_scene(), Settings(), make_trainer=Pieces)  # type: ignore[arg-type]
    session.begin()
    session.apply(Step())
    trained(session)
    assert (session.status, session.snapshot().iteration) == ("paused", 1)


def test_what_takes_long_to_measure_is_measured_seldom() -> None:
    class Slow(FakeTrainer):
        pace = 0.001

        def poses(self) -> Tensor:
            time.sleep(0.01)
            return super().poses()

    session = Session(tiny_scene(), Settings(max_iterations=200), make_trainer=Slow)  # type: ignore[arg-type]
    session.begin()
    session.history.period = 0.0
    trained(session)
    assert session.state.measuring >= 0.01 / 0.04
    assert len(session.history.rows) <= 4


def test_another_scene_s_checkpoint_is_refused(tmp_path: Path) -> None:
    trained(begun(tmp_path))
    other = Session(tiny_scene(seed=1), Settings(), make_trainer=FakeTrainer)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="of another scene"):
        other.begin(load_checkpoint(tmp_path / CHECKPOINT_FILE))


def test_continuing_gives_what_one_run_gives(tmp_path: Path) -> None:
    whole = trained(begun(max_iterations=12))
    trained(begun(tmp_path, max_iterations=5))
    again = Session(tiny_scene(), Settings(max_iterations=12), make_trainer=FakeTrainer)  # type: ignore[arg-type]
    again.begin(load_checkpoint(tmp_path / CHECKPOINT_FILE))
    trained(again)
    assert (again.snapshot().poses == whole.snapshot().poses).all()
    assert [event.kind for event in again.history.events] == ["stage", "continue"]


def test_matches_and_excluded_frames_are_turned_by_commands() -> None:
    session = begun()
    session.apply(SetMu(1.5))
    session.apply(UseMatches(False))
    session.apply(ExcludeFrame(1, True))
    snapshot = session.snapshot()
    assert (snapshot.mu_exponent, snapshot.matches) == (1.5, False)
    assert snapshot.frame_status[1] is FrameStatus.EXCLUDED
    session.apply(UseMatches(True))  # of photos that were not matched
    session.apply(SetMu(1e9))
    session.apply(ExcludeFrame(99, True))
    kinds = [event.kind for event in session.history.events[-6:]]
    assert kinds == ["set-mu", "use-matches", "exclude-frame", "refused", "refused", "refused"]


def test_lambda_is_left_to_the_run_by_a_command_and_taken_back_by_another() -> None:
    session = begun()
    session.apply(AutoLambda(True))
    assert session.snapshot().auto_lambda
    session.apply(SetLambda(1.0))
    assert not session.snapshot().auto_lambda
    assert [event.kind for event in session.history.events[-2:]] == ["auto-lambda", "set-lambda"]


def test_a_limit_of_time_is_handed_to_the_trainer_before_every_step() -> None:
    given: list[float] = []

    class Limited(FakeTrainer):
        def fit_to_time(self, seconds_left: float) -> None:
            given.append(seconds_left)

    session = Session(tiny_scene(), Settings(), max_seconds=60.0, make_trainer=Limited)  # type: ignore[arg-type]
    session.begin()
    trained(session, 5)
    assert len(given) == 5
    assert all(0 < seconds < 60 for seconds in given)
    assert given == sorted(given, reverse=True)
    session.apply(Restart())
    trained(session, 1)
    assert given[-1] > given[-2]  # the clock begins anew
