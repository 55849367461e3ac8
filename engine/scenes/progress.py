"""What a reader says while it works: progress, and the events of COLMAP's pipeline where it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.sfm.events import SfmEvent


@dataclass(frozen=True)
class ReadingProgress:
    """A part of reading a scene that takes long.

    Attributes:
        what: in a few words, such as `reading the video`.
        done, total: in whatever it counts.
    """

    what: str
    done: int
    total: int


ProgressListener = Callable[[ReadingProgress | SfmEvent], None]


def ignore_progress(_: ReadingProgress | SfmEvent) -> None:
    """For those who want to hear nothing."""
