"""The short table at the end of `l2g-train`."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from engine.results.result import RESULT_FILE, training_psnr
from engine.run.history import summary
from engine.run.session import Session
from engine.system.durations import format_duration


def results_table(session: Session, folder: Path) -> Table:
    """Errors, PSNR, time, and where the results are."""
    name = escape(session.scene.name)  # names and paths may hold what rich takes for markup
    table = Table(title=f"{name}: {session.settings.method} on {session.settings.field}")
    for heading in ("", "mean", "median", "max"):
        table.add_column(heading, justify="right" if heading else "left")
    rows = session.history.rows
    if not rows:
        return table
    last = rows[-1]
    for name, errors, digits in (
        ("rotation error, °", last.rotation_error_deg, 3),
        ("  rotations alone aligned, °", last.relative_rotation_error_deg, 3),
        ("translation error, units", last.translation_error, 4),
        ("corner error, px", last.corner_error_px, 3),
    ):
        if errors is not None:
            table.add_row(name, *(f"{value:.{digits}f}" for value in summary(errors).values()))
    psnr, held_out = training_psnr(session.history), held_out_psnr(folder)
    if psnr is not None:
        table.add_row("training PSNR, dB", f"{psnr:.2f}", "", "")
    if held_out is not None:
        table.add_row("held-out PSNR, dB", f"{held_out:.2f}", "", "")
    table.add_section()
    table.add_row(f"{last.iteration} iterations in {format_duration(last.seconds)}, {session.status}", "", "", "")
    table.add_row(f"results: {escape(str(folder))}", "", "", "")
    return table


def held_out_psnr(folder: Path) -> float | None:
    """As `result.json` has it after an evaluation."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return json.loads((folder / RESULT_FILE).read_text(encoding="utf-8"))["test"]["psnr"]
    return None
