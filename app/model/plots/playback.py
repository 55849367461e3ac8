"""The clock of the timeline, on which a run of any length is replayed within a few seconds."""

from __future__ import annotations

from app.model.state.state import Timeline

REPLAY_SECONDS = 12.0  # that a replay of a whole run takes, at most; a shorter run is replayed at its own speed


def advance(timeline: Timeline, passed: float, total: float) -> None:
    """Advances a playing timeline after `passed` seconds; at `total`, the end of the run, it is live again."""
    if not timeline.playing:
        return
    seconds = (timeline.seconds or 0.0) + passed * max(total / REPLAY_SECONDS, 1.0)
    if seconds >= total:
        timeline.seconds, timeline.playing = None, False
    else:
        timeline.seconds = seconds


def play_or_stop(timeline: Timeline) -> None:
    """Plays from where the timeline is, from the start if it is live; or stops."""
    if timeline.playing:
        timeline.playing = False
        return
    timeline.seconds = 0.0 if timeline.seconds is None else timeline.seconds
    timeline.playing = True


def go_to(timeline: Timeline, seconds: float, total: float) -> None:
    """Shows the moment at `seconds` of the run; the end of the run is live."""
    timeline.playing = False
    timeline.seconds = None if seconds >= total else max(seconds, 0.0)


def go_live(timeline: Timeline) -> None:
    """Shows the newest moment, and follows the run."""
    timeline.seconds, timeline.playing = None, False
