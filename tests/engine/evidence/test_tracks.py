"""Tracks keep their observations together when frames are left out."""

from __future__ import annotations

import torch

from engine.evidence.tracks import Tracks

TRACKS = Tracks(
    frame=torch.tensor([0, 1, 2, 1, 3, 0, 3]),
    track=torch.tensor([0, 0, 0, 1, 1, 2, 2]),
    pixels=torch.arange(14.0).view(7, 2),
    points=torch.arange(9.0).view(3, 3),
)


def test_frames_are_numbered_anew_and_short_tracks_are_left_out() -> None:
    kept = TRACKS.select_frames([3, 1, 2])
    assert kept.frame.tolist() == [1, 2, 1, 0]
    assert kept.track.tolist() == [0, 0, 1, 1]
    assert kept.pixels[:, 0].tolist() == [2.0, 4.0, 6.0, 8.0]
    assert torch.equal(kept.points, TRACKS.points[:2])


def test_all_frames_kept_changes_nothing() -> None:
    kept = TRACKS.select_frames([0, 1, 2, 3])
    assert torch.equal(kept.frame, TRACKS.frame)
    assert torch.equal(kept.pixels, TRACKS.pixels)


def test_no_frames_leave_no_tracks() -> None:
    assert TRACKS.select_frames([]).count == 0
