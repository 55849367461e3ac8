"""Knock off, take back, do again: in the order in which a user would expect it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.config.settings import Settings
from engine.messages import (
    Command,
    PerturbAll,
    PerturbPose,
    RedoPerturbation,
    Restart,
    SetRates,
    UndoPerturbation,
)
from engine.run.checkpoint import load_checkpoint
from engine.run.checkpoint_writer import CHECKPOINT_FILE, CheckpointWriter
from engine.run.session import Session
from tests.support.runs.fake_trainer import FakeTrainer, tiny_scene

KICK, TURN = PerturbPose(1, (0.0, 0.3, 0.0), (0.1, 0.0, 0.0)), PerturbPose(1, (0.2, 0.0, 0.0))
EVERYONE = PerturbAll(0.1, 0.05, seed=4)


def begun(folder: Path | None = None) -> Session:
    session = Session(tiny_scene(), Settings(), writer=CheckpointWriter(folder, None, None), make_trainer=FakeTrainer)  # type: ignore[arg-type]
    session.begin()
    return session


def after(session: Session, *commands: Command) -> np.ndarray:
    """Poses after commands, none of which may be refused."""
    for command in commands:
        session.apply(command)
        assert session.snapshot().message == ""
    return session.snapshot().poses


def counts(session: Session) -> tuple[int, int]:
    snapshot = session.snapshot()
    return snapshot.undoable, snapshot.redoable


def test_redo_does_again_what_undo_took_back() -> None:
    session = begun()
    none, kicked, turned, everyone = (
        after(session),
        after(session, KICK),
        after(session, TURN),
        after(session, EVERYONE),
    )
    assert counts(session) == (3, 0)
    undo, redo = UndoPerturbation(), RedoPerturbation()
    for poses, left in ((turned, (2, 1)), (kicked, (1, 2)), (none, (0, 3))):
        np.testing.assert_allclose(after(session, undo), poses, atol=1e-6)
        assert counts(session) == left
    for poses, left in ((kicked, (1, 2)), (turned, (2, 1)), (everyone, (3, 0))):
        np.testing.assert_allclose(after(session, redo), poses, atol=1e-6)
        assert counts(session) == left
    assert session.history.events[-1].kind == "redo-perturbation"


def test_redo_starts_from_where_the_camera_is_by_then() -> None:
    session = begun()
    after(session, KICK, UndoPerturbation())
    session.advance()
    moved = session.snapshot().poses
    redone = after(session, RedoPerturbation())
    fresh = begun()
    fresh.advance()
    np.testing.assert_allclose(redone, after(fresh, KICK), atol=1e-6)
    assert abs(redone - moved).max() > 0.1


def test_a_new_perturbation_forgets_what_could_be_done_again() -> None:
    session = begun()
    after(session, KICK, UndoPerturbation(), EVERYONE)
    assert counts(session) == (1, 0)
    before = session.snapshot().poses
    session.apply(RedoPerturbation())
    assert session.snapshot().message == "There is no perturbation to do again."
    assert (session.snapshot().poses == before).all()


def test_a_refused_one_forgets_nothing() -> None:
    session = begun()
    after(session, KICK, UndoPerturbation())
    session.apply(PerturbPose(99))
    session.apply(PerturbPose(0, (float("nan"), 0.0, 0.0)))
    assert "not a number" in session.snapshot().message
    assert counts(session) == (0, 1)


def test_a_checkpoint_keeps_what_can_be_taken_back(tmp_path: Path) -> None:
    session = begun(tmp_path)
    poses = after(session, KICK, EVERYONE)
    session.writer.write(session.state)
    again = begun()
    again.begin(load_checkpoint(tmp_path / CHECKPOINT_FILE))
    assert counts(again) == (2, 0)
    assert [applied.command for applied in again.state.undo.done] == [KICK, replace(EVERYONE, frames=4)]
    assert (again.snapshot().poses == poses).all()


def test_a_restart_forgets_both() -> None:
    session = begun()
    after(session, KICK, EVERYONE, UndoPerturbation(), Restart())
    assert counts(session) == (0, 0)


def test_rates_are_told_and_nonsense_is_refused() -> None:
    session = begun()
    assert session.snapshot().rate_factors == (1.0, 1.0)
    after(session, SetRates(field=0.5, pose=3.0))
    assert session.snapshot().rate_factors == (0.5, 3.0)
    assert (session.history.events[-1].kind, session.history.events[-1].detail) == ("set-rates", "field x0.5, pose x3")


@pytest.mark.parametrize("factor", [0.0, -1.0, 101.0, float("nan"), float("inf")])
def test_a_rate_that_makes_no_sense_is_refused(factor: float) -> None:
    session = begun()
    session.apply(SetRates(field=factor))
    session.apply(SetRates(pose=factor))
    snapshot = session.snapshot()
    assert "Learning rates cannot be multiplied" in snapshot.message
    assert snapshot.rate_factors == (1.0, 1.0)
    assert [event.kind for event in snapshot.events][-2:] == ["refused", "refused"]
