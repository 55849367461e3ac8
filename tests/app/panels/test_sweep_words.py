"""What the map of a sweep says of a cell, and how it is coloured."""

from __future__ import annotations

from app.model.lab.sweep_maps import SweepCell
from app.panels.lab.sweep_map import abbreviate, choose_fill, describe_cell
from engine.lab.sweep.statistics import wilson_interval
from tests.support.runs.swept_runs import swept_row

NAMES = ("a", "b", "c", "d")


def cell(succeeded: int, ended: int) -> SweepCell:
    rows = {name: swept_row(name) for name in NAMES[:ended]}
    return SweepCell(NAMES, rows, succeeded, wilson_interval(succeeded, ended) if ended else None)


def test_a_cell_is_described_by_its_rate_and_what_is_left() -> None:
    lines = describe_cell(cell(1, 2)).splitlines()
    assert lines == ["1 of 2 runs have succeeded", "50 %, 95 % interval 9 % to 91 %", "2 have not ended"]
    assert describe_cell(cell(0, 0)) == "None of its 4 runs has ended."
    assert len(describe_cell(cell(4, 4)).splitlines()) == 2


def test_more_success_is_brighter_and_nothing_known_is_plain() -> None:
    fills = [choose_fill(cell(count, 4)) for count in range(5)]
    assert fills == sorted(fills)
    assert len(set(fills)) == 5
    assert choose_fill(cell(0, 0)) == choose_fill(None) != fills[0]


def test_names_are_shortened_without_losing_what_differs() -> None:
    assert abbreviate("l2g, assist on, λ = 10^2") == "l2g, on, λ 2"
    assert abbreviate("barf, mlp, start noise") == "barf, mlp, noise"
