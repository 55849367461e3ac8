"""Where a knocked patch goes."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.geometry import planar_warps
from engine.geometry.homography import apply_homography
from engine.messages import PerturbAll, PerturbPatch
from engine.scenes.planar import pixel_transforms, plane_of_image, plane_of_patch
from engine.training.planar import PlanarTrainer

FARTHEST = 4.0  # of the plane's unit, half the image's longer side: beyond there is nothing to come back from
FLATTEST = 1e-3  # of the area of a patch


def placed(trainer: PlanarTrainer, command: PerturbPatch) -> tuple[Float[Tensor, "3 3"], float]:
    """The transform of the scene's family that brings the corners nearest to where they are wanted.

    Returns:
        it, and by how many pixels the corners move in the mean.
    Raises:
        UserError: it is the first patch; or the corners are far out, or turned inside out, or no numbers.
    """
    scene = trainer.scene
    if command.frame == 0:
        raise UserError("The first patch is fixed: it says where the others are; knock another one.")
    wanted = torch.tensor(command.corners, dtype=torch.float64)
    corners = planar_warps.corners(*scene.patch_size)
    source = apply_homography(plane_of_patch(scene), corners.double())
    target = apply_homography(plane_of_image(scene), wanted)
    if not (target.isfinite().all() and target.abs().max() <= FARTHEST):
        raise UserError("A patch cannot be put so far out; keep its corners near the image.")
    warp = planar_warps.solve(scene.warp, source, target)
    flat = scene.warp == "homography" and area(target) < FLATTEST * area(source)
    depth = source @ warp[2, :2] + warp[2, 2]
    if flat or not (depth / depth.mean() > 0.05).all() or area(apply_homography(warp, source)) < 0:
        raise UserError("A patch cannot be folded or turned inside out; keep its corners in their order.")
    transform = pixel_transforms(scene, warp[None])[0]
    before = apply_homography(trainer.transforms()[command.frame], corners)
    return transform, float((apply_homography(transform, corners) - before).norm(dim=-1).mean())


def knocked_everywhere(trainer: PlanarTrainer, command: PerturbAll) -> Float[Tensor, "patches 3 3"]:
    """All patches but the first, each turned about its middle and moved, as far as the family of warps allows.

    Translations are in the unit of the plane, half the image's longer side.
    """
    scene = trainer.scene
    generator = torch.Generator().manual_seed(command.seed)
    noise = torch.randn(len(scene.patches) - 1, 3, generator=generator).double()
    angles = noise[:, :1] * command.rotation_sigma * (scene.warp != "translation")
    shifts = noise[:, 1:] * command.translation_sigma * (scene.warp != "rotation")
    warps = torch.linalg.inv(plane_of_image(scene)) @ torch.eye(3, dtype=torch.float64)  # pixels of the image
    fitted = plane_of_image(scene) @ trainer.transforms()[1:].double()
    middle = apply_homography(fitted, torch.tensor([scene.patch_size]).double() / 2)[:, 0]
    if scene.warp == "rotation":
        middle = torch.zeros_like(middle)
    there = planar_warps.exponential("translation", middle + shifts)
    back = planar_warps.exponential("translation", -middle)
    moved = warps @ there @ planar_warps.exponential("rotation", angles) @ back @ fitted
    return (moved / moved[:, 2:, 2:]).float()


def area(corners: Float[Tensor, "4 2"]) -> float:
    """Signed, of a quadrilateral; positive for corners in order."""
    following = corners.roll(-1, 0)
    return float((corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]).sum() / 2)
