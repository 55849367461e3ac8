"""Turns that several runs take, so that one of them trains at a time and all get equal shares."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Equal = Literal["iterations", "seconds"]


class Standing(NamedTuple):
    """How much a run has had of what is shared: optimisation steps, and seconds on its own clock."""

    iterations: int
    seconds: float


def choose_next(standings: Sequence[Standing], equal: Equal) -> int:
    """The place of the run that has had least of what shall be equal.

    While cameras are adjusted no iterations are counted: among runs at the same iteration the one with fewer seconds
    is next, then the first, so that none waits for another for long.
    """
    if equal == "seconds":
        return min(range(len(standings)), key=lambda place: standings[place].seconds)
    return min(range(len(standings)), key=lambda place: standings[place])


@dataclass(frozen=True)
class CatchingUp:
    """How far a run that comes back (it was paused) may lie behind and still catch up with the others.

    One that lies further behind goes on beside them, as far behind as it is: they do not stand still for it.

    Attributes:
        iterations, seconds: the runs of a race are started one after the other, within a fraction of a second.
    """

    iterations: int = 20
    seconds: float = 2.0


CATCHING_UP = CatchingUp()


class Turns:
    """Turns of runs that live in threads of their own, for a window. No turn begins before all seats were taken once.

    Runs that have nothing to do (paused, finished, failed) have left their seats, and none waits for them.

    Attributes:
        equal: what shall be; it may be changed at any time.
        held: no turn begins before `open`.
    """

    def __init__(self, equal: Equal = "iterations", held: bool = False) -> None:
        self.equal: Equal = equal
        self.held = held
        self.changed = threading.Condition()
        self._seats: list[Seat] = []
        self._having: Seat | None = None
        self._closed = False

    def open(self) -> None:
        """Turns may begin."""
        with self.changed:
            self.held = False
            self.changed.notify_all()

    def close(self) -> None:
        """From now on no run waits for another."""
        with self.changed:
            self._closed = True
            self.changed.notify_all()

    def seat(self) -> Seat:
        """A seat for one more run."""
        with self.changed:
            self._seats.append(Seat(self))
            return self._seats[-1]

    # ------------------------------------------------------------------ for seats, which hold `changed`

    def is_next(self, seat: Seat) -> bool:
        """Whether a seat's run may begin a step."""
        if self._closed:
            return True
        if (
            self.held
            or self._having is not None
            or any(other.standing is None and not other.left for other in self._seats)
        ):
            return False
        taken = [(other, other.counted) for other in self._seats if other.counted is not None]
        return taken[choose_next([counted for _, counted in taken], self.equal)][0] is seat

    def begin(self, seat: Seat) -> None:
        """A seat's run begins a step."""
        self._having = seat

    def end(self, seat: Seat) -> None:
        """A seat's run has ended its step, or has left."""
        if self._having is seat:
            self._having = None
        self.changed.notify_all()

    def least(self, but: Seat) -> Standing | None:
        """What the others that train have had at least; None where none does."""
        others = [other.counted for other in self._seats if other is not but and other.counted is not None]
        return others[choose_next(others, self.equal)] if others else None


class Seat:
    """One run's place among others; the run's thread alone calls its methods.

    Attributes:
        standing: what the run has had; None while it has nothing to do.
        left: whether it had nothing to do when it was asked last.
    """

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.standing: Standing | None = None
        self.left = False
        self._ahead = Standing(0, 0.0)  # of what it has had, because the others did not wait for it

    @property
    def counted(self) -> Standing | None:
        """What counts when the next turn is given."""
        if self.standing is None:
            return None
        return Standing(self.standing.iterations + self._ahead.iterations, self.standing.seconds + self._ahead.seconds)

    def wait(self, standing: Standing, timeout: float) -> bool:
        """Waits for a turn, so many seconds at most; whether it has come. `done` has to follow then."""
        turns = self._turns
        with turns.changed:
            if self.standing is None and self.left:
                self._come_back(standing)
            self.standing, self.left = standing, False
            turns.changed.notify_all()
            if not turns.changed.wait_for(lambda: turns.is_next(self), timeout):
                return False
            turns.begin(self)
            return True

    def done(self, standing: Standing) -> None:
        """The step has ended; this is what the run has had by now."""
        with self._turns.changed:
            self.standing = standing
            self._turns.end(self)

    def leave(self) -> None:
        """There is nothing to do for the run now."""
        with self._turns.changed:
            if not self.left:
                self.standing, self.left = None, True
                self._turns.end(self)

    def _come_back(self, standing: Standing) -> None:
        least = self._turns.least(but=self)
        counted = Standing(standing.iterations + self._ahead.iterations, standing.seconds + self._ahead.seconds)
        if least is None:
            return
        behind = Standing(least.iterations - counted.iterations, least.seconds - counted.seconds)
        if behind.iterations > CATCHING_UP.iterations or behind.seconds > CATCHING_UP.seconds:
            self._ahead = Standing(
                self._ahead.iterations + max(behind.iterations, 0), self._ahead.seconds + max(behind.seconds, 0.0)
            )
