"""Photos that are added to a run, as the model of the window takes and draws them."""

from __future__ import annotations

import dataclasses
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from app.model.cameras.frame_note import describe_frame
from app.model.cameras.pictures_of_run import CamerasPictures
from app.model.cameras.segments import make_link_segments, make_trail_segments
from app.model.common.error_colours import REJECTED, SEARCHING, colour_errors, colour_frames
from app.model.frame.frame_words import describe_status
from app.model.plots.curves import make_curves
from app.model.state.adding import Notices, add_photos, can_grow
from app.model.state.runs import list_added_photos
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from app.panels.bars.top_bar import describe_progress, describe_state
from app.panels.frame.panel import describe_errors
from engine.config.settings import Settings
from engine.errors import UserError
from engine.messages import AddFrames, Event, FrameStatus, Snapshot
from engine.scenes.added_frames import add_frames
from engine.scenes.scene import AddedFrames, Scene
from tests.support.runs.registered_scene import FRAMES, forward_facing, snapshot_of, state_of

SIZE = (320, 240)
REGISTERED = FrameStatus.REGISTERED


def larger(scene: Scene, *names: str) -> Scene:
    images = torch.zeros((len(names), *scene.images.shape[1:]), dtype=torch.uint8)
    return add_frames(scene, AddedFrames(names, images, (0,) * len(names), (None,) * len(names)))


def with_added(*statuses: FrameStatus) -> State:
    """A run that two photos were added to, with these statuses, a moment later than its history knows."""
    scene = forward_facing()
    state, _ = state_of(scene)
    run: Any = state.run
    run.scene = larger(scene, "new_1.jpg", "new_2.jpg")
    run.snapshot = snapshot_of(run.scene, 0.5, 4.5, frame_status=(REGISTERED,) * FRAMES + statuses)
    return state


def snapshot(*events: Event, **changes: Any) -> Snapshot:
    return snapshot_of(forward_facing(), 0.5, 1.0, events=(Event(0, 0.0, "stage", "1/4"), *events), **changes)


def test_added_frames_are_drawn_though_the_history_does_not_have_them_yet() -> None:
    picture = CamerasPictures().picture(with_added(FrameStatus.SEARCHING, FrameStatus.REJECTED), SIZE)
    assert picture is not None
    assert len(picture.fitted.poses) == FRAMES + 2
    assert picture.thumbnails is not None
    assert len(picture.thumbnails.pixels) == FRAMES + 2
    assert np.allclose(picture.fitted.colours[FRAMES], SEARCHING)
    assert np.allclose(picture.fitted.colours[FRAMES + 1], REJECTED)
    assert picture.trails is not None
    assert np.isfinite(make_trail_segments(picture.trails, picture.fitted.colours, 1.0)).all()
    assert picture.reference is not None
    ends = (picture.fitted.poses, picture.reference.poses, picture.fitted.colours, picture.reference.colours)
    assert len(make_link_segments(*ends, 1.0)) == FRAMES  # a frame without a reference has no link


def test_an_earlier_moment_has_the_frames_of_then() -> None:
    state = with_added(FrameStatus.SEARCHING, REGISTERED)
    assert state.run is not None
    assert state.run.history is not None
    assert state.run.snapshot is not None
    state.run.history.record(state.run.snapshot)
    pictures = CamerasPictures()
    for seconds in (1.5, 4.2):  # between two rows of before, and between the last of them and the first one after
        state.timeline.seconds = seconds
        picture = pictures.picture(state, SIZE)
        assert picture is not None
        assert picture.reference is not None
        assert len(picture.fitted.poses) == len(picture.reference.poses) == FRAMES
        assert not np.allclose(picture.fitted.colours[-1], SEARCHING)
    state.timeline.seconds = None
    picture = pictures.picture(state, SIZE)
    assert picture is not None
    assert len(picture.fitted.poses) == FRAMES + 2


def test_curves_begin_where_a_frame_was_added_and_count_only_what_is_known() -> None:
    state = with_added(REGISTERED, REGISTERED)
    assert state.run is not None
    assert state.run.history is not None
    assert state.run.snapshot is not None
    before = make_curves(state.run.history.rows, "seconds", False, 0)
    state.run.history.record(state.run.snapshot)
    after = make_curves(state.run.history.rows, "seconds", False, FRAMES)
    assert len(after["rotation frame"].x) == 0
    assert len(after["rotation mean"].x) == len(before["rotation mean"].x) + 1
    assert np.isfinite(after["rotation max"].y).all()


def test_numbers_leave_out_what_is_unknown() -> None:
    state = with_added(FrameStatus.SEARCHING, REGISTERED)
    run = state.run
    assert run is not None
    assert run.snapshot is not None
    assert "nan" not in describe_progress(run.snapshot)
    assert "nan" not in describe_errors(run.snapshot, FRAMES)
    assert describe_errors(run.snapshot, FRAMES).startswith("searching")
    note = describe_frame(run, CamerasPictures().moment(state), FRAMES)
    assert "new_1.jpg" in note
    assert "searching" in note
    assert "nan" not in note


