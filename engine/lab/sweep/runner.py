"""Carries out a sweep: hands runs to workers, keeps the table, goes on where an earlier command stopped."""

from __future__ import annotations

import contextlib
import queue
import shutil
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from engine.errors import UserError
from engine.lab.sweep.definition import (
    DEFINITION_FILE,
    SweepDefinition,
    SweptRun,
    explain_change,
    read_definition,
    write_definition,
)
from engine.lab.sweep.rows import Row, read_row
from engine.lab.sweep.statistics import Success
from engine.lab.sweep.table import CSV_FILE, PARQUET_FILE, TableWriter, write_table
from engine.lab.sweep.worker import RUNS_FOLDER, SESSION_FILE, Train, carry_out, count_attempts, lost_row
from engine.results.folder import holds_run
from engine.system.files import replace_file

REPORT_FILE = "report.html"
_LOOK_PERIOD = 0.2  # seconds between two looks at whether to stop


class WorkerEndedError(Exception):
    """The process that had a run ended before the run did."""


class Future(Protocol):
    """Of a run, as `concurrent.futures` and Dask have it."""

    def result(self) -> Any: ...
    def add_done_callback(self, act: Callable[[Any], object], /) -> object: ...


class Pool(Protocol):
    """Workers. `submit` has a function called in one of them; those of a smaller `place` come first.

    The future raises `WorkerEndedError` where the worker's process ended.
    """

    def submit(self, place: int, act: Callable[..., Any], /, *arguments: Any) -> Future: ...


@dataclass(frozen=True)
class PreparedSweep:
    """A sweep that is ready to be carried out.

    Attributes:
        folder: of the sweep.
        runs: all of them.
        rows: of the runs that have ended, by name.
        change: a sentence on what is different from before, or None.
    """

    folder: Path
    runs: Sequence[SweptRun]
    rows: dict[str, Row]
    change: str | None

    @property
    def waiting(self) -> list[SweptRun]:
        """Runs that have not ended."""
        return [run for run in self.runs if run.name not in self.rows]


Watch = Callable[[Row], object]
"""Called with each row that comes."""


def prepare_sweep(
    folder: Path,
    definition: SweepDefinition,
    success: Success | None = None,
    *,
    overwrite: bool = False,
    again: bool = False,
) -> PreparedSweep:
    """Makes the folder, or looks at what it holds already.

    Args:
        folder: of the sweep.
        definition: of the sweep.
        success: when a run counts as one that has succeeded, for readers of the folder; None for the usual one.
        overwrite: remove the sweep that the folder holds.
        again: make runs again that have failed.
    Raises:
        UserError: the folder holds something else, or a sweep that does not agree with the definition, or cannot be
            written to.
    """
    if holds_run(folder):
        raise UserError(f"{folder} holds a run, not a sweep; give another --output.")
    runs = definition.runs()
    if overwrite:
        _remove_sweep(folder)
    before = read_definition(folder)
    if before is None and (folder / RUNS_FOLDER).exists():
        raise UserError(f"{folder} has a folder {RUNS_FOLDER} that belongs to no sweep; give another --output.")
    change = explain_change(before, runs, folder) if before is not None else None
    wanted = asdict(success or Success())
    if before is None or change or before.success != wanted:
        write_definition(folder, runs, before, wanted)
    rows = {run.name: row for run in runs if (row := read_row(folder / RUNS_FOLDER / run.name)) is not None}
    rows = {name: row for name, row in rows.items() if not (again and row.state == "failed")}
    return PreparedSweep(folder, runs, rows, change)


def run_sweep(
    sweep: PreparedSweep,
    train: Train,
    pool: Pool,
    watch: Watch = lambda row: None,
    stopped: Callable[[], bool] = lambda: False,
    retries: int = 2,
) -> list[Row]:
    """Has all waiting runs trained; ends when all have ended, or soon after `stopped` says so.

    The table is written as rows come in. Runs that were under way when it stops are made again by the next command.

    Args:
        sweep: prepared; its `rows` are filled.
        train: see `Train`.
        pool: of workers.
        watch: called with each row, in this thread.
        stopped: asked several times a second.
        retries: a run whose worker process ends in mid-run is begun again so often.
    Returns:
        the rows of all runs that have ended, in the order of the runs.
    Raises:
        UserError: another command has taken the sweep over, the table cannot be written, or the workers are lost.
    """
    session, table = uuid.uuid4().hex, TableWriter(sweep.folder)
    mark = sweep.folder / SESSION_FILE
    _write_mark(mark, session)
    done: queue.SimpleQueue[tuple[int, Future]] = queue.SimpleQueue()
    ends: dict[int, int] = {}  # of workers, by place, as the pool says
    places = {place: run for place, run in enumerate(sweep.runs) if run.name not in sweep.rows}

    def begin(place: int) -> None:
        future = pool.submit(place, carry_out, train, places[place], sweep.folder, session, retries + 1)
        future.add_done_callback(lambda ended: done.put((place, ended)))

    try:
        for place in places:
            begin(place)
        while places and not stopped():
            try:
                place, future = done.get(timeout=_LOOK_PERIOD)
            except queue.Empty:
                continue
            try:
                row = future.result()
            except WorkerEndedError:
                # A pool may begin a run again itself, and may blame a run that had not begun.
                ends[place] = ends.get(place, 0) + 1
                attempts = max(ends[place], count_attempts(sweep.folder / RUNS_FOLDER / places[place].name, session))
                if attempts <= retries:
                    begin(place)
                    continue
                row = lost_row(places[place], sweep.folder, attempts)
            except CancelledError as error:
                raise UserError("The workers were lost; the same command goes on where it stopped.") from error
            if row is None:  # it was told to end, and not by this command
                raise UserError(f"Another l2g-sweep has begun in {sweep.folder}, so this one ends.")
            del places[place]
            sweep.rows[row.run] = row
            table.offer(sweep.rows.values())
            watch(row)
    finally:
        with contextlib.suppress(OSError):
            if mark.read_text(encoding="utf-8") == session:
                mark.unlink()
        write_table(sweep.rows.values(), sweep.folder)
    return [sweep.rows[run.name] for run in sweep.runs if run.name in sweep.rows]


def _write_mark(mark: Path, session: str) -> None:
    with replace_file(mark) as temporary:
        temporary.write_text(session, encoding="utf-8")


def _remove_sweep(folder: Path) -> None:
    """Removes what a sweep has written; other files stay."""
    if not (folder / DEFINITION_FILE).exists():
        return
    try:
        if (folder / RUNS_FOLDER).exists():
            shutil.rmtree(folder / RUNS_FOLDER)
        for name in (PARQUET_FILE, CSV_FILE, REPORT_FILE, DEFINITION_FILE):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be emptied ({error.strerror or error}); give another --output.") from error
