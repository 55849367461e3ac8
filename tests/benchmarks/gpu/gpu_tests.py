"""The tests that are marked `gpu`, each noted as it ends; before, what they need is compiled by several processes.

`python -m tests.benchmarks.gpu.gpu_tests 0`: the first part of what is compiled. Numba keeps it on disk; for a new
machine it takes minutes, of which the tests would wait one after the other.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.fields.hash import compiled as compiled_encoding
from engine.fields.voxel_grid import compiled
from tests.benchmarks.gpu.context import Context
from tests.benchmarks.gpu.figures import SAID, Figures
from tests.benchmarks.support.command import REPOSITORY
from tests.support import simulated_encoding, simulated_march

ENCODING = "hash"
COMPARED = (  # what needs kernels of its own, so that each process compiles others
    ("dense, open", "dense, closed, directional"),
    ("dense, bent, directional",),
    ("blocks", "averages"),
    ("Adam, dense, directional", "Adam, blocks", "edges"),
    (ENCODING,),
)
WHERE = ("tests/engine", "tests/app")
MARKS = ("pytest.mark.gpu", "cuda_devices()")  # what a file says that has such tests
LONGEST = 60  # seconds of a test


def prepare_kernels(quick: bool) -> int:
    """Compiles the kernels of the CPU, all parts at the same time; returns how many of these came to an end."""
    command = [sys.executable, "-m", "tests.benchmarks.gpu.gpu_tests"]
    numbers = range(1 if quick else len(COMPARED))
    running = [subprocess.Popen([*command, str(number)], cwd=REPOSITORY) for number in numbers]
    return sum(process.wait() == 0 for process in running)


class Noted:
    """A plug-in of pytest that notes each test as it ends."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._states: dict[str, list[str]] = {"passed": [], "failed": [], "skipped": []}
        self._why: dict[str, str] = {}

    def pytest_collectreport(self, report: Any) -> None:
        """Called for each file that is read; one that imports what is not there has no tests."""
        if report.failed:
            self._why[report.nodeid] = str(report.longrepr)[-SAID:]
            self._figures.note(not_read=sorted(self._why), why_failed=self._why)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Called after each of a test's three parts; only the middle one counts where all goes well."""
        if report.when != "call" and report.passed:
            return
        self._states[report.outcome].append(report.nodeid)
        if report.failed:
            self._why[report.nodeid] = str(report.longrepr)[-SAID:]
        counts = {state: len(names) for state, names in self._states.items()}
        self._figures.note(**counts, which_failed=self._states["failed"], why_failed=self._why)


def prepare(context: Context) -> None:
    """Compiles what the tests compare the kernels for CUDA with."""
    context.figures.note(prepared=prepare_kernels(context.quick))


def find_gpu_tests() -> list[Path]:
    """The files that have tests with the mark: only these are imported, which takes seconds, not a minute."""
    files = [file for folder in WHERE for file in sorted((REPOSITORY / folder).rglob("test_*.py"))]
    return [file for file in files if any(mark in file.read_text(encoding="utf-8") for mark in MARKS)]


def run_gpu_tests(figures: Figures, quick: bool) -> int:
    """Runs them in this process; returns 0 if none has failed, and every file could be read."""
    files = [file for file in find_gpu_tests() if not quick or "geometry" in file.parts]
    words = ["-q", "-m", "gpu", "-p", "no:cacheprovider", f"--timeout={LONGEST}", "--durations=10"]
    words.append("--continue-on-collection-errors")
    figures.note(passed=0, failed=0, skipped=0)
    code = int(pytest.main([*words, *map(str, files)], plugins=[Noted(figures)]))
    return 0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else code


def run_tests(context: Context) -> None:
    """All tests that are marked `gpu`; those that failed by name, with the end of what was said of them."""
    code = run_gpu_tests(context.figures, context.quick)
    if code != 0:
        raise SystemExit(code)


def main(number: int) -> None:
    """Compiles one part."""
    passes: dict[str, Any] = simulated_march.PASSES | simulated_march.OTHERS
    for name in COMPARED[number]:
        if name == ENCODING:
            for encode in simulated_encoding.PASSES.values():
                encode(compiled_encoding, torch.device("cpu"))
        else:
            passes[name](compiled)


if __name__ == "__main__":
    main(int(sys.argv[1]))
