"""The progress of reading a scene in words: reading photos and videos takes seconds, COLMAP's pipeline minutes."""

from __future__ import annotations

from engine.scenes.progress import ReadingEvent, ReadingProgress
from engine.sfm import events as sfm

READING = "reading the scene"


def describe_preparation(event: ReadingEvent) -> str | None:
    """The progress that an event tells of; None for other events."""
    match event:
        case ReadingProgress(what, done, total):
            return f"{what}: {done} of {total}"
        case sfm.FeaturesFound(done=done, total=total):
            return f"COLMAP's features: {done} of {total} photos"
        case sfm.Matching(_, done, total):
            return f"COLMAP's matching: {done} of {total} pairs"
        case sfm.PairVerified(done=done, total=total):
            return f"COLMAP's verification: {done} of {total} pairs"
        case sfm.Mapped():
            return f"COLMAP's mapping: {len(event.frames)} of {event.total} photos"
    return None
