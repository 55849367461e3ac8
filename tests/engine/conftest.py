"""Fixtures of the engine's tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

import engine  # before torch: it tells OpenMP not to spin, which matters most on a busy machine
from tests.support.runs.short_video import shorten_video

__all__ = ["engine"]


@pytest.fixture
def short_video() -> Iterator[None]:
    with shorten_video():
        yield


@pytest.fixture(autouse=True)
def no_run_is_left_behind() -> Iterator[None]:
    """Fails a test that leaves the thread of a run alive."""
    yield
    end = time.monotonic() + 5
    while left := [thread.name for thread in threading.enumerate() if thread.name == "l2g run"]:
        if time.monotonic() > end:
            pytest.fail(f"threads left behind: {left}")
        time.sleep(0.01)
