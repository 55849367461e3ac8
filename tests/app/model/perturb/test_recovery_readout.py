"""The recovery read-out: what a kick did, and when it was over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.model.perturb.recovery_measures import PATCHES
from app.model.perturb.recovery_readout import RecoveryReadout
from engine.messages import Event, EventKind
from tests.support.runs.history_rows import FRAMES, snapshot, standing
from tests.support.runs.planar_runs import planar, shifted


def kick(iteration: int, frame: int | None = 1, kind: EventKind = "perturb-pose", gesture: int | None = None) -> Event:
    """At ten iterations per second."""
    return Event(iteration, iteration / 10, "perturb-all" if frame is None else kind, "5°", frame, gesture)


def follow(
    readout: RecoveryReadout, errors: list[float], events: tuple[Event, ...], first: int, frame: int = 1
) -> None:
    """Snapshots, one per iteration, in which a frame has these rotation errors (translation a hundredth of it)."""
    for step, error in enumerate(errors):
        rotation = [0.5] * FRAMES
        rotation[frame] = error
        known = tuple(event for event in events if event.iteration <= first + step)
        translation = [value / 100 for value in rotation]
        readout.see(snapshot(first + step, rotation=rotation, translation=translation, events=known))


def test_before_kicked_now_and_the_times_of_a_kick() -> None:
    readout = RecoveryReadout()
    events = (kick(10),)
    follow(readout, [0.5, 0.5], events, 8)
    follow(readout, [6.0, 4.0, 2.0, 0.9, 0.7, 0.55, 0.5], events, 10)
    reading = readout.reading(1)
    assert reading is not None
    assert reading.before[0] == pytest.approx(0.5)
    assert reading.kicked[0] == pytest.approx(6.0)
    assert reading.kicked[1] == pytest.approx(0.06)
    assert reading.now[0] == pytest.approx(0.5)
    assert reading.nearly_seconds == pytest.approx(0.3)  # 0.9 is within twice 0.5
    assert reading.recovered_seconds == pytest.approx(0.5)  # 0.55 is within 1.2 times 0.5, 0.7 is not
    assert reading.curves[0].tolist() == pytest.approx([6.0, 4.0, 2.0, 0.9, 0.7, 0.55, 0.5])
    assert reading.seconds[0] == 0.0


def test_both_errors_must_come_back() -> None:
    readout = RecoveryReadout()
    readout.see(snapshot(9, rotation=[0.5] * 4, translation=[0.01] * 4))
    for iteration, shift in ((10, 0.2), (11, 0.2), (12, 0.011)):
        errors = [0.01, shift, 0.01, 0.01]
        readout.see(snapshot(iteration, rotation=[0.5] * 4, translation=errors, events=(kick(10),)))
        reading = readout.reading(1)
        assert reading is not None
        assert (reading.recovered_seconds is None) == (shift == 0.2)


def test_frames_that_were_not_kicked_have_no_reading_and_all_have_one_after_a_kick_of_all() -> None:
    readout = RecoveryReadout()
    follow(readout, [0.5, 6.0], (kick(10),), 9)
    assert [readout.reading(frame) is not None for frame in range(FRAMES)] == [False, True, False, False]
    follow(readout, [0.5, 6.0], (kick(10), kick(31, None)), 30)
    assert all(readout.reading(frame) is not None for frame in range(FRAMES))


def test_after_a_kick_of_all_those_that_have_recovered_are_counted() -> None:
    readout = RecoveryReadout()
    readout.see(snapshot(9, rotation=[0.5] * FRAMES, translation=[0.005] * FRAMES))
    for iteration, rotation in ((10, [6.0] * FRAMES), (11, [0.5, 4.0, 0.5, 6.0]), (12, [3.0, 0.5, 0.5, 6.0])):
        shifts = [value / 100 for value in rotation]
        readout.see(snapshot(iteration, rotation=rotation, translation=shifts, events=(kick(10, None),)))
    reading = readout.reading(3)
    assert reading is not None
    assert (reading.recovered, reading.frames) == (3, FRAMES)
    assert reading.recovered_seconds is None  # this one is still away


def test_a_drag_is_one_kick() -> None:
    readout = RecoveryReadout()
    drag = tuple(kick(10 + step, gesture=7) for step in range(5))
    follow(readout, [0.5, 2.0, 4.0, 6.0, 8.0, 10.0, 3.0], drag, 9)
    reading = readout.reading(1)
    assert reading is not None
    assert reading.before[0] == pytest.approx(0.5)
    assert reading.kicked[0] == pytest.approx(10.0)
    assert reading.seconds[-1] == pytest.approx(0.1)


def test_an_undo_is_noted() -> None:
    readout = RecoveryReadout()
    events = (kick(10), Event(12, 1.2, "undo-perturbation", "b.jpg", 1))
    follow(readout, [0.5, 6.0, 5.0, 0.5, 0.5], events, 9)
    reading = readout.reading(1)
    assert reading is not None
    assert reading.taken_back
    assert reading.recovered_seconds is None  # it was put back, it did not recover


def test_without_a_reference_the_pose_before_the_kick_counts() -> None:
    readout = RecoveryReadout()
    readout.see(snapshot(9))
    for iteration, off in ((10, 1.0), (11, 0.5), (12, 0.1), (13, 0.01)):
        poses = standing()
        poses[1, 0, 3] += off
        readout.see(snapshot(iteration, poses=poses, events=(kick(10),)))
    reading = readout.reading(1)
    assert reading is not None
    assert not reading.has_reference
    assert reading.before[1] == 0.0
    assert reading.kicked[1] == pytest.approx(1.0)
    assert reading.now[1] == pytest.approx(0.01, rel=1e-4)
    assert reading.nearly_seconds == pytest.approx(0.2)
    assert reading.recovered_seconds == pytest.approx(0.3)


def test_kicks_from_before_are_not_followed_and_a_restart_forgets() -> None:
    readout = RecoveryReadout()
    follow(readout, [6.0, 5.0], (kick(10),), 20)  # the run was resumed with an old kick in its history
    assert readout.reading(1) is None
    follow(readout, [6.0], (kick(10), kick(22)), 22)
    assert readout.reading(1) is not None
    readout.see(snapshot(0, rotation=[0.5] * 4, translation=[0.01] * 4))
    assert readout.reading(1) is None


def test_a_long_recovery_keeps_few_moments_and_its_end() -> None:
    readout = RecoveryReadout()
    follow(readout, [0.5, *np.linspace(9, 1, 3000)], (kick(10),), 9)
    reading = readout.reading(1)
    assert reading is not None
    assert len(reading.seconds) <= 400
    assert (np.diff(reading.seconds) > 0).all()
    assert reading.now[0] == pytest.approx(1.0)


def test_a_patch_has_one_error() -> None:
    readout = RecoveryReadout(PATCHES)
    reference = np.stack([shifted(0, 0)] * 4)
    for iteration, off in ((9, 0.2), (10, 24.0), (11, 8.0), (12, 0.35), (13, 0.21)):
        fitted = reference.copy()
        fitted[1] += np.array((off, 0))
        events = (kick(10, kind="perturb-patch"),) if iteration >= 10 else ()
        known = snapshot(iteration, poses=np.empty((0, 3, 4), np.float32), events=events)
        readout.see(replace(known, planar=planar(fitted, reference)))
    reading = readout.reading(1)
    assert reading is not None
    assert reading.curves[0].tolist() == pytest.approx([24.0, 8.0, 0.35, 0.21])
    assert (reading.before[0], reading.kicked[0]) == pytest.approx((0.2, 24.0))
    assert reading.nearly_seconds == pytest.approx(0.2)
    assert reading.recovered_seconds == pytest.approx(0.3)
    assert readout.reading(0) is None
