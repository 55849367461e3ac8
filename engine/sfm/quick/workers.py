"""Processes that call pycolmap, because it holds Python's interpreter lock while it works.

with Workers() as workers:
    for task, item in workers.run([(find_features, (image,)) for image in images]):
        ...

A task is a generator function of a module and its arguments; what it yields arrives in the order in which it is
ready. The processes are started as `python -c`, not by `multiprocessing`, which would import the main program again
(or run it, where it is a script without `if __name__ == "__main__"`).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any

from engine.errors import UserError

Task = tuple[Callable[..., Iterator[Any]], tuple[Any, ...]]

MAXIMUM_PROCESSES = 8  # each holds about 100 MB
NICENESS = 5  # added to that of the program, so that its window has priority
START = "from engine.sfm.quick.worker import serve; serve()"


class Workers:
    """Processes that perform tasks until the block is left, which ends them at once."""

    def __init__(self, processes: int | None = None) -> None:
        """Starts the processes and does not wait for them: they import what they need in the meantime.

        Args:
            processes: how many; None takes the cores that this program may use.
        """
        count = processes or min(_count_cores(), MAXIMUM_PROCESSES)
        paths = [path for path in sys.path if path]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), *paths] if "" in sys.path else paths)}
        for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            environment[name] = "1"  # each process has a core of its own
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-c", START], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
            )
            for _ in range(count)
        ]

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __len__(self) -> int:
        return len(self._processes)

    def stop(self) -> None:
        """Ends the processes, also in the middle of a task."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[int, Any]]:
        """Performs tasks, as many at a time as there are processes.

        Args:
            tasks: taken one after another, each when a process is free.
        Yields:
            the number of a task, and an item that it yielded.
        Raises:
            UserError: a task raised it, or a process ended (for example because memory ran out).
            Exception: one that a task raised, or that `tasks` raised.
        """
        waiting = enumerate(tasks)
        lock, found = threading.Lock(), queue.SimpleQueue[tuple[int, Any] | BaseException | None]()

        def take() -> tuple[int, Task] | None:
            with lock:
                return next(waiting, None)

        def work(process: subprocess.Popen[bytes]) -> None:
            try:
                while (task := take()) is not None:
                    for item in _perform(process, *task):
                        found.put(item)
                found.put(None)
            except BaseException as error:  # raised again in the caller's thread
                found.put(error)

        threads = [
            threading.Thread(target=work, args=(process,), name="l2g quick", daemon=True)
            for process in self._processes
        ]
        for thread in threads:
            thread.start()
        for _ in threads:
            while (item := found.get()) is not None:
                if isinstance(item, BaseException):
                    self.stop()
                    raise item
                yield item


def _perform(process: subprocess.Popen[bytes], number: int, task: Task) -> Iterator[tuple[int, Any]]:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        pickle.dump(task, process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
        process.stdin.flush()
        for _ in itertools.count():
            kind, item = pickle.load(process.stdout)
            if kind == "done":
                return
            if kind == "error":
                raise item
            yield number, item
    except (EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
        raise UserError(
            "A process that looks for matches ended unexpectedly; if memory ran out, close other programs or use "
            "fewer photos (--frames)."
        ) from error


def _count_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
