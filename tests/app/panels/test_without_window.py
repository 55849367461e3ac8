"""The tests of `without_window`, in a process of their own: Dear PyGui allows one context per process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_panels_without_a_window() -> None:
    file = Path(__file__).parents[2] / "support" / "window" / "without_window.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
