"""Starting a run again with other choices: what it is opened with, and what it is told at once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.arguments import ViewerArguments
from app.model.state import runs
from app.model.state.runs import Runs
from app.model.state.state import State
from engine.config.settings import Settings
from engine.lab.race.definition import make_race
from engine.lab.sweep.definition import SweepDefinition
from engine.messages import Command, Pause, Resume, UseMatches
from engine.run.checkpoint_writer import CHECKPOINT_FILE
from engine.scenes.options import SceneOptions
from engine.system.files import replace_file
from tests.support.runs.fake_run import FERN, FakeRun, state_with

Opened = tuple[ViewerArguments, list[Command]]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Opened]:
    """The arguments of each run that is opened, and what it was sent; none of them begins."""
    found: list[Opened] = []

    def open_run(arguments: ViewerArguments, watch: Any, wait_for_matches: bool) -> Any:
        sent: list[Command] = []
        found.append((arguments, sent))
        return SimpleNamespace(run=SimpleNamespace(send=sent.append))

    monkeypatch.setattr(runs, "open_run", open_run)
    monkeypatch.setattr(runs, "ViewedRun", lambda name, opening: SimpleNamespace(name=name, opened=opening(print)))
    return found


def reopen(settings: Settings, options: SceneOptions) -> None:
    run = FakeRun()
    run.scene.added = None
    run.stop = lambda save=True: None  # type: ignore[attr-defined]
    Runs(state_with(run), ViewerArguments(scene=FERN)).reopen(settings, options)


def test_a_run_is_opened_again_with_its_choices(opened: list[Opened]) -> None:
    options = SceneOptions(init="reference", exclude=("view_00.jpg",), matches=True)
    reopen(Settings(method="barf", assist=False, mu_exponent=1.5), options)
    ((arguments, sent),) = opened
    assert (arguments.method, arguments.assist, arguments.mu_exponent) == ("barf", "off", 1.5)
    assert (arguments.init, arguments.exclude, arguments.matches) == ("reference", ("view_00.jpg",), True)
    assert sent == []


def test_matches_that_were_switched_off_stay_off_and_can_be_switched_on(opened: list[Opened]) -> None:
    reopen(Settings(matches=False), SceneOptions(matches=True))
    ((arguments, sent),) = opened
    assert arguments.matches, "they are read with the scene"
    assert sent == [UseMatches(False)]


def test_a_run_of_a_sweep_is_opened_in_a_folder_of_its_own_or_trained_again(
    opened: list[Opened], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (run,) = SweepDefinition((FERN,), methods=("barf",), noise=((0.1, 0.0),), seeds=(3,)).runs()
    folder = tmp_path / "sweeps" / "fern" / "runs" / run.name
    folder.mkdir(parents=True)
    Runs(State(), ViewerArguments()).open_swept(run.values, folder)
    (folder / CHECKPOINT_FILE).write_text("kept")
    Runs(State(), ViewerArguments()).open_swept(run.values, folder)
    (again, _), (continued, _) = opened
    assert (again.scene, again.method, again.seed, again.noise_rotation) == (FERN, "barf", 3, 0.1)
    assert (again.output, again.resume) == (None, False)
    assert continued.resume
    assert continued.output is not None
    assert continued.output.resolve().parent == tmp_path / "runs"
    assert (continued.output / CHECKPOINT_FILE).read_text() == "kept"
    with replace_file(continued.output / CHECKPOINT_FILE) as file:
        file.write_text("changed")
    assert (folder / CHECKPOINT_FILE).read_text() == "kept"  # the sweep stays as it is


def test_a_race_takes_the_place_of_the_run_and_begins_once_that_is_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    def view(name: str, opening: Any, contestant: Any) -> Any:
        started.append(contestant)
        run = FakeRun(contestant.settings)
        run.contestant = contestant
        run.refresh = lambda volume: None  # type: ignore[attr-defined]
        run.stop = lambda save: setattr(run, "ended", True)  # type: ignore[attr-defined]
        return run

    monkeypatch.setattr(runs, "ViewedRun", view)
    before = FakeRun()
    before.ended = False  # type: ignore[attr-defined]
    before.stop = lambda save: None  # type: ignore[attr-defined]
    state = state_with(before)
    state.race.all = True
    opened = Runs(state, ViewerArguments(scene=FERN))
    race = make_race(("l2g", "barf", "naive"), Settings(), SceneOptions())
    opened.race(race)
    assert started == list(race.contestants)
    assert [run.settings.method for run in state.runs] == ["l2g", "barf", "naive"]
    turns = state.race.turns
    assert turns is not None
    opened.refresh()
    assert turns.held, "the run before is still being saved"
    before.ended = True  # type: ignore[attr-defined]
    opened.refresh()
    assert not turns.held

    state.active = 1
    state.send(UseMatches(False))
    state.race.all = False
    state.send(UseMatches(True))
    sent = [run.sent for run in state.runs]  # type: ignore[attr-defined]
    assert sent == [[UseMatches(False)], [UseMatches(False), UseMatches(True)], [UseMatches(False)]]

    opened.race(None)
    assert [run.settings.method for run in state.runs] == ["barf"]
    assert state.race.race is None
    assert state.run is not None
    assert state.run.contestant is None


@pytest.mark.parametrize("error", [None, "poses_bounds.npy is damaged."])
def test_a_run_rests_while_another_scene_is_opened_and_goes_on_if_it_cannot_be(
    error: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    left: list[FakeRun] = []

    def make_run(*_: Any) -> FakeRun:
        run = FakeRun()
        run.refresh = lambda volume: None  # type: ignore[attr-defined]
        run.stop = lambda save: left.append(run)  # type: ignore[attr-defined]
        run.ended = run.told = False  # type: ignore[attr-defined]
        return run

    monkeypatch.setattr(runs, "ViewedRun", make_run)
    before = make_run()
    state = state_with(before)
    window = Runs(state, ViewerArguments())
    window.open_scene(tmp_path)
    other: Any = state.run
    known, other.opened = other.opened, None
    window.refresh()
    assert (state.runs, left) == ([other], [])
    assert before.sent == [Pause()]
    other.opened, other.error = (known, None) if error is None else (None, error)
    window.refresh()
    if error is None:
        assert (state.runs, left) == ([other], [before])
    else:
        assert (state.runs, left) == ([before], [other])
        assert before.sent == [Pause(), Resume()]
        assert error in (state.banner or "")
