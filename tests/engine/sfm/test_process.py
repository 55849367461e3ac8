"""COLMAP's pipeline in a process of its own: its events, its end, and what goes wrong on the way."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.errors import UserError
from engine.sfm.events import Finished, Matching, SfmEvent, Started
from engine.sfm.options import SfmOptions
from engine.sfm.process import Pipeline, SfmProcess

NAMES = ("a.jpg", "b.jpg", "c.jpg")


def complete(folder: Path, names: tuple[str, ...], output: Path, options: SfmOptions) -> Iterator[SfmEvent]:
    """A pipeline that yields events and finishes."""
    (output / "database.db").write_text("features")
    yield Started(folder, names)
    for done in range(4):
        yield Matching(np.full((3, 3), done), done, 3)
    yield Finished(output, (0, 1), (2,), {"matching": 0.1})


def failing(folder: Path, names: tuple[str, ...], output: Path, options: SfmOptions) -> Iterator[SfmEvent]:
    yield Started(folder, names)
    raise UserError("No two photos have anything in common.")


def broken(folder: Path, names: tuple[str, ...], output: Path, options: SfmOptions) -> Iterator[SfmEvent]:
    yield Started(folder, names)
    raise ValueError("a matrix is singular")


def crashing(folder: Path, names: tuple[str, ...], output: Path, options: SfmOptions) -> Iterator[SfmEvent]:
    yield Started(folder, names)
    os._exit(11)


def endless(folder: Path, names: tuple[str, ...], output: Path, options: SfmOptions) -> Iterator[SfmEvent]:
    (output / "database.db").write_text("half of it")
    yield Started(folder, names)
    time.sleep(600)  # like COLMAP when it is busy: it yields nothing and checks nothing


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[Pipeline], SfmProcess]]:
    """Starts pipelines and stops them at the end of the test."""
    started: list[SfmProcess] = []

    def begin(pipeline: Pipeline) -> SfmProcess:
        started.append(SfmProcess(tmp_path, NAMES, tmp_path / "colmap", pipeline=pipeline))
        started[-1].start()
        return started[-1]

    yield begin
    for process in started:
        process.stop()
        assert process.join(30)


def test_events_come_in_order_and_once(start: Callable[[Pipeline], SfmProcess]) -> None:
    process = start(complete)
    assert process.join(60)
    assert process.status == "finished"
    first = process.take_events(most=2)
    events = [*first, *process.take_events()]
    assert len(first) == 2
    assert [type(event) for event in events] == [Started, *[Matching] * 4, Finished]
    assert [event.done for event in events if isinstance(event, Matching)] == [0, 1, 2, 3]
    assert not process.take_events()
    assert (process.output / "database.db").is_file()


@pytest.mark.parametrize(
    ("pipeline", "words"),
    [
        (failing, "No two photos have anything in common."),
        (broken, "a matrix is singular"),
        (crashing, "ended unexpectedly"),
    ],
)
def test_what_goes_wrong_becomes_a_sentence(
    start: Callable[[Pipeline], SfmProcess], pipeline: Pipeline, words: str
) -> None:
    process = start(pipeline)
    assert process.join(60)
    assert process.status == "failed"
    assert words in process.message
    assert "Traceback" not in process.message
    assert isinstance(process.take_events()[0], Started)
    assert not process.output.exists()


def test_it_stops_in_the_middle_of_something_and_leaves_nothing_behind(
    start: Callable[[Pipeline], SfmProcess],
) -> None:
    process = start(endless)
    end = time.monotonic() + 60
    while not process.take_events():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert process.status == "running"
    process.stop()
    assert process.join(30)
    assert process.status == "stopped"
    assert not process.output.exists()


def test_a_folder_that_is_there_is_not_touched(start: Callable[[Pipeline], SfmProcess], tmp_path: Path) -> None:
    (tmp_path / "colmap").mkdir()
    (tmp_path / "colmap" / "mine.txt").write_text("keep")
    process = start(complete)
    assert process.join(60)
    assert process.status == "failed"
    assert "colmap" in process.message
    assert (tmp_path / "colmap" / "mine.txt").read_text() == "keep"
