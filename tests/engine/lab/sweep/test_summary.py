"""Axes, maps, curves and the papers' table, of rows whose numbers are known."""

from __future__ import annotations

from typing import Any

import pytest

from engine.lab.sweep.rows import Row
from engine.lab.sweep.statistics import Success, wilson_interval
from engine.lab.sweep.summary import Mean, draw_curves, find_axes, make_paper_tables, map_success, sort_rows
from tests.support.runs.swept_runs import swept_row


def rows_of(**axes: tuple[Any, ...]) -> list[Row]:
    """A row for each combination; l2g is right by 0.1° and barf by 3 times the noise in radians, in degrees / 0.1."""
    found = [dict[str, Any]()]
    for name, values in axes.items():
        found = [row | {name: value} for row in found for value in values]
    rows = []
    for row in found:
        method, scene = row.get("method", "l2g"), row.pop("scene_name", "fern")
        error = 0.1 if method == "l2g" else 0.2 + 30 * row.get("noise_rotation", 0.0)
        name = f"{scene}-{method}-grid-{len(rows)}-seed_{row.get('seed', 0)}"
        rows.append(swept_row(name, rotation_mean_deg=error, **row))
    return rows


METHODS = {"method": ("l2g", "barf"), "noise_rotation": (0.0, 0.1, 0.2), "seed": tuple(range(5))}


def test_axes_are_the_numbers_that_differ() -> None:
    assert find_axes(rows_of(seed=(0, 1))) == []
    axes = find_axes(rows_of(lambda_exponent=(1.0, 3.0), noise_rotation=(0.2, 0.1), seed=(0, 1)))
    assert [(axis.name, axis.values) for axis in axes] == [
        ("rotation noise, radians", (0.1, 0.2)),
        ("λ = 10^x, x", (1.0, 3.0)),
    ]


def test_noises_that_differ_together_are_one_axis() -> None:
    rows = [swept_row(noise_rotation=a, noise_translation=b) for a, b in ((0.14, 1.0), (0.07, 0.5), (0.21, 1.5))]
    (axis,) = find_axes(rows)
    assert axis.labels == ("0.07 / 0.5", "0.14 / 1", "0.21 / 1.5")
    assert axis.numbers == [0.07, 0.14, 0.21]
    product = [swept_row(noise_rotation=a, noise_translation=b) for a in (0.1, 0.2) for b in (1.0, 2.0)]
    assert len(find_axes(product)) == 2


def test_a_map_has_the_rates_of_what_was_compared_over_the_noise() -> None:
    (found,) = map_success(rows_of(**METHODS), Success())
    assert (found.title, found.rows, found.columns) == ("fern", ("l2g", "barf"), ("0", "0.1", "0.2"))
    assert found.counts == (((5, 5), (5, 5), (5, 5)), ((5, 5), (0, 5), (0, 5)))
    assert found.cells[1][1] == wilson_interval(0, 5)


def test_a_second_number_gets_a_map_for_each_method_that_has_it() -> None:
    rows = rows_of(lambda_exponent=(1.0, 2.0, 3.0), noise_rotation=(0.0, 0.1), seed=(0, 1))
    rows += rows_of(method=("barf",), noise_rotation=(0.0, 0.1), seed=(0, 1))
    first, second = map_success(rows, Success())
    assert first.rows == ("l2g, λ = 10^1", "l2g, λ = 10^2", "l2g, λ = 10^3", "barf")
    assert (second.title, second.rows, second.columns) == ("fern: l2g", ("1", "2", "3"), ("0", "0.1"))
    assert second.corner == "λ = 10^x, x \\ rotation noise, radians"


def test_without_numbers_that_differ_a_map_has_one_column() -> None:
    (found,) = map_success(rows_of(assist=("on", "off"), seed=(0, 1, 2)), Success())
    assert (found.rows, found.columns) == (("assist on", "assist off"), ("success",))
    assert found.counts == (((3, 3),), ((3, 3),))


def test_cells_without_runs_are_empty() -> None:
    rows = [row for row in rows_of(**METHODS) if row.method == "l2g" or row.noise_rotation < 0.15]
    (found,) = map_success(rows, Success())
    assert found.cells[1][2] is None


def test_curves_have_means_and_medians_of_the_runs_that_finished() -> None:
    rows = rows_of(**METHODS)
    rows[-1] = swept_row(rows[-1].run, method="barf", noise_rotation=0.2, state="failed", rotation_mean_deg=None)
    curves = {(curve.name, curve.quantity.name): curve for curve in draw_curves(rows)}
    barf = curves["barf", "rotation, °"]
    assert [mean.value for mean in barf.means] == pytest.approx([0.2, 3.2, 6.2])
    assert [median.value for median in barf.medians] == pytest.approx([0.2, 3.2, 6.2])
    assert barf.counts == (5, 5, 4)
    assert ("l2g", "translation, scene units") in curves
    assert ("l2g", "corners, px") not in curves


def test_the_tables_of_the_papers() -> None:
    rotation, translation, psnr = make_paper_tables(rows_of(scene_name=("fern", "lego"), **METHODS))
    assert [table.title for table in (rotation, translation, psnr)] == [
        *("rotation, °", "translation, scene units", "training PSNR, dB")
    ]
    assert rotation.columns == ("l2g", "barf")
    names = [name for name, _ in rotation.rows]
    assert names == [f"{scene}, noise {noise}" for scene in ("fern", "lego") for noise in ("0", "0.1", "0.2")]
    assert rotation.rows[1][1] == (Mean("0.100", True, 5), Mean("3.200", False, 5))
    assert psnr.rows[1][1][0].words == "25.00"


def test_rows_that_are_compared_stand_beside_each_other() -> None:
    rows = rows_of(lambda_exponent=(3.0, 1.0), method=("l2g", "barf"), assist=("on", "off"))
    found = [(row.method, row.assist, row.lambda_exponent) for row in sort_rows(rows)]
    assert found[:4] == [("l2g", "on", 1.0), ("l2g", "on", 3.0), ("l2g", "off", 1.0), ("l2g", "off", 3.0)]
