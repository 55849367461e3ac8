"""What the panel does for the user, with a pipeline that tells recorded events."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.model.cameras.pictures_of_run import CamerasPictures
from app.model.colmap.colmap_control import (
    find_obstacle,
    find_reference_obstacle,
    refresh_colmap,
    start_colmap,
    stop_colmap,
    use_as_reference,
)
from app.model.colmap.colmap_pictures import make_keypoints_picture, make_pair_picture
from app.model.colmap.shown_matches import ShownMatches, choose_pair, choose_shown, find_shown_matches
from app.model.state import colmap_run
from app.model.state.colmap_run import find_photo_paths, write_photos
from app.model.state.state import State
from engine.sfm.events import FeaturesFound, SfmEvent
from tests.app.model.state.test_opening import read, taken
from tests.support.runs.registered_scene import forward_facing, state_of
from tests.support.runs.sfm_events import whole_run


class FakeLive:
    """Tells all events at once."""

    events: tuple[SfmEvent, ...] = ()
    made: list[FakeLive]

    def __init__(self, folder: Path, names: tuple[str, ...], output: Path, options: Any, prepare: Any) -> None:
        self.folder, self.names, self.output, self.options = folder, names, output, options
        self.status, self.message, self.stopped = "running", "", False
        self._left = list(self.events)
        FakeLive.made.append(self)

    def start(self) -> None:
        pass

    def take_events(self, most: int) -> list[SfmEvent]:
        found, self._left = self._left[:most], self._left[most:]
        return found

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    monkeypatch.setattr(colmap_run, "SfmProcess", FakeLive)
    FakeLive.made, FakeLive.events = [], tuple(whole_run())
    for frame in range(6):
        Image.new("RGB", (96, 64)).save(tmp_path / f"photo_{frame}.png")
    scene = forward_facing(reference=False)
    scene = replace(scene, files=tuple(tmp_path / name for name in scene.names))
    state, _ = state_of(scene)
    state.run.opened = SimpleNamespace(folder=tmp_path / "run")  # type: ignore[union-attr, assignment]
    return state


def seen(state: State) -> State:
    start_colmap(state)
    FakeLive.made[-1].status = "finished"
    for _ in range(5):
        refresh_colmap(state)
    return state


def shown(state: State) -> ShownMatches:
    matches = find_shown_matches(state)
    assert matches is not None
    return matches


def test_the_start_of_the_run_is_shown_until_the_pipeline_runs(state: State) -> None:
    run = state.run
    assert run is not None
    run.opening = taken(read(), *whole_run()[:-2])
    matches = shown(state)
    assert not matches.own
    assert matches.status == "finished"
    assert matches.has_ended("mapping")
    assert not matches.has_ended("mesh")
    assert choose_pair(state, matches) == (0, 1)
    picture, words = make_keypoints_picture(matches, 2, (96, 64))
    assert picture.shape == (64, 96, 3)
    assert words == "photo_2.png: 40 features"
    assert shown(seen(state)).own


def test_the_photos_of_another_start_are_not_shown(state: State) -> None:
    run = state.run
    assert run is not None
    run.opening = taken(read(5), *whole_run(5)[:-2])
    assert find_shown_matches(state) is None


def test_while_a_scene_is_opened_the_newest_photo_is_looked_at(state: State) -> None:
    features = [event for event in whole_run() if isinstance(event, FeaturesFound)]
    opening = SimpleNamespace(opened=None, scene=None, opening=taken(read(), *features[:4]))
    matches = shown(State(runs=[opening]))  # type: ignore[list-item]
    assert matches.frame == 3
    assert matches.status == "running"
    assert choose_shown(State(), matches) == "keypoints"


def test_it_gets_the_photos_and_a_folder_of_its_own(state: State, tmp_path: Path) -> None:
    (tmp_path / "run" / "colmap").mkdir(parents=True)
    state.colmap.neighbours = True
    start_colmap(state)
    live = FakeLive.made[0]
    assert live.folder == tmp_path
    assert live.names == tuple(f"photo_{frame}.png" for frame in range(6))
    assert live.output == tmp_path / "run" / "colmap-2"
    assert live.options.window == 10
    stop_colmap(state)
    assert live.stopped


def test_photos_that_are_no_files_are_written(tmp_path: Path) -> None:
    scene = forward_facing()
    assert find_photo_paths(scene) is None
    names = tuple(f"{frame}.png" for frame in range(6))
    write_photos(scene, tmp_path / "photos", names)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "photos" / "3.png")), scene.images[3].numpy())


def test_what_prevents_a_start_is_said(state: State) -> None:
    assert find_obstacle(state) == ""
    few, _ = state_of(forward_facing(frames=2))
    few.run.opened = SimpleNamespace(folder=Path("run"))  # type: ignore[union-attr, assignment]
    assert "at least 3" in find_obstacle(few)
    start_colmap(few)
    assert not FakeLive.made
    assert "Open a scene" in find_obstacle(State())


def test_the_view_goes_along_with_the_pipeline_until_the_user_chooses(state: State) -> None:
    assert find_shown_matches(state) is None
    seen(state)
    assert choose_shown(state, shown(state)) == "mapping"
    state.colmap.chosen = "matches"
    assert choose_shown(state, shown(state)) == "matches"
    assert choose_pair(state, shown(state)) == (0, 1)
    state.selected = 3
    assert 3 in (choose_pair(state, shown(state)) or ())
    state.colmap.pair = (1, 5)
    assert choose_pair(state, shown(state)) == (1, 5)


def test_another_scene_ends_it(state: State) -> None:
    seen(state)
    other = replace(forward_facing(), path=Path("elsewhere"))
    state.run.scene = other  # type: ignore[union-attr, misc]
    refresh_colmap(state)
    assert state.colmap.run is None
    assert FakeLive.made[0].stopped


def test_pictures_say_what_they_show(state: State) -> None:
    matches = shown(seen(state))
    picture, words = make_keypoints_picture(matches, 2, (96, 64))
    assert picture.shape == (64, 96, 3)
    assert picture.max() > 0.3
    assert words == "photo_2.png: 40 features"
    _, words = make_pair_picture(matches, (0, 1), (200, 100))
    assert words == "photo_0.png  ↔  photo_1.png: 20 agree: essential matrix, 10 rejected"
    _, words = make_pair_picture(matches, (4, 5), (200, 100))
    assert words.endswith("no matches")


def test_cameras_and_points_join_the_3d_view_unless_switched_off(state: State) -> None:
    pictures = CamerasPictures()
    before = pictures.picture(state, (300, 200))
    assert before is not None
    assert before.colmap is before.points is before.surface is None
    seen(state)
    state.colmap.mesh = True
    picture = pictures.picture(state, (300, 200))
    assert picture is not None
    assert picture.colmap is not None
    assert picture.points is not None
    assert picture.surface is not None
    assert len(picture.colmap.poses) == 6
    state.cameras.layers.colmap = False
    without = pictures.picture(state, (300, 200))
    assert without is not None
    assert without.colmap is without.points is without.surface is None


def test_its_poses_become_the_reference_of_the_photos_that_have_one(state: State) -> None:
    given: list[tuple[np.ndarray, str]] = []
    state.run.use_reference = lambda poses, source: given.append((poses, source))  # type: ignore[union-attr, method-assign]
    assert "has not finished" in find_reference_obstacle(state)
    use_as_reference(state)
    assert not given
    use_as_reference(seen(state))
    ((poses, source),) = given
    assert poses.shape == (6, 3, 4)
    assert source == "COLMAP"
    FakeLive.events = tuple(whole_run(registered=4))
    use_as_reference(seen(state))
    some, _ = given[-1]
    assert np.isfinite(some).all(axis=(1, 2)).tolist() == [True] * 4 + [False] * 2
    FakeLive.events = tuple(whole_run(registered=2))
    assert "fewer than 3" in find_reference_obstacle(seen(state))
