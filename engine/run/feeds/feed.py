"""Large data made from the state of a run in small pieces, for a window that never waits."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from engine.run.session import Session
from engine.run.thread import Run

PIECE = 0.02  # seconds of work between two steps: a command waits no longer because of it
IDLE_PERIOD = 0.1  # seconds between two checks whether something has changed
AFTER_FAILURE = 5.0  # seconds

Made = TypeVar("Made")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Piece(Generic[Made]):
    """The result of a piece of work: `made` is None unless it was the last piece; also where nothing was to do."""

    made: Made | None = None
    unfinished: bool = False


class Feed(Generic[Made]):
    """Asks a run to work, piece by piece, and keeps the newest of what was made.

    At most one question is on its way. While the run trains there is so much time between them that together they
    take no more than `share` of it; while it rests there is nothing to disturb. Lives through restarts and failures of
    the run, and after its end keeps what it has. One thread may use it.
    """

    def __init__(self, run: Run, work: Callable[[Session], Piece[Made]], what: str, period: float, share: float):
        """Asks nothing yet.

        Args:
            run: started or not.
            work: takes about `PIECE` seconds; called in the run's thread.
            what: is made, for the log.
            period: seconds between two things made, at least.
            share: of the run's time, at most.
        """
        self._run, self._work, self._what, self._period, self._share = run, work, what, period, share
        self._newest: Made | None = None
        self._question: Future[tuple[Piece[Made], float, bool]] | None = None
        self._due = self._made_at = 0.0
        self._over = False

    def latest(self) -> Made | None:
        """The newest, at once (None before there is one); asking is what keeps the work going."""
        if self._question is not None and self._question.done():
            self._take(self._question)
            self._question = None
        if self._question is None and not self._over and time.monotonic() >= self._due:
            self._question = self._run.ask(self._timed)
        return self._newest

    def _take(self, question: Future[tuple[Piece[Made], float, bool]]) -> None:
        now = time.monotonic()
        if question.cancelled():  # the run has ended
            self._over = True
            return
        if question.exception() is not None:
            log.warning("No %s", self._what, exc_info=question.exception())
            self._due = now + AFTER_FAILURE
            return
        piece, seconds, busy = question.result()
        self._due = now + (seconds / self._share if busy else 0.0)
        if piece.made is not None:
            self._newest, self._made_at = piece.made, now
        if not piece.unfinished:
            self._due = max(self._due, self._made_at + self._period, now + IDLE_PERIOD)

    def _timed(self, session: Session) -> tuple[Piece[Made], float, bool]:
        begun = time.monotonic()
        piece = self._work(session)
        return piece, time.monotonic() - begun, session.busy
