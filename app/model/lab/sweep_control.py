"""A sweep that is looked at: its folder is read again in a thread whenever its table has changed."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from app.model.lab.sweep_maps import TABLE, SweepCell, SweepMap, SweepState, read_sweep
from engine.errors import UserError
from engine.lab.sweep.definition import DEFINITION_FILE
from engine.lab.sweep.worker import RUNS_FOLDER
from engine.run.checkpoint_writer import CHECKPOINT_FILE

PERIOD = 1.0  # seconds between two looks at the files
UNSEEN = 2.0  # seconds after which a panel that was not shown is not read for


class SweepControl:
    """What is chosen in a sweep, and the newest that is known of it.

    Attributes:
        newest: the sweep, or None while none is open.
        error: why the folder could not be read the last time, or None.
        chosen_map: index of the map that is shown.
        chosen_cell: (row, column) in it, or None.
        chosen_run: name of a run in that cell, or None.
    """

    def __init__(self) -> None:
        self.newest: SweepState | None = None
        self.error: str | None = None
        self.chosen_map = 0
        self.chosen_cell: tuple[int, int] | None = None
        self.chosen_run: str | None = None
        self._folder: Path | None = None
        self._seen_at = 0.0
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, folder: Path) -> None:
        """Looks at a sweep from now on.

        Raises:
            UserError: the folder holds no sweep.
        """
        if folder.name == RUNS_FOLDER and (folder.parent / DEFINITION_FILE).is_file():
            folder = folder.parent
        if not (folder / DEFINITION_FILE).is_file():
            raise UserError(
                f"{folder} holds no sweep (no {DEFINITION_FILE}); give the folder that l2g-sweep has written."
            )
        self.close()
        self.newest = self.error = self.chosen_cell = self.chosen_run = None
        self.chosen_map, self._folder, self._seen_at = 0, folder.resolve(), time.monotonic()
        self._closing = threading.Event()
        arguments = (self._folder, self._closing)
        self._thread = threading.Thread(target=self._watch, args=arguments, name="sweep", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Tells that the sweep is being looked at; to be called in every frame in which it is."""
        self._seen_at = time.monotonic()

    def close(self) -> None:
        """Ends looking at the files."""
        self._closing.set()

    @property
    def opening(self) -> bool:
        """Whether a sweep is being read for the first time."""
        return self._folder is not None and self.newest is None and self.error is None

    # ------------------------------------------------------------------ what is chosen

    @property
    def map(self) -> SweepMap | None:
        """The map that is shown."""
        maps = self.newest.maps if self.newest is not None else ()
        return maps[min(self.chosen_map, len(maps) - 1)] if maps else None

    @property
    def cell(self) -> SweepCell | None:
        """The cell that is chosen in it; None where there is none of that place, or it has no runs."""
        found = self.map
        if found is None or self.chosen_cell is None:
            return None
        row, column = self.chosen_cell
        return found.cells[row][column] if row < len(found.rows) and column < len(found.columns) else None

    def choose_map(self, index: int) -> None:
        """Shows another map."""
        self.chosen_map, self.chosen_cell, self.chosen_run = index, None, None

    def choose_cell(self, row: int, column: int) -> None:
        """Shows the runs of a cell."""
        self.chosen_cell, self.chosen_run = (row, column), None

    def find_folder(self, run: str) -> Path:
        """The folder of a run."""
        assert self._folder is not None
        return self._folder / RUNS_FOLDER / run

    def keeps_checkpoint(self, run: str) -> bool:
        """Whether a run can be continued; else it can be made again."""
        return (self.find_folder(run) / CHECKPOINT_FILE).is_file()

    # ------------------------------------------------------------------ in the thread

    def _watch(self, folder: Path, closing: threading.Event) -> None:
        read: tuple[object, ...] | None = None
        while not closing.is_set():
            files = tuple(_stamp(folder / name) for name in (DEFINITION_FILE, TABLE))
            if files != read and time.monotonic() - self._seen_at < UNSEEN:
                read = files
                self._read(folder, closing)
            closing.wait(PERIOD)

    def _read(self, folder: Path, closing: threading.Event) -> None:
        try:
            found, error = read_sweep(folder), None
        except UserError as problem:
            found, error = None, str(problem)
        except Exception as problem:  # a damaged file must not end the window
            found, error = None, f"{folder} cannot be read ({type(problem).__name__}: {problem})."
        if not closing.is_set():  # another sweep may have been opened meanwhile
            self.newest, self.error = found or self.newest, error


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a file is replaced; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
