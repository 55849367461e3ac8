"""Results of experiments, written in a thread: drawing them takes a while."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.model.common.background_job import BackgroundJob
from app.model.state.state import State


class LabFiles(BackgroundJob):
    """Calls a function that writes into a folder."""

    name, verb = "results of the lab", "written"

    def __init__(self, write: Callable[[Path], object], folder: Path) -> None:
        super().__init__(folder)
        self._write = write
        self._thread.start()

    def work(self) -> None:
        self._write(self.output)


def tell_when_written(files: LabFiles | None, state: State) -> LabFiles | None:
    """Says in the window how the writing has ended, once it has; what is still being written."""
    if files is None or not files.finished:
        return files
    if files.error is not None:
        state.banner = files.error
    else:
        state.notice = f"Written as tables (CSV) and pictures (PNG) into {files.output}"
    return None
