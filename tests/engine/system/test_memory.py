"""Memory settings and peak memory of the process."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from engine.system.memory import keep_freed_memory, peak_memory_bytes


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep memory")
def test_freed_memory_is_kept() -> None:
    # In a process of its own, as the setting cannot be undone.
    program = """
import resource
from engine.system.memory import keep_freed_memory
import numpy
assert keep_freed_memory()
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3): numpy.ones(4_000_000)
before = faults()
for _ in range(20): numpy.ones(4_000_000)
print(faults() - before)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1000  # 20 x 32 MB are 156,000 pages of 4 KiB


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() is False


def test_peak_memory_is_counted_in_bytes() -> None:
    peak = peak_memory_bytes()
    if os.name == "nt":
        assert peak is None
    else:
        assert peak is not None
        assert 10e6 < peak < 1e12


def test_openmp_threads_do_not_spin() -> None:
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
