"""Starting a run again with other choices: what it is opened with, and what it is told at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from app.arguments import ViewerArguments
from app.model.state import runs
from app.model.state.runs import Runs
from engine.config.settings import Settings
from engine.messages import Command, UseMatches
from engine.scenes.options import SceneOptions
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
