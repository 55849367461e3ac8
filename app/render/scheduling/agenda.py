"""What is to be drawn next, given what is wanted and what was drawn: pure decisions of the render thread."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.render.scheduling.effort import COMPLETE, Effort
from app.render.scheduling.quality import DEBT, REST, Quality
from app.render.scheduling.sameness import Picture, same, same_march, shift

FRESH = 1.0  # seconds for which a request stands; who shows a picture asks for it in every frame of the window
JUMP = 8.0  # pixels: what moves farther is first shown quickly
WORTH_IT = 2.5  # a quick picture is only drawn first where the complete one takes so many times longer
VOLUME_PERIOD = 1 / 3  # seconds between pictures that differ by their volume only


@dataclass
class Slot:
    """One view: the picture that is wanted, and the one that is there.

    Attributes:
        marched: the picture for which the volume was marched last, how well, and of which volume.
        marched_at: when that was.
        shown: the picture that was handed out last, and with which volume.
        drawn_at: when something was last begun for this view.
        rested_at: when the next picture of a view that moves may be begun.
        refused: a picture that could not be drawn.
    """

    wanted: Picture | None = None
    asked_at: float = 0.0
    urgent: bool = False
    marched: Picture | None = None
    effort: Effort | None = None
    volume: object = None
    marched_at: float = 0.0
    shown: Picture | None = None
    shown_volume: object = None
    drawn_at: float = 0.0
    rested_at: float = 0.0
    refused: Picture | None = None
    quality: Quality = field(default_factory=Quality)

    @property
    def pixels(self) -> int:
        return 0 if self.wanted is None else self.wanted.camera.size[0] * self.wanted.camera.size[1]

    def rest(self, seconds: float, now: float) -> None:
        """A picture of a view that moves took so long."""
        self.rested_at = now + REST * seconds

    def fresh(self, now: float) -> bool:
        """Whether somebody looks."""
        return self.wanted is not None and now - self.asked_at <= FRESH


@dataclass(frozen=True)
class Job:
    """Something to draw.

    Attributes:
        effort: to march with; None where what was marched stays.
        pressing: whether somebody moves and waits for it.
    """

    view: str
    effort: Effort | None
    pressing: bool = False


def job(view: str, slot: Slot, volume: object, now: float, credit: float) -> Job | None:
    """What this view needs now, or None.

    Args:
        volume: the volume there is, or None.
        now: seconds on the clock of `asked_at`.
        credit: seconds that may be spent on what nobody waits for.
    """
    wanted = slot.wanted
    if wanted is None or not slot.fresh(now) or _same(slot.refused, wanted):
        return None
    marches = volume is not None and shows_volume(wanted)
    moved = marches and (slot.marched is None or not same_march(slot.marched, wanted))
    repaint = not _same(slot.shown, wanted)
    quick = slot.quality.quick(slot.pixels)
    if wanted.moving and now < slot.rested_at and not slot.urgent:
        return None
    if wanted.moving or slot.urgent:
        effort = quick if wanted.moving else COMPLETE
        if moved or (slot.urgent and marches and (slot.effort != COMPLETE or slot.volume is not volume)):
            return Job(view, effort, pressing=True)
        return Job(view, None, pressing=True) if repaint else None
    if not marches or (not moved and slot.effort == COMPLETE and slot.volume is volume):
        return Job(view, None) if repaint and credit > 0 else None
    if moved and _worth_a_quick_one(slot, wanted, quick):
        return Job(view, quick) if credit > -DEBT / 2 else None
    if slot.effort != COMPLETE and not moved:  # somebody has just stopped moving, and looks
        return Job(view, COMPLETE) if credit > -DEBT else None
    if credit <= 0:
        return Job(view, None) if slot.shown is None else None
    if moved:
        return Job(view, COMPLETE)
    due = now - slot.marched_at >= VOLUME_PERIOD
    return Job(view, COMPLETE) if due else Job(view, None) if repaint else None


def shows_volume(picture: Picture) -> bool:
    """Whether the volume is to be seen in a picture."""
    return getattr(picture, "volume_opacity", 1.0) > 0


def _same(one: Picture | None, other: Picture) -> bool:
    return one is not None and same(one, other, but=("moving",))


def _worth_a_quick_one(slot: Slot, wanted: Picture, quick: Effort) -> bool:
    if slot.marched is None or slot.quality.rate is None:
        return True
    slower = slot.quality.predicted(COMPLETE, slot.pixels) > WORTH_IT * slot.quality.predicted(quick, slot.pixels)
    return slower and shift(slot.marched.camera, wanted.camera) > JUMP
