"""A lens that is an unknown of the bundle adjustment: its Jacobian, and what it comes to on a relief."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.config.settings import Settings
from engine.geometry import rays, se3
from engine.geometry.intrinsics import Intrinsics
from engine.registration.bundle import adjustment, surface_points
from engine.registration.bundle.adjustment import Adjustment
from engine.registration.bundle.lens import FreeLens, LensPrior
from engine.registration.calibration import Calibration
from engine.scenes.pyramid.photo_level import PhotoLevel, replace_intrinsics
from tests.support.worlds.relief import FOCAL, intrinsics, photos, plane_points, relief

FRAMES = 7

LENS = Intrinsics(
    torch.tensor([[300.0, 310.0]]), torch.tensor([[160.0, 120.0]]), torch.tensor([[0.02, 0.0, 0.0, 0.0]]), 320, 240
)
POINTS = torch.rand(40, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 0.8, 1.0]) + torch.tensor(
    [-0.5, -0.4, 1.5]
)
POSE = torch.eye(3, 4)[None]


def project(intrinsics: Intrinsics) -> torch.Tensor:
    return rays.project(POINTS[None], POSE, intrinsics.focal, intrinsics.centre, intrinsics.distortion)[0]


def test_the_jacobian_is_that_of_the_projection() -> None:
    free, small = FreeLens(True, True), 1e-3
    jacobian = free.jacobian(se3.transform(POSE[:, None], POINTS[None]), LENS)
    for unknown in range(2):
        step = torch.zeros(2)
        step[unknown] = small
        moved = (project(free.moved(LENS, step)) - project(free.moved(LENS, -step))) / (2 * small)
        assert (moved - jacobian[..., unknown]).norm() < 0.02 * moved.norm()


def test_only_what_is_free_moves() -> None:
    assert FreeLens().unknowns == 0
    assert FreeLens().moved(LENS, torch.zeros(0)) == LENS
    assert FreeLens().jacobian(POINTS[None], LENS).shape == (1, 40, 2, 0)
    focal = FreeLens(focal=True).moved(LENS, torch.tensor([0.1]))
    torch.testing.assert_close(focal.focal, LENS.focal * torch.tensor(0.1).exp())
    assert torch.equal(focal.distortion, LENS.distortion)
    radial = FreeLens(radial=True).moved(LENS, torch.tensor([0.01]))
    torch.testing.assert_close(radial.distortion, LENS.distortion + torch.tensor([0.01, 0, 0, 0]))
    assert float(FreeLens(radial=True).moved(LENS, torch.tensor([9.0])).distortion[0, 0]) < 0.31


def test_the_calibration_takes_over_what_the_adjustment_found_and_tells_everybody() -> None:
    made = Calibration(Settings(refine_intrinsics=True), 1, torch.device("cpu"))
    before = replace(LENS, distortion=torch.zeros(1, 4))
    made.take(before, FreeLens(True, True).moved(before, torch.tensor([0.05, 0.03])))
    told = made.intrinsics(before)
    torch.testing.assert_close(told.focal, before.focal * torch.tensor(0.05).exp())
    torch.testing.assert_close(told.distortion[0, 0], torch.tensor(0.03))
    photos = replace_intrinsics(PhotoLevel(torch.zeros(1, 3, 240, 320), torch.zeros(1, 0, 2), before), before)
    seen = made.adjusted(photos)
    assert made.adjusted(photos) is seen  # made once
    back = rays.project(
        torch.nn.functional.pad(seen.points[0], (0, 1), value=1.0),
        POSE[0],
        told.focal[0],
        told.centre[0],
        told.distortion[0],
    )[0]
    torch.testing.assert_close(back, rays.pixel_grid(240, 320).reshape(-1, 2), atol=1e-3, rtol=0)
    made.take(told, FreeLens(True, True).moved(told, torch.tensor([-0.05, -0.03])))
    torch.testing.assert_close(made.data(photos).points, photos.points, atol=1e-5, rtol=0)


def test_a_calibration_that_may_not_move_takes_nothing() -> None:
    made = Calibration(Settings(), 1, torch.device("cpu"))
    made.take(LENS, FreeLens(True, True).moved(LENS, torch.tensor([0.05, 0.03])))
    assert made.intrinsics(LENS).focal.equal(LENS.focal)
    assert made.intrinsics(LENS).distortion.equal(LENS.distortion)


@pytest.fixture(scope="module")
def world() -> tuple[torch.Tensor, torch.Tensor, surface_points.SurfacePoints]:
    """Photos of a relief by cameras that turn, their poses, and what is seen of its surface."""
    generator = torch.Generator().manual_seed(3)
    twist = torch.randn(FRAMES, 6, generator=generator) * torch.tensor([0.12, 0.12, 0.3, 0.15, 0.15, 0.08])
    field, true = relief(samples=48), se3.exponential(twist)
    images = photos(field, true)
    small = intrinsics(FRAMES, scale=0.5)
    depth, opacity = surface_points.depth_maps(field, true, plane_points(small))
    texture = surface_points.contrast(images)
    generator = torch.Generator().manual_seed(0)
    surface = surface_points.choose(texture, intrinsics(FRAMES), true, depth, opacity, 150, generator)
    return images, true, surface


def adjusted(world: tuple[torch.Tensor, torch.Tensor, surface_points.SurfacePoints], free: FreeLens) -> Adjustment:
    """From a focal length that is 3 % too long."""
    images, true, surface = world
    wrong = replace(intrinsics(FRAMES), focal=intrinsics(FRAMES).focal * 1.03)
    made = adjustment.from_surface(images, wrong, true, surface, free)
    for _ in range(30):
        if not made.improve():
            break
    return made


def prior(focal: float, sure: float) -> LensPrior:
    return LensPrior(focal, 0.0, torch.eye(2) / sure**2)


def test_a_wrong_focal_length_comes_right_with_the_poses_in_one_adjustment(world) -> None:  # type: ignore[no-untyped-def]
    made, fixed = adjusted(world, FreeLens(focal=True)), adjusted(world, FreeLens())
    assert abs(float(made.intrinsics.focal[0, 0]) / FOCAL - 1) < 0.01
    torch.testing.assert_close(fixed.intrinsics.focal, torch.full((FRAMES, 2), FOCAL * 1.03))
    assert made.cost < fixed.cost


@pytest.mark.slow
def test_a_prior_holds_the_lens_as_much_as_it_is_sure(world) -> None:  # type: ignore[no-untyped-def]
    free = adjusted(world, FreeLens(True, True)).intrinsics
    sure = adjusted(world, FreeLens(True, True, prior(FOCAL, 1e-5))).intrinsics
    vague = adjusted(world, FreeLens(True, True, prior(2 * FOCAL, 10.0))).intrinsics
    astray = adjusted(world, FreeLens(True, True, prior(1.04 * FOCAL, 1e-5))).intrinsics
    assert abs(float(sure.focal[0, 0]) / FOCAL - 1) < 1e-3
    assert abs(float(sure.distortion[0, 0])) < 1e-3
    assert abs(float(vague.focal[0, 0] / free.focal[0, 0]) - 1) < 0.005
    assert abs(float(astray.focal[0, 0]) / FOCAL - 1.04) < 2e-3


def test_a_priors_pull_is_the_slope_of_its_distance() -> None:
    covariance = torch.tensor([[0.02**2, -1e-4], [-1e-4, 0.01**2]])
    free = FreeLens(True, True, LensPrior(280.0, 0.01, torch.linalg.inv(covariance)))
    assert free.pull(replace(LENS, focal=LENS.focal * 280 / 300, distortion=LENS.distortion / 2)).value < 1e-6
    step = torch.tensor([1e-3, -1e-3])
    here, there = (free.pull(free.moved(LENS, step * side)) for side in (-1, 1))
    torch.testing.assert_close(there.value - here.value, float(2 * step @ free.pull(LENS).gradient), rtol=1e-3, atol=0)
    torch.testing.assert_close(
        there.gradient - here.gradient, 2 * free.pull(LENS).curvature @ step, rtol=1e-3, atol=1e-3
    )
    only = replace(free, radial=False).pull(LENS)
    assert only.gradient.shape == (1,)
    assert FreeLens(True, True).pull(LENS).value == 0
