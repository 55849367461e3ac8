"""What a worker process does with one run of a sweep."""

from __future__ import annotations

import contextlib
import json
import platform
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from engine.errors import UserError
from engine.lab.sweep.definition import SweptRun, Values
from engine.lab.sweep.rows import ROW_FILE, Row, failed_row, finished_row, write_row
from engine.system.files import write_json

RUNS_FOLDER, SESSION_FILE = "runs", "session"
CONFIG_FILE, ATTEMPTS_FILE, ERROR_FILE = "config.json", "attempts.json", "error.txt"
_LOOK_PERIOD = 1.0  # seconds between two looks at the session's file, which may lie on a network drive


class CutShortError(Exception):
    """The run ended before its end because it was told to."""


class Train(Protocol):
    """Trains one run and writes its results, as `l2g-train` does. It has to be a function that can be pickled.

    Raises `CutShortError` where it ended because `stopped` said so, another exception where the run failed.
    """

    def __call__(self, values: Values, folder: Path, stopped: Callable[[], bool]) -> None: ...


class SessionWatch:
    """Whether the command that asked for a run has ended, or another has taken over: the session's file says other
    than it did. That also reaches workers of a cluster that goes on without the command."""

    def __init__(self, sweep: Path, session: str) -> None:
        self._path, self._session = sweep / SESSION_FILE, session
        self._looked_at, self._over = -float("inf"), False

    def __call__(self) -> bool:
        if not self._over and time.monotonic() - self._looked_at >= _LOOK_PERIOD:
            self._looked_at = time.monotonic()
            try:
                self._over = self._path.read_text(encoding="utf-8") != self._session
            except FileNotFoundError:
                self._over = True
            except OSError:
                pass  # a network drive that does not answer for a moment ends no run
        return self._over


def carry_out(train: Train, run: SweptRun, sweep: Path, session: str, most_attempts: int) -> Row | None:
    """Trains a run in the sweep's folder; its row, also in the run's folder, or None where it was cut short.

    Args:
        train: called with the run's values and its folder.
        run: of the sweep.
        sweep: folder of the sweep, which all workers see.
        session: of the command that asks; see `SessionWatch`.
        most_attempts: a run whose worker processes have ended so often in mid-run fails.
    """
    folder, stopped = sweep / RUNS_FOLDER / run.name, SessionWatch(sweep, session)
    if stopped():
        return None
    begun = count_attempts(folder, session)
    if begun >= most_attempts:
        return lost_row(run, sweep, begun)
    attempts = begun + 1
    try:
        for name in (ROW_FILE, ERROR_FILE):
            (folder / name).unlink(missing_ok=True)
        write_json(folder / CONFIG_FILE, dict(run.values))
        write_json(folder / ATTEMPTS_FILE, {"session": session, "attempts": attempts})
        train(run.values, folder, stopped)
        row = finished_row(run, folder, attempts, platform.node())
    except CutShortError:
        return None
    except Exception as error:
        row = failed_row(run, _reason(error), attempts, platform.node())
        with contextlib.suppress(OSError):
            (folder / ERROR_FILE).write_text(traceback.format_exc(), encoding="utf-8")
    return _kept(row, folder)


def lost_row(run: SweptRun, sweep: Path, attempts: int) -> Row:
    """The row of a run whose worker processes have ended in mid-run, too often; also in the run's folder."""
    reason = (
        f"The process that trained it ended {attempts} times before the run did: it was killed, or needed more memory "
        "than a process may have (--memory)."
    )
    return _kept(failed_row(run, reason, attempts), sweep / RUNS_FOLDER / run.name)


def count_attempts(folder: Path, session: str) -> int:
    """How often a run was begun in this session."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        content: dict[str, Any] = json.loads((folder / ATTEMPTS_FILE).read_text(encoding="utf-8"))
        return int(content["attempts"]) if content["session"] == session else 0
    return 0


def _kept(row: Row, folder: Path) -> Row:
    """The row, after writing it into the run's folder; where it cannot be written the command still gets it."""
    with contextlib.suppress(UserError):
        write_row(row, folder)
    return row


def _reason(error: Exception) -> str:
    words = " ".join(str(error).split())
    return words if isinstance(error, UserError) else f"{type(error).__name__}: {words}".removesuffix(": ")
