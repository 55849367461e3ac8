"""Progress of reading a scene: own messages, and the events of COLMAP's pipeline where it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

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


@dataclass(frozen=True)
class PhotosRead:
    """Photos have been read; the numbers of photos in later events are indices into them.

    It comes again when some of them are left out or turned.

    Attributes:
        names: of the photos.
        images: RGB, upright, at the scene's resolution, of different sizes where the photos are; not written to
            afterwards.
    """

    names: tuple[str, ...]
    images: Sequence[UInt8[np.ndarray, "height width 3"]]


ReadingEvent = ReadingProgress | PhotosRead | SfmEvent
ProgressListener = Callable[[ReadingEvent], None]


def ignore_progress(_: ReadingEvent) -> None:
    """A listener that does nothing."""
