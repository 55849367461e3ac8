"""How fine a picture can be in the time there is: pure arithmetic over measured drawing times."""

from __future__ import annotations

from dataclasses import dataclass

from app.render.scheduling.effort import EFFORTS, Effort
from app.render.scheduling.timing import TIMING


@dataclass
class Quality:
    """Chooses the effort of the quick pictures of one view.

    Attributes:
        target: seconds that one may take.
        level: index into `EFFORTS`; 0 is complete.
        rate: seconds per pixel of cost 1; None before the first measurement.
    """

    target: float = TIMING.moving_picture
    level: int = 5
    rate: float | None = None

    def record(self, effort: Effort, pixels: int, seconds: float) -> None:
        """Takes note of the drawing time of a picture; `pixels` is the size of the complete one."""
        rate = max(seconds, 0.0) / (max(pixels, 1) * effort.cost)
        old = TIMING.smoothing
        self.rate = rate if self.rate is None else old * self.rate + (1 - old) * rate

    def reserve(self, seconds: float) -> None:
        """Subtracts from the target what every picture takes whatever its effort, down to a third of the target."""
        self.target = max(TIMING.moving_picture - seconds, TIMING.moving_picture / 3)

    def predict(self, effort: Effort, pixels: int) -> float:
        """Seconds that a picture will take; 0 before the first measurement."""
        return (self.rate or 0.0) * pixels * effort.cost

    def choose(self, pixels: int) -> Effort:
        """The effort for the next quick picture."""
        if self.rate is not None:
            while self.level < len(EFFORTS) - 1 and self.predict(EFFORTS[self.level], pixels) > self.target:
                self.level += 1
            finer = self.level - 1
            while finer >= 0 and self.predict(EFFORTS[finer], pixels) <= TIMING.finer_below * self.target:
                self.level, finer = finer, finer - 1
        return EFFORTS[self.level]


@dataclass
class Allowance:
    """A share of the time for pictures that no one waits for: a window at rest leaves the machine to the training.

    Attributes:
        share: of the time, in (0, 1].
        most: seconds that can be saved up.
        credit: seconds that can be spent now; negative while some are owed.
    """

    share: float = TIMING.share
    most: float = TIMING.most_credit
    credit: float = TIMING.most_credit
    _updated_at: float | None = None

    def update(self, now: float) -> float:
        """Adds what has been earned until `now` (seconds of a steady clock); the credit in seconds.

        A credit above 0 allows one more picture, however long it takes.
        """
        if self._updated_at is not None:
            self.credit = min(self.credit + self.share * max(now - self._updated_at, 0.0), self.most)
        self._updated_at = now
        return self.credit

    def spend(self, seconds: float, now: float) -> None:
        """Subtracts drawing time; the credit may become negative, down to the largest debt."""
        self.credit = max(self.update(now) - seconds, -TIMING.most_debt)
