"""A reference that comes while a run goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.config.settings import Settings
from engine.errors import UserError
from engine.messages import UseReference
from engine.run.checkpoint import load_checkpoint, scene_of_run
from engine.run.history import History
from engine.run.session import Session
from engine.scenes.scene import Scene
from tests.support.runs.fake_trainer import FakeTrainer, tiny_scene


@pytest.fixture
def session() -> Session:
    """Of a scene without a reference, some steps on its way, each of them in the history."""
    session = Session(tiny_scene(reference=False), Settings(), make_trainer=FakeTrainer)  # type: ignore[arg-type]
    session.history.period = 0.0
    session.begin()
    for _ in range(4):
        session.advance()
        session.state.record()
    return session


def test_errors_are_measured_from_then_on_and_of_what_has_been(session: Session) -> None:
    assert session.snapshot().rotation_error_deg is None
    wanted = tiny_scene().reference_poses
    assert wanted is not None
    session.apply(UseReference(wanted.numpy(), "COLMAP"))
    errors = session.snapshot().rotation_error_deg
    assert errors is not None
    assert errors.shape == (4,)
    assert np.isfinite(errors).all()
    assert all(
        row.rotation_error_deg is not None and row.translation_error is not None for row in session.history.rows
    )
    assert session.history.events[-1].kind == "use-reference"
    assert "COLMAP" in session.history.events[-1].detail


def test_against_its_own_poses_a_run_is_right_whatever_their_gauge(session: Session) -> None:
    poses = session.snapshot().poses.astype(np.float64)
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    moved = np.concatenate([poses[:, :, :3] @ turn.T, 3.0 * poses[:, :, 3:]], axis=2)
    session.apply(UseReference(np.concatenate([moved, moved[:1]]), "itself"))
    snapshot = session.snapshot()
    assert snapshot.rotation_error_deg is not None
    assert snapshot.translation_error is not None
    assert snapshot.rotation_error_deg.max() < 0.05
    assert snapshot.translation_error.max() < 1e-3


def test_a_frame_without_a_pose_has_no_error_and_the_others_have(session: Session) -> None:
    wanted = tiny_scene().reference_poses
    assert wanted is not None
    poses = wanted.numpy().copy()
    frames = list(session.snapshot().frames)
    poses[frames[2]] = np.nan
    session.apply(UseReference(poses, "COLMAP"))
    for errors in (session.snapshot().rotation_error_deg, session.history.rows[0].translation_error):
        assert errors is not None
        assert np.isfinite(errors).tolist() == [True, True, False, True]


def test_too_few_poses_are_refused(session: Session) -> None:
    poses = torch.eye(3, 4).repeat(5, 1, 1).numpy()
    few = poses.copy()
    few[1:4] = np.nan
    for wrong in (few, poses[:4]):
        session.apply(UseReference(wrong, "COLMAP"))
        assert session.history.events[-1].kind == "refused"
        assert session.snapshot().rotation_error_deg is None


def test_a_history_of_which_only_the_end_has_errors_is_saved(session: Session, tmp_path: Path) -> None:
    """As where a run is continued, whose scene has no reference of its own."""
    rows = session.history.rows
    session.apply(UseReference(tiny_scene().reference_poses.numpy(), "COLMAP"))  # type: ignore[union-attr]
    session.history.rows = [*session.history.rows, rows[-1]]
    again = History.from_state(*session.history.state())
    assert len(again.rows) == len(session.history.rows)


def test_a_continued_run_is_measured_against_the_same_poses(session: Session, tmp_path: Path) -> None:
    wanted = tiny_scene().reference_poses
    assert wanted is not None
    poses = wanted.numpy().copy()
    poses[3] = np.nan
    session.apply(UseReference(poses, "COLMAP"))
    path = session.writer.write(session.state, tmp_path / "checkpoint.safetensors")
    again = scene_of_run(load_checkpoint(path), tiny_scene(reference=False), path)
    assert isinstance(again, Scene)
    assert again.reference_poses is not None
    np.testing.assert_array_equal(again.reference_poses.numpy(), poses)
    with pytest.raises(UserError, match="damaged"):
        scene_of_run(replace(load_checkpoint(path), reference=again.reference_poses[:2]), tiny_scene(), path)
