"""How good a picture can be in the time there is: pure arithmetic over measured drawing times."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.render.scheduling.effort import COMPLETE, Effort

LADDER = (
    COMPLETE,
    *(Effort(scale, 0.5, tint=False) for scale in (1.0, 0.85, 0.7, 0.6, 0.5, 0.42, 0.35, 0.3, 0.25, 0.2, 0.15)),
)
PICTURE = 1 / 18  # seconds that a picture may take while somebody moves
REST = (
    0.5  # of what one took, for training and the window, before the next one is begun: a drag would else take a core
)
FINER_BELOW = 0.7  # of the target: whoever climbs must not have to step down again at once
DEBT = 1.0  # seconds that may be owed at most, so that nobody waits long after much was drawn at once
MEMORY = 0.6  # of what was measured before, when something new is


def cost(effort: Effort) -> float:
    """Of a pixel of the complete picture, in parts of what it costs to draw that without a tint."""
    return effort.scale**2 * (0.1 + 0.9 * effort.samples + (0.5 * effort.samples if effort.tint else 0.0))


@dataclass
class Quality:
    """Chooses the effort of quick pictures of one view.

    Attributes:
        target: seconds that one may take.
        level: rung of the ladder, 0 is complete.
        rate: seconds per pixel of cost 1; None before anything was measured.
    """

    target: float = PICTURE
    level: int = 5
    rate: float | None = field(default=None)

    def measured(self, effort: Effort, pixels: int, seconds: float) -> None:
        """Takes note of how long a picture took whose complete size is so many pixels."""
        rate = max(seconds, 0.0) / (max(pixels, 1) * cost(effort))
        self.rate = rate if self.rate is None else MEMORY * self.rate + (1 - MEMORY) * rate

    def leave(self, seconds: float) -> None:
        """Of the time for a picture, so much is needed for what does not depend on the effort."""
        self.target = max(PICTURE - seconds, PICTURE / 3)

    def predicted(self, effort: Effort, pixels: int) -> float:
        """Seconds that a picture will take; 0 before anything was measured."""
        return (self.rate or 0.0) * pixels * cost(effort)

    def quick(self, pixels: int) -> Effort:
        """The effort for the next quick picture."""
        if self.rate is not None:
            while self.level < len(LADDER) - 1 and self.predicted(LADDER[self.level], pixels) > self.target:
                self.level += 1
            finer = self.level - 1
            while finer >= 0 and self.predicted(LADDER[finer], pixels) <= FINER_BELOW * self.target:
                self.level, finer = finer, finer - 1
        return LADDER[self.level]


@dataclass
class Allowance:
    """A share of the time for what nobody waits for, so that a resting window leaves the machine to the training.

    Attributes:
        share: of the time, in (0, 1].
        most: seconds that can be saved up.
    """

    share: float = 0.15
    most: float = 0.5
    credit: float = field(default=0.5)
    _at: float | None = None

    def at(self, now: float) -> float:
        """Seconds there are to spend; whoever finds more than 0 may spend as many as it takes."""
        if self._at is not None:
            self.credit = min(self.credit + self.share * max(now - self._at, 0.0), self.most)
        self._at = now
        return self.credit

    def spend(self, seconds: float, now: float) -> None:
        """Takes seconds away; some may be owed afterwards."""
        self.credit = max(self.at(now) - seconds, -DEBT)
