"""Matches in a run: as a term of the loss, and as its start."""

from dataclasses import replace

import pytest
import torch

from engine.config.settings import Settings
from engine.evidence.triangulation import Observations, choose_tracks, observations_of
from engine.geometry import rays, se3
from engine.geometry.pose_errors import pose_errors
from engine.messages import FrameStatus
from engine.registration.calibration import Calibration
from engine.training.build import build_registration
from engine.training.matches.start import TrackPoses, TrackStart, choose_long_tracks, is_sparse
from engine.training.matches.term import MatchTerm
from tests.support.runs.short_runs import TINY, alike, event_kinds, matched_fern, trainer
from tests.support.worlds.tracked import as_tracks, cameras, lens, observe


@pytest.mark.parametrize("method", ["l2g", "barf", "reference"])
def test_matches_pull_cameras_towards_the_right_poses(method):
    poses, intrinsics = cameras("object"), lens(8)
    observations, _ = observe(poses, intrinsics, tracks=400, noise=0.3, wrong=0.05)
    twist = 0.008 * torch.randn(8, 6, generator=torch.Generator().manual_seed(0))
    started = se3.compose(se3.exponential(twist), poses.float())
    settings = Settings(method=method)
    lattice = torch.rand(8, 192, 2, generator=torch.Generator().manual_seed(1)) - 0.5
    registration = build_registration(settings, started, lattice, torch.Generator().manual_seed(2))
    calibration = Calibration(settings, 8, torch.device("cpu"))
    term = MatchTerm(as_tracks(observations), list(range(8)), intrinsics)
    before = float(term.loss(registration, calibration, torch.ones(8), 0).detach())
    parameters = list(registration.module().parameters())
    if not parameters:
        assert before > 1  # nothing moves, but it is told
        return
    optimiser = torch.optim.Adam(parameters, lr=5e-4)
    for step in range(200):
        optimiser.zero_grad()
        term.loss(registration, calibration, torch.ones(8), step).backward()
        optimiser.step()
    assert float(term.loss(registration, calibration, torch.ones(8), 0).detach()) < 0.5 * before
    start, end = (pose_errors(found.double(), poses) for found in (started, registration.poses()))
    assert end.rotation_deg.mean() < 0.5 * start.rotation_deg.mean()


def test_frames_that_do_not_train_pull_nothing():
    poses, intrinsics = cameras("object"), lens(8)
    observations, _ = observe(poses, intrinsics)
    settings = Settings(method="barf")
    registration = build_registration(settings, poses.float(), torch.zeros(8, 192, 2), torch.Generator())
    term = MatchTerm(as_tracks(observations), list(range(8)), intrinsics)
    calibration = Calibration(settings, 8, torch.device("cpu"))
    term.loss(registration, calibration, torch.tensor([0.0] + [1.0] * 7), 0).backward()
    gradient = registration.module().twist.grad
    assert (gradient[0] == 0).all()
    assert (gradient[1:] != 0).any(dim=1).all()


def test_a_run_with_matches_begins_where_its_tracks_agree():
    made = trainer(TINY, matched_fern())
    before = pose_errors(made.poses(), made.scene.reference_poses[made.frames])
    while made.iteration == 0:
        made.step()
    after = pose_errors(made.poses(), made.scene.reference_poses[made.frames])
    assert after.relative_rotation_deg.mean() < 0.2 * before.relative_rotation_deg.mean()
    assert after.rotation_deg.mean() < 0.9
    assert event_kinds(made)[:2] == ["stage", "tracks"]
    assert made.match_loss() < 0.5


@pytest.mark.parametrize("change", [{"matches": False}, {"assist": False}, {"method": "reference"}])
def test_who_wants_no_help_of_matches_gets_none(change):
    plain, matched = trainer(TINY, **change), trainer(TINY, matched_fern(), **change)
    for made in (plain, matched):
        for _ in range(6):
            made.step()
    assert alike(plain.state()[0], matched.state()[0]) == []


def test_a_run_that_began_from_its_tracks_is_resumed_as_it_was():
    made = trainer(TINY, matched_fern())
    while made.iteration < 3:
        made.step()
    other = trainer(TINY, matched_fern())
    other.load_state(*made.state())
    for run in (made, other):
        for _ in range(4):
            run.step()
    assert alike(made.state()[0], other.state()[0]) == []


def test_matches_of_nothing_are_refused():
    poses, intrinsics = cameras("forward"), lens(8)
    observations, _ = observe(poses, intrinsics, tracks=200, wrong=1.0)
    start = TrackStart(observations, intrinsics, torch.eye(3, 4).repeat(8, 1, 1), "forward-facing", 1.0)
    while (found := start.advance()) is None:
        pass
    assert not found.accepted
    assert "the initial poses are kept" in found.sentence
    assert torch.equal(found.poses, torch.eye(3, 4).repeat(8, 1, 1))


@pytest.mark.parametrize(
    ("tracks", "noise", "wrong", "views", "certain"),
    [(300, 1.0, 0.1, 3, True), (700, 3.0, 0.25, 2, False)],
)
def test_few_matches_place_cameras_where_two_halves_of_them_agree(tracks, noise, wrong, views, certain):
    frames, generator = 24, torch.Generator().manual_seed(1)
    poses, intrinsics = cameras("object", frames), lens(frames)
    seen, _ = observe(poses, intrinsics, tracks, noise, wrong)
    place = torch.cat([torch.randperm(int(count), generator=generator) for count in torch.bincount(seen.track)])
    twist = 0.06 * torch.randn(frames, 6, generator=generator).double()
    initial = se3.compose(se3.exponential(twist), poses)
    found, start = None, TrackStart(seen.select(place < views), intrinsics, initial, "object", 1.0)
    while found is None:
        found = start.advance()
    assert found.accepted == certain
    assert found.weak != certain
    assert "two halves" in found.sentence
    if certain:
        assert pose_errors(found.poses.double(), poses).rotation_deg.mean() < 0.5
    else:
        assert torch.equal(found.poses, initial.float())


