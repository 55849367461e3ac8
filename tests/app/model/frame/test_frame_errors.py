"""What is said of a frame: against a reference, else by its tracks."""

from __future__ import annotations

import dataclasses

import numpy as np

from app.model.common.error_colours import REPROJECTION_PX, ROTATION_DEG, colour_frames
from app.model.frame.frame_errors import choose_frame_errors, describe_frame_verdict, describe_tracks
from engine.evidence.verdict import FrameVerdict, Verdict
from engine.messages import FrameStatus, Snapshot
from tests.support.runs.history_rows import FRAMES, snapshot

PX = np.array([0.3, 1.0, np.nan, 30.0], np.float32)
ROTATION = np.array([0.1, 1.0, np.nan, 3.0], np.float32)


def with_tracks() -> Snapshot:
    return dataclasses.replace(
        snapshot(3),
        track_count=np.array([143, 1, 0, 2500]),
        track_share=np.array([0.962, 1.0, np.nan, 0.1], np.float32),
        reprojection_px=PX,
    )


def test_a_reference_comes_before_the_tracks() -> None:
    assert choose_frame_errors(ROTATION, PX).scale == ROTATION_DEG  # type: ignore[union-attr]
    found = choose_frame_errors(None, PX)
    assert found is not None
    assert found.scale == REPROJECTION_PX
    assert found.values is PX
    assert choose_frame_errors(np.full(4, np.nan, np.float32), PX) == found
    assert choose_frame_errors(None, None) is None
    assert choose_frame_errors(None, np.full(4, np.nan, np.float32)) is None


def test_frames_are_coloured_on_the_scale_of_their_errors() -> None:
    good, fair, unknown, bad = colour_frames(PX, FRAMES, scale=REPROJECTION_PX)
    assert good[1] > 2 * good[0]
    assert bad[0] > 2 * bad[1]
    assert fair[1] > fair[2]
    assert np.allclose(unknown, colour_frames(None, 1)[0])
    excluded = colour_frames(PX, FRAMES, (FrameStatus.EXCLUDED,), REPROJECTION_PX)[0]
    assert np.ptp(excluded[:3]) < 0.1, "grey"


def test_tracks_are_told_in_few_words() -> None:
    told = with_tracks()
    assert describe_tracks(told, 0) == "143 tracks, 96 % fit, 0.30 px"
    assert describe_tracks(told, 1) == "1 track, 100 % fit, 1.00 px"
    assert describe_tracks(told, 2) == "0 tracks"
    assert describe_tracks(snapshot(3), 0) == ""
    assert describe_tracks(told, 9) == ""  # it was added since


def test_only_what_is_not_registered_needs_words() -> None:
    frames = (
        FrameVerdict("a.jpg", "registered", "its matches fit", 143, 0.96, 0.3),
        FrameVerdict("b.jpg", "doubtful", "few matches", 1, 1.0, 1.0),
    )
    told = dataclasses.replace(with_tracks(), verdict=Verdict("doubtful", "One photo has few matches.", frames))
    assert describe_frame_verdict(told, 0) == ""
    assert describe_frame_verdict(told, 1) == "doubtful: few matches"
    assert describe_frame_verdict(told, 3) == ""
    assert describe_frame_verdict(snapshot(3), 1) == ""
