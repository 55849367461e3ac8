"""The one stack of perturbations that can be taken back, gesture by gesture, and done again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from engine.messages import PerturbAll, PerturbPatch, PerturbPose
from engine.training.trainer import Perturbation


@dataclass(frozen=True)
class Applied:
    """A perturbation that was done.

    Attributes:
        command: as it was applied.
        before: the frames that it moved, and where each stood before: a pose or a warp.
    """

    command: Perturbation
    before: tuple[tuple[int, Tensor], ...]


class UndoStack:
    """What was done and can be taken back, and what was taken back and can be done again.

    Attributes:
        done: the newest last.
        undone: gestures that were taken back, the newest last; each with its commands in the order they were given.
    """

    def __init__(self, done: Sequence[Applied] = ()) -> None:
        self.done: list[Applied] = list(done)
        self.undone: list[list[Perturbation]] = []

    @property
    def undoable(self) -> int:
        """How many gestures can be taken back."""
        commands = [applied.command for applied in self.done]
        starts = [not _same_gesture(*pair) for pair in pairwise(commands)]
        return len(commands[:1]) + sum(starts)

    @property
    def redoable(self) -> int:
        """How many gestures can be done again."""
        return len(self.undone)

    def push(self, applied: Applied, *, again: bool = False) -> None:
        """Remembers a perturbation; unless it was done `again`, what was taken back before cannot be any more."""
        self.done.append(applied)
        if not again:
            self.undone.clear()

    def pop_gesture(self) -> list[Applied]:
        """The perturbations of the last gesture, the newest first, to be taken back; not empty."""
        gesture = [self.done.pop()]
        while self.done and _same_gesture(self.done[-1].command, gesture[-1].command):
            gesture.append(self.done.pop())
        self.undone.append([applied.command for applied in reversed(gesture)])
        return gesture

    # ------------------------------------------------------------------ checkpoints

    def state(self) -> list[dict[str, Any]]:
        """What can be taken back, as JSON can hold it: single-precision numbers come back as they were."""
        return [
            {
                "kind": type(applied.command).__name__,
                "command": asdict(applied.command),
                "before": [[frame, placement.tolist()] for frame, placement in applied.before],
            }
            for applied in self.done
        ]

    @classmethod
    def from_state(cls, state: list[dict[str, Any]]) -> UndoStack:
        """What `state` was asked of."""
        return cls(
            [
                Applied(
                    _command(entry["kind"], entry["command"]),
                    tuple((frame, torch.tensor(placement)) for frame, placement in entry["before"]),
                )
                for entry in state
            ]
        )


def _same_gesture(one: Perturbation, other: Perturbation) -> bool:
    return one.gesture is not None and one.gesture == other.gesture


def _command(kind: str, fields: dict[str, Any]) -> Perturbation:
    if kind == "PerturbAll":
        return PerturbAll(**fields)
    if kind == "PerturbPatch":
        first, second, third, fourth = (tuple(corner) for corner in fields["corners"])
        return PerturbPatch(**fields | {"corners": (first, second, third, fourth)})
    moved = {name: tuple(fields[name]) for name in ("rotation", "translation")}
    return PerturbPose(**fields | moved)
