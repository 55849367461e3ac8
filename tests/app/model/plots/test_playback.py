"""The clock of the timeline."""

from __future__ import annotations

from app.model.plots.playback import REPLAY_SECONDS, advance, go_live, go_to, play_or_stop
from app.model.state.state import Timeline


def test_a_replay_starts_at_the_beginning_and_ends_live() -> None:
    timeline = Timeline()
    play_or_stop(timeline)
    assert (timeline.seconds, timeline.playing) == (0.0, True)
    seen = []
    for _ in range(1000):
        advance(timeline, 1 / 30, 600.0)
        if timeline.live:
            break
        seen.append(timeline.seconds)
    assert timeline.live
    assert not timeline.playing
    assert seen == sorted(seen)
    assert abs(len(seen) / 30 - REPLAY_SECONDS) < 0.2


def test_a_short_run_is_replayed_at_its_own_speed() -> None:
    timeline = Timeline(0.0, True)
    advance(timeline, 0.5, 3.0)
    assert timeline.seconds == 0.5


def test_a_moment_that_was_gone_to_rests_there() -> None:
    timeline = Timeline(playing=True)
    go_to(timeline, 4.0, 10.0)
    advance(timeline, 5.0, 10.0)
    assert (timeline.seconds, timeline.playing) == (4.0, False)
    play_or_stop(timeline)
    advance(timeline, 1.0, 10.0)
    assert timeline.seconds == 5.0
    play_or_stop(timeline)
    assert (timeline.seconds, timeline.playing) == (5.0, False)
    go_to(timeline, 10.0, 10.0)
    assert timeline.live
    go_to(timeline, 1.0, 10.0)
    go_live(timeline)
    assert timeline.live
