"""How a kicked frame finds its way back: its error before the kick, at the kick and now, and how long it took.

A kick is taken from the run's events, whoever gave it. Kicks of the same frames within `TOGETHER` seconds are one (a
drag by hand is a series of them). What an error is, `app.model.perturb.recovery_measures` says.

A frame *has recovered* when all its errors are within `RECOVERED` times what they were before the kick, *nearly*
within `NEARLY` times; without a reference, where the error before is zero, within a share of the kick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from app.model.common.new_events import find_new_events
from app.model.perturb.recovery_measures import CAMERAS, Errors, Measure
from engine.messages import Event, Snapshot

RECOVERED, NEARLY = 1.2, 2.0  # times the error before
RECOVERED_SHARE, NEARLY_SHARE = 0.05, 0.2  # of the error at the kick, where there is no reference
TOGETHER = 1.0  # seconds
MOST_MOMENTS = 400
KICKS = ("perturb-pose", "perturb-patch", "perturb-all", "redo-perturbation")

Error = Float[np.ndarray, " measures"]


@dataclass(frozen=True)
class Reading:
    """What is known of one frame since the last kick.

    Attributes:
        before, kicked, now: errors, one per measure.
        nearly_seconds, recovered_seconds: from the kick, on the run's clock; None while not reached.
        seconds: since the kick, of each moment of the curves.
        curves: errors since the kick.
        taken_back: the kick was undone.
        has_reference: whether errors are against a reference, or against where it was before the kick.
    """

    before: Error
    kicked: Error
    now: Error
    nearly_seconds: float | None
    recovered_seconds: float | None
    seconds: Float[np.ndarray, " moments"]
    curves: Float[np.ndarray, "measures moments"]
    taken_back: bool
    has_reference: bool


@dataclass
class _Kick:
    frames: tuple[int, ...]
    seconds: float
    snapshot_before: Snapshot
    before: Errors
    kicked: Errors
    moments: list[float] = field(default_factory=list)
    errors: list[Errors] = field(default_factory=list)
    taken_back: bool = False
    reached: dict[str, Float[np.ndarray, " frames"]] = field(default_factory=dict)


class RecoveryReadout:
    """Watches snapshots; keeps the last kick."""

    def __init__(self, measure: Measure = CAMERAS) -> None:
        self._measure = measure
        self._before: Snapshot | None = None
        self._kick: _Kick | None = None

    def see(self, snapshot: Snapshot, names: Sequence[str]) -> None:
        """Takes a snapshot in; `names` are those of the training frames, as events call them."""
        count = self._measure.frames(snapshot)
        if snapshot is self._before or not count:
            return
        before, self._before = self._before, snapshot
        if before is None:
            return
        if snapshot.iteration < before.iteration or self._measure.frames(before) != count:
            self._kick = None  # the run was restarted
            return
        kicked = False
        for event in find_new_events(before, snapshot):
            if event.kind in KICKS:
                self._take(event, before, snapshot, names)
                kicked = True
            elif event.kind == "undo-perturbation" and self._kick is not None:
                self._kick.taken_back = True
        self._follow(snapshot, kicked)

    def reading(self, frame: int) -> Reading | None:
        """Of one frame; None where the last kick did not touch it, or there was none."""
        kick = self._kick
        if kick is None or frame not in kick.frames or not kick.errors:
            return None
        curves = np.stack([errors[:, frame] for errors in kick.errors], axis=1)
        return Reading(
            before=kick.before[:, frame],
            kicked=kick.kicked[:, frame],
            now=curves[:, -1],
            nearly_seconds=_known(kick.reached["nearly"][frame]),
            recovered_seconds=_known(kick.reached["recovered"][frame]),
            seconds=np.array(kick.moments) - kick.seconds,
            curves=curves,
            taken_back=kick.taken_back,
            has_reference=self._before is not None and self._measure.has_reference(self._before),
        )

    def _take(self, event: Event, before: Snapshot, now: Snapshot, names: Sequence[str]) -> None:
        measure, frames, last = self._measure, find_kicked_frames(event, names), self._kick
        together = last is not None and last.frames == frames and event.seconds - last.seconds < TOGETHER
        if last is not None and together and not last.taken_back:
            last.seconds = event.seconds
            last.moments, last.errors = [], []
        else:
            known = measure.errors(before, before)
            self._kick = last = _Kick(frames, event.seconds, before, known, known)
        last.kicked = measure.errors(now, last.snapshot_before)
        last.reached = {name: np.full(measure.frames(now), np.nan) for name in ("nearly", "recovered")}

    def _follow(self, snapshot: Snapshot, just_kicked: bool) -> None:
        kick = self._kick
        if kick is None:
            return
        if kick.moments and snapshot.seconds <= kick.moments[-1]:  # paused: the same moment
            kick.moments.pop()
            kick.errors.pop()
        errors = self._measure.errors(snapshot, kick.snapshot_before)
        kick.moments.append(snapshot.seconds)
        kick.errors.append(errors)
        if len(kick.moments) > MOST_MOMENTS:
            kick.moments = kick.moments[:-1:2] + kick.moments[-1:]
            kick.errors = kick.errors[:-1:2] + kick.errors[-1:]
        if just_kicked or kick.taken_back:
            return
        referenced = self._measure.has_reference(snapshot)
        floors = np.array(self._measure.floors)[:, None]
        for name, factor, share in (("nearly", NEARLY, NEARLY_SHARE), ("recovered", RECOVERED, RECOVERED_SHARE)):
            limit = kick.before * factor if referenced else kick.kicked * share
            within = (errors <= np.maximum(limit, floors)).all(axis=0)
            first = within & np.isnan(kick.reached[name])
            kick.reached[name][first] = max(snapshot.seconds - kick.seconds, 0.0)


def find_kicked_frames(event: Event, names: Sequence[str]) -> tuple[int, ...]:
    """The training frames that a kick moved: the one that its event names, else all."""
    named = tuple(index for index, name in enumerate(names) if event.detail.startswith(f"{name}: "))
    return named or tuple(range(len(names)))


def _known(seconds: float) -> float | None:
    return None if np.isnan(seconds) else float(seconds)
