"""Events of a run as marks on its plots and its timeline: which ones are marked, how, and many at once as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.model.plots.curves import Over
from engine.messages import Event

MarkKind = Literal["λ", "kick", "undo", "stage", "bundle", "rescue", "problem"]
KINDS: tuple[MarkKind, ...] = ("λ", "kick", "undo", "stage", "bundle", "rescue", "problem")
LABELS: dict[MarkKind, str] = {
    "λ": "λ",
    "kick": "kick",
    "undo": "undo",
    "stage": "stage",
    "bundle": "bundle",
    "rescue": "searching, registered",
    "problem": "problem",
}
COLOURS: dict[MarkKind, tuple[int, int, int]] = {
    "λ": (190, 140, 255),
    "kick": (232, 90, 79),
    "undo": (232, 163, 61),
    "stage": (110, 122, 138),
    "bundle": (80, 160, 235),
    "rescue": (120, 200, 90),
    "problem": (255, 60, 120),
}
_OF_EVENT: dict[str, MarkKind] = {
    "set-lambda": "λ",
    "set-rates": "λ",
    "perturb-pose": "kick",
    "perturb-patch": "kick",
    "perturb-all": "kick",
    "undo-perturbation": "undo",
    "redo-perturbation": "undo",
    "stage": "stage",
    "bundle": "bundle",
    "outlier": "rescue",
    "found": "rescue",
    "rejected": "rescue",
    "added": "rescue",
    "nan": "problem",
    "failed": "problem",
    "refused": "problem",
    "unsaved": "problem",
    "scale": "bundle",
}
TOGETHER = 0.7  # seconds: events of one kind that follow each other so closely (a drag) are one mark


@dataclass(frozen=True)
class Mark:
    """A vertical line.

    Attributes:
        x: iterations or seconds, of the last of its events.
        count: events it stands for.
        text: for a tool tip.
    """

    x: float
    kind: MarkKind
    count: int
    text: str


def make_marks(events: Sequence[Event], over: Over) -> list[Mark]:
    """The marks of a run's events, in their order."""
    found: list[Mark] = []
    last_of: dict[MarkKind, tuple[int, float]] = {}
    for event in events:
        kind = _OF_EVENT.get(event.kind)
        if kind is None:
            continue
        x = float(event.iteration if over == "iterations" else event.seconds)
        index, seconds = last_of.get(kind, (-1, float("-inf")))
        joins = index >= 0 and kind in ("λ", "kick", "undo", "rescue") and event.seconds - seconds < TOGETHER
        if joins:
            found[index] = Mark(x, kind, found[index].count + 1, _text(event, found[index].count + 1))
        else:
            index = len(found)
            found.append(Mark(x, kind, 1, _text(event, 1)))
        last_of[kind] = (index, event.seconds)
    return found


def find_nearest(found: Sequence[Mark], x: float, reach: float) -> Mark | None:
    """The mark nearest to a place, if one is within reach."""
    best = min(found, key=lambda mark: abs(mark.x - x), default=None)
    return best if best is not None and abs(best.x - x) <= reach else None


_WORDS = {
    "set-lambda": "λ set to",
    "set-rates": "learning rates",
    "perturb-pose": "kicked",
    "perturb-patch": "kicked",
    "perturb-all": "all kicked,",
    "undo-perturbation": "kick taken back",
    "redo-perturbation": "kick done again",
    "stage": "stage",
    "bundle": "bundle adjustment on",
    "scale": "scale:",
    "outlier": "outlier:",
    "found": "found:",
    "rejected": "fits nowhere:",
    "added": "photos added:",
    "nan": "left out:",
    "failed": "failed:",
    "refused": "refused",
    "unsaved": "not saved:",
}


def _text(event: Event, count: int) -> str:
    what = f"{_WORDS[event.kind]} {event.detail}".strip()
    many = f" (last of {count})" if count > 1 else ""
    return f"{what}{many}\niteration {event.iteration:,}, {event.seconds:.1f} s"
