"""What is drawn next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.model.common.pictures import NovelPicture
from app.render.scheduling.agenda import Job, Slot, choose_job
from app.render.scheduling.effort import COMPLETE, Effort
from app.render.scheduling.timing import TIMING
from engine.geometry.view_camera import ViewCamera

OLD, NEW = object(), object()  # volumes


def picture(x: float = 0.0, **changes: object) -> NovelPicture:
    pose = np.eye(3, 4, dtype=np.float32)
    pose[0, 3] = x
    return replace(NovelPicture(ViewCamera(pose, (500, 500), (320, 240), (640, 480))), **changes)  # type: ignore[arg-type]


def slot(
    wanted: NovelPicture, drawn: NovelPicture | None = None, effort: Effort = COMPLETE, slow: bool = True
) -> Slot:
    """A view that shows `drawn`, on a machine where a complete picture takes a second or a hundredth."""
    made = Slot(wanted, asked_at=10.0)
    made.quality.record(COMPLETE, made.pixels, 1.0 if slow else 0.01)
    if drawn is not None:
        made.marched = made.shown = drawn
        made.effort, made.volume, made.marched_at = effort, OLD, 9.0
    return made


def due(of: Slot, volume: object = OLD, credit: float = 0.5, now: float = 10.0) -> Job | None:
    return choose_job("novel", of, volume, now, credit)


def test_what_is_shown_already_is_not_drawn() -> None:
    assert due(slot(picture(), picture())) is None


def test_a_view_that_is_not_asked_for_rests() -> None:
    assert due(slot(picture(), picture()), NEW) is not None
    assert due(slot(picture(), picture()), NEW, now=10.0 + TIMING.request + 0.1) is None


def test_a_moving_view_gets_a_quick_picture_whatever_the_credit() -> None:
    found = due(slot(picture(0.01, moving=True), picture()), credit=-1.0)
    assert found is not None
    assert found.pressing
    assert found.effort is not None
    assert found.effort.cost < 0.2


def test_a_moving_view_on_a_fast_machine_gets_a_complete_picture() -> None:
    view = slot(picture(0.01, moving=True), picture(), slow=False)
    found = due(view)
    assert found is not None
    assert found.effort == COMPLETE


def test_a_moving_view_leaves_a_third_of_the_time_to_others() -> None:
    view = slot(picture(0.01, moving=True), picture())
    view.rest(0.06, now=10.0)
    assert due(view, now=10.02) is None
    assert due(view, now=10.03) is not None
    view.urgent = True
    assert due(view, now=10.02) is not None
    view.urgent, view.wanted = False, picture(0.01)
    assert due(view, now=10.02) is not None  # has stopped, and looks


def test_a_new_volume_alone_does_not_redraw_a_moving_view() -> None:
    assert due(slot(picture(moving=True), picture()), NEW) is None


def test_a_view_that_has_stopped_gets_the_complete_picture_even_on_credit() -> None:
    quick = Effort(0.3, 0.5, tint=False)
    assert due(slot(picture(), picture(), quick), credit=-0.9) == Job("novel", COMPLETE)


def test_a_jump_is_shown_quickly_first_and_a_small_step_is_not() -> None:
    jump = due(slot(picture(1.0), picture()))
    assert jump is not None
    assert jump.effort is not None
    assert jump.effort.cost < 0.2
    assert due(slot(picture(0.004), picture())) == Job("novel", COMPLETE)


@pytest.mark.parametrize("wanted", [picture(), picture(0.004)], ids=["volume", "small step"])
def test_what_no_one_waits_for_needs_credit(wanted: NovelPicture) -> None:
    assert due(slot(wanted, picture()), NEW, credit=0.1) == Job("novel", COMPLETE)
    assert due(slot(wanted, picture()), NEW, credit=-0.1) is None


def test_volumes_are_followed_a_few_times_a_second_at_most() -> None:
    view = slot(picture(), picture())
    view.marched_at = 9.9
    assert due(view, NEW) is None
    assert due(view, NEW, now=10.3) == Job("novel", COMPLETE)


def test_another_channel_needs_no_march() -> None:
    assert due(slot(picture(channel="depth"), picture())) == Job("novel", None)


def test_without_a_volume_there_is_nothing_to_march() -> None:
    found = due(Slot(picture(), asked_at=10.0), volume=None)
    assert found == Job("novel", None)


def test_what_could_not_be_drawn_is_not_tried_again_until_it_changes() -> None:
    view = slot(picture(1.0), picture())
    view.refused = view.wanted
    assert due(view) is None
    view.wanted = picture(1.1)
    assert due(view) is not None