def test_few_points_of_a_wall_place_cameras_that_began_at_the_identity():
    frames, tracks, generator = 20, 160, torch.Generator().manual_seed(0)
    twist = torch.tensor([0.05] * 3 + [0.25] * 3) * torch.randn(frames, 6, generator=generator)
    poses, intrinsics = se3.exponential(twist.double()), lens(frames)
    place = torch.rand(tracks, 2, generator=generator).double() - 0.5
    points = torch.cat([place * torch.tensor([4.0, 3.0]), torch.full((tracks, 1), 5.0)], dim=1)
    points[: tracks // 7] *= 0.7  # a few stand before it
    seen, _ = rays.project(points.expand(frames, -1, -1), poses, intrinsics.focal.double(), intrinsics.centre.double())
    inside = (seen > 0).all(-1) & (seen < torch.tensor([intrinsics.width, intrinsics.height])).all(-1)
    track, frame = (inside & (torch.rand(frames, tracks, generator=generator) < 0.4)).T.nonzero(as_tuple=True)
    observed = seen[frame, track] + 0.5 * torch.randn(len(frame), 2, generator=generator)
    wrong = torch.rand(len(frame), generator=generator) < 0.2
    observed[wrong] = observed[wrong].flip(0)
    every = Observations(frame, track, observed, tracks).select(torch.ones(len(frame), dtype=torch.bool))
    identity = torch.eye(3, 4).repeat(frames, 1, 1)
    found, start = None, TrackStart(every, intrinsics, identity, "forward-facing", 1.0)
    while found is None:
        found = start.advance()
    assert found.accepted
    assert pose_errors(found.poses.double(), poses).relative_rotation_deg.mean() < 0.3


@pytest.mark.parametrize(("tracks", "noise", "views", "weak"), [(300, 1.0, 3, False), (400, 3.0, 2, True)])
def test_few_matches_say_nothing_of_known_poses_where_their_halves_disagree(tracks, noise, views, weak):
    frames, generator = 24, torch.Generator().manual_seed(1)
    poses, intrinsics = cameras("object", frames), lens(frames)
    seen, _ = observe(poses, intrinsics, tracks, noise, wrong=0.1)
    place = torch.cat([torch.randperm(int(count), generator=generator) for count in torch.bincount(seen.track)])
    few = seen.select(place < views)
    assert is_sparse(few, frames)
    found, start = None, TrackStart(few, intrinsics, poses, "object", 1.0, poses_known=True)
    while found is None:
        found = start.advance()
    assert torch.equal(found.poses, poses.float())
    assert torch.equal(start.poses, poses.float())
    assert (found.weak, found.accepted) == (weak, False)


def test_matches_that_place_no_cameras_are_left_out_of_the_run(monkeypatch):
    weak = TrackPoses(torch.eye(3, 4).repeat(20, 1, 1), torch.ones(20, dtype=torch.bool), 0.7, False, 20.0)
    monkeypatch.setattr(TrackStart, "advance", lambda start: weak)
    made, plain = trainer(TINY, matched_fern()), trainer(TINY)
    while made.iteration < 4:
        made.step()
    while plain.iteration < 4:
        plain.step()
    assert torch.equal(made.poses(), plain.poses())
    assert "are not used" in made.events[1].detail
    assert "no matches" in made.verdict().reason
    other = trainer(TINY, matched_fern())
    other.load_state(*made.state())
    for run in (made, other):
        run.step()
    assert alike(made.state()[0], other.state()[0]) == []


def test_a_frame_that_no_track_sees_waits_until_it_can_be_searched_for():
    scene = matched_fern()
    tracks = scene.tracks
    kept = [frame for frame in range(len(scene.names)) if frame != scene.training_frames[3]]
    few = tracks.select_frames(kept)
    few = replace(few, frame=torch.tensor(kept)[few.frame])
    made = trainer(TINY, replace(scene, tracks=few))
    while "tracks" not in event_kinds(made):
        made.step()
    assert made.frame_status()[3] is FrameStatus.WAITING
    assert made.frame_status().count(FrameStatus.WAITING) == 1


def test_of_long_tracks_evenly_fewer_are_taken():
    observations, _ = observe(cameras("forward"), lens(8), tracks=100)
    pairs = int(torch.bincount(observations.track).square().sum())
    every = choose_long_tracks(observations, 100, pairs)
    assert torch.equal(every.pixels, observations.pixels)
    fewer = choose_long_tracks(observations, 100, pairs // 3)
    assert int(torch.bincount(fewer.track).square().sum()) < 0.4 * pairs
    assert fewer.tracks >= observations.tracks // 4
    assert torch.bincount(fewer.frame, minlength=8).min() > 0


def test_of_many_tracks_those_that_most_frames_see_are_chosen():
    observations, _ = observe(cameras("object"), lens(8), tracks=100)
    few = choose_tracks(observations, 30)
    assert few.tracks == 30
    views = torch.bincount(observations.track)
    assert sorted(torch.bincount(few.track).tolist()) == sorted(views.sort(descending=True).values[:30].tolist())


def test_observations_are_numbered_as_the_training_frames_are():
    scene = matched_fern()
    observations = observations_of(scene.tracks, list(scene.training_frames))
    assert int(observations.frame.max()) == len(scene.training_frames) - 1
    assert torch.bincount(observations.track).min() >= 2
