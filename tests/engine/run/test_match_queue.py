"""Matches that come while a run is open."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.config.settings import Settings
from engine.run.match_queue import MatchQueue
from engine.run.session import Session
from engine.scenes.scene import Scene
from tests.support.runs.short_runs import event_kinds, matched_fern

STEPS = 4


class Later:
    """Runs nothing: the future is given its result by hand."""

    def __init__(self) -> None:
        self.future: Future[Scene] = Future()

    def __call__(self, act: object) -> Future[Scene]:
        return self.future


def begun(scene: Scene, later: Later) -> Session:
    """A session of a scene without its matches, which are being made."""
    settings = Settings(max_iterations=1000)
    session = Session(replace(scene, tracks=None), settings, match_queue=MatchQueue(True, later))
    session.begin()
    return session


def advance(session: Session, times: int = STEPS) -> None:
    for _ in range(times):
        session.advance()


def test_a_run_whose_poses_are_a_guess_waits_for_its_matches_and_begins_from_them():
    scene, later = matched_fern(), Later()
    session = begun(scene, later)
    advance(session)
    assert session.trainer.iteration == 0
    assert session.busy
    assert "matching" in session.snapshot().doing
    assert session.snapshot().track_count is None
    later.future.set_result(scene)
    while session.trainer.iteration < 2:
        session.advance()
    assert {"matched", "tracks"} <= set(event_kinds(session.trainer))
    assert (session.snapshot().track_count > 0).all()
    assert session.scene.tracks is scene.tracks
    assert "matching" not in session.snapshot().doing


def test_it_takes_the_same_steps_as_a_run_that_had_its_matches_from_the_first():
    scene, later = matched_fern(), Later()
    waited, direct = begun(scene, later), Session(scene, Settings(max_iterations=1000))
    direct.begin()
    advance(waited)
    later.future.set_result(scene)
    for session in (waited, direct):
        while session.trainer.iteration < STEPS:
            session.advance()
    np.testing.assert_array_equal(waited.snapshot().poses, direct.snapshot().poses)


def test_known_poses_train_meanwhile_and_get_the_matches_between_two_steps():
    scene, later = replace(matched_fern(), poses_known=True, initial_poses=matched_fern().reference_poses), Later()
    session = begun(scene, later)
    advance(session)
    assert session.trainer.iteration == STEPS
    assert "matching" in session.snapshot().doing
    later.future.set_result(scene)
    advance(session)
    assert session.trainer.iteration > STEPS
    assert "matched" in event_kinds(session.trainer)
    assert "tracks" not in event_kinds(session.trainer)
    assert np.isfinite(session.snapshot().reprojection_px).all()
    assert (
        session.trainer.stages
        == Session(scene, session.settings).make_trainer(scene, session.settings, torch.device("cpu")).stages
    )


def test_where_matching_fails_the_run_goes_on_and_says_so():
    later = Later()
    session = begun(matched_fern(), later)
    later.future.set_exception(OSError(28, "No space left on device"))
    advance(session)
    assert session.trainer.iteration > 0
    assert "No space left" in session.snapshot().message


@pytest.mark.parametrize("wanted", [True, False])
def test_a_scene_is_matched_only_where_it_is_wanted_and_has_no_matches(wanted):
    later, scene = Later(), matched_fern()
    queue = MatchQueue(wanted, later)
    session = Session(scene if wanted else replace(scene, tracks=None), Settings(), match_queue=queue)
    session.begin()
    assert not queue.pending
