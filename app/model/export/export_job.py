"""An export: the run writes a checkpoint, then `l2g-export` reads it in a process of its own.

Neither the window nor the training waits for it, and a failure in it leaves both unharmed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path

from app.model.common.background_job import BackgroundJob
from engine.cli.step_display import read_line
from engine.errors import UserError
from engine.run.session import Session
from engine.run.thread import Run

PROGRAM = (sys.executable, "-m", "engine.cli.export_in_background")
ERROR_PREFIX = "l2g-export: "  # of the lines of its output that are error messages


@dataclass(frozen=True)
class ExportTiming:
    """Attributes:
    period: seconds between two looks at what is waited for.
    grace: seconds in which a process that was told to end may remove half-written files before it is killed.
    saving_share: of the progress bar, for the checkpoint before the export.
    """

    period: float = 0.1
    grace: float = 10.0
    saving_share: float = 0.05


TIMING = ExportTiming()


class Exporting(BackgroundJob):
    """One export.

    Attributes:
        progress: in [0, 1].
        doing: the step under way, in a few words.
        notes: lines of its output, once it has succeeded.
    """

    name, verb = "export", "exported"

    def __init__(self, run: Run, folder: Path, words: Sequence[str], output: Path, program: Sequence[str] = PROGRAM):
        """Starts at once.

        Args:
            run: to be exported.
            folder: of the run.
            words: options of `l2g-export`, after the folder.
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
        """Has the run write its checkpoint into its folder, and waits for it; training goes on meanwhile."""
        try:
            self._run.ask(begin_saving).result()
            while not self._stopping and self._run.ask(is_saving).result():
                time.sleep(TIMING.period)
        except CancelledError:
            return  # the run has ended, and has written its last checkpoint

    def _export(self) -> None:
        self.doing = "starting"
        said: list[str] = []
        # Standard error goes to the same pipe: two pipes would have to be read at the same time.
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
                reader.join(TIMING.period)
            if self._stopping:
                end_process(process)
            reader.join()
        if self._stopping:
            return
        errors = [line.removeprefix(ERROR_PREFIX) for line in said if line.startswith(ERROR_PREFIX)]
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
                self.progress, self.doing = TIMING.saving_share + (1 - TIMING.saving_share) * step[0], step[1]


def begin_saving(session: Session) -> None:
    """Begins a checkpoint in the run's own folder, if the run has changed since the last one."""
    if session.trainer is None:
        raise UserError("There is nothing to export before the run has begun.")
    session.writer.begin_own(session.state)


def is_saving(session: Session) -> bool:
    """Whether the checkpoint is still being written.

    Raises:
        UserError: it could not be written.
    """
    if session.writer.writing:
        return True
    if session.writer.unsaved is not None:
        raise session.writer.unsaved
    return False


def end_process(process: subprocess.Popen[str]) -> None:
    """Asks a process to end; kills it if it has not ended after `ExportTiming.grace`."""
    process.terminate()
    try:
        process.wait(TIMING.grace)
    except subprocess.TimeoutExpired:
        process.kill()
