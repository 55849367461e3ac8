"""Commands, called in the process of the tests: starting Python anew would take seconds each time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.cli import main as cli

COMMANDS = {"l2g-train": cli.train, "l2g-eval": cli.evaluate, "l2g-sfm": cli.sfm}


class Left(NamedTuple):
    """How a command ended."""

    program: str
    code: int
    output: str
    errors: str


Command = Callable[..., Left]


def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Calls a command by its name, in an empty folder and with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "cache" / name))
    monkeypatch.setattr(cli, "keep_freed_memory", lambda: True)  # for the life of a process: not this one's
    monkeypatch.setattr(
        "engine.results.convergence_video.write_video", lambda *_: None
    )  # seconds that nobody looks at here

    def call(program: str, *words: str | Path) -> Left:
        monkeypatch.setattr(sys, "argv", [program, *map(str, words)])
        with pytest.raises(SystemExit) as left:
            COMMANDS[program]()
        captured = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Left(program, left.value.code, captured.out, captured.err)

    return call


def is_one_sentence(left: Left, *words: str) -> None:
    """A mistake of the user, told as one."""
    assert left.code == 2, left
    assert left.errors.startswith(f"{left.program}: ")
    assert left.errors.count("\n") == 1, left.errors
    assert "Traceback" not in left.errors + left.output
    for word in words:
        assert word in left.errors
