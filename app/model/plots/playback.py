"""The clock of the timeline: replaying a run takes a few seconds, however long it was."""

from __future__ import annotations

from app.model.state.state import Timeline

WHOLE_RUN = 12.0  # seconds that a replay of everything takes, at least at the run's own speed


def advance(timeline: Timeline, passed: float, total: float) -> None:
    """Moves a timeline that plays by `passed` seconds of the wall clock; at the end of the run it is live again."""
    if not timeline.playing:
        return
    seconds = (timeline.seconds or 0.0) + passed * max(total / WHOLE_RUN, 1.0)
    if seconds >= total:
        timeline.seconds, timeline.playing = None, False
    else:
        timeline.seconds = seconds


def play_or_stop(timeline: Timeline) -> None:
    """Plays from where it stands, from the start when it is live; or stops there."""
    if timeline.playing:
        timeline.playing = False
        return
    timeline.seconds = 0.0 if timeline.seconds is None else timeline.seconds
    timeline.playing = True


def go_to(timeline: Timeline, seconds: float, total: float) -> None:
    """Goes to a moment and rests there; the very end is now."""
    timeline.playing = False
    timeline.seconds = None if seconds >= total else max(seconds, 0.0)


def go_live(timeline: Timeline) -> None:
    """Back to now."""
    timeline.seconds, timeline.playing = None, False
