"""Runs of the fake trainer in threads of their own, and waiting for what they do."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.messages import Snapshot
from engine.run.thread import Run
from tests.support.runs.fake_trainer import FakeTrainer

MakeRun = Callable[..., Run]


def patient(seconds: float) -> type[FakeTrainer]:
    """A fake trainer whose steps take so long."""

    class Patient(FakeTrainer):
        pace = seconds

    return Patient


def until(run: Run, condition: Callable[[Snapshot], bool], timeout: float = 10.0) -> Snapshot:
    """The first snapshot for which a condition holds; fails after `timeout` seconds."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        snapshot = run.latest()
        if snapshot is not None and condition(snapshot):
            return snapshot
        time.sleep(0.001)
    raise AssertionError(f"never came about; last: {run.latest()}")


def settled(run: Run) -> Snapshot:
    """The snapshot of a run that has nothing left to do: it is paused, finished or failed."""
    assert run.wait(10)
    snapshot = run.latest()
    assert snapshot is not None
    return snapshot


def kinds(snapshot: Snapshot) -> list[str]:
    """The kinds of its events, in order."""
    return [event.kind for event in snapshot.events]
