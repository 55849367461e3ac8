"""Commands in the process of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.in_process import Command, commands


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.setattr("engine.results.error_plot.plot_errors", lambda *_: None)  # seconds that nobody looks at here
    return commands(tmp_path, monkeypatch, capsys)
