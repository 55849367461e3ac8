"""A run in its background thread: commands go in, snapshots come out. No other file knows that there are threads.

run = Run(scene, settings, output=Path("runs/fern"))
run.start()
run.send(SetLambda(3.0))
snapshot = run.latest()  # at any time, never waits
run.stop()
run.join()
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import torch

from engine.config.settings import Settings
from engine.messages import Command, Snapshot, Stop
from engine.run.checkpoint import Checkpoint
from engine.run.checkpoint_writer import CheckpointWriter
from engine.run.history import History
from engine.run.match_queue import MatchQueue
from engine.run.photo_queue import PhotoQueue
from engine.run.session import Session, TrainerFactory
from engine.run.snapshots import starting_snapshot
from engine.run.turns import Seat, Standing
from engine.scenes import AnyScene, SceneOptions
from engine.system.folder_claim import FolderClaim
from engine.training.kinds import make_trainer

Answer = TypeVar("Answer")
Question = tuple[Callable[[Session], object], Future]

HISTORY_PERIOD = 0.5  # seconds
TURN_WAIT = 0.01  # seconds for a turn in a race; commands wait as long


class Run:
    """A session that lives in a thread of its own, from `start` to the end of the thread after `stop`.

    The thread outlives the schedule and failures: it waits for commands, and trains on when one of them gives it
    something to do.
    """

    def __init__(
        self,
        scene: AnyScene,
        settings: Settings,
        device: torch.device | str = "cpu",
        output: Path | None = None,
        *,
        resume: Checkpoint | None = None,
        options: SceneOptions | None = None,
        keep_going: bool = False,
        max_seconds: float | None = None,
        match: bool = False,
        publish_period: float = 1 / 20,
        checkpoint_period: float | None = 60.0,
        seat: Seat | None = None,
        claim: FolderClaim | None = None,
        make_trainer: TrainerFactory = make_trainer,
    ) -> None:
        """Nothing happens before `start`.

        Args:
            scene, settings, device: of the run.
            output: folder for checkpoints, or None.
            resume: where to go on.
            options: how the scene was read, kept in checkpoints.
            keep_going: train on after the end of the schedule.
            max_seconds: the schedule is planned to end when the run's clock shows so many; it is not stopped there.
            match: match the frames of a scene without matches in the background.
            publish_period: seconds between snapshots, at least; more where they take long.
            checkpoint_period: seconds between checkpoints, or None for only one at the end.
            seat: among runs that train in turns; the clock stands while others do. None for a run that trains alone.
            claim: of `output`; it is kept as long as the run.
            make_trainer: in place of `engine.training.kinds.make_trainer`.
        """
        self._seat, self._claim = seat, claim
        self._background = ThreadPoolExecutor(1, thread_name_prefix="l2g checkpoint")
        writer = CheckpointWriter(output, checkpoint_period, options, self._background.submit)
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="l2g photos")  # beside a checkpoint being written
        photo_queue = PhotoQueue(self._reading.submit)
        self._matching = ThreadPoolExecutor(1, thread_name_prefix="l2g matches")
        queues = photo_queue, MatchQueue(match, self._matching.submit)
        self._session = Session(
            scene,
            settings,
            device,
            writer,
            *queues,
            keep_going=keep_going,
            max_seconds=max_seconds,
            make_trainer=make_trainer,
        )
        self._resume = resume
        self._publish_period = publish_period
        self._published_at = 0.0
        self._queue: queue.SimpleQueue[Command | Question] = queue.SimpleQueue()
        # Snapshots are handed over by assigning one reference, which is atomic in Python: no lock.
        self._latest: Snapshot | None = None
        self._wanted = True
        self._unconfirmed = False  # whether a command was applied that no snapshot shows yet
        self._history, self._copied_at = History(), -math.inf
        self._resting = threading.Event()  # set while there is nothing to do and the queue is empty, or it has ended
        self._ended = False
        self._queue_lock = threading.Lock()  # `_resting` and the queue change together
        self._thread = threading.Thread(target=self._run_thread, name="l2g run", daemon=True)

    @property
    def device(self) -> str:
        """Where it trains."""
        return self._session.device.type

    @property
    def scene(self) -> AnyScene:
        """What it trains on; frames may be added between two steps, and the next snapshot has them."""
        return self._session.scene

    def start(self) -> None:
        """Starts the thread, which makes the trainer and trains."""
        self._latest = starting_snapshot(self._session.scene, self._session.settings)
        self._thread.start()

    def latest(self) -> Snapshot | None:
        """The newest snapshot, at once (None before `start`); asking for one is what makes the next one due."""
        self._wanted = True
        return self._latest

    def history(self) -> History:
        """Rows and events so far, at once, half a second old at most; the same object again while nothing is new."""
        if time.monotonic() - self._copied_at >= HISTORY_PERIOD:
            # The run's thread only ever appends to the lists or replaces them: copying one, which is atomic in
            # Python, needs no lock.
            history = self._session.history.copy()
            self._copied_at = time.monotonic()
            if not history.same(self._history):
                self._history = history
        return self._history

    def send(self, command: Command) -> None:
        """Has a command applied between two steps, after those sent before."""
        self._post(command)

    def ask(self, question: Callable[[Session], Answer]) -> Future[Answer]:
        """Has a function called between two steps, in the run's thread, in turn with the commands.

        Returns:
            its answer to come; cancelled where the run ends before its turn.
        """
        future: Future[Answer] = Future()
        self._post((question, future))
        return future

    def stop(self) -> None:
        """Has the run end after the step under way, with a checkpoint if it has a folder."""
        self.send(Stop())

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until there is nothing to do any more: finished, failed, stopped (or paused); False on timeout."""
        return self._resting.wait(timeout)

    def join(self, timeout: float | None = None) -> Session:
        """Waits for the end of the thread, after `stop`; the session then belongs to the caller.

        Raises:
            TimeoutError: it has not ended.
        """
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise TimeoutError("The run has not ended yet.")
        return self._session

    # ------------------------------------------------------------------ in the thread

    def _run_thread(self) -> None:
        self._guarded(self._begin)
        while not self._session.over:
            self._guarded(self._turn)
        self._leave_seat()
        self._background.shutdown()
        self._reading.shutdown()
        self._matching.shutdown()
        with self._queue_lock:
            self._ended = True
            self._resting.set()
        self._cancel_questions()

    def _begin(self) -> None:
        resume, self._resume = self._resume, None  # its tensors are not kept for the length of the run
        self._session.begin(resume)
        if self._seat is not None:
            self._session.state.clock.stop()
        self._publish()

    def _turn(self) -> None:
        """Takes one entry from the queue if there is one, else makes one step, else sleeps until an entry comes."""
        session = self._session
        if not self._queue.empty() or not session.busy:
            with self._queue_lock:
                if self._queue.empty():
                    self._resting.set()
                    self._leave_seat()
            self._serve(self._queue.get())
        elif self._seat is None or not session.steps_next:
            self._leave_seat()  # what is waited for does not hold the others up
            self._advance()
        elif self._seat.wait(self._standing, TURN_WAIT):
            try:
                self._advance()
            finally:
                session.state.clock.stop()
                self._seat.done(self._standing)

    def _advance(self) -> None:
        """One step, and a snapshot where one is due."""
        session = self._session
        session.advance()
        period = max(self._publish_period, session.state.measuring)
        due = self._wanted and time.monotonic() - self._published_at >= period
        if not session.busy or due or self._begins_something():
            self._publish()

    @property
    def _standing(self) -> Standing:
        trainer = self._session.trainer
        return Standing(0 if trainer is None else trainer.iteration, self._session.seconds)

    def _leave_seat(self) -> None:
        if self._seat is not None:
            self._seat.leave()

    def _begins_something(self) -> bool:
        """Whether something other than optimising comes next that the last snapshot does not say: it may take long."""
        trainer, latest = self._session.trainer, self._latest
        return trainer is not None and latest is not None and not latest.doing and bool(trainer.doing)

    def _serve(self, entry: Command | Question) -> None:
        if isinstance(entry, tuple):
            question, future = entry
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(question(self._session))
                except BaseException as error:  # it belongs to the caller of `ask`
                    future.set_exception(error)
        else:
            self._unconfirmed = True
            self._session.apply(entry)
        # Of many commands at once only the last is confirmed by a snapshot, also where a question follows it.
        if self._unconfirmed and (self._queue.empty() or self._session.over):
            self._publish()

    def _publish(self) -> None:
        self._wanted = self._unconfirmed = False
        self._latest = self._session.snapshot()
        self._published_at = time.monotonic()

    def _guarded(self, act: Callable[[], None]) -> None:
        """Calls `act`; an error becomes the status of the run and a snapshot, and the thread lives on."""
        try:
            act()
        except Exception as error:
            self._session.fail(error)
            self._publish()

    def _post(self, entry: Command | Question) -> None:
        with self._queue_lock:
            if not self._ended:
                self._resting.clear()
            self._queue.put(entry)
        if self._ended:
            self._cancel_questions()

    def _cancel_questions(self) -> None:
        while not self._queue.empty():
            entry = self._queue.get()
            if isinstance(entry, tuple):
                entry[1].cancel()
