"""Curves of a run, from the rows of its history, reduced to few points that still show every spike."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float

from engine.run.history import Row, filled, mean_of

MOST_POINTS = 600  # of a curve: about two per pixel of a plot
MOST_DECADES = 6.0  # of a logarithmic axis: errors that are zero but for rounding would take all of it

Over = Literal["iterations", "seconds"]


@dataclass(frozen=True)
class Curve:
    """Points of one line, in order of x; unknown values are left out."""

    x: Float[np.ndarray, " points"] = field(default_factory=lambda: np.empty(0))
    y: Float[np.ndarray, " points"] = field(default_factory=lambda: np.empty(0))


NOTHING = Curve()


def decimate_curve(curve: Curve, limit: int = MOST_POINTS) -> Curve:
    """At most `limit` (>= 4) points: both ends, and of each of equal stretches the lowest and the highest."""
    count = len(curve.x)
    if count <= limit:
        return curve
    stretches = (limit - 2) // 2
    edges = np.linspace(1, count - 1, stretches + 1).astype(int)
    kept = [0, count - 1]
    for first, last in itertools.pairwise(edges):
        if last > first:
            stretch = curve.y[first:last]
            kept += [first + int(stretch.argmin()), first + int(stretch.argmax())]
    order = np.unique(kept)
    return Curve(curve.x[order], curve.y[order])


def make_drawable(x: np.ndarray, y: np.ndarray, logarithmic: bool) -> Curve:
    """A decimated curve of the finite values, on a logarithmic axis of the positive ones."""
    known = np.isfinite(x) & np.isfinite(y)
    if logarithmic:
        known &= y > 0
    return decimate_curve(Curve(x[known], y[known]))


def make_curves(rows: Sequence[Row], over: Over, logarithmic: bool, selected: int) -> dict[str, Curve]:
    """All curves of the plots, by name; a curve that the run has no values of (no reference) has no points.

    Names: `photometric`, and `alignment` and `matches` (weighted, as they enter the loss); `psnr` in dB;
    `rotation mean`, `rotation max`, `rotation frame` in degrees; `translation mean`, `translation max`,
    `translation frame` in scene units, `frame` being the selected one; `corners mean`, `corners max`, `corners frame`
    in pixels, and `reprojection ...` likewise; `fit mean`, `fit min`, `fit frame`: the share of the tracks'
    observations that fit, per cent.
    """
    if not rows:
        return {}
    numbers = np.array(
        [(row.iteration, row.seconds, row.photometric, row.alignment, row.lambda_exponent, row.psnr) for row in rows],
        dtype=np.float64,
    )
    x = numbers[:, 0] if over == "iterations" else numbers[:, 1]
    weighted = numbers[:, 3] * 10.0 ** numbers[:, 4]
    found = {
        "photometric": make_drawable(x, numbers[:, 2], logarithmic),
        # methods without local warps have no alignment term: no line at the bottom of the plot
        "alignment": make_drawable(x, weighted, logarithmic) if (numbers[:, 3] > 0).any() else NOTHING,
        "matches": _make_matches_curve(rows, x, logarithmic),
        "psnr": make_drawable(x, numbers[:, 5], False),
    }
    for name, errors in (
        ("rotation", [row.rotation_error_deg for row in rows]),
        ("translation", [row.translation_error for row in rows]),
        ("corners", [row.corner_error_px for row in rows]),
        ("reprojection", [row.reprojection_px for row in rows]),
        ("fit", [None if row.track_share is None else 100 * row.track_share for row in rows]),
    ):
        worst = ("min", np.fmin) if name == "fit" else ("max", np.fmax)
        known = [error for error in errors if error is not None]
        if not known:
            found |= {f"{name} {kind}": NOTHING for kind in ("mean", worst[0], "frame")}
            continue
        then = x[[error is not None for error in errors]]  # a reference may be set during the run
        stacked = np.stack(filled(known)).astype(np.float64)  # NaN: not added yet, or without a reference
        scaled = logarithmic and name != "fit"
        found[f"{name} mean"] = make_drawable(then, np.array([mean_of(error) for error in known]), scaled)
        found[f"{name} {worst[0]}"] = make_drawable(then, worst[1].reduce(stacked, axis=1), scaled)
        found[f"{name} frame"] = make_drawable(then, stacked[:, min(selected, stacked.shape[1] - 1)], scaled)
    return found


def _make_matches_curve(rows: Sequence[Row], x: np.ndarray, logarithmic: bool) -> Curve:
    weighted = np.array([row.match_loss * 10.0**row.mu_exponent for row in rows])
    return make_drawable(x, weighted, logarithmic)


def find_limits(found: Sequence[Curve], logarithmic: bool) -> tuple[float, float] | None:
    """The ends of a y axis that shows all points of curves with a margin; None where there are no points.

    A logarithmic one leaves out what is more than `MOST_DECADES` below the highest point.
    """
    values = np.concatenate([curve.y for curve in found]) if found else np.empty(0)
    if not len(values):
        return None
    low, high = float(values.min()), float(values.max())
    if logarithmic:
        low = max(low, high * 10.0**-MOST_DECADES)
        air = max((high / low) ** 0.06, 1.1)
        return low / air, high * air
    air = max(0.06 * (high - low), 1e-3 * max(abs(high), 1e-6))
    return low - air, high + air


def choose_log_ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Round values for a logarithmic axis between two ends, at most `most`, evenly spread."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        found = [step * 10.0**decade for decade in decades for step in steps]
        found = [value for value in found if low <= value <= high]
        if len(found) <= most:
            break
    return found[:: -(-len(found) // most)] if found else []


def choose_ticks_about_zero(farthest: float) -> tuple[float, ...]:
    """Five round numbers about zero, within this distance (above 0): in a narrow plot more would touch each other."""
    decade = 10.0 ** math.floor(math.log10(farthest))
    largest = max(step * decade for step in (1, 2, 5) if step * decade <= farthest * (1 + 1e-6))
    return (-largest, -largest / 2, 0.0, largest / 2, largest)


def find_row_at(rows: Sequence[Row], seconds: float) -> int:
    """Index of the last row at or before a time in seconds, else 0; rows must not be empty."""
    times = np.array([row.seconds for row in rows])
    return max(int(np.searchsorted(times, seconds, side="right")) - 1, 0)
