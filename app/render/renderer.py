"""The render thread: it is asked for pictures, draws the newest of each view, and never makes anybody wait."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterator

from app.model.common.pictures import Drawn
from app.render.scheduling.agenda import Job, Slot, job, shows_volume
from app.render.scheduling.effort import COMPLETE
from app.render.scheduling.quality import Allowance
from app.render.scheduling.sameness import Picture, same
from app.render.studio import Pixels, Studio
from engine.errors import UserError
from engine.fields.baking import FieldVolume

BAND = 0.03  # seconds that one band of a picture shall take: the longest that a view which moves waits for another
FORGOTTEN = 30.0  # seconds after which a view that nobody asks for gives its memory back
ASLEEP, DOZING = 0.05, 0.004  # seconds between two looks at what has become due; and while one that moves rests

_DONE = object()
_UPLOAD = "volume"  # beside the views, of what may go wrong

log = logging.getLogger(__name__)


class Renderer:
    """Draws views ("cameras", "novel", "frame", ...) in a thread of its own, which owns the OpenGL context.

    Attributes:
        info: renderer and version of OpenGL, once started.
        error: a sentence on what goes wrong in the thread, the newest; None again once it does not any more.
    """

    def __init__(self) -> None:
        """Nothing happens before `start`."""
        self.info = ""
        self.error: str | None = None
        self._slots: dict[str, Slot] = {}
        self._latest: dict[str, Drawn] = {}
        self._volume: FieldVolume | None = None
        self._news = threading.Condition()
        self._closing = False
        self._ready = threading.Event()
        self._allowance = Allowance()
        self._refused: FieldVolume | None = None  # could not be uploaded
        self._problems: dict[str, str] = {}  # by view, or `_UPLOAD`
        self._thread = threading.Thread(target=self._live, name="renderer", daemon=True)

    def start(self) -> None:
        """Starts the thread and waits until it has a context.

        Raises:
            UserError: OpenGL is missing or too old.
        """
        self._thread.start()
        self._ready.wait()
        if self.error is not None:
            self._thread.join()
            raise UserError(self.error)

    def set_volume(self, volume: FieldVolume | None) -> None:
        """The volume to be drawn from now on, soon."""
        with self._news:
            if volume is not self._volume:
                self._volume = volume
                self._news.notify_all()

    def request(self, view: str, picture: Picture, urgent: bool = False) -> None:
        """Asks for a picture, in place of what this view was asked for before.

        To be called in every frame of the window in which the view is seen, changed or not: a view that nobody has
        asked for lately is not kept up to date with the volume.

        Args:
            urgent: complete at once and whatever it costs, for recordings.
        """
        with self._news:
            slot = self._slots.setdefault(view, Slot())
            slot.asked_at = time.monotonic()
            if slot.wanted is not None and slot.urgent == urgent and same(slot.wanted, picture):
                return  # nothing to wake up for
            slot.wanted, slot.urgent = picture, urgent
            self._news.notify_all()

    def latest(self, view: str) -> Drawn | None:
        """The newest picture of a view, at once."""
        return self._latest.get(view)

    def wait_for(self, view: str, picture: Picture, timeout: float = 60.0) -> Drawn:
        """Draws a picture completely and waits for it; not to be called by whoever must not wait.

        Raises:
            TimeoutError: it was not drawn in time, or the renderer was closed.
        """
        ends = time.monotonic() + timeout
        with self._news:
            while not self._closing and time.monotonic() < ends:
                drawn = self._latest.get(view)
                if drawn is not None and drawn.complete and same(drawn.picture, picture):
                    return drawn
                self.request(view, picture, urgent=True)
                self._news.wait(0.2)
        raise TimeoutError(f"The {view} view was not drawn in time.")

    def close(self) -> None:
        """Ends the thread and waits for it; twice does no harm."""
        with self._news:
            self._closing = True
            self._news.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    # ------------------------------------------------------------------ in the thread

    def _live(self) -> None:
        try:
            studio = Studio()
        except UserError as error:
            self.error = str(error)
            return
        except Exception as error:  # whatever a driver comes up with, `start` must not wait for ever
            log.exception("no OpenGL context")
            self.error = f"OpenGL could not be started ({error})."
            return
        finally:
            if self.error is not None:
                self._ready.set()
        self.info = studio.info
        self._ready.set()
        uploading: Iterator[None] | None = None
        try:
            while not self._closing:
                uploading = self._turn(studio, uploading)
        finally:
            studio.close()

    def _turn(self, studio: Studio, uploading: Iterator[None] | None) -> Iterator[None] | None:
        """One job, one part of an upload, or a short sleep."""
        now = time.monotonic()
        with self._news:
            wanted, seen = self._volume, any(slot.fresh(now) for slot in self._slots.values())
            chosen = self._choose(studio, now)
            idle = chosen is None and uploading is None
            behind = wanted is not studio.volume and wanted is not self._refused and seen
            affords = self._allowance.at(now) > 0 or studio.volume is None
            if idle and not (behind and affords) and not self._closing:
                self._news.wait(DOZING if any(now < slot.rested_at for slot in self._slots.values()) else ASLEEP)
                unseen = [view for view, slot in self._slots.items() if now - slot.asked_at > FORGOTTEN]
                for view in unseen:
                    del self._slots[view]
                    studio.forget_view(view)
                return None
        failing = _UPLOAD
        try:
            if chosen is not None:
                failing = chosen.view
                self._draw(studio, chosen)
                self._mend(failing)
            if uploading is not None or (behind and affords):
                failing = _UPLOAD
                uploading = self._upload(studio, uploading, wanted)
                if uploading is None:
                    self._mend(failing)
        except Exception as error:  # a view that cannot be drawn must not take the others with it
            log.exception("drawing failed")
            self._fail(failing, error)
            uploading = None
        return uploading

    def _choose(self, studio: Studio, now: float) -> Job | None:
        """The job of whoever has waited longest; of those in motion, if there are any."""
        credit = self._allowance.at(now)
        jobs = [job(view, slot, studio.volume, now, credit) for view, slot in self._slots.items()]
        found = [one for one in jobs if one is not None]
        return min(found, key=lambda one: (not one.pressing, self._slots[one.view].drawn_at), default=None)

    def _draw(self, studio: Studio, chosen: Job) -> None:
        slot = self._slots[chosen.view]
        with self._news:
            picture, urgent = slot.wanted, slot.urgent
        assert picture is not None
        begun = time.monotonic()
        volume = studio.volume
        slot.drawn_at = begun
        if chosen.effort is not None:
            predicted = slot.quality.predicted(chosen.effort, slot.pixels)
            bands = 1 if chosen.pressing and not urgent else max(math.ceil(predicted / BAND), 1)
            for _ in studio.march(chosen.view, picture, chosen.effort, bands):
                if not chosen.pressing and self._somebody_moves(studio):
                    self._allowance.spend(time.monotonic() - begun, time.monotonic())
                    return
            slot.quality.measured(chosen.effort, slot.pixels, time.monotonic() - begun)
            slot.marched, slot.effort, slot.volume, slot.marched_at = picture, chosen.effort, volume, begun
        marched = time.monotonic()
        pixels = studio.show(chosen.view, picture)
        slot.quality.leave(time.monotonic() - marched)
        problem = studio.error()
        if problem is not None:
            raise RuntimeError(f"OpenGL: {problem}")
        seconds = time.monotonic() - begun
        if chosen.pressing:
            slot.rest(seconds, time.monotonic())
        else:
            self._allowance.spend(seconds, time.monotonic())
        slot.shown, slot.shown_volume = picture, slot.volume
        empty = studio.volume is None and self._volume is None
        complete = empty or not shows_volume(picture) or (slot.effort == COMPLETE and slot.volume is studio.volume)
        self._publish(chosen.view, picture, pixels, seconds, complete)

    def _publish(self, view: str, picture: Picture, pixels: Pixels, seconds: float, complete: bool) -> None:
        before = self._latest.get(view)
        with self._news:
            # A new array each time: whoever still shows the one before keeps it as it is.
            self._latest[view] = Drawn(pixels, picture, seconds, complete, before.serial + 1 if before else 1)
            self._news.notify_all()

    def _upload(
        self, studio: Studio, uploading: Iterator[None] | None, wanted: FieldVolume | None
    ) -> Iterator[None] | None:
        begun = time.monotonic()
        if wanted is None:
            studio.forget_volume()
            for slot in self._slots.values():
                slot.marched = slot.effort = slot.volume = None
            return None
        uploading = uploading or studio.upload(wanted)
        done = next(uploading, _DONE) is _DONE
        studio.driver.finish()
        self._allowance.spend(time.monotonic() - begun, time.monotonic())
        return None if done else uploading

    def _somebody_moves(self, studio: Studio) -> bool:
        with self._news:
            chosen = self._choose(studio, time.monotonic())
            return self._closing or (chosen is not None and chosen.pressing)

    def _fail(self, failing: str, error: Exception) -> None:
        """Says so, and gives up on this picture until another one is asked for."""
        words = str(error) if isinstance(error, UserError) else f"A 3D view could not be drawn ({error})."
        self._problems[failing] = self.error = words
        slot = self._slots.get(failing)
        if slot is not None:
            slot.refused = slot.wanted
        else:
            self._refused = self._volume

    def _mend(self, failing: str) -> None:
        """What was wrong with a view or the volume is not any more."""
        if self._problems.pop(failing, None) is not None:
            self.error = next(reversed(self._problems.values()), None)
