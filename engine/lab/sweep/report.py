"""A report on a sweep as one HTML file without external links."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.export.report import UNKNOWN, CellTable, Figure, encode_data_url, format_value
from engine.lab.sweep.definition import SweptRun
from engine.lab.sweep.plots import plot_curves
from engine.lab.sweep.rows import AXES, Row
from engine.lab.sweep.runner import REPORT_FILE
from engine.lab.sweep.statistics import Interval, Success, find_unmeasured_scenes
from engine.lab.sweep.summary import Curve, RateMap, draw_curves, make_paper_tables, map_success
from engine.system.durations import format_duration
from engine.system.files import replace_file


@dataclass(frozen=True)
class RateCell:
    """A cell of a map: what it says, and how dark it is, in [0, 1]."""

    words: str
    interval: str
    share: float


def write_sweep_report(rows: Sequence[Row], runs: Sequence[SweptRun], folder: Path, success: Success) -> Path:
    """Writes the page into the folder of the sweep and returns its path.

    It loads nothing from other files or servers, and all text is escaped.

    Args:
        rows: of the runs that have ended.
        runs: all runs.
        folder: of the sweep.
        success: when a run counts as one that has succeeded.
    Raises:
        UserError: it cannot be written.
    """
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    page = environment.get_template("report.html.jinja").render(_collect_content(rows, runs, folder, success))
    with replace_file(folder / REPORT_FILE) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return folder / REPORT_FILE


def _collect_content(rows: Sequence[Row], runs: Sequence[SweptRun], folder: Path, success: Success) -> dict[str, Any]:
    """The variables of the template."""
    failed = [row for row in rows if row.state == "failed"]
    succeeded, seconds = sum(map(success, rows)), [row.seconds for row in rows if row.seconds is not None]
    curves = draw_curves(rows)
    return {
        "title": f"Sweep {folder.resolve().name}",
        "subtitle": f"{len(rows)} of {len(runs)} runs of l2g-viewer"
        + ("" if len(rows) == len(runs) else "; the same command makes the rest."),
        "tiles": [
            (f"{succeeded} of {len(rows)}", "runs that succeeded"),
            (str(len(failed)), "runs that failed"),
            (format_duration(sum(seconds)), "of training in all runs together"),
        ],
        "definition": " ".join(
            [
                success.explain(planar=any(row.planar for row in rows), cameras=any(not row.planar for row in rows)),
                *(
                    f"{scene} has no reference poses to measure errors by."
                    for scene in find_unmeasured_scenes(rows, success)
                ),
            ]
        ),
        "maps": [(found, _cells(found)) for found in map_success(rows, success)],
        "papers": make_paper_tables(rows),
        "plots": _draw_plots(curves),
        "numbers": _list_numbers(curves),
        "failed": CellTable(("run", "why", "attempts"), [(row.run, row.reason, str(row.attempts)) for row in failed]),
        "settings": _list_settings(runs),
        "runs": _list_runs(rows, success),
    }


def _cells(found: RateMap) -> list[list[RateCell]]:
    """The cells of a map, by row."""
    return [
        [_cell(*both) for both in zip(rates, counts, strict=True)]
        for rates, counts in zip(found.cells, found.counts, strict=True)
    ]


def _cell(rate: Interval | None, count: tuple[int, int]) -> RateCell:
    if rate is None:
        return RateCell(UNKNOWN, "", 0.0)
    return RateCell(f"{count[0]} of {count[1]}", format_rate(rate), rate.value)


def format_rate(rate: Interval) -> str:
    """Such as `85 % (64–95)`."""
    return f"{rate.value:.0%} ({100 * rate.low:.0f}–{100 * rate.high:.0f})".replace("%", " %")


def _draw_plots(curves: Sequence[Curve]) -> list[Figure]:
    """One picture per scene and number that differs."""
    groups: dict[tuple[str, str], list[Curve]] = {}
    for curve in curves:
        groups.setdefault((curve.scene, curve.axis.name), []).append(curve)
    return [
        Figure(
            encode_data_url(plot_curves(group), "image/svg+xml"),
            f"{scene}: errors of the runs that finished, over {axis}. Means at the left, medians at the right; bars: "
            "95 % bootstrap intervals over runs. Lines stand a little apart, so that no bar hides another.",
        )
        for (scene, axis), group in groups.items()
    ]


def _list_numbers(curves: Sequence[Curve]) -> CellTable:
    """What the plots show."""
    lines = []
    for curve in curves:
        for place, label in enumerate(curve.axis.labels):
            mean, median = (_say(found[place], curve.quantity.digits) for found in (curve.means, curve.medians))
            lines.append(
                (
                    *(curve.scene, curve.name, curve.quantity.name, f"{curve.axis.name}: {label}"),
                    *(mean, median, str(curve.counts[place])),
                )
            )
    return CellTable(("scene", "what", "error", "over", "mean (95 %)", "median (95 %)", "runs"), lines)


def _say(found: Interval, digits: int) -> str:
    if math.isnan(found.value):
        return UNKNOWN
    return f"{found.value:.{digits}f} ({found.low:.{digits}f}–{found.high:.{digits}f})"


def _list_settings(runs: Sequence[SweptRun]) -> list[tuple[str, str]]:
    """The values of each axis, and the arguments that all runs share."""
    found: dict[str, dict[str, None]] = {}
    for run in runs:
        for name, value in run.values.items():
            found.setdefault(name, {})[format_value(value)] = None
    seeds = list(found.get("seed", {}))
    shown: Mapping[str, str] = {name: ", ".join(values) for name, values in found.items()}
    if len(seeds) > 8:
        shown = {**shown, "seed": f"{seeds[0]} to {seeds[-1]} ({len(seeds)})"}
    return [(name.replace("_", " "), value) for name, value in shown.items() if value != UNKNOWN or name not in AXES]


def _list_runs(rows: Sequence[Row], success: Success) -> CellTable:
    """A line per run."""
    forms = (
        *(("rotation_mean_deg", "rotation, °", "{:.3f}"), ("translation_mean", "translation", "{:.4f}")),
        *(("translation_share", "of the spread", "{:.2%}"), ("corner_mean_px", "corners, px", "{:.3f}")),
        *(("train_psnr", "training PSNR", "{:.2f}"), ("test_psnr", "held-out PSNR", "{:.2f}")),
        *(("verdict", "verdict", "{}"), ("seconds", "seconds", "{:.1f}"), ("attempts", "attempts", "{}")),
    )
    used = [form for form in forms if any(getattr(row, form[0]) is not None for row in rows)]
    lines = []
    for row in rows:
        values = [(getattr(row, name), form) for name, _, form in used]
        cells = [UNKNOWN if value is None else form.format(value).replace("%", " %") for value, form in values]
        lines.append((row.run, "failed" if row.state == "failed" else "yes" if success(row) else "no", *cells))
    return CellTable(("run", "success", *(words for _, words, _ in used)), lines)
