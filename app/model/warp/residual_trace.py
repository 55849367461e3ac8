"""The mean residual of the selected frame over the last minute: it shows whether the warp softens or stiffens."""

from __future__ import annotations

import itertools
from collections import deque

import numpy as np
from jaxtyping import Float

from engine.messages import Snapshot

WINDOW = 60.0  # seconds of the run that are kept
LEAP = 0.2  # exponents of λ between two moments; where the run chooses λ it creeps
PERIOD = 0.2  # seconds between the moments that are kept, at least: snapshots come every twentieth of a second


class ResidualTrace:
    """Takes every snapshot; starts again for another frame, and when the run's clock has gone back (a restart)."""

    def __init__(self) -> None:
        self._frame: int | None = None
        self._moments: deque[tuple[float, float, float]] = deque()

    def see(self, snapshot: Snapshot) -> None:
        """Takes a snapshot."""
        warp = snapshot.warp if snapshot.planar is None else snapshot.planar.warp
        if warp is None:
            return
        last = self._moments[-1][0] if self._moments else -np.inf
        if warp.frame != self._frame or snapshot.seconds < last:
            self._moments.clear()
            self._frame, last = warp.frame, -np.inf
        if snapshot.seconds - last < PERIOD:
            return
        self._moments.append((snapshot.seconds, float(warp.residual_px.mean()), snapshot.lambda_exponent))
        while self._moments[0][0] < snapshot.seconds - WINDOW:
            self._moments.popleft()

    def curve(self) -> tuple[Float[np.ndarray, " moments"], Float[np.ndarray, " moments"]]:
        """Seconds of the run, and mean residuals in pixels."""
        table = np.array(self._moments).reshape(-1, 3)
        return table[:, 0], table[:, 1]

    def trail(
        self,
    ) -> tuple[Float[np.ndarray, " moments"], Float[np.ndarray, " moments"], Float[np.ndarray, " moments"]]:
        """Exponents of λ as they were travelled, mean residuals in pixels, and ages in [0, 1], 1 a minute ago."""
        table = np.array(self._moments).reshape(-1, 3)
        ages = (table[-1:, 0] - table[:, 0]) / WINDOW
        return table[:, 2], table[:, 1], ages

    def changes(self) -> list[tuple[float, float]]:
        """The changes of λ by hand, which are leaps: seconds of the run and the new exponent of each."""
        pairs = itertools.pairwise(self._moments)
        return [(now[0], now[2]) for before, now in pairs if abs(before[2] - now[2]) > LEAP]
