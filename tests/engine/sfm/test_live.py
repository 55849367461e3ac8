"""COLMAP's pipeline in a process of its own: news, its end, and what goes wrong on the way."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.errors import UserError
from engine.sfm.events import Finished, Matching, SfmEvent, Started
from engine.sfm.live import LiveSfm, Pipeline

if TYPE_CHECKING:
    from engine.sfm.pipeline import SfmOptions

NAMES = ("a.jpg", "b.jpg", "c.jpg")


def complete(folder: Path, names: tuple[str, ...], output: Path, options: SfmOptions | None) -> Iterator[SfmEvent]:
    """All that a pipeline does to whoever listens."""
    (output / "database.db").write_text("features")
    yield Started(folder, names)
    for done in range(4):
        yield Matching(np.full((3, 3), done), done, 3)
    yield Finished(output, (0, 1), (2,), {"matching": 0.1})


def hopeless(folder: Path, names: tuple[str, ...], output: Path, options: SfmOptions | None) -> Iterator[SfmEvent]:
    yield Started(folder, names)
    raise UserError("No two photos have anything in common.")


def broken(folder: Path, names: tuple[str, ...], output: Path, options: SfmOptions | None) -> Iterator[SfmEvent]:
    yield Started(folder, names)
    raise ValueError("a matrix is singular")


def crashing(folder: Path, names: tuple[str, ...], output: Path, options: SfmOptions | None) -> Iterator[SfmEvent]:
    yield Started(folder, names)
    os._exit(11)


def endless(folder: Path, names: tuple[str, ...], output: Path, options: SfmOptions | None) -> Iterator[SfmEvent]:
    (output / "database.db").write_text("half of it")
    yield Started(folder, names)
    time.sleep(600)  # as COLMAP when it is busy: it tells nothing, and looks at nothing


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[Pipeline], LiveSfm]]:
    """Starts pipelines that have ended when the test has."""
    started: list[LiveSfm] = []

    def begin(pipeline: Pipeline) -> LiveSfm:
        started.append(LiveSfm(tmp_path, NAMES, tmp_path / "colmap", pipeline=pipeline))
        started[-1].start()
        return started[-1]

    yield begin
    for live in started:
        live.stop()
        assert live.join(30)


def test_news_come_in_order_and_once(start: Callable[[Pipeline], LiveSfm]) -> None:
    live = start(complete)
    assert live.join(60)
    assert live.status == "finished"
    first = live.news(most=2)
    events = [*first, *live.news()]
    assert len(first) == 2
    assert [type(event) for event in events] == [Started, *[Matching] * 4, Finished]
    assert [event.done for event in events if isinstance(event, Matching)] == [0, 1, 2, 3]
    assert not live.news()
    assert (live.output / "database.db").is_file()


@pytest.mark.parametrize(
    ("pipeline", "words"),
    [
        (hopeless, "No two photos have anything in common."),
        (broken, "a matrix is singular"),
        (crashing, "ended unexpectedly"),
    ],
)
def test_what_goes_wrong_becomes_a_sentence(
    start: Callable[[Pipeline], LiveSfm], pipeline: Pipeline, words: str
) -> None:
    live = start(pipeline)
    assert live.join(60)
    assert live.status == "failed"
    assert words in live.message
    assert "Traceback" not in live.message
    assert isinstance(live.news()[0], Started)
    assert not live.output.exists()


def test_it_stops_in_the_middle_of_something_and_leaves_nothing_behind(
    start: Callable[[Pipeline], LiveSfm],
) -> None:
    live = start(endless)
    end = time.monotonic() + 60
    while not live.news():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert live.status == "running"
    live.stop()
    assert live.join(30)
    assert live.status == "stopped"
    assert not live.output.exists()


def test_a_folder_that_is_there_is_not_touched(start: Callable[[Pipeline], LiveSfm], tmp_path: Path) -> None:
    (tmp_path / "colmap").mkdir()
    (tmp_path / "colmap" / "mine.txt").write_text("keep")
    live = start(complete)
    assert live.join(60)
    assert live.status == "failed"
    assert "colmap" in live.message
    assert (tmp_path / "colmap" / "mine.txt").read_text() == "keep"
