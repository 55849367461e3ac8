"""Experiments beside a run: small pieces of work between its steps, in its thread; it keeps most of its time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from engine.errors import UserError
from engine.run.session import Session
from engine.run.thread import Run

Made = TypeVar("Made")
ENDED = "The run has ended; open it again to measure it."

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BesideOptions:
    """How an experiment shares the time of a run.

    Attributes:
        share: of the time of a run that trains, at most, for all experiments beside it together. Four fifths of its
            speed are promised; the rest is for what an experiment's data push out of the caches.
        shortest: seconds of a piece, at least: less would be spent on asking.
        longest: seconds of a piece, at most: a command waits as long. Where steps are long pieces grow up to it.
        resting: seconds of a piece while the run has nothing to do.
    """

    share: float = 0.17
    shortest: float = 0.02
    longest: float = 0.15
    resting: float = 0.1


DEFAULT = BesideOptions()


class Neighbours:
    """How many experiments work beside each run; counted from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: WeakKeyDictionary[Run, int] = WeakKeyDictionary()

    def change(self, run: Run, by: int) -> None:
        """One more, or one fewer."""
        with self._lock:
            self._counts[run] = self._counts.get(run, 0) + by

    def count(self, run: Run) -> int:
        """Beside a run, at least 1."""
        with self._lock:
            return max(self._counts.get(run, 0), 1)


NEIGHBOURS = Neighbours()


class Experiment(Generic[Made]):
    """Drives a generator in the run's thread, a piece at a time, and keeps the newest of what it yields.

    The generator is made between two steps, with the session: what it needs of the run it copies there. After that it
    lives from its copies, whatever becomes of the run. It yields often (some milliseconds apart): None, or what it has
    made so far.

    Attributes:
        newest: what was yielded last that was not None.
        error: why it failed, in a sentence; empty else.
        finished: whether it has ended: done, cancelled or failed.
        seconds: of work so far.
    """

    def __init__(
        self, run: Run, begin: Callable[[Session], Iterator[Made | None]], options: BesideOptions = DEFAULT
    ) -> None:
        """Nothing happens before `start`."""
        self.newest: Made | None = None
        self.error, self.finished, self.seconds = "", False, 0.0
        self._run, self._begin, self._options = run, begin, options
        self._work: Iterator[Made | None] | None = None
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._drive, name="l2g experiment", daemon=True)

    def start(self) -> None:
        """Begins, in a thread that only asks and waits."""
        self._thread.start()

    def cancel(self) -> None:
        """Has it end after the piece under way."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether it was told to end."""
        return self._cancelled.is_set()

    def join(self, timeout: float | None = None) -> None:
        """Waits for its end.

        Raises:
            TimeoutError: it has not ended.
        """
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise TimeoutError("The experiment has not ended yet.")

    def _drive(self) -> None:
        NEIGHBOURS.change(self._run, 1)
        try:
            self._ask()
        except CancelledError:  # the question was: the run has ended
            self.error = ENDED
        except UserError as error:
            self.error = str(error)
        except Exception as error:
            log.exception("An experiment failed")
            self.error = f"{type(error).__name__}: {error}"
        finally:
            NEIGHBOURS.change(self._run, -1)
            self._work = None
            self.finished = True

    def _ask(self) -> None:
        """Asks for one piece after the other; while the run trains no more than its share of the time that passes."""
        options, piece = self._options, self._options.shortest
        saved, since = 0.0, time.monotonic()  # seconds of work that are due, and since when none were added
        while not self.cancelled:
            done, seconds, busy = self._run.ask(partial(self._advance, piece=piece)).result()
            self.seconds += seconds
            if done:
                return
            if not busy:
                piece, saved, since = options.resting, 0.0, time.monotonic()
                continue
            now, share = time.monotonic(), options.share / NEIGHBOURS.count(self._run)
            saved, since = min(saved + share * (now - since) - seconds, options.longest), now
            if saved < options.shortest:
                self._cancelled.wait((options.shortest - saved) / share)
            piece = max(saved, options.shortest)

    def _advance(self, session: Session, *, piece: float) -> tuple[bool, float, bool]:
        """Works for so long, in the run's thread; whether it is done, the seconds, and whether the run trains."""
        begun = time.monotonic()
        if self._work is None:
            self._work = self._begin(session)
        while time.monotonic() - begun < piece:
            try:
                made = next(self._work)
            except StopIteration:
                return True, time.monotonic() - begun, session.busy
            if made is not None:
                self.newest = made
        return False, time.monotonic() - begun, session.busy
