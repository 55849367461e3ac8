"""What is drawn next, given what was asked for and what was drawn before: pure decisions of the render thread."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.render.scheduling.effort import COMPLETE, Effort
from app.render.scheduling.quality import Quality
from app.render.scheduling.sameness import Picture, estimate_shift, is_same, is_same_march
from app.render.scheduling.timing import TIMING


@dataclass
class Slot:
    """One view: the picture that is wanted, and the one that is there. Moments are seconds of a steady clock.

    Attributes:
        wanted: the newest picture asked for.
        asked_at: when it was last asked for.
        urgent: whether it is to be complete at once, whatever that costs.
        marched, effort, volume: the picture for which was marched last, how finely, and what was in memory of its
            volumes, as `Studio.identify` has it.
        marched_at: when that was begun.
        shown: the picture that was handed out last.
        drawn_at: when anything was last begun for this view.
        rested_at: when the next picture of this view may be begun while it moves.
        refused: a picture that could not be drawn.
        quality: of its quick pictures.
    """

    wanted: Picture | None = None
    asked_at: float = 0.0
    urgent: bool = False
    marched: Picture | None = None
    effort: Effort | None = None
    volume: object = None
    marched_at: float = 0.0
    shown: Picture | None = None
    drawn_at: float = 0.0
    rested_at: float = 0.0
    refused: Picture | None = None
    quality: Quality = field(default_factory=Quality)

    @property
    def pixels(self) -> int:
        """Number of pixels of the wanted picture."""
        return 0 if self.wanted is None else self.wanted.camera.size[0] * self.wanted.camera.size[1]

    def rest(self, seconds: float, now: float) -> None:
        """Begins the pause after a picture of a moving view that took so many seconds."""
        self.rested_at = now + TIMING.moving_rest * seconds

    def is_fresh(self, now: float) -> bool:
        """Whether the view was asked for recently: whether it is on the screen."""
        return self.wanted is not None and now - self.asked_at <= TIMING.request


@dataclass(frozen=True)
class Job:
    """Something to draw.

    Attributes:
        view: its name.
        effort: to march with; None where the volume need not be marched again.
        pressing: whether the user moves the view and waits for the picture.
    """

    view: str
    effort: Effort | None
    pressing: bool = False


def choose_job(view: str, slot: Slot, volume: object, now: float, credit: float) -> Job | None:
    """What a view needs now, or None.

    Args:
        view: its name.
        slot: what is known of it.
        volume: what is in memory of the volumes that it shows, as `Studio.identify` has it; None for nothing.
        now: seconds on the clock of `asked_at`.
        credit: seconds that may be spent on pictures that no one waits for.
    """
    wanted = slot.wanted
    if wanted is None or not slot.is_fresh(now) or _looks_like(slot.refused, wanted):
        return None
    marches = volume is not None and shows_volume(wanted)
    moved = marches and (slot.marched is None or not is_same_march(slot.marched, wanted))
    repaint = not _looks_like(slot.shown, wanted)
    quick = slot.quality.choose(slot.pixels)
    if wanted.moving and now < slot.rested_at and not slot.urgent:
        return None
    if wanted.moving or slot.urgent:
        effort = quick if wanted.moving else COMPLETE
        if moved or (slot.urgent and marches and (slot.effort != COMPLETE or slot.volume != volume)):
            return Job(view, effort, pressing=True)
        return Job(view, None, pressing=True) if repaint else None
    if not marches or (not moved and slot.effort == COMPLETE and slot.volume == volume):
        return Job(view, None) if repaint and credit > 0 else None
    if moved and _deserves_quick_picture(slot, wanted, quick):
        return Job(view, quick) if credit > -TIMING.most_debt / 2 else None
    if slot.effort != COMPLETE and not moved:  # the user has just stopped moving, and looks
        return Job(view, COMPLETE) if credit > -TIMING.most_debt else None
    if credit <= 0:
        return Job(view, None) if slot.shown is None else None
    if moved:
        return Job(view, COMPLETE)
    due = now - slot.marched_at >= TIMING.volume_period
    return Job(view, COMPLETE) if due else Job(view, None) if repaint else None


def shows_volume(picture: Picture) -> bool:
    """Whether the volume is visible in a picture."""
    return getattr(picture, "volume_opacity", 1.0) > 0


def _looks_like(one: Picture | None, other: Picture) -> bool:
    return one is not None and is_same(one, other, but=("moving",))


def _deserves_quick_picture(slot: Slot, wanted: Picture, quick: Effort) -> bool:
    """Whether a quick picture is drawn ahead of the complete one."""
    if slot.marched is None or slot.quality.rate is None:
        return True
    seconds, quick_seconds = (slot.quality.predict(effort, slot.pixels) for effort in (COMPLETE, quick))
    shift = estimate_shift(slot.marched.camera, wanted.camera)
    return seconds > TIMING.quick_gain * quick_seconds and shift > TIMING.quick_shift_px
