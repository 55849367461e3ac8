"""The newest volume of a run's field, for a window that never waits and must not slow the run down."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future
from typing import NamedTuple

from engine.field_volume import Baking, FieldVolume
from engine.fields.field import Field
from engine.run import Run
from engine.session import Session

__all__ = ["FieldVolume", "VolumeFeed"]

PIECE = 0.02  # seconds of work between two steps: a command waits no longer because of it
PATIENCE = 12.0  # seconds in which a volume must be refreshed for its size to be chosen while the run is busy
LOOK_EVERY = 0.1  # seconds between two looks at a field that does not change
AFTER_FAILURE = 5.0  # seconds

log = logging.getLogger(__name__)


class _Report(NamedTuple):
    """What a piece of work came to; `volume` is None unless it was the last piece."""

    volume: FieldVolume | None
    seconds: float
    unfinished: bool
    busy: bool


class VolumeFeed:
    """Asks a run for the volume of its field, piece by piece, whenever the field has changed.

    At most one question is on its way; each takes `PIECE` seconds of the run's thread, and while the run trains
    there is so much time between them that together they take no more than `share` of it. While it rests there is
    nothing to disturb. A field that takes long to bake is baked coarse at first, and as fine as its patience allows
    while it trains; all the way once the run rests.

    It lives through restarts and failures of the run, and after its end keeps the last volume. One thread may use it.
    """

    def __init__(self, run: Run, longest: int = 1024, period: float = 0.5, share: float = 0.04) -> None:
        """Asks nothing yet.

        Args:
            run: started or not.
            longest: voxels along the longest side, at most: what a 3D texture can hold. A grid that fits is handed
                over as it is.
            period: seconds between two volumes, at least.
            share: of the run's time, at most.
        """
        self._run, self._longest, self._period, self._share = run, longest, period, share
        self._volume: FieldVolume | None = None
        self._question: Future[_Report] | None = None
        self._due = self._published_at = 0.0
        self._over = False
        # What follows belongs to the run's thread.
        self._baking: Baking | None = None
        self._shown: tuple[Field, int, int] | None = None  # field, its version and the size of the last volume
        self._costs: dict[int, float] = {}  # seconds by size, of this field
        self._versions = 0

    def latest(self) -> FieldVolume | None:
        """The newest volume, at once (None before there is one); call it once per frame."""
        if self._question is not None and self._question.done():
            self._take(self._question)
            self._question = None
        if self._question is None and not self._over and time.monotonic() >= self._due:
            self._question = self._run.ask(self._work)
        return self._volume

    def _take(self, question: Future[_Report]) -> None:
        now = time.monotonic()
        if question.cancelled():  # the run has ended
            self._over = True
            return
        if question.exception() is not None:
            log.warning("No volume of the field", exc_info=question.exception())
            self._due = now + AFTER_FAILURE
            return
        report = question.result()
        self._due = now + (report.seconds / self._share if report.busy else 0.0)
        if report.volume is not None:
            self._volume, self._published_at = report.volume, now
        if not report.unfinished:
            self._due = max(self._due, self._published_at + self._period, now + LOOK_EVERY)

    # ------------------------------------------------------------------ in the run's thread

    def _work(self, session: Session) -> _Report:
        if session.trainer is None:
            return _Report(None, 0.0, False, session.busy)
        begun = time.monotonic()
        field = session.trainer.field
        baking, self._baking = self._baking, None  # a failure leaves none behind
        if baking is None or baking.field is not field:
            size = self._wanted_size(field, session.busy)
            if size is None:
                return _Report(None, 0.0, False, session.busy)
            baking = Baking(field, size)
        finished, volume = baking.work(PIECE), None
        if finished:
            self._versions += 1
            volume = baking.volume(session.scene, self._versions)
            self._shown, self._costs[baking.size] = (field, baking.field_version, baking.size), baking.seconds
        else:
            self._baking = baking
        return _Report(volume, time.monotonic() - begun, not finished, session.busy)

    def _wanted_size(self, field: Field, busy: bool) -> int | None:
        """Of the next volume; None where the last one will do."""
        sizes = field.volume_sizes(self._longest)
        if self._shown is None or self._shown[0] is not field:
            self._costs.clear()
            return sizes[0]
        _, version, size = self._shown
        changed = field.version != version
        if busy:
            within = [one for one in sizes if self._cost(one) <= PATIENCE * self._share]
            finer = max(within, default=sizes[0])
            return finer if changed or finer > size else None
        finer = next((one for one in sizes if one > size), size)
        return finer if changed or finer > size else None

    def _cost(self, size: int) -> float:
        """Seconds, from those that others took: it goes with the number of voxels."""
        known = self._costs.get(size)
        nearest = max(self._costs, default=size)
        return known if known is not None else self._costs.get(nearest, 0.0) * (size / nearest) ** 3
