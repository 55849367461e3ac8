"""How a machine is divided, and a sweep on real worker processes, one of which is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import UserError
from engine.lab.sweep.cluster import GIB, Division, divide_machine, kill_if_larger, open_local_pool, open_pool_of
from engine.lab.sweep.runner import prepare_sweep, run_sweep
from tests.support.runs.swept_runs import kill_first_worker, small_sweep


@pytest.mark.parametrize(
    ("asked", "machine", "found"),
    [
        ({}, (16, 128), (16, 1, 7.2)),
        ({}, (16, 16), (4, 4, 3.6)),  # memory is what limits it
        ({}, (2, 2), (1, 2, 1.8)),
        ({"threads": 4}, (16, 128), (4, 4, 28.8)),
        ({"processes": 3}, (16, 128), (3, 5, 38.4)),
        ({"memory_gib": 10.0}, (16, 64), (5, 3, 10.0)),
        ({"gpu": True}, (16, 128), (1, 16, 115.2)),
    ],
)
def test_processes_and_threads_fit_the_machine(asked: dict, machine: tuple, found: tuple) -> None:
    cores, gib = machine
    division = divide_machine(**asked, cores=cores, memory_bytes=gib * GIB)
    assert division == Division(found[0], found[1], pytest.approx(found[2] * GIB, abs=1))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"processes": 0}, "--processes is 0"),
        ({"memory_gib": float("nan")}, "--memory is nan"),
        ({"processes": 4, "memory_gib": 8.0}, "more than the 16.0 GiB"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(asked: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        divide_machine(**asked, cores=4, memory_bytes=16 * GIB)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://x"])
def test_a_scheduler_that_does_not_answer_is_a_sentence(address: str) -> None:
    with pytest.raises(UserError, match="No Dask scheduler answers at"), open_pool_of(address, timeout=0.5):
        pass


def test_a_process_that_needs_too_much_memory_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        assert not kill_if_larger(process.pid, GIB)
        assert process.poll() is None
        assert kill_if_larger(process.pid, 1000)
        assert process.wait(timeout=30) == -signal.SIGKILL
    assert not kill_if_larger(process.pid, 1000)
    assert not kill_if_larger(None, 1000)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX's")
def test_a_killed_worker_costs_its_run_a_retry_and_nothing_else(tmp_path: Path) -> None:
    """Two processes train patches of the cat; the one with the first run is killed in mid-run."""
    sweep = prepare_sweep(tmp_path, small_sweep(methods=("l2g", "barf"), seeds=(0, 1)))
    with open_local_pool(Division(2, 1, 2 * GIB)) as pool:
        assert pool.workers == 2
        rows = run_sweep(sweep, kill_first_worker, pool)
    assert [row.state for row in rows] == ["finished"] * 4
    assert [row.attempts for row in rows] == [2, 1, 1, 1]
    killed = int((tmp_path / "runs" / rows[0].run / "killed").read_text())
    assert killed != os.getpid()
    assert all(row.corner_mean_px is not None for row in rows)
