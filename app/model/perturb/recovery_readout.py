"""The recovery of kicked frames: errors before the kick, at the kick and now, and the time until they recovered.

Kicks are taken from the run's events. Those of one gesture (a drag) are one kick: it begins before its first and is
over after its last. Errors are those of `app.model.perturb.recovery_measures`. Times are on the run's clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from app.model.common.new_events import find_new_events
from app.model.perturb.recovery_measures import CAMERAS, Errors, Measure
from engine.messages import Event, FrameStatus, Snapshot

KICKS = ("perturb-pose", "perturb-patch", "perturb-all", "redo-perturbation")

Error = Float[np.ndarray, " measures"]


@dataclass(frozen=True)
class RecoveryLimits:
    """When a frame counts as recovered, and how much of the way is kept.

    Attributes:
        recovered, nearly: factors of the errors before the kick within which all errors of a frame must be.
        recovered_share, nearly_share: without a reference the error before the kick is zero: shares of the errors at
            the kick instead.
        moments: of the curves since the kick, at most; beyond it every other moment is dropped.
    """

    recovered: float = 1.2
    nearly: float = 2.0
    recovered_share: float = 0.05
    nearly_share: float = 0.2
    moments: int = 400


LIMITS = RecoveryLimits()


@dataclass(frozen=True)
class Reading:
    """The recovery of one frame since the last kick.

    Attributes:
        before, kicked, now: errors, one per measure.
        nearly_seconds, recovered_seconds: from the kick until the frame had recovered; None before.
        seconds: from the kick to each moment of the curves.
        curves: errors since the kick.
        taken_back: whether the kick was undone.
        has_reference: whether errors are measured against a reference, or against the pose before the kick.
        frames, recovered: that the kick has moved, and of them those that have recovered; excluded ones do not count.
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
    frames: int = 1
    recovered: int = 0


@dataclass
class _Kick:
    frames: tuple[int, ...]
    gesture: int | None
    seconds: float
    snapshot_before: Snapshot
    before: Errors
    kicked: Errors
    moments: list[float] = field(default_factory=list)
    errors: list[Errors] = field(default_factory=list)
    taken_back: bool = False
    reached: dict[str, Float[np.ndarray, " frames"]] = field(default_factory=dict)


class RecoveryReadout:
    """Takes every snapshot of a run; keeps the recovery from the last kick."""

    def __init__(self, measure: Measure = CAMERAS) -> None:
        self._measure = measure
        self._before: Snapshot | None = None
        self._kick: _Kick | None = None

    def see(self, snapshot: Snapshot) -> None:
        """Takes a snapshot."""
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
                self._take(event, before, snapshot)
                kicked = True
            elif event.kind == "undo-perturbation" and self._kick is not None:
                self._kick.taken_back = True
        self._follow(snapshot, kicked)

    def reading(self, frame: int) -> Reading | None:
        """The recovery of one frame; None where the last kick did not move it, or there was no kick."""
        kick = self._kick
        if kick is None or frame not in kick.frames or not kick.errors:
            return None
        curves = np.stack([errors[:, frame] for errors in kick.errors], axis=1)
        moved = self._moved(kick)
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
            frames=int(moved.sum()),
            recovered=int((moved & np.isfinite(kick.reached["recovered"])).sum()),
        )

    def _moved(self, kick: _Kick) -> Bool[np.ndarray, " frames"]:
        """Which frames the kick has moved, without those that are excluded and do not come back."""
        moved = (kick.kicked != kick.before).any(axis=0)
        moved &= np.isin(np.arange(len(moved)), kick.frames)
        if self._before is not None:
            moved[list(self._before.frames_that_are(FrameStatus.EXCLUDED))] = False
        return moved

    def _take(self, event: Event, before: Snapshot, now: Snapshot) -> None:
        measure, last = self._measure, self._kick
        continued = last is not None and event.gesture is not None and event.gesture == last.gesture
        if last is not None and continued and not last.taken_back:
            last.seconds = event.seconds
            last.moments, last.errors = [], []
        else:
            known = measure.errors(before, before)
            frames = tuple(range(measure.frames(now))) if event.frame is None else (event.frame,)
            self._kick = last = _Kick(frames, event.gesture, event.seconds, before, known, known)
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
        if len(kick.moments) > LIMITS.moments:
            kick.moments = kick.moments[:-1:2] + kick.moments[-1:]
            kick.errors = kick.errors[:-1:2] + kick.errors[-1:]
        if just_kicked or kick.taken_back:
            return
        referenced = self._measure.has_reference(snapshot)
        floors = np.array(self._measure.floors)[:, None]
        for name, factor, share in (
            ("nearly", LIMITS.nearly, LIMITS.nearly_share),
            ("recovered", LIMITS.recovered, LIMITS.recovered_share),
        ):
            limit = kick.before * factor if referenced else kick.kicked * share
            within = (errors <= np.maximum(limit, floors)).all(axis=0)
            first = within & np.isnan(kick.reached[name])
            kick.reached[name][first] = max(snapshot.seconds - kick.seconds, 0.0)


def _known(seconds: float) -> float | None:
    return None if np.isnan(seconds) else float(seconds)
