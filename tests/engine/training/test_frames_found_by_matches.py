"""Frames of which nobody knows where they stand are registered by their matches, before anything is searched for."""

from __future__ import annotations

from dataclasses import replace

import torch

from engine.geometry import se3
from engine.geometry.pose_errors import pose_errors
from engine.messages import FrameStatus
from tests.engine.training.matches.test_term_and_start import matched_fern
from tests.support.runs.short_runs import TINY, errors, trainer

LOST = 5


def known_fern(**changes: object):
    """The matched fern from its reference poses."""
    scene = matched_fern()
    assert scene.reference_poses is not None
    return replace(scene, initial_poses=scene.reference_poses.clone(), poses_known=True, **changes)


def test_a_frame_that_the_quick_start_did_not_register_begins_where_its_matches_say():
    scene = known_fern()
    lost, neighbour = scene.training_frames[LOST], scene.training_frames[14]
    scene.initial_poses[lost] = scene.initial_poses[neighbour]
    made = trainer(TINY, replace(scene, uncertain_frames=(lost,)))
    assert [event.detail for event in made.events if event.kind == "found"] == [scene.names[lost]]
    assert errors(made).relative_rotation_deg[LOST] < 0.1
    assert made.frame_status()[LOST] is FrameStatus.REGISTERED


def test_without_matches_it_stands_at_its_neighbour():
    scene = known_fern()
    lost, neighbour = scene.training_frames[LOST], scene.training_frames[14]
    scene.initial_poses[lost] = scene.initial_poses[neighbour]
    made = trainer(TINY, replace(scene, uncertain_frames=(lost,)), matches=False)
    assert torch.allclose(made.poses()[LOST], scene.initial_poses[neighbour], atol=1e-4)


def test_a_frame_that_is_brought_back_stands_where_its_matches_say():
    made = trainer(TINY, known_fern())
    made.exclude(LOST, True)
    moved = se3.compose(se3.exponential(torch.tensor([0.1, -0.1, 0.0, 0.2, 0.0, 0.0])), made.poses()[LOST])
    made.registration.rebase(torch.tensor([LOST]), moved[None])
    made.exclude(LOST, False)
    assert made.frame_status()[LOST] is FrameStatus.REGISTERED
    reference = made.scene.reference_poses[made.frames]
    assert pose_errors(made.poses(), reference).relative_rotation_deg[LOST] < 0.1


def test_known_poses_begin_exactly():
    scene = known_fern()
    made = trainer(TINY, scene)
    assert torch.allclose(made.poses(), scene.initial_poses[made.frames], atol=2e-6)


def test_a_run_that_is_stopped_within_an_adjustment_has_the_poses_before_it():
    made = trainer(TINY, known_fern())
    while not made._adjustment.pending:
        made.step()
    before = made.registration.poses()
    while torch.equal(made.poses(), before):
        made.step()
    assert made._adjustment.under_way
    made.discard_half_done()
    assert torch.equal(made.poses(), before)
    assert made._adjustment.pending
