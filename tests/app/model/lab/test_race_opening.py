"""The scenes and folders of the runs of a race."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.model.lab import race_opening
from app.model.lab.race_opening import SharedScenes, choose_folders, open_contestant
from engine.config.settings import Settings
from engine.errors import UserError
from engine.lab.race.definition import make_race
from engine.run.turns import Standing, Turns
from engine.scenes.options import SceneOptions
from tests.support.runs.fake_trainer import tiny_scene


def test_a_scene_is_read_again_only_for_another_start_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[SceneOptions] = []

    def load(path: Path, options: SceneOptions, watch: Any, wait_for_matches: bool) -> Any:
        read.append(options)
        return tiny_scene()

    monkeypatch.setattr(race_opening, "load_scene", load)
    scene, options = tiny_scene(), SceneOptions()
    scenes = SharedScenes(scene, options)
    assert scenes.get(options, print) is scene
    other = replace(options, init="reference")
    first = scenes.get(other, print)
    assert scenes.get(other, print) is first
    assert read == [other]
    assert first.images is scene.images  # type: ignore[union-attr]


def test_each_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    race = make_race(("l2g", "l2g", "l2g:assist=off,lambda=3"), Settings(), SceneOptions())
    folders = choose_folders("fern", race, tmp_path / "mine")
    assert [folder.name for folder in folders] == ["1-l2g-1", "2-l2g-2", "3-l2g-assist=off-lambda=3"]
    assert {folder.parent for folder in folders} == {tmp_path / "mine-race"}
    folders[0].mkdir(parents=True)
    assert choose_folders("fern", race, tmp_path / "mine")[0].parent == tmp_path / "mine-race-2"
    assert choose_folders("fern", race)[0].parent.parent.name == "runs"


def test_nobody_waits_for_a_contestant_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise UserError("The photos are gone.")

    monkeypatch.setattr(race_opening, "load_scene", fail)
    race = make_race(("l2g", "barf:init=reference"), Settings(), SceneOptions())
    turns = Turns()
    seat, lost = turns.seat(), turns.seat()
    scenes = SharedScenes(tiny_scene(), SceneOptions())
    opening = open_contestant(race.contestants[1], race, scenes, lost, tmp_path / "run", "cpu", None)
    assert not seat.wait(Standing(0, 0.0), 0.01)
    with pytest.raises(UserError, match="gone"):
        opening(lambda event: None)
    assert seat.wait(Standing(0, 0.0), 0.01)
