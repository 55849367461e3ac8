"""Everything that is known of a run at a moment: what the session advances, commands change and checkpoints keep."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field

import torch

from engine.config.settings import Settings
from engine.errors import UserError
from engine.messages import Event, EventKind, Snapshot, Status
from engine.run.history import History
from engine.run.snapshots import starting_snapshot, take_snapshot
from engine.run.undo import UndoStack
from engine.scenes import AnyScene
from engine.system.devices import finish_work
from engine.system.stopwatch import Stopwatch
from engine.training.trainer import Trainer

MEASURING_SHARE = 0.04  # of the time, at most: measuring the poses of all frames costs about half a step


@dataclass
class RunState:
    """A run, in the hands of one thread.

    Attributes:
        scene, settings, device: of the run; the settings change with `Restart`.
        keep_going: train on after the end of the schedule until told to stop.
        max_seconds: the schedule shall end when the clock shows so many; None for as many steps as it has.
        trainer: None before the run has begun and where making it failed.
        history: from the start of the run, over interruptions.
        undo: perturbations that can be taken back.
        selected_frame: index among the training frames whose warp field snapshots carry, or None.
        paused, single_step: no step follows; or one, and then none.
        beyond_schedule: the user had it go on after the end of the schedule.
        over: `Stop` was given.
        error: what made the run fail, or None.
        message: a sentence that needs the user, or nothing.
        waiting_for: what the run waits for, or has done beside it, in a few words; empty for nothing.
        measuring: seconds between snapshots, so that they take no more than `MEASURING_SHARE` of the time.
        clock: counts making the trainer and training, with what is measured and saved meanwhile, but no pauses.
    """

    scene: AnyScene
    settings: Settings
    device: torch.device
    keep_going: bool = False
    max_seconds: float | None = None
    trainer: Trainer | None = None
    history: History = field(default_factory=History)
    undo: UndoStack = field(default_factory=UndoStack)
    selected_frame: int | None = None
    paused: bool = False
    single_step: bool = False
    beyond_schedule: bool = False
    over: bool = False
    error: Exception | None = None
    message: str = ""
    waiting_for: str = ""
    measuring: float = 0.0
    clock: Stopwatch = field(default_factory=Stopwatch)

    def __post_init__(self) -> None:
        self._events_seen = 0
        self._unchanged = False  # since the last snapshot
        self._last = starting_snapshot(self.scene, self.settings)

    def anew(self, settings: Settings) -> RunState:
        """Of the same scene, begun anew; what the user looks at stays."""
        return RunState(
            self.scene,
            settings,
            self.device,
            self.keep_going,
            self.max_seconds,
            selected_frame=self.selected_frame,
            over=self.over,
            measuring=self.measuring,
        )

    # ------------------------------------------------------------------ where it stands

    @property
    def seconds(self) -> float:
        """On the run's own clock."""
        return self.clock.seconds

    @property
    def done(self) -> bool:
        """Whether the schedule has ended and training shall not go on."""
        going_on = self.keep_going or self.beyond_schedule
        return self.trainer is not None and self.trainer.finished and not going_on

    @property
    def trains(self) -> bool:
        """Whether the next thing to do is a step."""
        alive = self.trainer is not None and not self.over and self.error is None
        return alive and (self.single_step or not self.paused) and not self.done

    @property
    def status(self) -> Status:
        if self.error is not None:
            return "failed"
        if self.trainer is None:
            return "starting"
        if self.done:
            return "finished"
        if self.over:
            return "stopped"
        return "paused" if self.paused and not self.single_step else "running"

    def require_trainer(self) -> Trainer:
        """The trainer.

        Raises:
            UserError: there is none yet.
        """
        if self.trainer is None:
            raise UserError("The run has not begun.")
        return self.trainer

    def check_frame(self, frame: int) -> int:
        """The index of a training frame.

        Raises:
            UserError: there is none of this index.
        """
        frames = len(self.scene.training_frames)
        if not 0 <= frame < frames:
            raise UserError(f"There is no training frame {frame}; there are {frames}, counted from 0.")
        return frame

    def name_of(self, frame: int) -> str:
        """What the scene calls a training frame."""
        return self.scene.names[self.scene.training_frames[frame]]

    # ------------------------------------------------------------------ what is told of it

    def snapshot(self) -> Snapshot:
        """The run as it stands; where it failed, as it last stood."""
        events = tuple(self.history.events)
        if self.trainer is None or self.error is not None:
            return dataclasses.replace(self._last, status=self.status, message=self.message, events=events)
        if not self._unchanged:
            finish_work(self.device)  # which is not measuring
            start = time.monotonic()
            state = (self.status, self.message, self.seconds, self.selected_frame, events)
            snapshot = take_snapshot(self.trainer, *state)
            undoable, redoable = self.undo.undoable, self.undo.redoable
            doing = self.waiting_for or snapshot.doing
            verdict = None if self.waiting_for else snapshot.verdict  # which would say that there are no matches
            self._last = dataclasses.replace(
                snapshot, undoable=undoable, redoable=redoable, doing=doing, verdict=verdict
            )
            self._unchanged, self.measuring = True, (time.monotonic() - start) / MEASURING_SHARE
        return self._last

    def changed(self) -> None:
        """The next snapshot is to be measured anew."""
        self._unchanged = False

    def record(self) -> None:
        """Adds a row to the history."""
        self.history.record(self.snapshot())

    def note(self, kind: EventKind, detail: str = "", frame: int | None = None, gesture: int | None = None) -> None:
        """Adds an event to the history."""
        iteration = self.trainer.iteration if self.trainer else 0
        self.history.note(Event(iteration, self.seconds, kind, detail, frame, gesture))
        self.changed()

    def tell(self, kind: EventKind, sentence: str, *, needs_user: bool = True) -> None:
        """Says something to the user, and keeps it as an event; without a message where all is well."""
        self.take_events()
        self.message = sentence if needs_user else self.message
        self.note(kind, sentence)

    def take_events(self) -> None:
        """Moves what the trainer noted into the history, with the time on the run's clock."""
        if self.trainer is None:
            return
        for event in self.trainer.events[self._events_seen :]:
            self.history.note(dataclasses.replace(event, seconds=self.seconds))
        self._events_seen = len(self.trainer.events)

    def skip_events(self) -> None:
        """Leaves out what the trainer noted of a command or before an interruption: the history has it already."""
        self._events_seen = len(self.trainer.events) if self.trainer else 0
