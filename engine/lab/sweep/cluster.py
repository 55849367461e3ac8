"""Worker processes for a sweep, by Dask: those of this machine, or those of a scheduler elsewhere."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any

import dask.config
import psutil
from dask.system import CPU_COUNT
from distributed import Client, Future, LocalCluster
from distributed.core import CommClosedError
from distributed.scheduler import KilledWorker
from distributed.system import MEMORY_LIMIT
from distributed.utils import silence_logging_cmgr

from engine.errors import UserError
from engine.lab.sweep.runner import WorkerEndedError

GIB = 2**30


@dataclass(frozen=True)
class ClusterLimits:
    """How a machine is divided among worker processes.

    Attributes:
        least_gib: memory that a process should have, GiB: runs of real scenes at the default size have peaks of
            1.8 to 2.4 GB.
        share: of the machine's memory that all processes together may use.
        connect_seconds: how long a scheduler elsewhere has to answer.
        look_seconds: between two looks at the memory of the processes.
        revive_seconds: between two looks at whether all processes are there.
    """

    least_gib: float = 3.0
    share: float = 0.9
    connect_seconds: float = 10.0
    look_seconds: float = 0.2
    revive_seconds: float = 5.0


LIMITS = ClusterLimits()

# What Dask does by default with tasks that are short and with memory that is its own does not suit runs of minutes.
_SETTINGS: dict[str, Any] = {
    "distributed.worker.memory.target": False,  # nothing that Dask holds could be moved to disk
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,  # freed memory may stay with the process: it would rest for ever
    "distributed.worker.memory.terminate": False,  # see `WorkerCare`
    "distributed.scheduler.worker-ttl": None,  # kernels that are being compiled may block a worker for minutes
    "distributed.admin.tick.limit": "1 hour",
    "distributed.comm.timeouts.connect": LIMITS.connect_seconds,
}


@dataclass(frozen=True)
class Division:
    """Of one machine: worker processes, threads of each, and bytes that each may use."""

    processes: int
    threads: int
    memory_bytes: int


def divide_machine(
    processes: int | None = None,
    threads: int | None = None,
    memory_gib: float | None = None,
    *,
    cores: int = CPU_COUNT,
    memory_bytes: int = MEMORY_LIMIT,
    gpu: bool = False,
) -> Division:
    """What was asked for, completed: as many processes as there are cores, while each has enough memory.

    One run per core trains more in the same time than one run on all cores. On a GPU, which runs would have to share,
    there is one process.

    Args:
        processes, threads, memory_gib: None where nothing was asked for.
        cores, memory_bytes: of the machine (of the container, where that has limits).
        gpu: whether runs train on one.
    Raises:
        UserError: a number makes no sense.
    """
    for name, value, least in (("processes", processes, 1), ("threads", threads, 1), ("memory", memory_gib, 1)):
        if value is not None and not value >= least:
            raise UserError(f"--{name} is {value}; give {least} or more.")
    usable = LIMITS.share * memory_bytes
    if processes is None:
        by_memory = int(usable // ((memory_gib or LIMITS.least_gib) * GIB))
        processes = 1 if gpu else max(1, min(max(1, cores // (threads or 1)), by_memory))
    if memory_gib is not None and processes * memory_gib * GIB > memory_bytes:
        raise UserError(
            f"{processes} processes of {memory_gib:g} GiB are more than the {memory_bytes / GIB:.1f} GiB of this "
            "machine; give less --memory or fewer --processes."
        )
    memory = memory_gib * GIB if memory_gib is not None else usable / processes
    return Division(processes, threads or max(1, cores // processes), int(memory))


class DaskPool:
    """Workers of a Dask cluster: a `Pool`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._name = f"l2g-run-{uuid.uuid4().hex}"
        self._submitted = 0

    @property
    def workers(self) -> int:
        """How many runs are trained at a time, as far as is known now; at least 1."""
        with contextlib.suppress(OSError, TimeoutError):  # a scheduler that does not answer now
            return max(1, sum(self._client.nthreads().values()))
        return 1

    def submit(self, place: int, act: Callable[..., Any], /, *arguments: Any) -> DaskFuture:
        """See `Pool`."""
        self._submitted += 1
        key = (self._name, self._submitted)
        return DaskFuture(self._client.submit(act, *arguments, key=key, priority=-place, pure=False, retries=0))


class DaskFuture:
    """A future whose exceptions are those that the runner knows."""

    def __init__(self, future: Future) -> None:
        self._future = future

    def result(self) -> Any:
        try:
            return self._future.result()
        except KilledWorker as error:
            raise WorkerEndedError from error
        except (CommClosedError, TimeoutError) as error:
            raise CancelledError from error

    def add_done_callback(self, act: Callable[[DaskFuture], object], /) -> None:
        self._future.add_done_callback(lambda _: act(self))


class WorkerCare:
    """A context in whose thread worker processes that use too much memory are killed, and missing ones replaced.

    Dask's own limit asks a process to end by SIGTERM first. A worker that has begun to end in that way tells its nanny
    so, which then does not start another one in its place.
    """

    def __init__(self, cluster: LocalCluster, division: Division) -> None:
        self._cluster, self._division = cluster, division
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="l2g workers", daemon=True)

    def __enter__(self) -> WorkerCare:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        revived = time.monotonic()
        while not self._over.wait(LIMITS.look_seconds):
            for nanny in list(self._cluster.workers.values()):
                kill_if_larger(nanny.pid, self._division.memory_bytes)
            if time.monotonic() - revived >= LIMITS.revive_seconds:
                revived = time.monotonic()
                if len(self._cluster.workers) < self._division.processes:
                    self._cluster.scale(self._division.processes)


def kill_if_larger(process: int | None, memory_bytes: int) -> bool:
    """Kills a process whose resident memory is larger than that; whether it was. One that has ended is none."""
    with contextlib.suppress(psutil.Error):
        if process is not None and psutil.Process(process).memory_info().rss > memory_bytes:
            psutil.Process(process).kill()
            return True
    return False


@contextlib.contextmanager
def open_local_pool(division: Division) -> Iterator[DaskPool]:
    """Worker processes on this machine; they end with the block."""
    threads = str(division.threads)
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(_SETTINGS))
        cluster = stack.enter_context(
            LocalCluster(
                n_workers=division.processes,
                threads_per_worker=1,  # runs at a time
                processes=True,
                memory_limit=0,  # see `WorkerCare`
                env=dict.fromkeys(names, threads),
                preload=["engine.lab.sweep.worker_signals"],
                host="127.0.0.1",
                dashboard_address=None,
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # its server of state: any port that is free
                silence_logs=logging.CRITICAL,
            )
        )
        client = stack.enter_context(Client(cluster))
        stack.enter_context(WorkerCare(cluster, division))
        yield DaskPool(client)


@contextlib.contextmanager
def open_pool_of(scheduler: str, timeout: float = LIMITS.connect_seconds) -> Iterator[DaskPool]:
    """The workers of a Dask scheduler that runs already; they go on after the block.

    Args:
        scheduler: its address.
        timeout: how long it has to answer, seconds.
    Raises:
        UserError: it does not answer.
    """
    with dask.config.set(_SETTINGS), silence_logging_cmgr(logging.CRITICAL), contextlib.ExitStack() as stack:
        try:
            client = stack.enter_context(Client(scheduler, timeout=timeout))
        except (OSError, TimeoutError, ValueError) as error:
            raise UserError(
                f"No Dask scheduler answers at {scheduler} ({error}); give its address, such as tcp://host:8786."
            ) from error
        yield DaskPool(client)
