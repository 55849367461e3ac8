"""The history of a run: poses, losses, errors and events from its start, few enough to keep for hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from engine.messages import Event, Snapshot

_ARRAYS = (
    *("poses", "rotation_error_deg", "translation_error", "relative_rotation_error_deg"),
    *("transforms", "corners", "corner_error_px"),
    *("reprojection_px", "track_share"),
)
_NUMBERS = ("iteration", "seconds", "psnr", "photometric", "alignment", "lambda_exponent", "match_loss", "mu_exponent")


@dataclass(frozen=True)
class Row:
    """The run at one moment; errors are None where the scene has no reference (units as in `Snapshot`).

    `transforms`, `corners` and `corner_error_px` are those of a planar run (see `PlanarSnapshot`), None else;
    `reprojection_px` and `track_share` are None without tracks.
    """

    iteration: int
    seconds: float
    stage: str
    psnr: float
    photometric: float
    alignment: float
    lambda_exponent: float
    poses: Float32[np.ndarray, "frames 3 4"]
    rotation_error_deg: Float32[np.ndarray, " frames"] | None
    translation_error: Float32[np.ndarray, " frames"] | None
    relative_rotation_error_deg: Float32[np.ndarray, " frames"] | None
    transforms: Float32[np.ndarray, "frames 3 3"] | None = None
    corners: Float32[np.ndarray, "frames 4 2"] | None = None
    corner_error_px: Float32[np.ndarray, " frames"] | None = None
    reprojection_px: Float32[np.ndarray, " frames"] | None = None
    track_share: Float32[np.ndarray, " frames"] | None = None
    match_loss: float = float("nan")
    mu_exponent: float = 0.0


@dataclass
class History:
    """Rows and events of a run, in order.

    Attributes:
        rows: at most `limit`; when there are more, every other one goes and `period` doubles, so that they stay
            evenly spread over the run, however long it gets.
        events: at most `event_limit`; the oldest go first.
        period: seconds between rows.
    """

    limit: int = 1000
    period: float = 0.5
    event_limit: int = 5000
    rows: list[Row] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def due(self, seconds: float, least_period: float = 0.0) -> bool:
        """Whether the run's clock has reached the next row; rows are `least_period` seconds apart at least."""
        return not self.rows or seconds - self.rows[-1].seconds >= max(self.period, least_period)

    def record(self, snapshot: Snapshot) -> None:
        """Adds a row; at the same iteration as the last one it takes its place (a pose may have been perturbed)."""
        numbers: dict[str, Any] = {name: getattr(snapshot, name) for name in _NUMBERS}
        arrays: dict[str, Any] = {
            name: getattr(snapshot, name, getattr(snapshot.planar, name, None)) for name in _ARRAYS
        }
        row = Row(stage=snapshot.stage, **numbers, **arrays)
        if self.rows and self.rows[-1].iteration == row.iteration:
            self.rows[-1] = row
        else:
            self.rows.append(row)
        if len(self.rows) > self.limit:
            self.rows = self.rows[:-1:2] + self.rows[-1:]
            self.period *= 2

    def note(self, event: Event) -> None:
        """Adds an event."""
        self.events.append(event)
        del self.events[: -self.event_limit]

    def copy(self) -> History:
        """The same rows and events in lists of its own; they are frozen, and nothing large is copied."""
        return replace(self, rows=list(self.rows), events=list(self.events))

    def same(self, other: History) -> bool:
        """Whether both end in the very same row and event, which no two moments of a run do."""
        return _ends(self.rows) == _ends(other.rows) and _ends(self.events) == _ends(other.events)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and JSON-able metadata from which `from_state` makes the same history.

        Rows from before frames joined have fewer of them: they are filled up with NaN, and their counts are kept.
        """
        counts = [len(row.poses if row.corners is None else row.corners) for row in self.rows]
        tensors: dict[str, Tensor] = {}
        if self.rows:
            numbers = [[float(getattr(row, name)) for name in _NUMBERS] for row in self.rows]
            tensors["numbers"] = torch.tensor(numbers, dtype=torch.float64)
        for name in _ARRAYS:
            arrays = [getattr(row, name) for row in self.rows]
            if name in ("reprojection_px", "track_share") and any(array is not None for array in arrays):
                # they may be measured for the first time some rows after the start
                arrays = [
                    np.full(count, np.nan, np.float32) if array is None else array
                    for array, count in zip(arrays, counts, strict=True)
                ]
            if arrays and all(array is not None for array in arrays):
                tensors[name] = torch.from_numpy(np.stack(filled(arrays)))
        return tensors, {
            "period": self.period,
            "frames": counts,
            "stages": [row.stage for row in self.rows],
            "events": [asdict(event) for event in self.events],
        }

    @classmethod
    def from_state(cls, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> History:
        """The history that `state` was asked of."""
        history = cls(period=float(metadata["period"]), events=[Event(**event) for event in metadata["events"]])
        for index, stage in enumerate(metadata["stages"]):
            # a checkpoint of an earlier version has fewer numbers
            numbers: dict[str, Any] = dict(zip(_NUMBERS, tensors["numbers"][index].tolist(), strict=False))
            numbers["iteration"] = int(numbers["iteration"])
            count = metadata["frames"][index] if "frames" in metadata else None
            arrays: dict[str, Any] = {
                name: tensors[name][index].numpy()[:count] if name in tensors else None for name in _ARRAYS
            }
            history.rows.append(Row(stage=stage, **numbers, **arrays))
        return history


def filled(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Arrays of earlier moments, which may have fewer frames, with NaN for the frames that had not joined yet."""
    most = max((len(array) for array in arrays), default=0)
    more = [((0, most - len(array)), *[(0, 0)] * (array.ndim - 1)) for array in arrays]
    return [np.pad(a, m, constant_values=np.nan) if len(a) < most else a for a, m in zip(arrays, more, strict=True)]


def known(errors: Float32[np.ndarray, " frames"] | None) -> Float32[np.ndarray, " known"]:
    """The errors of those frames that have a reference."""
    return np.empty(0, np.float32) if errors is None else errors[np.isfinite(errors)]


def mean_of(errors: Float32[np.ndarray, " frames"] | None) -> float:
    """The mean error of those frames that have a reference; NaN for none."""
    found = known(errors)
    return float(found.mean()) if len(found) else float("nan")


def _ends(entries: list[Any]) -> tuple[int, int | None]:
    return len(entries), id(entries[-1]) if entries else None


def summary(errors: Float32[np.ndarray, " frames"] | None) -> dict[str, float | None]:
    """Mean, median and maximum over the frames that have a reference; None where there is none."""
    found = known(errors)
    if not len(found):
        return {"mean": None, "median": None, "max": None}
    return {"mean": float(found.mean()), "median": float(np.median(found)), "max": float(found.max())}
