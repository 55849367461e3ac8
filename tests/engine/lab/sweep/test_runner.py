"""Sweeps from start to end with workers in this process: rows, resuming, failures, changes, stopping."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow.parquet
import pytest

from engine.errors import UserError
from engine.lab.sweep.definition import read_definition
from engine.lab.sweep.rows import Row
from engine.lab.sweep.runner import prepare_sweep, run_sweep
from engine.lab.sweep.statistics import Success, read_success
from engine.lab.sweep.table import read_table
from tests.support.runs.swept_runs import (
    InThisThread,
    cut_short,
    fail_for_barf,
    refuse,
    small_sweep,
    write_result,
)

SWEEP = small_sweep()


def test_every_run_is_a_folder_and_a_row(tmp_path: Path) -> None:
    seen: list[Row] = []
    rows = run_sweep(prepare_sweep(tmp_path, SWEEP), write_result, InThisThread(), seen.append)
    assert [row.run for row in rows] == [run.name for run in SWEEP.runs()]
    assert sorted(seen, key=lambda row: row.run) == sorted(rows, key=lambda row: row.run) == read_table(tmp_path)
    assert [row.rotation_mean_deg for row in rows] == [0.0, 0.0, 1.0, 1.0]
    for run in SWEEP.runs():
        folder = tmp_path / "runs" / run.name
        assert json.loads((folder / "config.json").read_text()) == run.values
        assert (folder / "result.json").is_file()
    with (tmp_path / "table.csv").open() as file:
        assert [line["run"] for line in csv.DictReader(file)] == sorted(run.name for run in SWEEP.runs())
    column = pyarrow.parquet.read_table(tmp_path / "table.parquet")["noise_h"]
    assert (str(column.type), column.to_pylist()) == ("double", [None] * 4)


def test_what_has_ended_is_not_made_again(tmp_path: Path) -> None:
    seen = list[Row]()
    first = run_sweep(prepare_sweep(tmp_path, SWEEP), write_result, InThisThread(), seen.append, lambda: bool(seen))
    assert [row.run for row in first] == [SWEEP.runs()[0].name] == [row.run for row in read_table(tmp_path)]
    again, pool = prepare_sweep(tmp_path, SWEEP), InThisThread()
    assert again.change is None
    assert len(run_sweep(again, write_result, pool)) == 4
    assert pool.submitted == [1, 2, 3]
    finished = prepare_sweep(tmp_path, SWEEP)
    assert not finished.waiting
    assert len(run_sweep(finished, refuse, InThisThread())) == 4


def test_rows_that_came_while_no_command_listened_count(tmp_path: Path) -> None:
    """Such as of a cluster's worker that went on when the command was killed."""
    run_sweep(prepare_sweep(tmp_path, SWEEP), write_result, InThisThread())
    for name in ("table.parquet", "table.csv"):
        (tmp_path / name).unlink()
    assert len(prepare_sweep(tmp_path, SWEEP).rows) == 4


def test_a_run_that_fails_is_a_row_that_says_why(tmp_path: Path) -> None:
    rows = run_sweep(prepare_sweep(tmp_path, SWEEP), fail_for_barf, InThisThread())
    assert [(row.state, row.reason) for row in rows] == [
        ("finished", ""),
        ("failed", "ZeroDivisionError: division by zero"),
        ("finished", ""),
        ("failed", "No photo could be read."),
    ]
    assert "Traceback" in (tmp_path / "runs" / rows[1].run / "error.txt").read_text()
    assert not prepare_sweep(tmp_path, SWEEP).waiting
    again = prepare_sweep(tmp_path, SWEEP, again=True)
    assert [run.values["method"] for run in again.waiting] == ["barf", "barf"]
    assert all(row.state == "finished" for row in run_sweep(again, write_result, InThisThread()))
    assert not (tmp_path / "runs" / rows[1].run / "error.txt").exists()


def test_results_that_cannot_be_read_are_a_failure(tmp_path: Path) -> None:
    rows = run_sweep(prepare_sweep(tmp_path, SWEEP), lambda *_: None, InThisThread())
    assert {row.state for row in rows} == {"failed"}
    assert "result.json" in rows[0].reason


