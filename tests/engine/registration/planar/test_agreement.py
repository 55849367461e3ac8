"""What is said of patches without their true transforms."""

from __future__ import annotations

import pytest
import torch

from engine.evidence.verdict import Verdict
from engine.registration.planar.agreement import (
    PatchAgreement,
    judge_patches,
    measure_patches,
    measured_downsample,
)
from engine.scenes.planar import PlanarScene, half_extent, plane_warps
from engine.scenes.pyramid.patch_level import downsample_patches
from tests.support.scenes.planar_scenes import planar_scene


def moved_by(scene: PlanarScene, patch: int, pixels: float) -> torch.Tensor:
    """The true warps, with one of the patches pushed along x."""
    warps = plane_warps(scene, scene.transforms)
    push = torch.eye(3)
    push[0, 2] = pixels / (max(scene.image_size) / 2)
    warps[patch] = push @ warps[patch]
    return warps


def measured(scene: PlanarScene, warps: torch.Tensor, downsample: int = 1) -> list[PatchAgreement]:
    data = downsample_patches(scene, downsample, torch.device("cpu"))
    return measure_patches(warps, scene.warp, data, half_extent(scene), downsample)


def verdict(scene: PlanarScene, warps: torch.Tensor) -> Verdict:
    return judge_patches(scene.names, measured(scene, warps))


@pytest.mark.parametrize("family", ["translation", "rigid", "homography"])
@pytest.mark.parametrize("pixels", [0.0, 0.6, 1.5])
def test_how_far_a_patch_is_off_is_found_without_its_truth(family, pixels):
    scene = planar_scene(family, patches=4, crop=80, seed=3)
    found = measured(scene, moved_by(scene, 2, pixels))
    assert found[2].off_px == pytest.approx(pixels, abs=0.15)
    state = judge_patches(scene.names, found).frames[2].state
    assert state == ("doubtful" if pixels > 1 else "registered")


def test_pixels_are_those_of_the_patches_at_any_scale():
    scene = planar_scene("rigid", patches=4, crop=96, seed=3)
    assert measured(scene, moved_by(scene, 2, 2.0), downsample=2)[2].off_px == pytest.approx(2.0, abs=0.3)


def test_one_wrong_patch_does_not_make_the_others_wrong():
    scene = planar_scene("rigid", patches=5, crop=80, seed=3)
    found = verdict(scene, moved_by(scene, 2, 30.0))
    assert [frame.state for frame in found.frames] == [
        "registered",
        "registered",
        "failed",
        "registered",
        "registered",
    ]
    assert found.state == "doubtful"
    assert "1 of 5 patches" in found.reason


def test_a_patch_beside_the_others_has_failed():
    scene = planar_scene("rigid", patches=3, crop=80)
    found = verdict(scene, moved_by(scene, 1, 400.0))
    assert (found.frames[1].state, found.frames[1].reason) == ("failed", "it lies beside the others")


def test_a_patch_of_which_the_others_show_little_is_doubtful():
    scene = planar_scene("rigid", patches=2, crop=80)
    known = [PatchAgreement(True, 1.0, 0.0), PatchAgreement(True, 0.7, 0.2)]
    found = judge_patches(scene.names, known).frames[1]
    assert (found.state, found.reason) == ("doubtful", "the others show only 70% of it")


def test_patches_that_lie_beside_the_first_all_together_are_doubtful():
    scene = planar_scene("rigid", patches=4, crop=80, seed=3)
    warps = plane_warps(scene, scene.transforms)
    warps[1:, 0] += warps[1:, 2] * 2.0 / (max(scene.image_size) / 2)
    found = verdict(scene, warps)
    assert found.state != "registered"
    assert found.frames[0].reason == "the others lie 2.0 px beside it"


def test_numbers_that_are_not_finite_are_no_agreement():
    scene = planar_scene("homography", patches=3, crop=80)
    warps = plane_warps(scene, scene.transforms)
    warps[1] = torch.nan
    assert verdict(scene, warps).frames[1].state == "failed"


def test_all_right_is_registered_and_most_wrong_is_failed():
    scene = planar_scene("homography", patches=4, crop=80, seed=2)
    assert verdict(scene, plane_warps(scene, scene.transforms)).state == "registered"
    assert verdict(scene, torch.eye(3).repeat(4, 1, 1)).state == "failed"


@pytest.mark.parametrize(("side", "factor"), [(40, 1), (64, 1), (127, 1), (128, 2), (180, 2), (260, 4), (2000, 16)])
def test_large_patches_are_compared_at_a_smaller_scale(side, factor):
    assert measured_downsample((side, side + 100)) == factor
