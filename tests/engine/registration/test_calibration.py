"""Lens and exposure, fitted beside poses and field."""

import math
from dataclasses import replace

import pytest
import torch

from engine.config.settings import Settings
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.lens_models import LensModel, make_row, stack_distortions
from engine.geometry.rays import normalised_points
from engine.registration.calibration import Calibration
from tests.support.runs.short_runs import REGISTERS, fern, run, stage, trainer

pytestmark = pytest.mark.slow  # several short trainings

CPU = torch.device("cpu")
ROWS = (stage(8, 120, rays=1500, samples=16), stage(4, 80, rays=1500, pose_rate=(5e-3, 5e-3)))


def test_parameters_that_are_not_fitted_change_nothing():
    made = Calibration(Settings(), 3, CPU)
    with torch.no_grad():
        made.log_focal += 0.2
        made.log_gain += 0.3
    points, colours = torch.rand(3, 5, 2), torch.rand(3, 5, 3)
    assert made.points(points) is points
    assert made.colours(colours) is colours
    assert made.groups() == []


def test_a_longer_focal_length_moves_points_towards_the_middle():
    made = Calibration(Settings(optimise_focal=True), 3, CPU)
    with torch.no_grad():
        made.log_focal += math.log(1.25)
    points = torch.rand(3, 5, 2) - 0.5
    torch.testing.assert_close(made.points(points), points / 1.25)
    assert made.focal_factor == pytest.approx(1.25)
    data = trainer().photos.level(8)
    learned = made.data(data)
    torch.testing.assert_close(learned.points, data.points / 1.25)
    torch.testing.assert_close(learned.intrinsics.focal, data.intrinsics.focal * 1.25)
    assert learned.images is data.images
    assert len(made.groups()) == 1


def test_a_longer_focal_length_of_a_fisheye_scales_what_it_shows():
    """On the plane z = 1 its points do not move in proportion."""
    rows = stack_distortions([make_row([0.05], LensModel.FISHEYE), make_row([0.02])])
    lens = Intrinsics(torch.full((2, 2), 20.0), torch.full((2, 2), 15.0), rows, 30, 30)
    made = Calibration(Settings(optimise_focal=True), 2, CPU, intrinsics=lens)
    with torch.no_grad():
        made.log_focal += math.log(1.25)
    pixels = torch.rand(2, 40, 2) * 30
    before = normalised_points(pixels, lens.focal, lens.centre, lens.distortion)
    after = normalised_points(pixels, lens.focal * 1.25, lens.centre, lens.distortion)
    found = made.points(before)
    torch.testing.assert_close(found, after, atol=1e-4, rtol=1e-4)
    assert (found - before / 1.25).abs().max() > 0.05
    found.sum().backward()
    assert made.log_focal.grad is not None
    assert made.log_focal.grad.isfinite().all()


def test_gains_have_mean_one():
    made = Calibration(Settings(optimise_exposure=True), 2, CPU)
    with torch.no_grad():
        made.log_gain += 0.7
    colours = torch.rand(2, 5, 3)
    torch.testing.assert_close(made.colours(colours), colours)
    with torch.no_grad():
        made.log_gain[0] += math.log(4.0)
    torch.testing.assert_close(made.colours(colours)[0], colours[0] * 2)
    torch.testing.assert_close(made.colours(colours)[1], colours[1] / 2)


def test_gains_absorb_exposures_that_differ():
    scene = fern(init="reference")
    frames = list(scene.training_frames)
    stops = torch.where(torch.arange(len(frames)) % 2 == 0, 1.0, 0.7)
    images = scene.images.clone()
    images[frames] = (images[frames].float() * stops[:, None, None, None]).round().to(torch.uint8)
    dimmed = replace(scene, images=images)
    made = trainer(ROWS, dimmed, method="reference", optimise_exposure=True)
    plain = trainer(ROWS, dimmed, method="reference")
    for one in (made, plain):
        run(one)
    gain = (made.calibration.log_gain - made.calibration.log_gain.mean(dim=0)).exp().mean(dim=1).detach()
    bright, dark = gain[stops == 1].mean(), gain[stops < 1].mean()
    assert dark / bright == pytest.approx(0.7, abs=0.06)
    assert made.frame_psnr().mean() > plain.frame_psnr().mean() + 3
    assert torch.equal(made.poses(), plain.poses())


def test_a_wrong_focal_length_is_corrected_with_a_correct_field():
    still, rate = (1e-9, 1e-9), (2e-2, 4e-3)
    rows = (
        *(replace(row, pose_rate=still) for row in ROWS),
        stage(2, 70, field_rate=still, pose_rate=rate, rays=1500),
    )
    made = trainer(rows, fern(init="reference"), method="reference", optimise_focal=True)
    run(made, rows[0].iterations + rows[1].iterations)
    assert made.calibration.focal_factor == pytest.approx(1, abs=1e-4)
    with torch.no_grad():
        made.calibration.log_focal += math.log(1.04)
    run(made)
    assert made.calibration.focal_factor == pytest.approx(1, abs=0.01)


def test_poses_are_registered_while_the_calibration_is_fitted():
    made = trainer(REGISTERS[:1], method="barf", optimise_focal=True, optimise_exposure=True)
    run(made)
    assert made.skipped_steps == 0
    assert made.frame_psnr().mean() > 24
    assert made.calibration.focal_factor == pytest.approx(1, abs=0.3)
