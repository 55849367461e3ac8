"""Something that happened to a run; plots mark it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CommandKind = Literal[
    "set-lambda",
    "auto-lambda",
    "set-mu",
    "use-matches",
    "exclude-frame",
    "perturb-pose",
    "perturb-patch",
    "perturb-all",
    "undo-perturbation",
    "redo-perturbation",
    "set-rates",
    "pause",
    "resume",
    "step",
    "restart",
    "select-frame",
    "use-reference",
    "add-frames",
    "save-checkpoint",
    "stop",
]
"""A command was applied: its class in lower case."""

TrainingKind = Literal[
    "stage",
    "bundle",
    "scale",
    "nan",
    "added",
    "found",
    "rejected",
    "outlier",
    "matched",
    "tracks",
    "taken-back",
    "memory",
]
"""A stage began; a bundle adjustment ended; the world was scaled up as near things lay outside the volume; a step
was left out; frames were added; the search for a frame ended with a pose, or with none that fits; a frame's error was
far above the median and it is searched for; the photos were matched while the run was open already; poses were
solved from the tracks alone; poses that fit the tracks worse than before were taken back; the
device's memory was full, and steps became smaller."""

SessionKind = Literal["continue", "refused", "failed", "unsaved", "joined", "not-added", "note"]
"""A run was resumed; a command made no sense; the run failed; a checkpoint could not be written; what became of added
frames; photos that were not added; something worth knowing."""

EventKind = CommandKind | TrainingKind | SessionKind


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        iteration, seconds: when, on the run's own counters.
        kind: what.
        detail: for people to read.
        frame: index of the training frame (or patch) it is about, or None where it is about none or several.
        gesture: id of the user's gesture (one drag, one click) that the command belongs to, or None.
    """

    iteration: int
    seconds: float
    kind: EventKind
    detail: str = ""
    frame: int | None = None
    gesture: int | None = None
