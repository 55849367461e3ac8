"""Runs that are stopped when the test is over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.config.settings import Settings
from engine.run.thread import Run
from tests.support.runs.fake_trainer import FakeTrainer, tiny_scene
from tests.support.runs.threads import MakeRun


@pytest.fixture
def make_run() -> Iterator[MakeRun]:
    """Runs of the fake trainer, started, and stopped after the test."""
    runs: list[Run] = []

    def make(trainer: type[FakeTrainer] = FakeTrainer, settings: Settings | None = None, **options: Any) -> Run:
        run = Run(tiny_scene(), settings or Settings(), make_trainer=trainer, publish_period=0.0, **options)  # type: ignore[arg-type]
        runs.append(run)
        run.start()
        return run

    yield make
    for run in runs:
        run.stop()
        run.join(10)
