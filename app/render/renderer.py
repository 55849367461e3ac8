"""The render thread: draws the newest picture that each view has asked for, without making the window wait."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Hashable, Iterator
from typing import NamedTuple

from app.model.common.pictures import Drawn
from app.render.gl.volume_textures import Volumes, choose_most_bytes
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


class Upload(NamedTuple):
    """A volume that is being copied into memory, by its key, and the steps that are left."""

    key: Hashable
    steps: Iterator[None]


class Renderer:
    """Draws views ("cameras", "novel", "frame", ...) in a thread of its own, which owns the OpenGL context.

    Attributes:
        info: renderer and version of OpenGL, once started.
        error: a sentence on the newest thing that goes wrong in the thread; None again once it works.
        takes_device_memory: whether the values of volumes of a GPU's field may stay there; it turns out with the first
            of them.
    """

    def __init__(self, interoperate: bool = True) -> None:
        """Prepares; the thread begins with `start`. `interoperate`: CUDA and OpenGL may share memory if they can."""
        self.info = ""
        self.takes_device_memory = False
        self._interoperate = interoperate
        self.error: str | None = None
        self._slots: dict[str, Slot] = {}
        self._latest: dict[str, Drawn] = {}
        self._volumes: Volumes = {}
        self._news = threading.Condition()
        self._closing = False
        self._ready = threading.Event()
        self._allowance = Allowance()
        self._refused: dict[Hashable, FieldVolume | None] = {}  # could not be uploaded
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
        """Has this one volume drawn from now on, in pictures that name none."""
        self.set_volumes({None: volume})

    def set_volumes(self, volumes: Volumes) -> None:
        """Has these volumes drawn from now on; each is uploaded part by part, while the one before is still shown.

        Args:
            volumes: by the keys that pictures name; the first is the most important one where memory is short.
        """
        with self._news:
            before = self._volumes
            if list(volumes) != list(before) or any(volumes[key] is not before[key] for key in volumes):
                self._volumes = dict(volumes)
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
            studio = Studio(self._interoperate)
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
        uploading: Upload | None = None
        try:
            while not self._closing:
                uploading = self._turn(studio, uploading)
        finally:
            studio.close()

    def _turn(self, studio: Studio, uploading: Upload | None) -> Upload | None:
        """Does one job and one part of an upload, or sleeps for a moment; the upload under way, or None."""
        now = time.monotonic()
        with self._news:
            wanted = self._volumes
        if uploading is not None and wanted.get(uploading.key) is None:
            uploading = None  # which gives back what it has made
        self._forget_volumes(studio, wanted)
        with self._news:
            seen = any(slot.is_fresh(now) for slot in self._slots.values())
            chosen = self._choose(studio, now)
            idle = chosen is None and uploading is None
            behind = [key for key in studio.volumes.list_behind(wanted) if not self._refuses(key, wanted)]
            affords = behind and (self._allowance.update(now) > 0 or studio.volumes.get(behind[0]) is None)
            due = seen and affords
            if idle and not due and not self._closing:
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
            if uploading is not None or due:
                failing = _UPLOAD
                if uploading is None:
                    uploading = _begin_upload(studio, behind[0], wanted)
                if self._upload(studio, uploading):
                    uploading = None
                    self._clear_problem(failing)
                    self._clear_problem(_DETAIL)
                    if studio.problem is not None:
                        self._problems[_DETAIL] = self.error = studio.problem
        except Exception as error:  # a view that cannot be drawn must not take the others with it
            log.exception("drawing failed")
            if failing == _UPLOAD:
                key = uploading.key if uploading is not None else behind[0]
                self._refused[key] = wanted[key]
            self._fail(failing, error)
            uploading = None
        return uploading

    def _choose(self, studio: Studio, now: float) -> Job | None:
        """The job of the view that has waited longest; views that move come before those that rest."""
        credit = self._allowance.update(now)
        jobs = [
            choose_job(view, slot, None if slot.wanted is None else studio.identify(slot.wanted), now, credit)
            for view, slot in self._slots.items()
        ]
        found = [one for one in jobs if one is not None]
        return min(found, key=lambda one: (not one.pressing, self._slots[one.view].drawn_at), default=None)

    def _draw(self, studio: Studio, chosen: Job) -> None:
        slot = self._slots[chosen.view]
        with self._news:
            picture, urgent = slot.wanted, slot.urgent
        assert picture is not None
        begun = time.monotonic()
        volume = studio.identify(picture)
        slot.drawn_at = begun
        if volume is None:
            studio.forget_marched(chosen.view)
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
        empty = volume is None and all(self._volumes.get(key) is None for key in picture.volumes)
        complete = empty or not shows_volume(picture) or (slot.effort == COMPLETE and slot.volume == volume)
        self._publish(chosen.view, picture, pixels, seconds, complete)

    def _publish(self, view: str, picture: Picture, pixels: Pixels, seconds: float, complete: bool) -> None:
        before = self._latest.get(view)
        with self._news:
            # A new array each time: a panel may still show the one before.
            self._latest[view] = Drawn(pixels, picture, seconds, complete, before.serial + 1 if before else 1)
            self._news.notify_all()

    def _upload(self, studio: Studio, uploading: Upload) -> bool:
        """One part of an upload; whether it was the last."""
        begun = time.monotonic()
        done = next(uploading.steps, _DONE) is _DONE
        self.takes_device_memory = studio.takes_device_memory
        self.info = f"{studio.info}, memory shared with CUDA" if self.takes_device_memory else studio.info
        self._allowance.spend(time.monotonic() - begun, time.monotonic())
        return done

    def _forget_volumes(self, studio: Studio, wanted: Volumes) -> None:
        """Gives the memory of volumes back that are not wanted."""
        for key in studio.volumes.list_unwanted(wanted):
            studio.forget_volume(key)
            self._refused.pop(key, None)

    def _refuses(self, key: Hashable, wanted: Volumes) -> bool:
        """Whether a volume could not be uploaded, so that the next one is waited for."""
        return key in self._refused and self._refused[key] is wanted[key]

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

    def _clear_problem(self, failing: str) -> None:
        """Forgets the problem of a view, or of the upload, that works again."""
        if self._problems.pop(failing, None) is not None:
            self.error = next(reversed(self._problems.values()), None)


def _begin_upload(studio: Studio, key: Hashable, wanted: Volumes) -> Upload:
    volume = wanted[key]
    assert volume is not None
    return Upload(key, studio.upload(volume, key, choose_most_bytes(key, wanted)))
