"""Ctrl-C before a command works, and while a library makes another error of it; a package that is missing."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from engine.cli.program import run_command

PROGRAM = """
import time
from engine.cli.program import run_command

def wait():
    print("ready", flush=True)
    time.sleep(60)

{body}

run_command(prepare, "l2g-train")
"""
AT_THE_START = """
def prepare():
    try:
        wait()
    except KeyboardInterrupt:
        raise ImportError("half of a library")
"""
AT_WORK = """
def prepare():
    def work():
        try:
            wait()
        except KeyboardInterrupt as interrupt:
            raise ImportError("half of a library") from interrupt
    return work
"""


@pytest.mark.parametrize("body", [AT_THE_START, AT_WORK])
def test_an_interrupt_ends_a_command_without_a_word(body: str) -> None:
    command = [sys.executable, "-c", PROGRAM.format(body=body)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)
    assert (process.returncode, *said) == (130, "", "")


def test_a_package_that_cannot_be_used_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    def prepare() -> Callable[[], int]:
        raise ImportError("Numba needs NumPy 2.5 or less. Got NumPy 2.6.")

    with pytest.raises(SystemExit) as ended:
        run_command(prepare, "l2g-train")
    assert ended.value.code == 2
    assert "Numba needs NumPy 2.5 or less" in capsys.readouterr().err


def test_a_fault_of_the_program_s_own_imports_is_shown_whole() -> None:
    def prepare() -> Callable[[], int]:
        import engine.no_such_part  # noqa: F401

        return lambda: 0

    with pytest.raises(ModuleNotFoundError):
        run_command(prepare, "l2g-train")
