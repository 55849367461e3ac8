"""Ctrl-C before a command has begun to work, and while a library makes another error of it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

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
