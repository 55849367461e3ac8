"""A run without its thread: it begins, advances, obeys commands and saves itself."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import cast

import torch

from engine.config.settings import Settings
from engine.errors import UserError
from engine.messages import (
    AddFrames,
    Command,
    CommandKind,
    EventKind,
    Restart,
    SaveCheckpoint,
    Snapshot,
    Status,
    Stop,
)
from engine.run.checkpoint import Checkpoint, check_same_scene, restore
from engine.run.checkpoint_writer import CheckpointWriter
from engine.run.handlers import Handled, handle
from engine.run.history import History
from engine.run.match_queue import MatchQueue
from engine.run.photo_queue import PhotoQueue
from engine.run.state import RunState
from engine.run.undo import UndoStack
from engine.scenes import AnyScene
from engine.system.devices import DeviceMemoryError, describe_device, is_out_of_memory
from engine.system.launch_limit import LaunchLimit
from engine.system.stopwatch import Stopwatch
from engine.training.kinds import make_trainer
from engine.training.trainer import Trainer

TrainerFactory = Callable[[AnyScene, Settings, torch.device], Trainer]

LONGEST_WAIT = 0.02  # seconds for a checkpoint being written or photos being read: commands wait as long

log = logging.getLogger(__name__)


class Session:
    """One run, in the hands of one thread.

    Attributes:
        state: of the run; another one after a restart.
        writer: of its checkpoints.
        photo_queue: photos that shall join, or have joined and are being searched for.
        match_queue: matches of the scene's photos that are still to come.
    """

    def __init__(
        self,
        scene: AnyScene,
        settings: Settings,
        device: torch.device | str = "cpu",
        writer: CheckpointWriter | None = None,
        photo_queue: PhotoQueue | None = None,
        match_queue: MatchQueue | None = None,
        *,
        keep_going: bool = False,
        max_seconds: float | None = None,
        make_trainer: TrainerFactory = make_trainer,
    ) -> None:
        """Nothing happens before `begin`; `keep_going` trains on after the end of the schedule until told to stop.

        The schedule is planned to end after `max_seconds` on the run's clock.
        """
        self.state = RunState(scene, settings, torch.device(device), keep_going, max_seconds)
        self.writer = writer or CheckpointWriter(None, None, None)
        self.photo_queue = photo_queue or PhotoQueue()
        self.match_queue = match_queue or MatchQueue()
        self.make_trainer = make_trainer
        self._launches = LaunchLimit(self.device)

    # ------------------------------------------------------------------ what is known of the run

    @property
    def scene(self) -> AnyScene:
        return self.state.scene

    @property
    def settings(self) -> Settings:
        return self.state.settings

    @property
    def device(self) -> torch.device:
        return self.state.device

    @property
    def trainer(self) -> Trainer | None:
        return self.state.trainer

    @property
    def history(self) -> History:
        return self.state.history

    @property
    def error(self) -> Exception | None:
        return self.state.error

    @property
    def over(self) -> bool:
        return self.state.over

    @property
    def status(self) -> Status:
        return self.state.status

    @property
    def seconds(self) -> float:
        """On the run's own clock."""
        return self.state.seconds

    @property
    def busy(self) -> bool:
        """Whether `advance` has something to do."""
        alive = self.trainer is not None and not self.over and self.error is None
        joining = self.photo_queue.pending or self.match_queue.pending
        return self.writer.writing or (alive and (self.state.trains or joining))

    @property
    def steps_next(self) -> bool:
        """Whether the next `advance` makes a step; else it waits for a file, or for matches."""
        return self.busy and self.state.trains and not self.writer.writing and not self.match_queue.holds(self.state)

    def snapshot(self) -> Snapshot:
        """The run as it stands; where it failed, as it last stood."""
        return self.state.snapshot()

    # ------------------------------------------------------------------ beginning

    def begin(self, checkpoint: Checkpoint | None = None) -> None:
        """Makes the trainer, from a checkpoint or from the start.

        Raises:
            UserError: the checkpoint is of another scene.
        """
        state = self.state
        state.clock = Stopwatch(checkpoint.seconds if checkpoint else 0.0)
        state.clock.start()
        self.writer.begin(self.seconds)
        if checkpoint is None:
            state.trainer = self.make_trainer(self.scene, self.settings, self.device)
            state.take_events()
            state.record()
        else:
            check_same_scene(checkpoint, self.scene, "The checkpoint")
            trainer = self.make_trainer(self.scene, self.settings, self.device)
            restore(trainer, checkpoint, "The run's checkpoint.safetensors")
            state.trainer, state.history = trainer, checkpoint.history
            state.undo = UndoStack.from_state(checkpoint.session.get("perturbations", []))
            state.skip_events()
            state.note("continue")
        self.match_queue.begin(state)
        self._take_matches(0.0)
        self._stop_clock_if_idle()

    def restart(self, settings: Settings | None = None) -> None:
        """Forgets everything and begins anew."""
        self.state = self.state.anew(settings or self.settings)
        self.photo_queue.forget()
        try:
            self.begin()
        except UserError as error:
            self.fail(error)

    # ------------------------------------------------------------------ the loop

    def advance(self) -> None:
        """One step, and what is due after it: a row of the history, a checkpoint.

        While a checkpoint is written there is no step, but a look whether it is done; and a look at photos that are
        being read, or matched, for a run that rests.
        """
        if self.writer.writing:
            self._finish_saving(LONGEST_WAIT)
            self._stop_clock_if_idle()
            return
        if self.photo_queue.take_read(self.state, self.writer, 0.0 if self.state.trains else LONGEST_WAIT):
            self.writer.changed = True
        held = self.match_queue.holds(self.state)
        self._take_matches(0.0 if self.state.trains and not held else LONGEST_WAIT)
        if not self.state.trains or held:
            self._stop_clock_if_idle()
            return
        state = self.state
        trainer = state.require_trainer()
        state.clock.start()
        self.writer.changed = True
        state.changed()
        if state.max_seconds is not None:
            trainer.fit_to_time(state.max_seconds - self.seconds)
        trainer.step()
        self._launches.note_step()
        state.single_step &= trainer.under_way
        state.take_events()
        self.photo_queue.report(state)
        if not state.trains or state.history.due(self.seconds, state.measuring):
            state.record()
        if self.status == "finished" or self.writer.due(self.seconds):
            self.writer.begin_own(state)
            self._finish_saving(0.0)
        self._stop_clock_if_idle()

    def _take_matches(self, timeout: float) -> None:
        """Hands matches to the trainer once they are there, and says meanwhile how far they are."""
        state = self.state
        if self.match_queue.take(state, timeout):
            self.writer.changed = True
        if state.waiting_for != self.match_queue.words:
            state.waiting_for = self.match_queue.words
            state.changed()

    def apply(self, command: Command) -> None:
        """Does what a command asks, or says why not; either leaves an event."""
        asked = cast(CommandKind, re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(command).__name__).lower())
        kind: EventKind = asked
        self.state.message = ""
        self.state.changed()
        self.writer.changed |= not isinstance(command, Stop)
        try:
            handled = self._handle(command)
        except UserError as error:
            self.state.message = str(error)
            kind, handled = "refused", Handled(f"{asked}: {error}")
        self.state.skip_events()
        self.state.note(kind, *handled)
        self._stop_clock_if_idle()

    def _handle(self, command: Command) -> Handled:
        """Commands that begin or end the run, or have to do with files, are done here, the others by `handlers`."""
        match command:
            case AddFrames(paths):
                self.state.require_trainer()
                return Handled(self.photo_queue.request(self.state, paths))
            case SaveCheckpoint(path):
                return Handled(str(self.writer.write(self.state, path)))
            case Stop():
                self.stop()
            case Restart(settings):
                if settings is not None and not isinstance(settings, Settings):
                    raise UserError(f"A run cannot be restarted with {settings!r}; give `Settings`.")
                self.restart(settings)
            case _:
                return handle(self.state, command)
        return Handled()

    # ------------------------------------------------------------------ ending and saving

    def stop(self) -> None:
        """Nothing follows; what was reached is saved."""
        self.state.over = True
        self.photo_queue.close()
        self.match_queue.close()
        if self.trainer is not None and self.error is None:
            self.trainer.discard_half_done()
            self.state.record()
            self.save_own()

    def fail(self, error: Exception) -> None:
        """Takes note of an error inside: no step follows, until `restart`."""
        state = self.state
        if is_out_of_memory(error):
            error = DeviceMemoryError(
                f"The memory of {describe_device(self.device)} is full ({str(error).splitlines()[0]}): close other "
                "programs that use it, or take smaller photos (--downscale) or the CPU (--device cpu)."
            )
        if isinstance(error, DeviceMemoryError) and self.trainer is not None and state.error is None:
            self._save_what_was_reached()
        state.error = error
        if isinstance(error, UserError):
            state.message = str(error)
        else:
            state.message = f"{type(error).__name__}: {error}"
            log.error("The run failed", exc_info=error)
        state.note("failed", state.message)
        self._stop_clock_if_idle()

    def _save_what_was_reached(self) -> None:
        """Writes the run's own checkpoint after a step for which there was no memory: it was left out."""
        assert self.trainer is not None
        try:
            self.trainer.discard_half_done()
            self.state.record()
            self.save_own()
        except RuntimeError as error:  # no memory for that either; what was saved before is still there
            log.warning("What was reached could not be saved: %s", error)

    def save_own(self) -> None:
        """Writes the run's own checkpoint if there is something new; a failure is noted, and training goes on."""
        self._finish_saving()
        self.writer.begin_own(self.state)
        self._finish_saving()

    def _finish_saving(self, timeout: float | None = None) -> None:
        error = self.writer.finish(timeout)
        if error is not None:
            self.state.message = str(error)
            self.state.note("unsaved", self.state.message)

    def _stop_clock_if_idle(self) -> None:
        if not self.busy or self.match_queue.holds(self.state):
            self.state.clock.stop()
