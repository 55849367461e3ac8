"""The tests of `without_window`, in processes of their own: Dear PyGui allows one context per process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["without_window.py", "without_window_evidence.py"])
def test_panels_without_a_window(name: str) -> None:
    file = Path(__file__).parents[2] / "support" / "window" / name
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
