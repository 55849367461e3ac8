"""The patches of a planar run now or at an earlier moment, and the trails of their middles. Pure functions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from engine.messages import FrameStatus, PlanarSnapshot, Snapshot
from engine.run.history import Row

MOMENTS = 200  # of a trail, at most: more could not be told apart on screen

Outlines = Float32[np.ndarray, "patches 4 2"]


class PlanarMoment(NamedTuple):
    """Where the patches lie at one moment.

    Attributes:
        corners: pixels of the whole image.
        corner_error_px: mean distance of each patch's corners from the true ones, pixels.
        statuses: of the patches, as of `list_statuses`; empty for an earlier moment, of which they are not kept.
    """

    corners: Outlines
    corner_error_px: Float32[np.ndarray, " patches"]
    statuses: tuple[FrameStatus, ...] = ()


def choose_moment(state: State, run: ViewedRun) -> PlanarMoment | None:
    """The moment that a pane shows: that of the timeline, else now; None while there is no snapshot."""
    snapshot = run.snapshot
    if snapshot is None or snapshot.planar is None:
        return None
    if state.timeline.seconds is not None and run.history is not None:
        earlier = interpolate_moment(run.history.rows, state.timeline.seconds, snapshot.planar)
        if earlier is not None:
            return earlier
    planar = snapshot.planar
    return PlanarMoment(planar.corners, planar.corner_error_px, list_statuses(run, snapshot))


def list_statuses(run: ViewedRun, snapshot: Snapshot) -> tuple[FrameStatus, ...]:
    """The statuses of the patches that are shown: none without assistance, where no patch is searched for."""
    return snapshot.frame_status if run.settings.assisted else ()


def interpolate_moment(rows: Sequence[Row], seconds: float, now: PlanarSnapshot) -> PlanarMoment | None:
    """Corners and errors at a time on the run's clock, interpolated linearly between two rows; None without rows."""
    if not rows:
        return None
    later = bisect_right([row.seconds for row in rows], seconds)
    before, after = rows[max(later - 1, 0)], rows[min(later, len(rows) - 1)]
    if before.corners is None or after.corners is None:
        return None
    passed = after.seconds - before.seconds
    share = min(max((seconds - before.seconds) / passed, 0.0), 1.0) if passed > 0 else 0.0
    corners = ((1 - share) * before.corners + share * after.corners).astype(np.float32)
    error = np.linalg.norm(corners - now.reference_corners, axis=-1).mean(axis=1).astype(np.float32)
    return PlanarMoment(corners, error)


def make_trails(rows: Sequence[Row], until: float | None = None) -> Float32[np.ndarray, "patches moments 2"] | None:
    """The middles of the patches from the start of the run to a time (None: its newest row), oldest first."""
    kept = [row.corners for row in rows if row.corners is not None and (until is None or row.seconds <= until)]
    if len(kept) < 2:
        return None
    chosen = np.unique(np.linspace(0, len(kept) - 1, MOMENTS).round().astype(int))
    return np.stack([kept[index].mean(axis=1) for index in chosen], axis=1)
