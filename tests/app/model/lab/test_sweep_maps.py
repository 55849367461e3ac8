"""A sweep as the window sees it, while it is under way and after a file of it was replaced."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from app.model.lab.sweep_control import SweepControl
from app.model.lab.sweep_maps import read_sweep
from engine.errors import UserError
from engine.lab.sweep.definition import SweepDefinition, write_definition
from engine.lab.sweep.rows import Row
from engine.lab.sweep.table import write_table
from tests.support.runs.swept_runs import swept_row

SWEEP = SweepDefinition(
    (Path("fern"),), methods=("l2g", "barf"), noise=((0.0, 0.0), (0.1, 0.0)), seeds=tuple(range(4))
)


def rows() -> list[Row]:
    """l2g is right; barf is wrong with noise, and one of its runs has failed."""
    found = []
    for run in SWEEP.runs():
        values = {name: run.values[name] for name in ("method", "noise_rotation", "init", "seed")}
        wrong = values["method"] == "barf" and values["noise_rotation"] > 0
        failed = wrong and values["seed"] == 3
        values |= {"state": "failed", "reason": "No photo."} if failed else {}
        found.append(swept_row(run.name, rotation_mean_deg=4.0 if wrong else 0.2, **values))
    return found


def wait_for(control: SweepControl, ended: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        control.look()
        if control.newest is not None and len(control.newest.rows) == ended:
            return
        time.sleep(0.05)
    raise AssertionError(f"not {ended} rows: {control.newest}, {control.error}")


def test_all_cells_are_there_before_the_first_run_has_ended(tmp_path: Path) -> None:
    write_definition(tmp_path, SWEEP.runs())
    found = read_sweep(tmp_path)
    (only,) = found.maps
    assert (only.rows, only.columns) == (("l2g", "barf"), ("0", "0.1"))
    assert all(cell is not None and len(cell.runs) == 4 and cell.rate is None for line in only.cells for cell in line)
    assert not found.rows


def test_cells_count_the_runs_that_have_ended(tmp_path: Path) -> None:
    write_definition(tmp_path, SWEEP.runs())
    write_table([row for row in rows() if row.seed != 2], tmp_path)
    found = read_sweep(tmp_path)
    counts = [
        [(cell.succeeded, len(cell.ended), len(cell.runs)) for cell in line if cell] for line in found.maps[0].cells
    ]
    assert counts == [[(3, 3, 4), (3, 3, 4)], [(3, 3, 4), (0, 3, 4)]]
    assert found.failed == 1
    assert "1°" in found.definition
    assert found.limits == "success: rotation at most 1°, centres 2 % of spread (the usual)"


def test_the_limits_are_those_of_the_command(tmp_path: Path) -> None:
    write_definition(tmp_path, SWEEP.runs(), success={"rotation_deg": 5.0, "translation_share": 0.05})
    write_table(rows(), tmp_path)
    found = read_sweep(tmp_path)
    assert [[cell.succeeded for cell in line if cell] for line in found.maps[0].cells] == [[4, 4], [4, 3]]
    assert found.limits == "success: rotation at most 5°, centres 5 % of spread"
    write_definition(tmp_path, SWEEP.runs(), success={"kind": "luck"})
    with pytest.raises(UserError, match=r"sweep\.json does not say when a run has succeeded"):
        read_sweep(tmp_path)


def test_scenes_without_a_reference_are_named(tmp_path: Path) -> None:
    write_definition(tmp_path, SWEEP.runs())
    write_table([swept_row(row.run, rotation_mean_deg=None, translation_share=None) for row in rows()], tmp_path)
    found = read_sweep(tmp_path)
    assert found.limits.startswith("no reference poses: fern; success")
    assert "--success verdict" in found.definition


def test_the_maps_fill_while_the_sweep_runs_and_what_is_chosen_stays(tmp_path: Path) -> None:
    write_definition(tmp_path, SWEEP.runs())
    control = SweepControl()
    control.open(tmp_path)
    try:
        wait_for(control, 0)
        control.choose_cell(1, 1)
        write_table(rows()[:6], tmp_path)
        wait_for(control, 6)
        write_table(rows(), tmp_path)
        wait_for(control, 16)
        cell = control.cell
        assert cell is not None
        assert (cell.succeeded, len(cell.ended)) == (0, 4)
        run = cell.runs[0]
        assert not control.keeps_checkpoint(run)
        (control.find_folder(run)).mkdir(parents=True)
        (control.find_folder(run) / "checkpoint.safetensors").touch()
        assert control.keeps_checkpoint(run)
    finally:
        control.close()


def test_a_folder_without_a_sweep_is_refused_and_a_damaged_one_explained(tmp_path: Path) -> None:
    control = SweepControl()
    with pytest.raises(UserError, match=r"no sweep\.json"):
        control.open(tmp_path)
    assert not control.opening
    (tmp_path / "sweep.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        read_sweep(tmp_path)
