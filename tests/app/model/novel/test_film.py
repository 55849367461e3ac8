"""A film shows what the novel view shows: one run, or both contestants of a comparison."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from app.model.novel import film
from app.model.novel.film import SIZE, make_film
from app.model.state.state import State
from tests.support.runs.fake_trainer import tiny_scene


@pytest.fixture(autouse=True)
def with_scene(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = tiny_scene(5)
    monkeypatch.setattr(film, "get_posed_scene", lambda run: scene if run is not None else None)


def test_under_the_wipe_both_contestants_are_filmed_from_the_same_place(state: State) -> None:
    state.race.divider, state.novel.mode = 0.3, "follow"
    made = make_film(state, 4)
    assert made is not None
    assert made.runs == tuple(run.key for run in state.runs)
    assert [caption.words for caption in made.captions] == ["l2g", "barf"]
    assert len(made.pictures) == 4
    for picture in made.pictures:
        assert picture.second is not None
        assert (picture.volume, picture.second.volume) == made.runs
        assert (picture.second.begins, picture.second.apart, picture.camera.size) == (0.3, False, SIZE)
    first, last = (made.pictures[at].camera.world_to_camera for at in (0, 1))
    assert not np.allclose(first, last), "the camera moves, though a frame is followed in the view"


def test_side_by_side_each_has_half_of_the_film(state: State) -> None:
    state.race.apart = True
    made = make_film(state, 2)
    assert made is not None
    (picture, _) = made.pictures
    assert picture.second is not None
    assert picture.camera.size == picture.second.camera.size == SIZE
    assert picture.camera.centre[0] == pytest.approx(SIZE[0] / 4), "the middle of the left half"
    assert [caption.left for caption in made.captions] == [0.0, 0.5]


def test_alone_the_run_that_is_shown_is_filmed(state: State) -> None:
    state.race.beside = None
    made = make_film(state, 2)
    assert made is not None
    assert made.captions == ()
    assert made.runs == (state.runs[0].key,)
    assert [picture.second for picture in made.pictures] == [None, None]


def test_the_runs_of_a_film_stay_in_sight_whichever_is_shown(state: State) -> None:
    made = make_film(state, 2)
    assert made is not None
    state.novel.filmed = made.runs
    state.race.beside = None
    assert {run.key for run in state.seen} == set(made.runs)
    state.novel.filmed = ()
    assert [run.key for run in state.seen] == [state.runs[0].key]


def test_there_is_nothing_to_film_before_a_scene_is_open() -> None:
    assert make_film(State(), 2) is None
    assert make_film(State(runs=[SimpleNamespace(snapshot=None, key=1)]), 2) is None  # type: ignore[list-item]
