"""An upload in pieces, each of which takes a few milliseconds: no picture waits longer for it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class PieceOptions:
    """How large a piece is.

    Attributes:
        seconds: that one shall take: a picture of a moving view waits so long for it.
        first_bytes: of the first piece of a kind.
        least_bytes: however slow it is: below that, the calls themselves cost more.
        most_bytes: however quick it is: what lies in a buffer of a GPU at once.
        remembered: pieces of a kind whose times count.
    """

    seconds: float = 0.003
    first_bytes: int = 1 << 20
    least_bytes: int = 1 << 18
    most_bytes: int = 32 << 20
    remembered: int = 8


OPTIONS = PieceOptions()


class Pieces:
    """Cuts work of several kinds into pieces, whose size follows from how long those before took."""

    def __init__(self, finish: Callable[[], None], options: PieceOptions = OPTIONS) -> None:
        """`finish` waits until OpenGL has executed a piece, with which its time ends."""
        self._finish, self._options = finish, options
        self._bytes: dict[str, float] = {}
        self._rates: dict[str, deque[float]] = {}  # bytes per second

    def cut(self, kind: str, units: int, unit_bytes: int, work: Callable[[int, int], None]) -> Iterator[None]:
        """Does the work, one piece per step.

        Args:
            kind: of work, that takes alike long per byte.
            units: of all the work, which are not cut.
            unit_bytes: of each.
            work: is given the first unit of a piece, and the first one after it.
        """
        done = 0
        while done < units:
            count = min(max(int(self.bytes_of(kind) / max(unit_bytes, 1)), 1), units - done)
            begun = time.perf_counter()
            work(done, done + count)
            self._finish()
            self.record(kind, count * unit_bytes, time.perf_counter() - begun)
            done += count
            yield

    def bytes_of(self, kind: str) -> float:
        """Of the next piece of a kind."""
        return self._bytes.get(kind, self._options.first_bytes)

    def record(self, kind: str, size: int, seconds: float) -> None:
        """Takes note of the time of a piece of `size` bytes.

        The quickest of the last ones counts: another program that had the processor in between makes a piece slower,
        and nothing makes it quicker. The next piece is at most twice as large as the one before.
        """
        before = self.bytes_of(kind)
        if size >= before / 2:  # the last piece of a texture says nothing of larger ones
            rates = self._rates.setdefault(kind, deque(maxlen=self._options.remembered))
            rates.append(size / max(seconds, 1e-6))
            wanted = min(max(rates) * self._options.seconds, 2 * before)
            self._bytes[kind] = min(max(wanted, self._options.least_bytes), self._options.most_bytes)
