"""What a run keeps of its past."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from engine.config.settings import Settings
from engine.messages import Event, Snapshot
from engine.run.history import History, mean_of, summary
from engine.run.snapshots import starting_snapshot
from tests.support.runs.fake_trainer import tiny_scene


def moment(iteration: int, reference: bool = True) -> Snapshot:
    snapshot = starting_snapshot(tiny_scene(reference=reference), Settings(), "running")
    poses = snapshot.poses + np.float32(iteration)
    return dataclasses.replace(
        snapshot,
        iteration=iteration,
        seconds=iteration * 0.5,
        stage=f"stage {iteration // 10}",
        psnr=20.5,
        poses=poses,
    )


def test_rows_are_due_by_the_clock() -> None:
    history = History(period=0.5)
    assert history.due(0.0)
    history.record(moment(0))
    assert not history.due(0.4)
    assert history.due(0.5)


def test_a_long_history_is_thinned_out_evenly_and_keeps_its_ends() -> None:
    history = History(limit=10, period=0.5)
    for iteration in range(200):
        if history.due(iteration * 0.5):
            history.record(moment(iteration))
    history.record(moment(200))
    iterations = [row.iteration for row in history.rows]
    assert len(iterations) <= 10
    assert (iterations[0], iterations[-1]) == (0, 200)
    steps = np.diff(iterations)
    assert steps[:-1].max() <= 2 * steps[:-1].min()


def test_a_second_row_of_the_same_iteration_takes_its_place() -> None:
    history = History()
    history.record(moment(3))
    history.record(dataclasses.replace(moment(3), psnr=30.0))
    assert [row.psnr for row in history.rows] == [30.0]


def test_events_are_bounded_too() -> None:
    history = History(event_limit=3)
    for iteration in range(5):
        history.note(Event(iteration, 0.0, "kind"))
    assert [event.iteration for event in history.events] == [2, 3, 4]


@pytest.mark.parametrize("reference", [True, False])
@pytest.mark.parametrize("rows", [0, 1, 12])
def test_what_was_saved_comes_back(reference: bool, rows: int) -> None:
    history = History(period=1.5)
    for iteration in range(rows):
        history.record(moment(iteration, reference))
    history.note(Event(3, 1.25, "set-lambda", "10^3"))
    again = History.from_state(*history.state())
    assert again.events == history.events
    assert again.period == 1.5
    assert len(again.rows) == rows
    for row, before in zip(again.rows, history.rows, strict=True):
        for name, value in dataclasses.asdict(before).items():
            np.testing.assert_array_equal(getattr(row, name), value)
        assert type(row.iteration) is int
        assert (row.rotation_error_deg is not None) == reference


def test_saved_poses_are_single_precision() -> None:
    history = History()
    history.record(moment(0))
    tensors, _ = history.state()
    assert tensors["poses"].dtype == torch.float32


def test_summary_of_errors() -> None:
    errors = np.array([1.0, 2.0, 6.0], dtype=np.float32)
    assert summary(errors) == {"mean": 3.0, "median": 2.0, "max": 6.0}
    assert summary(None) == {"mean": None, "median": None, "max": None}


def test_rows_from_before_frames_joined_keep_their_number_of_frames() -> None:
    history = History()
    for iteration, frames in enumerate((5, 5, 7)):
        snapshot = starting_snapshot(tiny_scene(frames), Settings())
        history.record(dataclasses.replace(snapshot, iteration=iteration))
    again = History.from_state(*history.state())
    assert [len(row.poses) for row in again.rows] == [4, 4, 6]
    for row, before in zip(again.rows, history.rows, strict=True):
        np.testing.assert_array_equal(row.poses, before.poses)
        np.testing.assert_array_equal(row.rotation_error_deg, before.rotation_error_deg)


def test_frames_without_a_reference_do_not_count() -> None:
    errors = np.array([1.0, np.nan, 3.0], dtype=np.float32)
    assert summary(errors) == {"mean": 2.0, "median": 2.0, "max": 3.0}
    assert mean_of(errors) == 2.0
    assert np.isnan(mean_of(None))
    assert np.isnan(mean_of(errors[1:2]))


def test_what_the_tracks_say_is_kept_also_where_it_was_measured_late() -> None:
    history = History()
    history.record(moment(0))
    share = np.array([0.9, np.nan, 0.8, 1.0], np.float32)
    known = dataclasses.replace(
        moment(1), reprojection_px=2 * share, track_share=share, match_loss=0.25, mu_exponent=-1.0
    )
    history.record(known)
    again = History.from_state(*history.state())
    assert np.isnan(again.rows[0].reprojection_px).all()  # type: ignore[arg-type]
    assert np.array_equal(again.rows[1].track_share, share, equal_nan=True)  # type: ignore[arg-type]
    assert (again.rows[1].match_loss, again.rows[1].mu_exponent) == (0.25, -1.0)


def test_the_history_of_an_earlier_version_has_no_matches() -> None:
    history = History()
    history.record(moment(0))
    tensors, metadata = history.state()
    tensors["numbers"] = tensors["numbers"][:, :6]
    (row,) = History.from_state(tensors, metadata).rows
    assert (row.psnr, row.lambda_exponent) == (20.5, moment(0).lambda_exponent)
    assert np.isnan(row.match_loss)
    assert row.reprojection_px is None