def test_a_worker_that_ends_costs_its_run_a_retry_and_nothing_else(tmp_path: Path) -> None:
    pool = InThisThread({1: 2})
    rows = run_sweep(prepare_sweep(tmp_path, SWEEP), write_result, pool, retries=2)
    assert [row.state for row in rows] == ["finished"] * 4
    assert [row.attempts for row in rows] == [1, 3, 1, 1]
    assert pool.submitted.count(1) == 3


def test_a_run_whose_workers_always_end_fails_at_last(tmp_path: Path) -> None:
    pool = InThisThread({1: 100})
    rows = run_sweep(prepare_sweep(tmp_path, SWEEP), write_result, pool, retries=1)
    assert [row.state for row in rows] == ["finished", "failed", "finished", "finished"]
    assert pool.submitted.count(1) == 2
    assert "ended 2 times" in rows[1].reason
    assert "--memory" in rows[1].reason
    assert [row.state for row in read_table(tmp_path)].count("failed") == 1
    # Attempts of an earlier command do not count.
    again = prepare_sweep(tmp_path, SWEEP, again=True)
    assert run_sweep(again, write_result, InThisThread(), retries=0)[1].state == "finished"


def test_more_seeds_are_added_to_what_is_there(tmp_path: Path) -> None:
    run_sweep(prepare_sweep(tmp_path, SWEEP), write_result, InThisThread())
    longer = prepare_sweep(tmp_path, replace(SWEEP, seeds=(0, 1, 2)))
    assert longer.change is not None
    assert "2 of its 6 runs are new" in longer.change
    assert [run.values["seed"] for run in longer.waiting] == [2, 2]
    with pytest.raises(UserError, match="was made with patches 2, not 3"):
        prepare_sweep(tmp_path, replace(SWEEP, fixed={**SWEEP.fixed, "patches": 3}))
    anew = prepare_sweep(tmp_path, replace(SWEEP, fixed={**SWEEP.fixed, "patches": 3}), overwrite=True)
    assert len(anew.waiting) == 4
    assert not (tmp_path / "runs").exists()


def test_another_command_in_the_same_folder_takes_over(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Another l2g-sweep has begun"):
        run_sweep(prepare_sweep(tmp_path, SWEEP), cut_short, InThisThread())


def test_workers_end_when_the_command_has(tmp_path: Path) -> None:
    """A run looks at the session's file, so that a cluster's workers do not go on without the command."""
    asked: list[bool] = []

    def train(values: object, folder: Path, stopped: object) -> None:
        assert callable(stopped)
        asked.append(stopped())
        (tmp_path / "session").write_text("another")
        stopped._looked_at = -float("inf")  # type: ignore[attr-defined]  # the period between two looks is over
        asked.append(stopped())
        cut_short({}, folder, stopped)

    with pytest.raises(UserError, match="Another l2g-sweep"):
        run_sweep(prepare_sweep(tmp_path, small_sweep(methods=("l2g",), seeds=(0,))), train, InThisThread())
    assert asked == [False, True]
    assert (tmp_path / "session").read_text() == "another"


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    with pytest.raises(UserError, match="belongs to no sweep"):
        prepare_sweep(tmp_path, SWEEP)
    (tmp_path / "result.json").touch()
    with pytest.raises(UserError, match="holds a run, not a sweep"):
        prepare_sweep(tmp_path, SWEEP)
    with pytest.raises(UserError, match="holds no sweep"):
        read_table(tmp_path)


def test_the_folder_says_when_a_run_has_succeeded(tmp_path: Path) -> None:
    prepare_sweep(tmp_path, SWEEP)
    before = read_definition(tmp_path)
    assert before is not None
    assert before.success == asdict(Success())
    assert prepare_sweep(tmp_path, SWEEP, Success("verdict", rotation_deg=3.0)).change is None
    after = read_definition(tmp_path)
    assert after is not None
    assert after.success is not None
    assert read_success(after.success) == Success("verdict", rotation_deg=3.0), "the newest command's"
    assert after.current == before.current
