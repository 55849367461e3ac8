"""What the verdict says of right and of wrong cameras, and of photos that show nothing."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import Tensor

from engine.evidence.focal_check import check_focal
from engine.evidence.frame_fit import add_match_facts, count_contradicted, find_connected, measure_fit
from engine.evidence.judgement import RunEvidence, judge
from engine.evidence.track_bundle import TrackBundle, TrackBundleOptions
from engine.evidence.triangulation import Observations
from engine.evidence.verdict import Verdict
from engine.geometry import se3
from engine.geometry.intrinsics import Intrinsics
from tests.support.strategies import normal
from tests.support.worlds.tracked import HEIGHT, WIDTH, as_tracks, cameras, lens, observe

ALL = torch.ones(8, dtype=torch.bool)


def verdict_on(
    observations: Observations | None, poses: Tensor, intrinsics: Intrinsics | None = None, **more: object
) -> Verdict:
    count = len(poses)
    intrinsics = intrinsics or lens(count)
    counted = torch.ones(count, dtype=torch.bool)
    fit = None if observations is None else measure_fit(observations, poses, intrinsics, counted)
    known: dict = {
        "names": [f"{index}.jpg" for index in range(count)],
        "registered": [True] * count,
        "excluded": [False] * count,
        "fit": fit,
        "train_psnr": [25.0] * count,
    }
    if observations is not None:
        known["focal"] = check_focal(observations, poses, intrinsics)
    return judge(RunEvidence(**(known | more)))


@pytest.mark.parametrize("kind", ["forward", "object"])
@pytest.mark.parametrize("wrong", [0.0, 0.15])
def test_right_cameras_are_registered(kind, wrong):
    poses = cameras(kind)
    observations, _ = observe(poses, lens(8), tracks=400, noise=0.5, wrong=wrong)
    verdict = verdict_on(observations, poses)
    assert verdict.state == "registered", verdict.reason
    assert {frame.state for frame in verdict.frames} == {"registered"}
    assert all(frame.reprojection_px < 1.5 for frame in verdict.frames)


@pytest.mark.parametrize("kind", ["forward", "object"])
@pytest.mark.parametrize("how", ["identity", "shuffled", "perturbed"])
def test_wrong_cameras_have_failed(kind, how):
    poses = cameras(kind)
    observations, _ = observe(poses, lens(8), tracks=400, noise=0.5)
    made = {
        "identity": torch.eye(3, 4, dtype=torch.float64).repeat(8, 1, 1),
        "shuffled": poses[torch.tensor([3, 6, 1, 5, 0, 7, 2, 4])],
        "perturbed": se3.compose(se3.exponential(0.1 * normal(8, 6, seed=1)), poses),
    }[how]
    assert verdict_on(observations, made).state == "failed"


def test_one_wrong_camera_is_named_and_the_run_is_doubtful():
    poses = cameras("object")
    observations, _ = observe(poses, lens(8), tracks=400, noise=0.5)
    poses[3] = se3.compose(se3.exponential(torch.tensor([0.3, 0.2, 0, 0.5, 0, 0]).double()), poses[3])
    verdict = verdict_on(observations, poses)
    assert verdict.state == "doubtful"
    assert verdict.frames[3].state == "failed"
    assert [frame.state for frame in verdict.frames].count("registered") == 7


@pytest.mark.parametrize("kind", ["forward", "object"])
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_focal_length_that_is_wrong_by_a_factor_of_two_is_named(kind, factor):
    poses = cameras(kind)
    observations, points = observe(poses, lens(8), tracks=400, noise=0.5)
    intrinsics = lens(8)
    intrinsics.focal.mul_(factor)
    # Cameras that are as right as they can be with it.
    adapted = TrackBundle(observations, intrinsics, poses, points, TrackBundleOptions(least_gain=1e-4))
    for _ in adapted.rounds():
        pass
    verdict = verdict_on(observations, adapted.poses, intrinsics)
    assert verdict.state != "registered"
    if verdict.state == "failed" and verdict.frames[0].state == "registered":
        assert f"focal length {1 / factor:.1f}" in verdict.reason


def test_the_tracks_know_the_focal_length():
    poses = cameras("object")
    observations, _ = observe(poses, lens(8), tracks=300, noise=0.3)
    for factor in (0.9, 1.0, 1.1):
        intrinsics = lens(8)
        intrinsics.focal.mul_(factor)
        found = check_focal(observations, poses, intrinsics)
        assert found is not None
        assert found.ratio == pytest.approx(1 / factor, rel=0.03)
    assert (
        check_focal(observations.select(torch.zeros(len(observations.frame), dtype=torch.bool)), poses, lens(8))
        is None
    )


def test_photos_of_two_places_are_not_registered():
    """Each half agrees with itself; nothing says where it stands to the other."""
    poses = cameras("object", 8)
    one, _ = observe(poses[:4], lens(4), tracks=200, noise=0.5)
    other, _ = observe(poses[4:], lens(4), tracks=150, noise=0.5, seed=1)
    both = Observations(
        torch.cat([one.frame, other.frame + 4]),
        torch.cat([one.track, other.track + one.tracks]),
        torch.cat([one.pixels, other.pixels]),
        one.tracks + other.tracks,
    )
    verdict = verdict_on(both, poses)
    assert verdict.state == "failed"
    assert "share no matches" in verdict.reason


def test_an_object_that_turns_before_a_still_room_is_named():
    poses = cameras("object")
    observations, _ = observe(poses, lens(8), tracks=200, noise=0.3)
    generator = torch.Generator().manual_seed(0)
    room = torch.rand(150, 2, generator=generator, dtype=torch.float64) * torch.tensor([WIDTH, HEIGHT])
    seen = (room[:, None] + 0.3 * torch.randn(150, 8, 2, generator=generator, dtype=torch.float64)).reshape(-1, 2)
    both = Observations(
        torch.cat([observations.frame, torch.arange(8).repeat(150)]),
        torch.cat([observations.track, torch.arange(150).repeat_interleave(8) + observations.tracks]),
        torch.cat([observations.pixels, seen]),
        observations.tracks + 150,
    )
    verdict = verdict_on(both, torch.eye(3, 4, dtype=torch.float64).repeat(8, 1, 1))
    assert verdict.state == "failed"
    assert "stand still" in verdict.reason
    assert "mask" in verdict.reason


@pytest.mark.parametrize(
    ("facts", "state", "word"),
    [
        ({"still_part": 0.2}, "doubtful", "mask what stands still"),
        ({"still_part": 0.5}, "failed", "mask what stands still"),
        ({"repeated": 0.9}, "doubtful", "repeats of the pattern"),
        ({"opposed": 0.3}, "doubtful", "taken for one another"),
        ({"unplaced": True}, "doubtful", "too few to place the photos"),
        ({"still_part": 0.1, "repeated": 0.1, "opposed": 0.05}, "registered", "agree"),
    ],
)
def test_what_matches_tell_beside_the_tracks(facts, state, word):
    poses = cameras("object")
    observations, _ = observe(poses, lens(8), tracks=400, noise=0.5)
    tracks = dataclasses.replace(as_tracks(observations), **facts)
    fit = add_match_facts(measure_fit(observations, poses, lens(8), ALL), tracks)
    verdict = verdict_on(observations, poses, fit=fit)
    assert verdict.state == state
    assert word in verdict.reason


@pytest.mark.parametrize(("fitting", "state"), [(0.9, "doubtful"), (0.99, "registered")])
def test_photos_that_share_no_lens_are_doubtful_unless_one_lens_fits_nearly_all(fitting, state):
    poses = cameras("object")
    observations, _ = observe(poses, lens(8), tracks=400, noise=0.5)
    tracks = dataclasses.replace(as_tracks(observations), uncertain_lenses=True)
    fit = add_match_facts(measure_fit(observations, poses, lens(8), ALL), tracks)._replace(fitting=fitting)
    verdict = verdict_on(observations, poses, fit=fit)
    assert verdict.state == state
    assert ("do not share a lens" in verdict.reason) == (state == "doubtful")


def test_photos_from_one_place_show_no_depth():
    poses = torch.eye(3, 4, dtype=torch.float64).repeat(8, 1, 1)
    poses[:, :, :3] = se3.exponential(torch.nn.functional.pad(0.1 * normal(8, 3, seed=2), (0, 3)))[..., :3]
    observations, _ = observe(poses, lens(8), tracks=300, noise=0.3)
    verdict = verdict_on(observations, poses)
    assert verdict.state == "doubtful"
    assert "depth" in verdict.reason


@pytest.mark.parametrize(
    ("held_out", "state"), [(None, "doubtful"), (24.0, "registered"), (15.0, "doubtful"), (21.0, "doubtful")]
)
def test_without_matches_only_held_out_photos_support_the_cameras(held_out, state):
    training = 24.0 if held_out != 21.0 else 30.0
    verdict = verdict_on(None, cameras(), held_out_psnr=held_out, train_psnr=[training] * 8)
    assert verdict.state == state
    assert verdict.frames[0].tracks == 0
    assert verdict.frames[0].share is None


def test_held_out_photos_that_look_much_worse_are_a_doubt():
    poses = cameras("object")
    observations, _ = observe(poses, lens(8), noise=0.5)
    assert verdict_on(observations, poses, held_out_psnr=10.0).state == "doubtful"
    assert verdict_on(observations, poses, held_out_psnr=22.0).state == "registered"


def test_matches_that_were_left_out_as_cameras_contradict_them_count_against_these():
    poses = cameras("object")
    observations, _ = observe(poses, lens(8), tracks=400, noise=0.5)
    fit = measure_fit(observations, poses, lens(8), ALL)
    counted = count_contradicted(fit, torch.tensor([0.0, 0.5, 0.0]))
    assert counted.share[1] == fit.share[1] / 2
    assert torch.equal(counted.share[2:], fit.share[2:])
    assert counted.fitting < fit.fitting
    assert verdict_on(observations, poses, fit=count_contradicted(fit, torch.full((8,), 0.7))).state == "failed"


def test_excluded_frames_do_not_count():
    poses = cameras("object")
    observations, _ = observe(poses, lens(8), noise=0.5)
    excluded = [True] + [False] * 7
    verdict = verdict_on(observations, poses, excluded=excluded, registered=[not one for one in excluded])
    assert verdict.state == "registered"
    assert verdict.frames[0].reason == "excluded"


def test_frames_without_a_pose_have_failed():
    poses = cameras("object")
    observations, _ = observe(poses, lens(8), noise=0.5)
    verdict = verdict_on(observations, poses, registered=[True] * 6 + [False] * 2)
    assert verdict.state == "doubtful"
    assert [frame.state for frame in verdict.frames[6:]] == ["failed", "failed"]
    assert verdict.as_json()["frames"][7]["name"] == "7.jpg"


def test_connected_frames():
    track = torch.arange(20).repeat_interleave(2)
    frame = torch.tensor([0, 1] * 10 + [2, 3] * 10)
    pixels = torch.zeros(40, 2)
    assert find_connected(Observations(frame, track, pixels, 20), 5, 8).tolist() == [True, True, False, False, False]
    assert find_connected(Observations(frame, track, pixels, 20), 5, 11).sum() == 1


def test_numbers_without_observations_are_unknown():
    none = Observations(torch.zeros(0).long(), torch.zeros(0).long(), torch.zeros(0, 2), 0)
    fit = measure_fit(none, cameras(), lens(8), ALL)
    assert math.isnan(fit.fitting)
    assert fit.tracks.tolist() == [0] * 8
    assert verdict_on(none, cameras()).state == "doubtful"
