"""A lens that is an unknown of the bundle adjustment: its Jacobian, and the result on photos of a relief."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from engine.config.settings import Settings
from engine.geometry import rays, se3
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.lens_models import LensModel, make_row
from engine.registration.bundle import adjustment, surface_points
from engine.registration.bundle.adjustment import Adjustment
from engine.registration.calibration import Calibration
from engine.registration.lens import FreeLens, LensPrior
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


@pytest.mark.parametrize("model", list(LensModel))
def test_the_jacobian_is_that_of_the_projection(model: LensModel) -> None:
    free, small = FreeLens(True, True), 1e-3
    row = make_row([0.05, 0.9 if model == LensModel.EUCM else 0.01, 0, 0, 0.02, 0.03], model)
    lens = replace(LENS, distortion=torch.tensor([row]))
    jacobian = free.jacobian(se3.transform(POSE[:, None], POINTS[None]), lens)
    for unknown in range(2):
        step = torch.zeros(2)
        step[unknown] = small
        moved = (project(free.apply_step(lens, step)) - project(free.apply_step(lens, -step))) / (2 * small)
        assert (moved - jacobian[..., unknown]).norm() <= 0.02 * moved.norm()


def test_only_free_parameters_change() -> None:
    assert FreeLens().unknowns == 0
    assert FreeLens().apply_step(LENS, torch.zeros(0)) == LENS
    assert FreeLens().jacobian(POINTS[None], LENS).shape == (1, 40, 2, 0)
    focal = FreeLens(focal=True).apply_step(LENS, torch.tensor([0.1]))
    torch.testing.assert_close(focal.focal, LENS.focal * torch.tensor(0.1).exp())
    assert torch.equal(focal.distortion, LENS.distortion)
    radial = FreeLens(radial=True).apply_step(LENS, torch.tensor([0.01]))
    torch.testing.assert_close(radial.distortion, LENS.distortion + torch.tensor([0.01, 0, 0, 0]))
    assert float(FreeLens(radial=True).apply_step(LENS, torch.tensor([9.0])).distortion[0, 0]) < 0.31


def test_a_calibration_takes_the_lens_of_an_adjustment() -> None:
    made = Calibration(Settings(refine_intrinsics=True), 1, torch.device("cpu"))
    before = replace(LENS, distortion=torch.zeros(1, 4))
    made.take(before, FreeLens(True, True).apply_step(before, torch.tensor([0.05, 0.03])))
    fitted = made.intrinsics(before)
    torch.testing.assert_close(fitted.focal, before.focal * torch.tensor(0.05).exp())
    torch.testing.assert_close(fitted.distortion[0, 0], torch.tensor(0.03))
    photos = replace_intrinsics(PhotoLevel(torch.zeros(1, 3, 240, 320), torch.zeros(1, 0, 2), before), before)
    seen = made.adjusted(photos)
    assert made.adjusted(photos) is seen  # made once
    back = rays.project(
        torch.nn.functional.pad(seen.points[0], (0, 1), value=1.0),
        POSE[0],
        fitted.focal[0],
        fitted.centre[0],
        fitted.distortion[0],
    )[0]
    torch.testing.assert_close(back, rays.pixel_grid(240, 320).reshape(-1, 2), atol=1e-3, rtol=0)
    made.take(fitted, FreeLens(True, True).apply_step(fitted, torch.tensor([-0.05, -0.03])))
    torch.testing.assert_close(made.data(photos).points, photos.points, atol=1e-5, rtol=0)


def test_a_calibration_that_is_not_fitted_takes_nothing() -> None:
    made = Calibration(Settings(), 1, torch.device("cpu"))
    made.take(LENS, FreeLens(True, True).apply_step(LENS, torch.tensor([0.05, 0.03])))
    assert made.intrinsics(LENS).focal.equal(LENS.focal)
    assert made.intrinsics(LENS).distortion.equal(LENS.distortion)


@pytest.fixture(scope="module")
def world() -> tuple[torch.Tensor, torch.Tensor, surface_points.SurfacePoints]:
    """PhotoPyramid of a relief by rotated cameras, their poses, and points on its surface."""
    generator = torch.Generator().manual_seed(3)
    twist = torch.randn(FRAMES, 6, generator=generator) * torch.tensor([0.12, 0.12, 0.3, 0.15, 0.15, 0.08])
    field, true = relief(samples=48), se3.exponential(twist)
    images = photos(field, true)
    small = intrinsics(FRAMES, scale=0.5)
    depth, opacity = surface_points.render_depth_maps(field, true, plane_points(small))
    texture = surface_points.measure_contrast(images)
    generator = torch.Generator().manual_seed(0)
    surface = surface_points.choose_points(texture, intrinsics(FRAMES), true, depth, opacity, 150, generator)
    return images, true, surface


def adjust(world: tuple[torch.Tensor, torch.Tensor, surface_points.SurfacePoints], free: FreeLens) -> Adjustment:
    """From a focal length that is 3 % too long."""
    images, true, surface = world
    wrong = replace(intrinsics(FRAMES), focal=intrinsics(FRAMES).focal * 1.03)
    made = adjustment.start_from_surface(images, wrong, true, surface, free)
    for _ in range(30):
        if not made.improve():
            break
    return made


def prior(focal: float, deviation: float) -> LensPrior:
    return LensPrior(focal, 0.0, torch.eye(2) / deviation**2)


def test_a_wrong_focal_length_is_corrected_together_with_the_poses(world) -> None:  # type: ignore[no-untyped-def]
    made, fixed = adjust(world, FreeLens(focal=True)), adjust(world, FreeLens())
    assert abs(float(made.intrinsics.focal[0, 0]) / FOCAL - 1) < 0.01
    torch.testing.assert_close(fixed.intrinsics.focal, torch.full((FRAMES, 2), FOCAL * 1.03))
    assert made.cost < fixed.cost


def test_the_lens_of_each_camera_is_refined_on_its_own(world) -> None:  # type: ignore[no-untyped-def]
    """One camera has a focal length that is 3 % too long, the other one that is 3 % too short."""
    images, true, surface = world
    number = torch.arange(FRAMES) % 2
    right = replace(intrinsics(FRAMES), cameras=number)
    wrong = replace(right, focal=right.focal * torch.tensor([1.03, 0.97])[number][:, None])
    made = adjustment.start_from_surface(images, wrong, true, surface, FreeLens(focal=True))
    for _ in range(30):
        if not made.improve():
            break
    found = made.intrinsics.focal[:, 0] / FOCAL
    assert (found - 1).abs().max() < 0.01
    assert torch.equal(found[::2], found[:1].expand(4))  # shared by the frames of a camera
    assert found[0] != found[1]
    calibration = Calibration(Settings(refine_intrinsics=True), FRAMES, torch.device("cpu"), None, 2, wrong)
    calibration.take(wrong, made.intrinsics)
    torch.testing.assert_close(calibration.intrinsics(wrong).focal, made.intrinsics.focal)
    torch.testing.assert_close(calibration.log_focal, torch.log(found[:2] / torch.tensor([1.03, 0.97])))


def test_each_camera_has_its_prior() -> None:
    pair = replace(
        LENS,
        focal=torch.tensor([[300.0, 310.0], [200.0, 200.0]]),
        centre=LENS.centre.repeat(2, 1),
        distortion=LENS.distortion.repeat(2, 1),
        cameras=torch.tensor([0, 1]),
    )
    free = FreeLens(True, True, (LensPrior(300.0, 0.02, torch.eye(2)), LensPrior(100.0, 0.02, torch.eye(2) * 3)))
    cost = free.prior_cost(pair)
    assert cost.value == pytest.approx(3 * math.log(2) ** 2 / 2)
    torch.testing.assert_close(cost.gradient, torch.tensor([0.0, 0.0, 3 * math.log(2), 0.0]), atol=1e-6, rtol=1e-5)
    moved = free.apply_step(pair, torch.tensor([0.0, 0.0, 0.1, 0.01]))
    assert torch.equal(moved.focal[0], pair.focal[0])
    torch.testing.assert_close(moved.focal[1], pair.focal[1] * math.exp(0.1))
    torch.testing.assert_close(moved.distortion[:, 0], torch.tensor([0.02, 0.03]))


@pytest.mark.slow
def test_a_prior_counts_by_its_precision(world) -> None:  # type: ignore[no-untyped-def]
    free = adjust(world, FreeLens(True, True)).intrinsics
    precise = adjust(world, FreeLens(True, True, (prior(FOCAL, 1e-5),))).intrinsics
    vague = adjust(world, FreeLens(True, True, (prior(2 * FOCAL, 10.0),))).intrinsics
    wrong = adjust(world, FreeLens(True, True, (prior(1.04 * FOCAL, 1e-5),))).intrinsics
    assert abs(float(precise.focal[0, 0]) / FOCAL - 1) < 1e-3
    assert abs(float(precise.distortion[0, 0])) < 1e-3
    assert abs(float(vague.focal[0, 0] / free.focal[0, 0]) - 1) < 0.005
    assert abs(float(wrong.focal[0, 0]) / FOCAL - 1.04) < 2e-3


def test_the_gradient_of_a_prior_is_the_slope_of_its_cost() -> None:
    covariance = torch.tensor([[0.02**2, -1e-4], [-1e-4, 0.01**2]])
    free = FreeLens(True, True, (LensPrior(280.0, 0.01, torch.linalg.inv(covariance)),))
    assert free.prior_cost(replace(LENS, focal=LENS.focal * 280 / 300, distortion=LENS.distortion / 2)).value < 1e-6
    step = torch.tensor([1e-3, -1e-3])
    here, there = (free.prior_cost(free.apply_step(LENS, step * side)) for side in (-1, 1))
    torch.testing.assert_close(
        there.value - here.value, float(2 * step @ free.prior_cost(LENS).gradient), rtol=1e-3, atol=0
    )
    torch.testing.assert_close(
        there.gradient - here.gradient, 2 * free.prior_cost(LENS).curvature @ step, rtol=1e-3, atol=1e-3
    )
    only = replace(free, radial=False).prior_cost(LENS)
    assert only.gradient.shape == (1,)
    assert FreeLens(True, True).prior_cost(LENS).value == 0
