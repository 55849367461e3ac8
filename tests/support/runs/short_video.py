"""The video of converging cameras, made short for tests that do not look at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def shorten_video() -> Iterator[None]:
    """Videos have 6 pictures in place of some 200, which take two seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.results.convergence_video.MOVING", 4)
        patch.setattr("engine.results.convergence_video.RESTING", 2)
        yield
