"""The progress of reading a scene in words: photos and videos take seconds, COLMAP's full pipeline minutes."""

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
            return f"features: {done} of {total} photos"
        case sfm.Matching(_, done, total):
            return f"matching: {done} of {total} pairs"
        case sfm.PairVerified(done=done, total=total):
            return f"matches verified: {done} of {total} pairs"
        case sfm.Mapped():
            return f"registered: {len(event.frames)} of {event.total} photos"
    return None
