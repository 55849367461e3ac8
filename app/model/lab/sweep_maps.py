"""The maps of a sweep as its folder has them at a moment, runs that have not ended included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UserError
from engine.lab.sweep.definition import SweptRun, Values, read_definition
from engine.lab.sweep.rows import Row, failed_row
from engine.lab.sweep.statistics import Interval, Success, find_unmeasured_scenes, read_success, wilson_interval
from engine.lab.sweep.summary import map_success, sort_rows

TABLE = "table.parquet"  # of `engine.lab.sweep.table`


@dataclass(frozen=True)
class SweepCell:
    """Runs that differ in their seed, and in what the map does not show.

    Attributes:
        runs: names of all of them.
        ended: rows of those that have ended, by name.
        succeeded: how many have succeeded.
        rate: success rate with its 95 % interval; None while none has ended.
    """

    runs: tuple[str, ...]
    ended: Mapping[str, Row]
    succeeded: int
    rate: Interval | None


@dataclass(frozen=True)
class SweepMap:
    """Cells over one or two numbers.

    Attributes:
        title: of what.
        corner: what rows and columns are.
        rows, columns: names.
        cells: by row and column; None where the sweep has no runs.
    """

    title: str
    corner: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[SweepCell | None, ...], ...]


@dataclass(frozen=True)
class SweepState:
    """A sweep as its folder has it.

    Attributes:
        folder: of the sweep.
        maps: as in its report.
        values: of all runs, by name.
        rows: of those that have ended, by name.
        success: when a run counts as one that has succeeded.
        definition: the same in a sentence.
        limits: the same in a few words.
    """

    folder: Path
    maps: tuple[SweepMap, ...]
    values: Mapping[str, Values]
    rows: Mapping[str, Row]
    success: Success
    definition: str
    limits: str

    @property
    def failed(self) -> int:
        """How many runs have failed."""
        return sum(row.state == "failed" for row in self.rows.values())


def read_sweep(folder: Path) -> SweepState:
    """What the folder of a sweep says, whether it has ended or is under way.

    Sweeps of older versions do not say when a run has succeeded: then the usual limits count, and it is said.

    Raises:
        UserError: it holds no sweep, or one that is damaged.
    """
    known = read_definition(folder)
    if known is None:
        raise UserError(f"{folder} holds no sweep (no sweep.json); give the folder that l2g-sweep has written.")
    success = Success() if known.success is None else read_success(known.success)
    rows: dict[str, Row] = {}
    if (folder / TABLE).is_file():  # it comes with the first run that ends
        # Here, because its library takes 60 MB of memory, which only those need who look at a sweep.
        from engine.lab.sweep.table import read_table

        rows = {row.run: row for row in read_table(folder) if row.run in known.current}
    waiting = {name: _stand_in(name, values) for name, values in known.current.items() if name not in rows}
    every = sort_rows([rows.get(name) or waiting[name] for name in known.current])
    maps = []
    for found in map_success(every, success):
        cells = tuple(tuple(_make_cell(names, rows, success) for names in line) for line in found.runs)
        maps.append(SweepMap(found.title, found.corner, found.rows, found.columns, cells))
    planar = any(row.planar for row in rows.values())
    cameras = not planar or any(not row.planar for row in rows.values())
    limits = success.name_limits(planar, cameras) + (" (the usual)" if known.success is None else "")
    meaning = success.explain(planar, cameras)
    unmeasured = ", ".join(Path(scene).name for scene in find_unmeasured_scenes(list(rows.values()), success))
    if unmeasured:
        limits = f"no reference poses: {unmeasured}; {limits}"
        meaning += " Without reference poses errors are not known: l2g-sweep --success verdict."
    return SweepState(folder, tuple(maps), known.current, rows, success, meaning, limits)


def _stand_in(name: str, values: Values) -> Row:
    """The row of a run that has not ended, for its place in the maps."""
    try:
        return failed_row(SweptRun(name, values), "", 0)
    except KeyError as error:
        raise UserError(
            f"sweep.json does not say what {name} is (no {error}); give the folder of another sweep."
        ) from error


def _make_cell(names: tuple[str, ...], rows: Mapping[str, Row], success: Success) -> SweepCell | None:
    if not names:
        return None
    ended = {name: rows[name] for name in names if name in rows}
    succeeded = sum(map(success, ended.values()))
    rate = wilson_interval(succeeded, len(ended)) if ended else None
    return SweepCell(tuple(sorted(names)), ended, succeeded, rate)
