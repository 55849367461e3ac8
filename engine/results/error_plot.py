"""The plot of a run: pose errors and PSNR over time, with its stages and events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from engine.run.history import History, Row, filled, mean_of
from engine.scenes import AnyScene
from engine.system.figures import set_log_scale, write_figure

MARKED = {"perturb-pose": "kick", "perturb-all": "kick all", "undo-perturbation": "undo", "set-lambda": "λ"}
MARKED |= {
    "outlier": "outlier",
    "found": "found",
    "added": "added",
    "rejected": "fits nowhere",
    "nan": "nan",
    "continue": "continued",
    "failed": "failed",
}
MANY = 12  # marks of one kind beyond this get no words
FRAME_COLOUR, MEAN_COLOUR, EVENT_COLOUR = "#9db4cf", "#12355b", "#c2402b"


def plot_errors(history: History, scene: AnyScene, path: Path) -> None:
    """Writes a picture of rotation and translation errors (where there is a reference) and of the PSNR.

    Raises:
        UserError: it could not be written.
    """
    rows = history.rows
    seconds = np.array([row.seconds for row in rows])
    quantities: list[tuple[str, np.ndarray, np.ndarray | None, str]]
    quantities = [("training PSNR [dB]", np.array([row.psnr for row in rows]), None, "linear")]
    if rows[0].corner_error_px is not None:
        corners, mean = frames_of(rows, "corner_error_px")
        quantities = [("corner error [px]", mean, corners, "log"), *quantities]
    if rows[0].rotation_error_deg is not None:
        kinds = (
            ("rotation error [°]", "rotation_error_deg"),
            ("rotations alone aligned [°]", "relative_rotation_error_deg"),
            ("translation error [scene units]", "translation_error"),
        )
        errors = [(label, *frames_of(rows, name)) for label, name in kinds]
        quantities = [*((label, mean, frames, "log") for label, frames, mean in errors), *quantities]
    figure = Figure(figsize=(9, 2.4 * len(quantities) + 0.6), layout="constrained")
    all_axes = np.atleast_1d(figure.subplots(len(quantities), 1, sharex=True))
    for axes, (label, mean, frames, scale) in zip(all_axes, quantities, strict=True):
        if frames is not None:
            axes.plot(seconds, frames, color=FRAME_COLOUR, linewidth=0.6, alpha=0.6)
        axes.plot(seconds, mean, color=MEAN_COLOUR, linewidth=1.8, marker="o" if len(rows) == 1 else None)
        if scale == "log" and (mean > 0).all():
            set_log_scale(axes)
        axes.set_ylabel(label)
        axes.grid(alpha=0.25)
        mark_stages(axes, rows)
        mark_events(axes, history, words=axes is all_axes[0])
    final = f", {mean_of(rows[-1].rotation_error_deg):.2f}° mean" if rows[-1].rotation_error_deg is not None else ""
    all_axes[0].set_title(f"{scene.name}: {len(scene.training_frames)} frames{final} (dark: mean, light: each frame)")
    all_axes[-1].set_xlabel("seconds of the run")
    write_figure(figure, path, 110)


def frames_of(rows: list[Row], name: str) -> tuple[np.ndarray, np.ndarray]:
    """One column per frame, one row per moment; and the means of the rows. What is unknown is NaN, and counts not."""
    errors = [getattr(row, name) for row in rows]
    return np.stack(filled(errors)), np.array([mean_of(one) for one in errors])


def mark_stages(axes: Any, rows: list[Row]) -> None:
    """A faint line and the name where a stage begins."""
    for before, row in zip([None, *rows], rows, strict=False):
        if before is None or before.stage != row.stage:
            axes.axvline(row.seconds, color="grey", linewidth=0.7, linestyle=":")
            axes.text(row.seconds, 0.98, f" {row.stage}", transform=axes.get_xaxis_transform(), va="top", fontsize=8)


def mark_events(axes: Any, history: History, words: bool) -> None:
    """A line where something happened, with a word on it in one of the axes."""
    for kind, word in MARKED.items():
        events = [event for event in history.events if event.kind == kind]
        for event in events:
            axes.axvline(event.seconds, color=EVENT_COLOUR, linewidth=0.7, alpha=0.6)
            if words and len(events) <= MANY:
                place = {"transform": axes.get_xaxis_transform(), "rotation": 90, "va": "bottom", "ha": "right"}
                axes.text(event.seconds, 0.02, word, fontsize=7, color=EVENT_COLOUR, **place)
