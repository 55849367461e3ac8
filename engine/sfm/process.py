"""COLMAP's pipeline beside a window: in a process of its own, because pycolmap holds the interpreter while it maps.

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
from typing import TYPE_CHECKING, Literal

from engine.errors import UserError
from engine.sfm.events import Finished, SfmEvent
from engine.system.files import explain_write_failure

if TYPE_CHECKING:
    from engine.sfm.pipeline import SfmOptions

SfmProcessStatus = Literal["waiting", "running", "finished", "failed", "stopped"]
Pipeline = Callable[[Path, tuple[str, ...], Path, "SfmOptions | None"], Iterator[SfmEvent]]


def run_colmap(folder: Path, names: tuple[str, ...], output: Path, options: SfmOptions | None) -> Iterator[SfmEvent]:
    """`run_sfm`, which is imported by who runs it: to listen takes none of it."""
    from engine.sfm.pipeline import SfmOptions, run_sfm

    return run_sfm(folder, names, output, options or SfmOptions())


LESS_URGENT = 5  # steps of niceness: training and the window come first
LOOK_EVERY = 0.05  # seconds between two looks at whether it shall stop
PATIENCE = 5.0  # seconds that the process has for its end


class SfmProcess:
    """One run of the pipeline; a thread takes what its process tells.

    Attributes:
        output: its folder; gone again where the pipeline did not come to its end.
    """

    def __init__(
        self,
        folder: Path,
        names: tuple[str, ...],
        output: Path,
        options: SfmOptions | None = None,
        *,
        prepare: Callable[[], None] | None = None,
        pipeline: Pipeline = run_colmap,
    ) -> None:
        """Nothing happens before `start`.

        Args:
            folder, names, options: as for `run_sfm`.
            output: a folder that does not exist yet.
            prepare: called in the thread before anything else, when the output folder is there.
            pipeline: in place of `run_sfm`; a function of a module.
        """
        self.output = output
        self._events: queue.SimpleQueue[SfmEvent] = queue.SimpleQueue()
        self._status: SfmProcessStatus = "waiting"
        self._message = ""
        self._begun = False  # whether the folder is ours
        self._prepare = prepare
        self._stopping = threading.Event()
        # a process that is forked from one with threads may hang, and torch has threads
        context = multiprocessing.get_context("spawn")
        self._pipe, self._far_end = context.Pipe(duplex=False)
        task = (self._far_end, pipeline, folder, names, output, options)
        self._process = context.Process(target=_work, args=task, name="l2g sfm", daemon=True)
        self._thread = threading.Thread(target=self._listen, name="l2g sfm", daemon=True)

    def start(self) -> None:
        """Starts the process, from the thread: it takes a while."""
        self._status = "running"
        self._thread.start()

    @property
    def status(self) -> SfmProcessStatus:
        """How it stands; where it has ended, no news come any more beyond those that are waiting."""
        return self._status

    @property
    def message(self) -> str:
        """Why it failed, in a sentence."""
        return self._message

    def take_events(self, most: int | None = None) -> list[SfmEvent]:
        """What has happened since this was asked last, in order, at once; `most` at a time."""
        found: list[SfmEvent] = []
        with contextlib.suppress(queue.Empty):
            while most is None or len(found) < most:
                found.append(self._events.get_nowait())
        return found

    def stop(self) -> None:
        """Has it end, soon and without a result; what has ended is not changed any more."""
        self._stopping.set()

    def join(self, timeout: float | None = None) -> bool:
        """Waits for its end; whether it has come."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # ------------------------------------------------------------------ in the thread

    def _listen(self) -> None:
        try:
            self.output.mkdir(parents=True)
            self._begun = True
            if self._prepare is not None:
                self._prepare()
            self._process.start()
            self._far_end.close()  # so that the end of the process is the end of the pipe
            self._take()
        except OSError as error:
            self._end("failed", explain_write_failure(self.output, error))
        finally:
            self._close()

    def _take(self) -> None:
        while self._status == "running":
            if self._stopping.is_set():
                self._end("stopped")
                return
            if not self._pipe.poll(LOOK_EVERY):
                continue
            try:
                told = self._pipe.recv()
            except EOFError:
                self._process.join()
                code = self._process.exitcode
                self._end("failed", f"COLMAP's pipeline ended unexpectedly (exit code {code}).")
                return
            if isinstance(told, str):
                self._end("failed", told)
                return
            self._events.put(told)
            if isinstance(told, Finished):
                self._end("finished")

    def _end(self, status: SfmProcessStatus, message: str = "") -> None:
        self._message = message
        self._status = status

    def _close(self) -> None:
        if self._process.pid is not None:
            if self._status != "finished":
                self._process.terminate()
            self._process.join(PATIENCE)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        self._pipe.close()
        if self._begun and self._status != "finished":
            shutil.rmtree(self.output, ignore_errors=True)


def _work(
    pipe: Connection,
    pipeline: Pipeline,
    folder: Path,
    names: tuple[str, ...],
    output: Path,
    options: SfmOptions | None,
) -> None:
    """The process: every event into the pipe; a sentence where it fails."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us, and ends us too
    if hasattr(os, "nice"):
        os.nice(LESS_URGENT)
    with contextlib.suppress(BrokenPipeError):  # nobody listens any more
        try:
            for event in pipeline(folder, names, output, options):
                pipe.send(event)
        except UserError as error:
            pipe.send(str(error))
        except BrokenPipeError:
            raise
        except OSError as error:
            pipe.send(explain_write_failure(output, error))
        except Exception as error:  # whatever COLMAP comes up with, the window must be able to say it
            pipe.send(f"COLMAP's pipeline failed ({type(error).__name__}: {error}).")
