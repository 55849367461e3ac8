"""What a snapshot holds of patches: transforms, corners, a warp field."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry import planar_warps
from engine.geometry.homography import apply_homography
from engine.messages import PatchWarpSnapshot, PlanarSnapshot
from engine.registration.planar.planar_registration import PatchWarp
from engine.scenes.planar import PlanarScene, pixel_transforms, plane_of_image, plane_of_patch
from engine.system.arrays import frozen


def starting_patches(scene: PlanarScene) -> PlanarSnapshot:
    """Before there is a trainer: all patches in the middle of the image, as they are."""
    middle = pixel_transforms(scene, torch.eye(3).repeat(len(scene.patches), 1, 1))
    return planar_snapshot(scene, middle)


def planar_snapshot(
    scene: PlanarScene,
    transforms: Float[Tensor, "patches 3 3"],
    warp: PatchWarpSnapshot | None = None,
) -> PlanarSnapshot:
    """Transforms beside the true ones."""
    corners, reference = patch_corners(scene, transforms), patch_corners(scene, scene.transforms)
    return PlanarSnapshot(
        transforms=frozen(transforms),
        corners=frozen(corners),
        reference_corners=frozen(reference),
        corner_error_px=frozen((corners - reference).norm(dim=-1).mean(dim=-1)),
        warp=warp,
    )


def patch_corners(scene: PlanarScene, transforms: Float[Tensor, "patches 3 3"]) -> Float[Tensor, "patches 4 2"]:
    """Where transforms put the corners of the patches, in pixels of the image."""
    return apply_homography(transforms, planar_warps.corners(*scene.patch_size))


def patch_warp_snapshot(warp: PatchWarp, scene: PlanarScene, patch: int, lattice: int) -> PatchWarpSnapshot:
    """The warp field of a patch; the residual lies between where the local and the global warp put a pixel.

    Args:
        warp: in the plane, on a lattice of `lattice` by `lattice` points, row by row.
        scene, patch: of the run.
        lattice: points along a side.
    """
    to_image, to_patch = (torch.linalg.inv(plane(scene)).float() for plane in (plane_of_image, plane_of_patch))
    local, fitted = (apply_homography(to_image, points.cpu()) for points in (warp.local_points, warp.global_points))
    return PatchWarpSnapshot(
        frame=patch,
        shape=(lattice, lattice),
        points=frozen(apply_homography(to_patch, warp.points.cpu())),
        local_points=frozen(local),
        global_points=frozen(fitted),
        residual_px=frozen((local - fitted).norm(dim=-1)),
    )
