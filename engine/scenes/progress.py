"""Progress of reading a scene: own messages, and the events of COLMAP's pipeline where it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.sfm.events import SfmEvent


@dataclass(frozen=True)
class ReadingProgress:
    """Progress of one step of reading a scene.

    Attributes:
        what: the step in a few words, such as `reading the photos`.
        done, total: number of photos, frames or pairs that are done, and of all.
    """

    what: str
    done: int
    total: int


ProgressListener = Callable[[ReadingProgress | SfmEvent], None]


def ignore_progress(_: ReadingProgress | SfmEvent) -> None:
    """A listener that does nothing."""
