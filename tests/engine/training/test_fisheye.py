"""Fern as a fisheye would have taken it: a short training from the identity finds its cameras."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.geometry.lens_models import LensModel, make_row, stack_distortions
from engine.geometry.rays import normalised_points, pixel_grid
from engine.scenes.lens_masks import mask_by_lens
from engine.scenes.scene import Scene
from tests.support.runs.short_runs import REGISTERS, errors, fern, run, trainer

pytestmark = pytest.mark.slow  # a short training


def take_with_fisheye(scene: Scene) -> Scene:
    """The photos of a scene, resampled to a fisheye with the same focal length; what they do not show is masked."""
    frames, intrinsics = scene.intrinsics.frames, scene.intrinsics
    rows = stack_distortions([make_row([0.08, -0.02, 0, 0, 0.005], LensModel.FISHEYE)] * frames)
    width, height = intrinsics.width, intrinsics.height
    plane = normalised_points(pixel_grid(height, width).view(1, -1, 2), intrinsics.focal, intrinsics.centre, rows)
    pixels = plane * intrinsics.focal[:, None] + intrinsics.centre[:, None]
    lattice = (2 * pixels / torch.tensor([width, height]) - 1).view(frames, height, width, 2)
    photos = scene.images.permute(0, 3, 1, 2).float()
    warped = torch.nn.functional.grid_sample(photos, lattice, mode="bicubic", align_corners=False)
    return replace(
        scene,
        images=warped.round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous(),
        intrinsics=replace(intrinsics, distortion=rows),
        masks=(lattice.abs() < 1).all(dim=-1),
    )


def test_cameras_of_a_fisheye_are_found() -> None:
    """Taken for a pinhole, the same photos end at 1.6 degrees and 0.014 scene units."""
    scene = take_with_fisheye(fern())
    assert mask_by_lens(scene.intrinsics, scene.names).counts is None  # 34 degrees from the axis
    made = trainer(REGISTERS, scene, method="l2g")
    run(made, points=500)
    found = errors(made)
    assert found.relative_rotation_deg.mean() < 0.5
    assert found.translation.mean() < 0.01
