"""An export in the making: the run saves itself, then `l2g-export` works on its folder in a process of its own.

So neither the window nor the training waits for it, and a failure in it takes nothing along.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError
from pathlib import Path

from app.model.common.background_job import BackgroundJob
from engine.cli.step_display import read_line
from engine.errors import UserError
from engine.run.session import Session
from engine.run.thread import Run

PROGRAM = (sys.executable, "-m", "engine.cli.export_in_background")
LOOK_EVERY = 0.1  # seconds
GRACE = 10.0  # seconds in which a process that was told to stop may tidy up
SAVING = 0.05  # of the bar
WHAT = "l2g-export: "  # how its error messages begin


class Exporting(BackgroundJob):
    """One export.

    Attributes:
        progress: in [0, 1].
        doing: what it does, in a word or two.
        notes: what it said when it was done.
    """

    name, verb = "export", "exported"

    def __init__(self, run: Run, folder: Path, words: Sequence[str], output: Path, program: Sequence[str] = PROGRAM):
        """Starts at once.

        Args:
            run: that is exported.
            folder: of the run.
            words: of the command line, after the folder.
            output: for messages.
            program: the command.
        """
        super().__init__(output)
        self.progress, self.doing = 0.0, "saving the run"
        self.notes: list[str] = []
        self._run, self._folder = run, folder
        self._command = [*program, str(folder), *words]
        self._process: subprocess.Popen[str] | None = None
        self._thread.start()

    def work(self) -> None:
        self._save()
        if not self._stopping:
            self._export()

    def _save(self) -> None:
        """Has the run write its checkpoint where it belongs; training stands still no longer than for any other."""
        try:
            self._run.ask(begin_saving).result()
            while not self._stopping and self._run.ask(is_saving).result():
                time.sleep(LOOK_EVERY)
        except CancelledError:
            return  # the run has ended, and saved itself

    def _export(self) -> None:
        self.doing = "starting"
        said: list[str] = []
        # Standard error goes to the same pipe: two would have to be read at once.
        with subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"},
        ) as process:
            reader = threading.Thread(target=self._read, args=(process, said), name="export output", daemon=True)
            reader.start()
            while reader.is_alive() and not self._stopping:
                reader.join(LOOK_EVERY)
            if self._stopping:
                end_process(process)
            reader.join()
        if self._stopping:
            return
        errors = [line.removeprefix(WHAT) for line in said if line.startswith(WHAT)]
        if process.returncode != 0:
            why = errors or said[-1:] or [f"it ended with {process.returncode}"]
            self.error = " ".join(why) if errors else f"{self.output} was not exported: {why[0]}."
        else:
            self.progress, self.doing, self.notes = 1.0, "done", said

    def _read(self, process: subprocess.Popen[str], said: list[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            step = read_line(line)
            if step is None:
                said.append(line.strip())
            else:
                self.progress, self.doing = SAVING + (1 - SAVING) * step[0], step[1]


def begin_saving(session: Session) -> None:
    """Begins a checkpoint where the run's own belongs, if there is anything new since the last."""
    if session.trainer is None:
        raise UserError("There is nothing to export before the run has begun.")
    session.writer.begin_own(session)


def is_saving(session: Session) -> bool:
    """Whether the checkpoint is still being written.

    Raises:
        UserError: it could not be.
    """
    if session.writer.writing:
        return True
    if session.writer.unsaved is not None:
        raise session.writer.unsaved
    return False


def end_process(process: subprocess.Popen[str]) -> None:
    """Has a process tidy up and end; in the end by force."""
    process.terminate()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
