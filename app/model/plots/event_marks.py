"""Events of a run as marks on its plots and its timeline: which events are marked, and which share one mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.model.plots.curves import Over
from engine.messages import Event

MarkKind = Literal["λ", "kick", "undo", "stage", "bundle", "search", "problem"]
KINDS: tuple[MarkKind, ...] = ("λ", "kick", "undo", "stage", "bundle", "search", "problem")
LABELS: dict[MarkKind, str] = {
    "λ": "λ",
    "kick": "kick",
    "undo": "undo",
    "stage": "stage",
    "bundle": "bundle",
    "search": "searching, registered",
    "problem": "problem",
}
COLOURS: dict[MarkKind, tuple[int, int, int]] = {
    "λ": (190, 140, 255),
    "kick": (232, 90, 79),
    "undo": (232, 163, 61),
    "stage": (110, 122, 138),
    "bundle": (80, 160, 235),
    "search": (120, 200, 90),
    "problem": (255, 60, 120),
}
_OF_EVENT: dict[str, MarkKind] = {
    "set-lambda": "λ",
    "auto-lambda": "λ",
    "set-rates": "λ",
    "set-mu": "λ",
    "use-matches": "λ",
    "exclude-frame": "search",
    "matched": "bundle",
    "tracks": "bundle",
    "taken-back": "bundle",
    "perturb-pose": "kick",
    "perturb-patch": "kick",
    "perturb-all": "kick",
    "undo-perturbation": "undo",
    "redo-perturbation": "undo",
    "stage": "stage",
    "bundle": "bundle",
    "outlier": "search",
    "found": "search",
    "rejected": "search",
    "added": "search",
    "nan": "problem",
    "memory": "problem",
    "failed": "problem",
    "refused": "problem",
    "unsaved": "problem",
    "scale": "bundle",
}
SEARCH_SECONDS = 0.7
"""Seconds of the run within which successive events of searches share a mark: several frames are searched for at the
same time, and these searches end within a few steps of each other."""


@dataclass(frozen=True)
class Mark:
    """A vertical line.

    Attributes:
        x: iterations or seconds of the last of its events.
        count: number of its events.
        text: for a tool tip.
    """

    x: float
    kind: MarkKind
    count: int
    text: str


def make_marks(events: Sequence[Event], over: Over) -> list[Mark]:
    """The marks of a run's events, in their order.

    Events of one kind and one gesture (a drag of λ, of a slider, of a camera) share a mark, and so do events of
    searches that follow each other within `SEARCH_SECONDS`. All other events have a mark each.
    """
    found: list[Mark] = []
    last_of: dict[MarkKind, tuple[int, Event]] = {}
    for event in events:
        kind = _OF_EVENT.get(event.kind)
        if kind is None:
            continue
        x = float(event.iteration if over == "iterations" else event.seconds)
        last = last_of.get(kind)
        if last is not None and _share_mark(kind, last[1], event):
            index, count = last[0], found[last[0]].count + 1
            found[index] = Mark(x, kind, count, _text(event, count))
        else:
            index = len(found)
            found.append(Mark(x, kind, 1, _text(event, 1)))
        last_of[kind] = (index, event)
    return found


def _share_mark(kind: MarkKind, before: Event, event: Event) -> bool:
    if kind == "search":
        return event.seconds - before.seconds < SEARCH_SECONDS
    return event.kind == before.kind and event.gesture is not None and event.gesture == before.gesture


def find_nearest(found: Sequence[Mark], x: float, reach: float) -> Mark | None:
    """The mark nearest to `x`, or None where none is within `reach` of it."""
    best = min(found, key=lambda mark: abs(mark.x - x), default=None)
    return best if best is not None and abs(best.x - x) <= reach else None


_WORDS = {
    "set-lambda": "λ set to",
    "auto-lambda": "auto λ",
    "set-rates": "learning rates",
    "set-mu": "μ set to",
    "use-matches": "matches",
    "exclude-frame": "",
    "matched": "matched:",
    "tracks": "tracks:",
    "taken-back": "taken back:",
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
    "rejected": "rejected:",
    "added": "photos added:",
    "nan": "left out:",
    "memory": "memory:",
    "failed": "failed:",
    "refused": "refused",
    "unsaved": "not saved:",
}


def _text(event: Event, count: int) -> str:
    what = f"{_WORDS[event.kind]} {event.detail}".strip()
    many = f" (last of {count})" if count > 1 else ""
    return f"{what}{many}\niteration {event.iteration:,}, {event.seconds:.1f} s"
