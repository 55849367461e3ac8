"""A planar trainer as it stands, measured and copied."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry import planar_warps
from engine.geometry.homography import apply_homography
from engine.messages import PatchWarpSnapshot, PlanarSnapshot
from engine.scenes.planar import PlanarScene, pixel_transforms, plane_of_image, plane_of_patch
from engine.system.arrays import frozen
from engine.training.planar import LATTICE, PlanarTrainer


def starting_planar(scene: PlanarScene) -> PlanarSnapshot:
    """Before there is a trainer: all patches in the middle of the image, as they are."""
    middle = pixel_transforms(scene, torch.eye(3).repeat(len(scene.patches), 1, 1))
    return planar_snapshot(scene, middle, [True] * len(scene.patches))


def take_planar(trainer: PlanarTrainer, selected: int | None) -> PlanarSnapshot:
    """Measures a trainer between two steps; `selected` is the patch whose warp field is included, or None."""
    warp = None if selected is None else patch_warp_snapshot(trainer, selected)
    return planar_snapshot(trainer.scene, trainer.transforms(), trainer.joined(), warp)


def planar_snapshot(
    scene: PlanarScene,
    transforms: Float[Tensor, "patches 3 3"],
    joined: list[bool],
    warp: PatchWarpSnapshot | None = None,
) -> PlanarSnapshot:
    """Transforms beside the true ones."""
    corners, reference = patch_corners(scene, transforms), patch_corners(scene, scene.transforms)
    flags = np.array(joined)
    flags.flags.writeable = False
    return PlanarSnapshot(
        transforms=frozen(transforms),
        corners=frozen(corners),
        reference_corners=frozen(reference),
        corner_error_px=frozen((corners - reference).norm(dim=-1).mean(dim=-1)),
        joined=flags,
        warp=warp,
    )


def patch_corners(scene: PlanarScene, transforms: Float[Tensor, "patches 3 3"]) -> Float[Tensor, "patches 4 2"]:
    """Where transforms put the corners of the patches, in pixels of the image."""
    return apply_homography(transforms, planar_warps.corners(*scene.patch_size))


def patch_warp_snapshot(trainer: PlanarTrainer, patch: int) -> PatchWarpSnapshot:
    """The warp field of a patch; the residual lies between where the local and the global warp put a pixel."""
    warp, scene = trainer.patch_warp(patch), trainer.scene
    to_image, to_patch = (torch.linalg.inv(plane(scene)).float() for plane in (plane_of_image, plane_of_patch))
    local, fitted = (apply_homography(to_image, points.cpu()) for points in (warp.local_points, warp.global_points))
    return PatchWarpSnapshot(
        frame=patch,
        shape=(LATTICE, LATTICE),
        points=frozen(apply_homography(to_patch, warp.points.cpu())),
        local_points=frozen(local),
        global_points=frozen(fitted),
        residual_px=frozen((local - fitted).norm(dim=-1)),
    )
