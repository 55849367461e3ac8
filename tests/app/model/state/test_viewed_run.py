"""How a run of the window ends."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.model.state import viewed_run
from app.model.state.viewed_run import ViewedRun
from engine.config.settings import Settings
from engine.scenes.options import SceneOptions
from tests.support.runs.fake_trainer import tiny_scene


def test_results_that_cannot_be_written_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise ValueError("no such symbol")

    monkeypatch.setattr(viewed_run, "write_results", fail)
    session = SimpleNamespace(writer=SimpleNamespace(unsaved=None))
    engine = SimpleNamespace(start=lambda: None, stop=lambda: None, join=lambda: session)
    opened = SimpleNamespace(
        run=engine, scene=tiny_scene(), settings=Settings(), options=SceneOptions(), folder=tmp_path / "run"
    )
    run = ViewedRun("fern", lambda _: opened)  # type: ignore[arg-type, return-value]
    run.close(60.0)
    assert run.ended
    (told,) = run.unsaved
    assert str(told) == f"The results in {tmp_path / 'run'} are not complete (ValueError: no such symbol)."
