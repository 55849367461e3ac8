"""Importing pycolmap leaves the handler of SIGTERM, which saves the run, in place."""

import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, threading, time
from engine.sfm.pycolmap_import import load_pycolmap
from engine.system.interruption import Interruption
with Interruption() as interruption:
    thread = threading.Thread(target=load_pycolmap)
    thread.start()
    thread.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.05)
    print("saved", interruption.signal)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_the_first_sigterm_is_only_noted() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert "saved 15" in ended.stdout, ended.stderr
    assert "stack trace" not in ended.stderr
