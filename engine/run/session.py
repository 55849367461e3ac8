"""A run without its thread: a trainer with its clock, its history and its checkpoint."""

from __future__ import annotations

import dataclasses
import logging
import re
import time
from collections.abc import Callable
from typing import cast

import torch

from engine.config.settings import Settings
from engine.errors import UserError
from engine.messages import Command, Event, EventKind, Snapshot, Status, Stop
from engine.run.added_photos import Arrivals
from engine.run.checkpoint import Checkpoint, check_same_scene, restore
from engine.run.checkpoint_writer import CheckpointWriter
from engine.run.handlers import obey
from engine.run.history import History
from engine.run.perturbations import Perturbation, restored
from engine.run.snapshots import starting_snapshot, take_snapshot
from engine.scenes import AnyScene
from engine.system.stopwatch import Stopwatch
from engine.training.trainers import AnyTrainer, make_trainer

TrainerFactory = Callable[[AnyScene, Settings, torch.device], AnyTrainer]

SHARE = 0.04  # of the time may go into measuring: fitting the poses of all frames costs about as much as half a step

LOOK_EVERY = 0.02  # seconds that a look at a checkpoint being written takes, at most: commands wait as long

log = logging.getLogger(__name__)


class Session:
    """One run, in the hands of one thread.

    Attributes:
        scene, settings, device: of the run; the settings change with `Restart`.
        keep_going: train on after the end of the schedule until told to stop.
        trainer: None before `begin` and where making it failed.
        history: from the start of the run, over interruptions.
        over: `Stop` was given.
        selected_frame: index among the training frames, or None.
        measuring: seconds between snapshots so that they take no more than `SHARE` of the time.
        error: what made the run fail, or None.
        writer: of its checkpoints.
        arrivals: photos that shall join, or have joined and are being looked for.
        undoable: the perturbations that can still be taken back, the last one last.
        redoable: those that were taken back and can be done again.
    """

    def __init__(
        self,
        scene: AnyScene,
        settings: Settings,
        device: torch.device | str = "cpu",
        writer: CheckpointWriter | None = None,
        arrivals: Arrivals | None = None,
        *,
        keep_going: bool = False,
        make_trainer: TrainerFactory = make_trainer,
    ) -> None:
        self.scene, self.settings, self.device = scene, settings, torch.device(device)
        self.writer = writer or CheckpointWriter(None, None, None)
        self.arrivals = arrivals or Arrivals()
        self.keep_going, self.make_trainer = keep_going, make_trainer
        self.over = False
        self.selected_frame: int | None = None
        self.measuring = 0.0
        self._forget()

    def _forget(self) -> None:
        self.trainer: AnyTrainer | None = None
        self.history = History()
        self.undoable, self.redoable = list[Perturbation](), list[Perturbation]()
        self.error: Exception | None = None
        self.paused = self.single_step = False
        self._beyond = False  # whether training goes on after the end of the schedule
        self._clock = Stopwatch()
        self._message = ""
        self._events_seen = 0
        self._fresh = False  # whether nothing has happened since the last snapshot
        self._last = starting_snapshot(self.scene, self.settings)

    @property
    def busy(self) -> bool:
        """Whether `advance` has something to do."""
        return self.writer.writing or (self._alive and (self._trains or self.arrivals.pending))

    @property
    def _alive(self) -> bool:
        return self.trainer is not None and not self.over and self.error is None

    @property
    def _trains(self) -> bool:
        """Whether the next thing to do is a step."""
        return self._alive and (self.single_step or not self.paused) and not self._done

    @property
    def _done(self) -> bool:
        """Whether the schedule has ended and nobody wants more."""
        return self.trainer is not None and self.trainer.finished and not (self.keep_going or self._beyond)

    @property
    def status(self) -> Status:
        if self.error is not None:
            return "failed"
        if self.trainer is None:
            return "starting"
        if self._done:
            return "finished"
        if self.over:
            return "stopped"
        return "paused" if self.paused and not self.single_step else "running"

    @property
    def seconds(self) -> float:
        """Of making the trainer and of training, with what is measured and saved meanwhile; pauses do not count."""
        return self._clock.seconds

    def begin(self, checkpoint: Checkpoint | None = None) -> None:
        """Makes the trainer, from a checkpoint or from the start.

        Raises:
            UserError: the checkpoint is of another scene.
        """
        self._clock = Stopwatch(checkpoint.seconds if checkpoint else 0.0)
        self._clock.start()
        self.writer.begin(self.seconds)
        if checkpoint is None:
            self.trainer = self.make_trainer(self.scene, self.settings, self.device)
            self._take_events()
            self.record()
        else:
            check_same_scene(checkpoint, self.scene, "The checkpoint")
            trainer = self.make_trainer(self.scene, self.settings, self.device)
            restore(trainer, checkpoint, "The run's checkpoint.safetensors")
            self.trainer, self.history = trainer, checkpoint.history
            self.undoable = restored(checkpoint.session.get("perturbations", []))
            self._skip_events()
            self.note("continue")
        self._rest_if_idle()

    def restart(self, settings: Settings | None = None) -> None:
        """Forgets everything and begins anew."""
        self.settings = settings or self.settings
        self._forget()
        self.arrivals.forget()
        try:
            self.begin()
        except UserError as error:
            self.fail(error)

    def advance(self) -> None:
        """One step, and what is due after it: a row of the history, a checkpoint.

        While a checkpoint is written there is no step, but a look whether it is done; and a look at photos that are
        being read for a run that rests.
        """
        if self.writer.writing:
            self._finish_saving(LOOK_EVERY)
            self._rest_if_idle()
            return
        self.arrivals.look(self, 0.0 if self._trains else LOOK_EVERY)
        if not self._trains:
            self._rest_if_idle()
            return
        assert self.trainer is not None
        self._clock.start()
        self.writer.changed, self._fresh = True, False
        self.trainer.step()
        self.single_step &= self.trainer.midway
        self._take_events()
        self.arrivals.follow(self)
        if not self._trains or self.history.due(self.seconds, self.measuring):
            self.record()
        if self.status == "finished" or self.writer.due(self.seconds):
            self.writer.begin_own(self)
            self._finish_saving(0.0)
        self._rest_if_idle()

    def apply(self, command: Command) -> None:
        """Does what a command asks, or says why not; either leaves an event."""
        asked, detail = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(command).__name__).lower(), ""
        kind = cast(EventKind, asked)
        self._message, self._fresh = "", False
        self.writer.changed |= not isinstance(command, Stop)
        try:
            detail = obey(self, command)
        except UserError as error:
            self._message = str(error)
            kind, detail = "refused", f"{asked}: {error}"
        self._skip_events()
        self.note(kind, detail)
        self._rest_if_idle()

    def resume(self) -> None:
        """Goes on; a run that had reached the end of its schedule now trains until it is told to stop."""
        self.paused = False
        if self.trainer is not None and self.trainer.finished:
            self._beyond = True

    def stop(self) -> None:
        """Nothing follows; what was reached is saved."""
        self.over = True
        self.arrivals.close()
        if self.trainer is not None and self.error is None:
            self.record()
            self.save_own()

    def fail(self, error: Exception) -> None:
        """Takes note of an error inside: no step follows, until `restart`."""
        self.error = error
        if isinstance(error, UserError):
            self._message = str(error)
        else:
            self._message = f"{type(error).__name__}: {error}"
            log.error("The run failed", exc_info=error)
        self.note("failed", self._message)
        self._rest_if_idle()

    def snapshot(self) -> Snapshot:
        """The run as it stands; where it failed, as it last stood."""
        events = tuple(self.history.events)
        if self.trainer is None or self.error is not None:
            return dataclasses.replace(self._last, status=self.status, message=self._message, events=events)
        if not self._fresh:
            start = time.monotonic()
            state = (self.status, self._message, self.seconds, self.selected_frame, events)
            snapshot = take_snapshot(self.trainer, *state)
            self._last = dataclasses.replace(snapshot, undoable=len(self.undoable), redoable=len(self.redoable))
            self._fresh, self.measuring = True, (time.monotonic() - start) / SHARE
        return self._last

    def tell(self, kind: EventKind, sentence: str, *, needs_user: bool = True) -> None:
        """Says something to the user, and keeps it as an event; without a message where all is well."""
        self._take_events()
        self._message = sentence if needs_user else self._message
        self.note(kind, sentence)

    def grew(self) -> None:
        """Frames have joined: the history has them from here on."""
        self.writer.changed, self._fresh = True, False
        self._take_events()
        self.record()

    def record(self) -> None:
        """Adds a row to the history."""
        self.history.record(self.snapshot())

    def note(self, kind: EventKind, detail: str = "") -> None:
        """Adds an event to the history."""
        iteration = self.trainer.iteration if self.trainer else 0
        self.history.note(Event(iteration, self.seconds, kind, detail))
        self._fresh = False

    def save_own(self) -> None:
        """Writes the run's own checkpoint if there is something new; a failure is noted, and training goes on."""
        self._finish_saving()
        self.writer.begin_own(self)
        self._finish_saving()

    def _finish_saving(self, timeout: float | None = None) -> None:
        error = self.writer.finish(timeout)
        if error is not None:
            self._message = str(error)
            self.note("unsaved", self._message)

    def _take_events(self) -> None:
        """Moves what the trainer noted into the history, with the time on the run's clock."""
        if self.trainer is None:
            return
        for event in self.trainer.events[self._events_seen :]:
            self.history.note(dataclasses.replace(event, seconds=self.seconds))
        self._events_seen = len(self.trainer.events)

    def _skip_events(self) -> None:
        """Leaves out what the trainer noted of a command or before an interruption: the history has it already."""
        self._events_seen = len(self.trainer.events) if self.trainer else 0

    def _rest_if_idle(self) -> None:
        if not self.busy:
            self._clock.stop()
