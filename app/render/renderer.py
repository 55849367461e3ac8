"""The render thread: draws the newest picture that each view has asked for, without making the window wait."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterator

from app.model.common.pictures import Drawn
from app.render.scheduling.agenda import Job, Slot, choose_job, shows_volume
from app.render.scheduling.effort import COMPLETE
from app.render.scheduling.quality import Allowance
from app.render.scheduling.sameness import Picture, is_same
from app.render.scheduling.timing import TIMING
from app.render.studio import Pixels, Studio
from engine.errors import UserError
from engine.fields.baking import FieldVolume

_DONE = object()
_UPLOAD = "volume"  # names the upload among the views, for errors
_DETAIL = "detail"  # names what an upload had to leave out

log = logging.getLogger(__name__)


class Renderer:
    """Draws views ("cameras", "novel", "frame", ...) in a thread of its own, which owns the OpenGL context.

    Attributes:
        info: renderer and version of OpenGL, once started.
        error: a sentence on the newest thing that goes wrong in the thread; None again once it works.
    """

    def __init__(self) -> None:
        """Prepares; the thread begins with `start`."""
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
        self._problems: dict[str, str] = {}  # by view, `_UPLOAD` or `_DETAIL`
        self._thread = threading.Thread(target=self._run, name="renderer", daemon=True)

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
        """Has this volume drawn from now on; it is uploaded part by part, while the one before is still shown."""
        with self._news:
            if volume is not self._volume:
                self._volume = volume
                self._news.notify_all()

    def request(self, view: str, picture: Picture, urgent: bool = False) -> None:
        """Asks for a picture, in place of what this view was asked for before.

        To be called in every frame of the window in which the view is seen, changed or not: a view that was not asked
        for within the last second does not follow new volumes.

        Args:
            view: any name; each has its own picture.
            picture: what to draw.
            urgent: whether to draw it completely at once, whatever that costs; for recordings.
        """
        with self._news:
            slot = self._slots.setdefault(view, Slot())
            slot.asked_at = time.monotonic()
            if slot.wanted is not None and slot.urgent == urgent and is_same(slot.wanted, picture):
                return  # nothing to wake up for
            slot.wanted, slot.urgent = picture, urgent
            self._news.notify_all()

    def latest(self, view: str) -> Drawn | None:
        """The newest picture of a view, without waiting; None before the first."""
        return self._latest.get(view)

    def wait_for(self, view: str, picture: Picture, timeout: float = 60.0) -> Drawn:
        """Draws a picture completely and waits for it, at most `timeout` seconds; not for the thread of the window.

        Raises:
            TimeoutError: it was not drawn in time, or the renderer was closed.
        """
        ends = time.monotonic() + timeout
        with self._news:
            while not self._closing and time.monotonic() < ends:
                drawn = self._latest.get(view)
                if drawn is not None and drawn.complete and is_same(drawn.picture, picture):
                    return drawn
                self.request(view, picture, urgent=True)
                self._news.wait(0.2)
        raise TimeoutError(f"The {view} view was not drawn in time.")

    def close(self) -> None:
        """Ends the thread and waits for its end; may be called twice."""
        with self._news:
            self._closing = True
            self._news.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    # ------------------------------------------------------------------ in the thread

    def _run(self) -> None:
        try:
            studio = Studio()
        except UserError as error:
            self.error = str(error)
            return
        except Exception as error:  # whatever a driver raises, `start` must not wait for ever
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
        """Does one job and one part of an upload, or sleeps for a moment; the upload under way, or None."""
        now = time.monotonic()
        with self._news:
            wanted, seen = self._volume, any(slot.is_fresh(now) for slot in self._slots.values())
            chosen = self._choose(studio, now)
            idle = chosen is None and uploading is None
            behind = not studio.holds(wanted) and wanted is not self._refused and seen
            affords = self._allowance.update(now) > 0 or studio.volume is None
            if idle and not (behind and affords) and not self._closing:
                pausing = any(now < slot.rested_at for slot in self._slots.values())
                self._news.wait(TIMING.poll_moving if pausing else TIMING.poll)
                unseen = [view for view, slot in self._slots.items() if now - slot.asked_at > TIMING.unused_view]
                for view in unseen:
                    del self._slots[view]
                    studio.forget_view(view)
                return None
        failing = _UPLOAD
        try:
            if chosen is not None:
                failing = chosen.view
                self._draw(studio, chosen)
                self._clear_problem(failing)
            if uploading is not None or (behind and affords):
                failing = _UPLOAD
                uploading = self._upload(studio, uploading, wanted)
                if uploading is None:
                    self._clear_problem(failing)
                    self._clear_problem(_DETAIL)
                    if studio.problem is not None:
                        self._problems[_DETAIL] = self.error = studio.problem
        except Exception as error:  # a view that cannot be drawn must not take the others with it
            log.exception("drawing failed")
            self._fail(failing, error)
            uploading = None
        return uploading

    def _choose(self, studio: Studio, now: float) -> Job | None:
        """The job of the view that has waited longest; views that move come before those that rest."""
        credit = self._allowance.update(now)
        jobs = [choose_job(view, slot, studio.volume, now, credit) for view, slot in self._slots.items()]
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
            predicted = slot.quality.predict(chosen.effort, slot.pixels)
            bands = 1 if chosen.pressing and not urgent else max(math.ceil(predicted / TIMING.band), 1)
            for _ in studio.march(chosen.view, picture, chosen.effort, bands):
                if not chosen.pressing and self._must_yield(studio):
                    self._allowance.spend(time.monotonic() - begun, time.monotonic())
                    return
            slot.quality.record(chosen.effort, slot.pixels, time.monotonic() - begun)
            slot.marched, slot.effort, slot.volume, slot.marched_at = picture, chosen.effort, volume, begun
        marched = time.monotonic()
        pixels = studio.show(chosen.view, picture)
        slot.quality.reserve(time.monotonic() - marched)
        problem = studio.error()
        if problem is not None:
            raise RuntimeError(f"OpenGL: {problem}")
        seconds = time.monotonic() - begun
        if chosen.pressing:
            slot.rest(seconds, time.monotonic())
        else:
            self._allowance.spend(seconds, time.monotonic())
        slot.shown = picture
        empty = studio.volume is None and self._volume is None
        complete = empty or not shows_volume(picture) or (slot.effort == COMPLETE and slot.volume is studio.volume)
        self._publish(chosen.view, picture, pixels, seconds, complete)

    def _publish(self, view: str, picture: Picture, pixels: Pixels, seconds: float, complete: bool) -> None:
        before = self._latest.get(view)
        with self._news:
            # A new array each time: a panel may still show the one before.
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

    def _must_yield(self, studio: Studio) -> bool:
        """Whether a view moves, or the thread is to end: work that no one waits for stops then."""
        with self._news:
            chosen = self._choose(studio, time.monotonic())
            return self._closing or (chosen is not None and chosen.pressing)

    def _fail(self, failing: str, error: Exception) -> None:
        """Sets `error`, and does not try this picture again until another one is asked for."""
        words = str(error) if isinstance(error, UserError) else f"A 3D view could not be drawn ({error})."
        self._problems[failing] = self.error = words
        slot = self._slots.get(failing)
        if slot is not None:
            slot.refused = slot.wanted
        else:
            self._refused = self._volume

    def _clear_problem(self, failing: str) -> None:
        """Forgets the problem of a view, or of the upload, that works again."""
        if self._problems.pop(failing, None) is not None:
            self.error = next(reversed(self._problems.values()), None)
