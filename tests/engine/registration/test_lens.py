"""A lens that is an unknown of the bundle adjustment: its Jacobian, and what it comes to on a relief."""

from __future__ import annotations

from dataclasses import replace

import torch

from engine.calibration import Calibration, undistorted
from engine.geometry import rays, se3
from engine.geometry.intrinsics import Intrinsics
from engine.registration.bundle import adjustment, surface_points
from engine.registration.bundle.lens import FreeLens
from engine.settings import Settings
from tests.engine.registration.relief import FOCAL, intrinsics, photos, plane_points, relief

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


def test_weak_distortion_is_undone() -> None:
    points = torch.rand(100, 2) - 0.5
    for radial in (-0.05, 0.0, 0.05):
        coefficients = torch.tensor([radial, 0.0, 0.0, 0.0])
        moved = rays.distort(points, coefficients)
        torch.testing.assert_close(undistorted(moved, torch.tensor(radial)), points, atol=2e-5, rtol=0)


def test_the_calibration_takes_over_what_the_adjustment_found_and_tells_everybody() -> None:
    made = Calibration(Settings(refine_intrinsics=True), 1, torch.device("cpu"))
    before = replace(LENS, distortion=torch.zeros(1, 4))
    made.take(before, FreeLens(True, True).moved(before, torch.tensor([0.05, 0.03])))
    told = made.intrinsics(before)
    torch.testing.assert_close(told.focal, before.focal * torch.tensor(0.05).exp())
    torch.testing.assert_close(told.distortion[0, 0], torch.tensor(0.03))
    pixels = project(told)
    plane = made.points(rays.normalised_points(pixels, before.focal, before.centre))
    torch.testing.assert_close(plane[0], POINTS[:, :2] / POINTS[:, 2:], atol=1e-4, rtol=0)


def test_a_calibration_that_may_not_move_takes_nothing() -> None:
    made = Calibration(Settings(), 1, torch.device("cpu"))
    made.take(LENS, FreeLens(True, True).moved(LENS, torch.tensor([0.05, 0.03])))
    assert made.intrinsics(LENS).focal.equal(LENS.focal)
    assert made.intrinsics(LENS).distortion.equal(LENS.distortion)


def test_a_wrong_focal_length_comes_right_with_the_poses_in_one_adjustment() -> None:
    generator = torch.Generator().manual_seed(3)
    twist = torch.randn(FRAMES, 6, generator=generator) * torch.tensor([0.12, 0.12, 0.3, 0.15, 0.15, 0.08])
    field, true = relief(samples=48), se3.exponential(twist)
    images = photos(field, true)
    small = intrinsics(FRAMES, scale=0.5)
    depth, opacity = surface_points.depth_maps(field, true, plane_points(small))
    texture = surface_points.contrast(images)
    surface = surface_points.choose(
        texture, intrinsics(FRAMES), true, depth, opacity, 150, torch.Generator().manual_seed(0)
    )
    wrong = replace(intrinsics(FRAMES), focal=intrinsics(FRAMES).focal * 1.03)
    made = adjustment.from_surface(images, wrong, true, surface, FreeLens(focal=True))
    for _ in range(30):
        if not made.improve():
            break
    assert abs(float(made.intrinsics.focal[0, 0]) / FOCAL - 1) < 0.01
    fixed = adjustment.from_surface(images, wrong, true, surface)
    for _ in range(30):
        if not fixed.improve():
            break
    assert fixed.intrinsics is wrong
    assert made.cost < fixed.cost
