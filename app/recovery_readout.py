"""How a kicked camera finds its way back: its error before the kick, at the kick and now, and how long it took.

A kick is taken from the run's events, whoever gave it. Kicks of the same frames within `TOGETHER` seconds are one (a
drag in the 3D view is a series of them). Errors are those of the snapshot: against the reference where there is one,
else the distance to the pose that the frame had before the kick.

A frame *has recovered* when rotation and translation error are both within `RECOVERED` times what they were before the
kick, *nearly* within `NEARLY` times; without a reference, where the error before is zero, within a share of the kick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from app.orbit import centres
from engine.messages import Event, Snapshot

RECOVERED, NEARLY = 1.2, 2.0  # times the error before
RECOVERED_SHARE, NEARLY_SHARE = 0.05, 0.2  # of the error at the kick, where there is no reference
FLOOR_DEG, FLOOR_UNITS = 0.02, 5e-4  # errors below are as good as none: the pose of a trained frame trembles so much
TOGETHER = 1.0  # seconds
MOST_MOMENTS = 400
KICKS = ("perturb-pose", "perturb-all", "redo-perturbation")


@dataclass(frozen=True)
class Error:
    """Of one frame: degrees and scene units."""

    rotation_deg: float
    translation: float


@dataclass(frozen=True)
class Reading:
    """What is known of one frame since the last kick.

    Attributes:
        before, kicked, now: errors.
        nearly_seconds, recovered_seconds: from the kick, on the run's clock; None while not reached.
        seconds: since the kick, of each moment of the two curves.
        taken_back: the kick was undone.
        has_reference: whether errors are against a reference, or against the pose before the kick.
    """

    before: Error
    kicked: Error
    now: Error
    nearly_seconds: float | None
    recovered_seconds: float | None
    seconds: Float[np.ndarray, " moments"]
    rotation_deg: Float[np.ndarray, " moments"]
    translation: Float[np.ndarray, " moments"]
    taken_back: bool
    has_reference: bool


@dataclass
class _Kick:
    frames: tuple[int, ...]
    seconds: float
    poses_before: Float[np.ndarray, "frames 3 4"]
    before: Float[np.ndarray, "2 frames"]
    kicked: Float[np.ndarray, "2 frames"]
    moments: list[float] = field(default_factory=list)
    errors: list[Float[np.ndarray, "2 frames"]] = field(default_factory=list)
    taken_back: bool = False
    reached: dict[str, Float[np.ndarray, " frames"]] = field(default_factory=dict)


class RecoveryReadout:
    """Watches snapshots; keeps the last kick."""

    def __init__(self) -> None:
        self._before: Snapshot | None = None
        self._kick: _Kick | None = None

    def see(self, snapshot: Snapshot, names: Sequence[str]) -> None:
        """Takes a snapshot in; `names` are those of the training frames, as events call them."""
        if snapshot is self._before or not len(snapshot.poses):
            return
        before, self._before = self._before, snapshot
        if before is None:
            return
        if snapshot.iteration < before.iteration or len(before.poses) != len(snapshot.poses):
            self._kick = None  # the run was restarted
            return
        kicked = False
        for event in new_events(before, snapshot):
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
        series = np.stack([errors[:, frame] for errors in kick.errors])
        return Reading(
            before=_error(kick.before[:, frame]),
            kicked=_error(kick.kicked[:, frame]),
            now=_error(series[-1]),
            nearly_seconds=_known(kick.reached["nearly"][frame]),
            recovered_seconds=_known(kick.reached["recovered"][frame]),
            seconds=np.array(kick.moments) - kick.seconds,
            rotation_deg=series[:, 0],
            translation=series[:, 1],
            taken_back=kick.taken_back,
            has_reference=self._before is not None and self._before.rotation_error_deg is not None,
        )

    def _take(self, event: Event, before: Snapshot, now: Snapshot, names: Sequence[str]) -> None:
        count, frames, last = len(now.poses), kicked_frames(event, names), self._kick
        together = last is not None and last.frames == frames and event.seconds - last.seconds < TOGETHER
        if last is not None and together and not last.taken_back:
            last.seconds = event.seconds
            last.moments, last.errors = [], []
        else:
            self._kick = last = _Kick(frames, event.seconds, before.poses, _errors(before, before.poses), np.empty(0))
        last.kicked = _errors(now, last.poses_before)
        last.reached = {"nearly": np.full(count, np.nan), "recovered": np.full(count, np.nan)}

    def _follow(self, snapshot: Snapshot, just_kicked: bool) -> None:
        kick = self._kick
        if kick is None:
            return
        if kick.moments and snapshot.seconds <= kick.moments[-1]:  # paused: the same moment
            kick.moments.pop()
            kick.errors.pop()
        errors = _errors(snapshot, kick.poses_before)
        kick.moments.append(snapshot.seconds)
        kick.errors.append(errors)
        if len(kick.moments) > MOST_MOMENTS:
            kick.moments = kick.moments[:-1:2] + kick.moments[-1:]
            kick.errors = kick.errors[:-1:2] + kick.errors[-1:]
        if just_kicked or kick.taken_back:
            return
        referenced = snapshot.rotation_error_deg is not None
        for name, factor, share in (("nearly", NEARLY, NEARLY_SHARE), ("recovered", RECOVERED, RECOVERED_SHARE)):
            limit = kick.before * factor if referenced else kick.kicked * share
            within = (errors <= np.maximum(limit, [[FLOOR_DEG], [FLOOR_UNITS]])).all(axis=0)
            first = within & np.isnan(kick.reached[name])
            kick.reached[name][first] = max(snapshot.seconds - kick.seconds, 0.0)


def kicked_frames(event: Event, names: Sequence[str]) -> tuple[int, ...]:
    """The training frames that a kick moved: the one that its event names, else all."""
    named = tuple(index for index, name in enumerate(names) if event.detail.startswith(f"{name}: "))
    return named or tuple(range(len(names)))


def new_events(before: Snapshot, now: Snapshot) -> list[Event]:
    """What happened between two snapshots; the oldest events of a long run are forgotten meanwhile."""
    if not before.events:
        return list(now.events)
    last, found = before.events[-1], []
    for event in reversed(now.events):
        if event is last or event == last:
            break
        found.append(event)
    return found[::-1]


def _errors(snapshot: Snapshot, poses_before: Float[np.ndarray, "frames 3 4"]) -> Float[np.ndarray, "2 frames"]:
    """Rotation (degrees) and translation (scene units) error of all frames."""
    if snapshot.rotation_error_deg is not None and snapshot.translation_error is not None:
        return np.stack([snapshot.rotation_error_deg, snapshot.translation_error]).astype(np.float64)
    turned = np.einsum("fij,fij->f", snapshot.poses[:, :, :3].astype(np.float64), poses_before[:, :, :3])
    angle = np.degrees(np.arccos(np.clip((turned - 1) / 2, -1.0, 1.0)))
    return np.stack([angle, np.linalg.norm(centres(snapshot.poses) - centres(poses_before), axis=1)])


def _error(pair: Float[np.ndarray, "2"]) -> Error:
    return Error(float(pair[0]), float(pair[1]))


def _known(seconds: float) -> float | None:
    return None if np.isnan(seconds) else float(seconds)