def test_frames_that_are_searched_for_are_told() -> None:
    assert describe_state(snapshot()) == ""
    one = (REGISTERED, FrameStatus.SEARCHING)
    assert describe_state(snapshot(frame_status=one)) == "searching for 1 frame"
    assert describe_state(snapshot(frame_status=(*one, FrameStatus.WAITING))) == "searching for 2 frames"
    waiting = snapshot(frame_status=(REGISTERED, FrameStatus.WAITING))
    assert describe_state(waiting, assisted=False) == "", "nobody searches without assistance"
    rejected = (REGISTERED, REGISTERED, REGISTERED, FrameStatus.REJECTED)
    assert describe_status(rejected, 3) == "rejected"
    assert describe_status(rejected, 2) == ""


def test_colours_of_frames() -> None:
    errors = np.array([0.1, np.nan, 10.0], np.float32)
    colours = colour_frames(errors, 3, (REGISTERED,) * 7 + (FrameStatus.SEARCHING,))
    assert np.allclose(colours[[0, 2]], colour_errors(errors[[0, 2]]))
    assert np.allclose(colours[1], colour_frames(None, 1)[0])


def test_notices_tell_of_what_is_new_only() -> None:
    state, notices = State(runs=[SimpleNamespace(snapshot=None)]), Notices()  # type: ignore[list-item]
    run: Any = state.run

    def told(seen: Snapshot) -> str | None:
        state.notice, run.snapshot = None, seen
        notices.see(state)
        return state.notice

    added, end = Event(5, 1.0, "added", "a.jpg, b.jpg"), Event(9, 2.0, "joined", "2 photos added and found.")
    assert told(snapshot(added)) is None  # a run that is continued
    assert told(snapshot(added, end)) == "2 photos added and found."
    assert told(snapshot(added, end)) is None
    assert told(snapshot(added, end, dataclasses.replace(added, iteration=11))) == (
        "Added a.jpg, b.jpg; searching for their poses."
    )


def test_photos_are_added_to_runs_that_can_take_them() -> None:
    state, sent = state_of(forward_facing())
    state.run.settings = Settings()  # type: ignore[union-attr]
    add_photos(state, [Path("a.jpg"), Path("b.jpg")])
    assert sent == [AddFrames((Path("a.jpg"), Path("b.jpg")))]
    state.run.settings = Settings(method="reference")  # type: ignore[union-attr]
    with pytest.raises(UserError, match="registers"):
        can_grow(state)
    with pytest.raises(UserError, match="Open a scene"):
        can_grow(State())


class GrowingRun:
    """Stands for `engine.run.thread.Run`."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.snapshot = scene, snapshot_of(scene, 0.5)

    def start(self) -> None: ...

    def latest(self) -> Snapshot:
        return self.snapshot

    def history(self) -> None: ...

    def ask(self, _question: object) -> Future:
        return Future()


def test_scene_and_snapshot_always_belong_together() -> None:
    small = forward_facing()
    large, largest = larger(small, "new_1.jpg"), larger(small, "new_1.jpg", "new_2.jpg")
    engine = GrowingRun(small)
    opened = SimpleNamespace(run=engine, scene=small, settings=Settings(), options=None)

    @dataclasses.dataclass
    class Opened:
        run: Any
        scene: Any
        settings: Any
        options: Any

    viewed = ViewedRun("row", lambda *_: Opened(**vars(opened)))  # type: ignore[arg-type, return-value]
    viewed._thread.join()

    def frames() -> tuple[int, int]:
        viewed.refresh()
        assert viewed.snapshot is not None
        assert viewed.scene is not None
        return len(viewed.snapshot.poses), len(viewed.scene.training_frames)

    assert frames() == (FRAMES, FRAMES)
    engine.scene = large  # grown, not yet published
    assert frames() == (FRAMES, FRAMES)
    engine.snapshot = snapshot_of(large, 0.5)
    engine.scene = largest  # grown once more since
    assert frames() == (FRAMES, FRAMES)
    engine.snapshot = snapshot_of(largest, 0.5)
    assert frames() == (FRAMES + 2, FRAMES + 2)


def test_copies_of_added_photos_are_there_for_the_next_run(tmp_path: Path) -> None:
    scene = forward_facing()
    assert list_added_photos(scene) == ()
    assert list_added_photos(larger(scene, "new.jpg")) == ()
    images = torch.zeros((1, *scene.images.shape[1:]), dtype=torch.uint8)
    kept = AddedFrames(("new.jpg",), images, (0,), (tmp_path / "new.jpg",))
    assert list_added_photos(add_frames(scene, kept)) == (tmp_path / "new.jpg",)
