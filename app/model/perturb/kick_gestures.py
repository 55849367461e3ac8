"""Which kicks belong together: a drag gives many, and undo takes all of them back. Pure, from the run's events."""

from __future__ import annotations

from collections.abc import Sequence

from engine.messages import Event

TOGETHER = 0.5  # seconds of the run between kicks of one drag, at most


def gestures(events: Sequence[Event]) -> tuple[int, int]:
    """How many kicks the next undo and the next redo stand for: 0 where there is nothing to do.

    Kicks of one frame that follow each other closely while the run goes on are one gesture. While it is paused its
    clock stands still, and nobody can tell: there each kick stays by itself.
    """
    done: list[int] = []
    undone: list[int] = []
    before: tuple[str, float] | None = None
    gesture = 0
    for event in events:
        if event.kind in ("perturb-pose", "perturb-patch", "perturb-all"):
            who = event.detail.rsplit(": ", 1)[0] if event.kind != "perturb-all" else ""
            joined = before is not None and who != "" and who == before[0] and 0 < event.seconds - before[1] < TOGETHER
            gesture += not joined
            done.append(gesture)
            undone.clear()
            before = (who, event.seconds)
        elif event.kind == "undo-perturbation" and done:
            undone.append(done.pop())
            before = None
        elif event.kind == "redo-perturbation" and undone:
            done.append(undone.pop())
            before = None
    return _alike(done), _alike(undone)


def _alike(stack: Sequence[int]) -> int:
    return next((n for n, gesture in enumerate(reversed(stack)) if gesture != stack[-1]), len(stack))
