"""Patches found from their pixels, one by one and all together."""

import pytest
import torch

from engine.geometry import planar_warps
from engine.geometry.planar_warps import DEGREES
from engine.registration.planar import photometric
from engine.registration.planar.adjustment import adjust_patches
from engine.registration.planar.mosaic import Mosaic
from engine.registration.planar.relocalisation import PatchRelocaliser
from engine.scenes.planar import PlanarScene, half_extent, pixel_transforms, plane_warps
from engine.scenes.pyramid.patch_level import downsample_patches
from engine.training.planar.snapshot import patch_corners
from tests.support.scenes.planar_scenes import planar_scene

CPU = torch.device("cpu")


def errors(scene: PlanarScene, warps: torch.Tensor) -> torch.Tensor:
    """Of the corners of each patch, pixels."""
    fitted = patch_corners(scene, pixel_transforms(scene, warps))
    return (fitted - patch_corners(scene, scene.transforms)).norm(dim=-1).mean(dim=-1)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("family", ["rotation", "rigid", "homography"])
def test_a_patch_is_found_from_anywhere(family, seed):
    scene = planar_scene(family, patches=2, seed=seed)
    warps = plane_warps(scene, scene.transforms)
    relocaliser = PatchRelocaliser(family, scene.patch_size)
    relocaliser.begin(1, torch.eye(3))
    generator = torch.Generator().manual_seed(seed)
    outcomes = []
    while relocaliser.searches:
        outcomes += relocaliser.advance(
            lambda downsample: downsample_patches(scene, downsample, CPU),
            lambda patch, downsample: Mosaic(
                downsample_patches(scene, downsample, CPU), warps, [0], half_extent(scene)
            ),
            generator,
        )
    (outcome,) = outcomes
    assert outcome.found
    warps[1] = outcome.warp
    assert errors(scene, warps)[1] < 3


@pytest.mark.parametrize("family", ["translation", "rigid", "homography"])
def test_all_patches_together_come_to_a_fraction_of_a_pixel(family):
    scene = planar_scene(family, patches=4, seed=2)
    truth = plane_warps(scene, scene.transforms)
    generator = torch.Generator().manual_seed(0)
    off = 0.012 * torch.randn(4, DEGREES[family], generator=generator)
    off[0] = 0
    warps = planar_warps.exponential(family, off) @ truth
    assert errors(scene, warps)[1:].min() > 0.3
    data = downsample_patches(scene, 1, CPU)
    for _ in range(15):
        warps = adjust_patches(family, warps, [0, 1, 2, 3], data, generator)
    assert errors(scene, warps).max() < 0.1
    assert torch.equal(warps[0], truth[0])


def test_patches_that_are_not_chosen_do_not_move():
    scene = planar_scene("rigid", patches=4)
    warps = torch.eye(3).repeat(4, 1, 1)
    moved = adjust_patches("rigid", warps, [0, 2], downsample_patches(scene, 1, CPU), torch.Generator().manual_seed(0))
    assert [bool((one == other).all()) for one, other in zip(moved, warps, strict=True)] == [True, True, False, True]
    alone = adjust_patches("rigid", warps, [0], downsample_patches(scene, 1, CPU), torch.Generator().manual_seed(0))
    assert torch.equal(alone, warps)


def test_a_patch_agrees_with_the_others_only_where_it_was_cut():
    scene = planar_scene("rigid", patches=4)
    data, truth = downsample_patches(scene, 2, CPU), plane_warps(scene, scene.transforms)
    mosaic = Mosaic(data, truth, [0, 2, 3], half_extent(scene))
    pixels = data.images[1].flatten(1)
    explained, covered = photometric.measure_agreement(truth[1], mosaic, data.points, pixels)
    assert explained > 0.9
    assert covered > 0.5
    turned = truth[1] @ planar_warps.exponential("rotation", torch.tensor([1.0]))
    assert photometric.measure_agreement(turned, mosaic, data.points, pixels)[0] < 0.5
    away = planar_warps.exponential("translation", torch.tensor([5.0, 0.0])) @ truth[1]
    assert photometric.measure_agreement(away, mosaic, data.points, pixels)[1] < 0.01


def test_a_mosaic_of_true_patches_is_the_image():
    scene = planar_scene("homography", patches=4)
    data, truth = downsample_patches(scene, 1, CPU), plane_warps(scene, scene.transforms)
    mosaic = Mosaic(data, truth, [0, 1, 2, 3], half_extent(scene), margin=0.0)
    image = scene.image.permute(2, 0, 1).float() / 255
    assert mosaic.image.shape == image.shape
    assert 0.2 < mosaic.covered.float().mean() < 1
    assert (mosaic.image - image).abs()[:, mosaic.covered].mean() < 0.01
