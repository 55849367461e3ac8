"""COLMAP's pipeline in a process of its own, because pycolmap holds Python's interpreter lock while it maps.

process = SfmProcess(folder, names, output, SfmOptions())
process.start()
for event in process.take_events():  # at any time, never waits
    ...
process.stop()
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

from engine.errors import UserError
from engine.sfm.events import Finished, SfmEvent
from engine.sfm.options import SfmOptions
from engine.sfm.pipeline import run_sfm
from engine.system.files import explain_write_failure

SfmProcessStatus = Literal["waiting", "running", "finished", "failed", "stopped"]
Pipeline = Callable[[Path, tuple[str, ...], Path, SfmOptions], Iterator[SfmEvent]]

NICENESS = 5  # added to that of the process, so that training and the window have priority
POLL_SECONDS = 0.05  # between two checks of whether `stop` was called
TERMINATION_SECONDS = 5.0  # that the process has to end before it is killed


class SfmProcess:
    """One run of the pipeline in a process; a thread receives its events.

    Attributes:
        output: the output folder; removed if the pipeline does not finish.
    """

    def __init__(
        self,
        folder: Path,
        names: tuple[str, ...],
        output: Path,
        options: SfmOptions | None = None,
        *,
        prepare: Callable[[], None] | None = None,
        pipeline: Pipeline = run_sfm,
    ) -> None:
        """Prepares the run; nothing is started before `start`.

        Args:
            folder, names, options: as for `run_sfm`.
            output: a folder that does not exist yet.
            prepare: called in the thread first, after the output folder was made.
            pipeline: used in place of `run_sfm`; must be picklable (a function of a module).
        """
        self.output = output
        self._events: queue.SimpleQueue[SfmEvent] = queue.SimpleQueue()
        self._status: SfmProcessStatus = "waiting"
        self._message = ""
        self._made_output = False
        self._prepare = prepare
        self._stopping = threading.Event()
        # "spawn", because a process forked from one with threads may hang, and torch has threads
        context = multiprocessing.get_context("spawn")
        self._pipe, self._far_end = context.Pipe(duplex=False)
        task = (self._far_end, pipeline, folder, names, output, options or SfmOptions())
        self._process = context.Process(target=_run_pipeline, args=task, name="l2g sfm", daemon=True)
        self._thread = threading.Thread(target=self._listen, name="l2g sfm", daemon=True)

    def start(self) -> None:
        """Starts the thread, which starts the process (that takes about a second)."""
        self._status = "running"
        self._thread.start()

    @property
    def status(self) -> SfmProcessStatus:
        """The current state; after an end state only events that are already queued remain."""
        return self._status

    @property
    def message(self) -> str:
        """A sentence that says why it failed; empty otherwise."""
        return self._message

    def take_events(self, most: int | None = None) -> list[SfmEvent]:
        """Events since the last call, in order, at most `most` of them; never waits."""
        found: list[SfmEvent] = []
        with contextlib.suppress(queue.Empty):
            while most is None or len(found) < most:
                found.append(self._events.get_nowait())
        return found

    def stop(self) -> None:
        """Requests an early end without a result; no effect after an end state."""
        self._stopping.set()

    def join(self, timeout: float | None = None) -> bool:
        """Waits for the end, at most `timeout` seconds; returns whether it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # ------------------------------------------------------------------ in the thread

    def _listen(self) -> None:
        try:
            self.output.mkdir(parents=True)
            self._made_output = True
            if self._prepare is not None:
                self._prepare()
            self._process.start()
            self._far_end.close()  # so that reading fails with EOFError when the process ends
            self._receive()
        except OSError as error:
            self._end("failed", explain_write_failure(self.output, error))
        finally:
            self._close()

    def _receive(self) -> None:
        while self._status == "running":
            if self._stopping.is_set():
                self._end("stopped")
                return
            if not self._pipe.poll(POLL_SECONDS):
                continue
            try:
                received = self._pipe.recv()
            except EOFError:
                self._process.join()
                code = self._process.exitcode
                self._end("failed", f"COLMAP's pipeline ended unexpectedly (exit code {code}).")
                return
            if isinstance(received, str):
                self._end("failed", received)
                return
            self._events.put(received)
            if isinstance(received, Finished):
                self._end("finished")

    def _end(self, status: SfmProcessStatus, message: str = "") -> None:
        self._message = message
        self._status = status

    def _close(self) -> None:
        if self._process.pid is not None:
            if self._status != "finished":
                self._process.terminate()
            self._process.join(TERMINATION_SECONDS)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        self._pipe.close()
        if self._made_output and self._status != "finished":
            shutil.rmtree(self.output, ignore_errors=True)


def _run_pipeline(
    pipe: Connection,
    pipeline: Pipeline,
    folder: Path,
    names: tuple[str, ...],
    output: Path,
    options: SfmOptions,
) -> None:
    """The main function of the process: sends every event through the pipe, or a sentence if it fails."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process handles Ctrl-C and ends this one
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    with contextlib.suppress(BrokenPipeError):  # the parent process has ended
        try:
            for event in pipeline(folder, names, output, options):
                pipe.send(event)
        except UserError as error:
            pipe.send(str(error))
        except BrokenPipeError:
            raise
        except OSError as error:
            pipe.send(explain_write_failure(output, error))
        except Exception as error:  # the window has to show any failure
            pipe.send(f"COLMAP's pipeline failed ({type(error).__name__}: {error}).")
