"""The status of every frame of a run with cameras. Nothing else keeps it, and only the methods here change it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.config.settings import Settings
from engine.geometry.se3 import is_finite
from engine.messages import FrameStatus
from engine.scenes.scene import Scene


class FrameStatuses:
    """Which frames train, and which are being searched for.

    Indices are among the training frames.

    Attributes:
        never_registered: frames that have had no pose of their own yet; what the registration holds is a guess.
    """

    def __init__(self, count: int, waiting: Iterable[int] = (), rejected: Iterable[int] = ()) -> None:
        """All frames are registered but those that are `waiting` or `rejected`, which have never been."""
        self._statuses = [FrameStatus.REGISTERED] * count
        self.never_registered: set[int] = set()
        for frames, status in ((waiting, FrameStatus.WAITING), (rejected, FrameStatus.REJECTED)):
            for frame in frames:
                self._statuses[frame] = status
                self.never_registered.add(frame)

    def __getitem__(self, frame: int) -> FrameStatus:
        return self._statuses[frame]

    def __len__(self) -> int:
        return len(self._statuses)

    def all(self) -> tuple[FrameStatus, ...]:
        """In the order of the frames."""
        return tuple(self._statuses)

    def frames(self, *statuses: FrameStatus) -> list[int]:
        """The frames with one of these statuses, in order."""
        return [frame for frame, status in enumerate(self._statuses) if status in statuses]

    def unregistered(self) -> list[int]:
        """The frames that are left out of the loss, in order."""
        return [frame for frame, status in enumerate(self._statuses) if status is not FrameStatus.REGISTERED]

    def ever_registered(self) -> list[int]:
        """The frames with a pose of their own, also where it is being searched for again; none excluded; in order."""
        return [
            frame
            for frame in range(len(self))
            if frame not in self.never_registered and self[frame] is not FrameStatus.EXCLUDED
        ]

    def unknown(self) -> list[int]:
        """The frames of whose errors nothing is said: without a pose of their own, or excluded; in order."""
        return sorted(self.never_registered | set(self.frames(FrameStatus.EXCLUDED)))

    def trains(self) -> Float[Tensor, " frames"]:
        """1 for frames that are registered, 0 for the others; on the CPU."""
        trains = torch.ones(len(self))
        if unregistered := self.unregistered():
            trains[unregistered] = 0.0
        return trains

    # ------------------------------------------------------------------ what changes a status

    def add(self, count: int, status: FrameStatus = FrameStatus.WAITING) -> None:
        """Takes in so many added frames at the end."""
        first = len(self)
        self._statuses += [status] * count
        if status is not FrameStatus.REGISTERED:
            self.never_registered |= set(range(first, first + count))

    def begin_search(self, frame: int) -> None:
        """A search for the frame begins."""
        self._statuses[frame] = FrameStatus.SEARCHING

    def register(self, frame: int) -> None:
        """The frame has a pose and trains with the others from now on."""
        self._statuses[frame] = FrameStatus.REGISTERED
        self.never_registered.discard(frame)

    def exclude(self, frame: int) -> None:
        """The user leaves the frame out."""
        self._statuses[frame] = FrameStatus.EXCLUDED

    def bring_back(self, frame: int) -> None:
        """An excluded frame takes part again, from where it stands; it waits where it never had a pose."""
        if self._statuses[frame] is FrameStatus.EXCLUDED:
            never = frame in self.never_registered
            self._statuses[frame] = FrameStatus.WAITING if never else FrameStatus.REGISTERED

    def wait(self, frame: int) -> None:
        """Nothing is known of where the frame is: it is left out until it has been searched for."""
        if self._statuses[frame] is not FrameStatus.EXCLUDED:
            self._statuses[frame] = FrameStatus.WAITING
        self.never_registered.add(frame)

    def reject(self, frame: int) -> None:
        """The search for the frame ended with no pose that fits."""
        self._statuses[frame] = FrameStatus.REJECTED

    def cancel_search(self, frame: int) -> None:
        """The search for the frame is given up: it trains where it has a pose of its own, else it waits."""
        if self._statuses[frame] is FrameStatus.SEARCHING:
            never = frame in self.never_registered
            self._statuses[frame] = FrameStatus.WAITING if never else FrameStatus.REGISTERED

    def retry_rejected(self) -> None:
        """Rejected frames wait for another search: the field has improved."""
        for frame in self.frames(FrameStatus.REJECTED):
            self._statuses[frame] = FrameStatus.WAITING

    # ------------------------------------------------------------------ checkpoints

    def state(self) -> dict[str, Any]:
        """JSON-able, for a checkpoint."""
        return {"statuses": [str(status) for status in self._statuses], "never": sorted(self.never_registered)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> FrameStatuses:
        """What `state` was asked of."""
        statuses = cls(0)
        statuses._statuses = [FrameStatus(status) for status in state["statuses"]]
        statuses.never_registered = set(state["never"])
        return statuses


def first_statuses(scene: Scene, frames: list[int], settings: Settings) -> FrameStatuses:
    """Of a run that begins.

    Frames that were added to the scene wait for a search; without assistance they train from where they are. Where
    poses are not fitted, these and frames without a reference pose are rejected: nothing will find them.

    Args:
        scene: of the run.
        frames: its training frames.
        settings: whether poses are fitted, and with assistance.
    """
    added = [index for index, frame in enumerate(frames) if frame >= scene.frames_read]
    if settings.registers:
        statuses = FrameStatuses(len(frames), waiting=added if settings.assisted else ())
    else:
        statuses = FrameStatuses(len(frames), rejected=_frames_without_reference(scene, frames, added))
    for frame in scene.excluded_frames:
        statuses.exclude(frames.index(frame))
    return statuses


def _frames_without_reference(scene: Scene, frames: list[int], added: list[int]) -> list[int]:
    unknown = set(added)
    if scene.reference_poses is not None:
        known = is_finite(scene.reference_poses[frames]).tolist()
        unknown |= {index for index, finite in enumerate(known) if not finite}
    return sorted(unknown)
