"""Poses that are spoiled are taken back; those that become better are not."""

import pytest
import torch

from engine.geometry import se3
from engine.geometry.pose_errors import pose_errors
from engine.geometry.similarity import Similarity
from engine.training.matches.guard import PoseGuard
from tests.support.runs.short_runs import TINY, alike, event_kinds, trainer
from tests.support.strategies import normal
from tests.support.worlds.tracked import cameras, lens, observe

ALL = torch.ones(8, dtype=torch.bool)


@pytest.fixture
def guard() -> PoseGuard:
    """Of cameras that it has seen where they are."""
    poses = cameras("object")
    observations, _ = observe(poses, lens(8), tracks=500, noise=0.4, wrong=0.05)
    made = PoseGuard(observations)
    assert made.check(poses, lens(8), ALL) is None
    return made


def moved(size: float, frames: slice = slice(None)) -> torch.Tensor:
    poses = cameras("object")
    twist = torch.zeros(8, 6, dtype=torch.float64)
    twist[frames] = size * normal(8, 6, seed=4)[frames]
    return se3.compose(se3.exponential(twist), poses)


def test_spoiled_poses_are_taken_back(guard):
    found = guard.check(moved(0.02), lens(8), ALL)
    assert found is not None
    assert found.frames == list(range(8))
    assert pose_errors(found.poses, cameras("object")).rotation_deg.max() < 0.05
    assert "px before" in found.sentence


def test_one_spoiled_pose_is_taken_back_and_the_others_stay(guard):
    spoiled = moved(0.02, slice(2, 3))
    found = guard.check(spoiled, lens(8), ALL)
    assert found is not None
    assert found.frames == [2]
    assert torch.equal(found.poses[3:], spoiled[3:])
    assert pose_errors(found.poses, cameras("object")).rotation_deg.max() < 0.05


def test_another_world_is_no_worse(guard):
    turn = se3.exponential(torch.tensor([0.3, -1.0, 0.5, 0, 0, 0], dtype=torch.float64))[:, :3]
    other = Similarity(torch.tensor(2.5).double(), turn, torch.tensor([3.0, 1.0, -2.0]).double())
    assert guard.check(other.apply_to_poses(cameras("object")), lens(8), ALL) is None


def test_what_chance_explains_stays(guard):
    assert guard.check(moved(0.0003), lens(8), ALL) is None


def test_exact_keypoints_notice_what_inexact_ones_let_pass(guard: PoseGuard) -> None:
    poses = cameras("object")
    observations, _ = observe(poses, lens(8), tracks=500, noise=0.03, wrong=0.05)
    exact = PoseGuard(observations)
    assert exact.check(poses, lens(8), ALL) is None
    slightly = moved(0.001)
    found = exact.check(slightly, lens(8), ALL)
    assert found is not None
    assert pose_errors(found.poses, poses).rotation_deg.max() < pose_errors(slightly, poses).rotation_deg.max() / 5


def test_better_poses_become_those_that_others_are_compared_with():
    poses = cameras("object")
    observations, _ = observe(poses, lens(8), tracks=500, noise=0.4)
    guard = PoseGuard(observations)
    for size in (0.03, 0.01, 0.0):
        assert guard.check(moved(size), lens(8), ALL) is None
    assert guard.check(moved(0.01), lens(8), ALL) is not None


def test_frames_that_are_left_out_are_not_looked_at(guard):
    counted = ALL.clone()
    counted[2] = False
    assert guard.check(moved(0.05, slice(2, 3)), lens(8), counted) is None


def test_after_a_perturbation_nothing_is_remembered(guard):
    guard.forget()
    assert guard.check(moved(0.05), lens(8), ALL) is None


def test_a_run_takes_back_what_spoils_its_poses_and_goes_on():
    from tests.engine.training.matches.test_term_and_start import matched_fern

    made = trainer(TINY, matched_fern())
    while made.iteration < 2:
        made.step()
    made._take_back_what_is_worse()
    good = made.poses()
    spoiled = se3.compose(se3.exponential(0.05 * normal(len(good), 6, seed=1).float()), good)
    made.registration.rebase(torch.arange(len(good)), spoiled)
    assert made._take_back_what_is_worse()
    assert event_kinds(made)[-1] == "taken-back"
    assert pose_errors(made.poses(), good).rotation_deg.max() < 0.1
    other = trainer(TINY, matched_fern())
    other.load_state(*made.state())
    assert alike(made.state()[0], other.state()[0]) == []
