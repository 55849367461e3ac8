"""Exports of the window: the run writes a checkpoint, then a program reads it in the background."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from app.model.export.export_choices import list_choices, propose_path
from app.model.export.export_job import Exporting
from engine.config.settings import Settings
from engine.export.formats import EXPORTERS
from engine.run.checkpoint import load_checkpoint
from engine.run.thread import Run
from tests.support.runs.fake_trainer import FakeTrainer, tiny_scene

PATIENCE = 60.0  # seconds


class Endless(FakeTrainer):
    pace = 0.005


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """One that trains for as long as it is let."""
    made = Run(
        tiny_scene(),
        Settings(max_iterations=10**6),
        output=tmp_path / "run",
        make_trainer=Endless,  # type: ignore[arg-type]
        checkpoint_period=None,
    )
    made.start()
    yield made
    made.stop()
    made.join(PATIENCE)


def started(run: Run, text: str, *words: str) -> Exporting:
    folder = run._session.writer.folder
    assert folder is not None
    return Exporting(run, folder, words, Path("out"), (sys.executable, "-c", text))


def exported(run: Run, text: str, *words: str) -> Exporting:
    job = started(run, text, *words)
    job.join(PATIENCE)
    assert job.finished
    return job


def wait_for_words(job: Exporting, words: str) -> None:
    end = time.monotonic() + PATIENCE
    while job.doing != words:
        assert time.monotonic() < end
        assert not job.finished, job.error
        time.sleep(0.02)


def wait_for_iteration(run: Run, iteration: int) -> None:
    end = time.monotonic() + PATIENCE
    while (snapshot := run.latest()) is None or snapshot.iteration < iteration:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_run_is_saved_before_and_trains_on_meanwhile(run: Run, tmp_path: Path) -> None:
    wait_for_iteration(run, 1)
    text = "import os, sys; print('  7 %  depth'); print('Written:', *sys.argv[2:], os.listdir(sys.argv[1]))"
    job = exported(run, text, "--to", "ply")
    assert (job.error, job.progress) == (None, 1.0)
    assert job.notes == ["Written: --to ply ['checkpoint.safetensors']"]
    saved = load_checkpoint(tmp_path / "run" / "checkpoint.safetensors").trainer[1]["iteration"]
    assert saved > 0
    wait_for_iteration(run, saved + 1)


def test_progress_is_followed(run: Run, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    text = f"""
import os, time
print(' 50 %  images')
while not os.path.exists({str(go_on)!r}):
    time.sleep(0.02)
"""
    job = started(run, text)
    wait_for_words(job, "images")
    assert 0.4 < job.progress < 0.6
    go_on.touch()
    job.join(PATIENCE)
    assert job.error is None


def test_a_failure_is_the_program_s_sentence(run: Run) -> None:
    text = "import sys; print('  1 %  x'); print('l2g-export: out exists already.', file=sys.stderr); sys.exit(2)"
    assert exported(run, text).error == "out exists already."
    assert exported(run, "raise ZeroDivisionError('inside')").error == (
        "out was not exported: ZeroDivisionError: inside."
    )
    missing = Exporting(run, Path("run"), (), Path("out"), ("/no/such/program",))
    missing.join(PATIENCE)
    assert str(missing.error).startswith("out was not exported (FileNotFoundError")


def test_a_run_that_cannot_be_saved_is_not_exported(run: Run, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file where the folder should be")
    job = exported(run, "print('not reached')")
    assert "checkpoint.safetensors was not written" in str(job.error)
    assert job.notes == []


def test_a_run_that_never_began_has_nothing_to_export(tmp_path: Path) -> None:
    def fail(*_: object) -> NoReturn:
        raise ZeroDivisionError

    run = Run(tiny_scene(), Settings(), output=tmp_path, make_trainer=fail)
    run.start()
    job = exported(run, "print('not reached')")
    assert job.error == "There is nothing to export before the run has begun."
    run.stop()
    run.join(PATIENCE)


def test_a_run_that_has_ended_is_exported_as_it_was_saved(run: Run) -> None:
    run.stop()
    run.join(PATIENCE)
    assert exported(run, "print('fine')").notes == ["fine"]


def test_giving_up_ends_the_program_without_leftovers(run: Run, tmp_path: Path) -> None:
    tidied = tmp_path / "tidied"
    text = f"""
import signal, time
signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    print(' 10 %  long')
    time.sleep(600)
finally:
    open({str(tidied)!r}, 'w').close()
"""
    job = started(run, text)
    wait_for_words(job, "long")
    job.stop()
    job.join(PATIENCE)
    assert (job.finished, job.error) == (True, None)
    assert job.progress < 1
    assert tidied.exists()


def test_every_choice_is_a_format_of_the_command_line(tmp_path: Path) -> None:
    offered = [choice for choice in list_choices(planar=False) if choice.form is not None]
    assert {choice.form for choice in offered} == set(EXPORTERS)
    assert [choice.form for choice in list_choices(planar=True)] == [None]
    first = propose_path(offered[0], tmp_path)
    first.mkdir(parents=True)
    assert propose_path(offered[0], tmp_path) == tmp_path / "export" / "colmap-2"
