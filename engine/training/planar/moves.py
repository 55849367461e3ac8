"""What perturbations do to patches."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.geometry import planar_warps
from engine.geometry.homography import apply_homography
from engine.messages import PerturbAll, PerturbPatch, PerturbPose
from engine.scenes.planar import PlanarScene, pixel_transforms, plane_of_image, plane_of_patch
from engine.training.camera_moves import count_of_all, describe_all
from engine.training.trainer import Moves, Perturbation


@dataclass(frozen=True)
class PatchLimits:
    """Where a patch cannot be put.

    Attributes:
        farthest: coordinate of a corner in the plane, in halves of the image's longer side: farther out a patch has
            nothing to overlap.
        flattest: area in units of the patch's own: a flatter one has no inverse to speak of.
        least_depth: of the homography's denominator over its mean: at 0 a corner is infinitely far.
    """

    farthest: float = 4.0
    flattest: float = 1e-3
    least_depth: float = 0.05


LIMITS = PatchLimits()


def patch_moves(scene: PlanarScene, transforms: Float[Tensor, "patches 3 3"], command: Perturbation) -> Moves:
    """Transforms, from pixels of the patches to those of the image, where the command puts them.

    Args:
        scene: of the run.
        transforms: as they stand.
        command: a perturbation.
    Raises:
        UserError: the command is about cameras, or puts a patch where none can be.
    """
    match command:
        case PerturbPose():
            raise UserError("There are no cameras in a scene of one image.")
        case PerturbPatch():
            transform, pixels = place_patch(scene, transforms, command)
            return Moves([command.frame], transform[None], f"{scene.names[command.frame]}: {pixels:.3g} px")
        case PerturbAll():
            count = count_of_all(command, len(scene.patches))
            moved = perturb_all(scene, transforms, command)
            return Moves(list(range(1, count)), moved[: count - 1], describe_all(command))


def place_patch(
    scene: PlanarScene, transforms: Float[Tensor, "patches 3 3"], command: PerturbPatch
) -> tuple[Float[Tensor, "3 3"], float]:
    """The transform of the scene's family that brings the corners nearest to where they are wanted.

    Returns:
        it, and by how many pixels the corners move in the mean.
    Raises:
        UserError: it is the first patch; or the corners are far out, or turned inside out, or no numbers.
    """
    if command.frame == 0:
        raise UserError("The first patch is fixed: it says where the others are; kick another one.")
    wanted = torch.tensor(command.corners, dtype=torch.float64)
    corners = planar_warps.corners(*scene.patch_size)
    source = apply_homography(plane_of_patch(scene), corners.double())
    target = apply_homography(plane_of_image(scene), wanted)
    if not (target.isfinite().all() and target.abs().max() <= LIMITS.farthest):
        raise UserError("A patch cannot be put so far out; keep its corners near the image.")
    warp = planar_warps.solve(scene.warp, source, target)
    flat = scene.warp == "homography" and area(target) < LIMITS.flattest * area(source)
    depth = source @ warp[2, :2] + warp[2, 2]
    folded = not (depth / depth.mean() > LIMITS.least_depth).all() or area(apply_homography(warp, source)) < 0
    if flat or folded:
        raise UserError("A patch cannot be folded or turned inside out; keep its corners in their order.")
    transform = pixel_transforms(scene, warp[None])[0]
    before = apply_homography(transforms[command.frame], corners)
    return transform, float((apply_homography(transform, corners) - before).norm(dim=-1).mean())


def perturb_all(
    scene: PlanarScene, transforms: Float[Tensor, "patches 3 3"], command: PerturbAll
) -> Float[Tensor, "others 3 3"]:
    """All patches but the first, each turned about its middle and moved, as far as the family of warps allows.

    Translations are in the unit of the plane, half the image's longer side.
    """
    generator = torch.Generator().manual_seed(command.seed)
    noise = torch.randn(len(scene.patches) - 1, 3, generator=generator).double()
    angles = noise[:, :1] * command.rotation_sigma * (scene.warp != "translation")
    shifts = noise[:, 1:] * command.translation_sigma * (scene.warp != "rotation")
    to_pixels = torch.linalg.inv(plane_of_image(scene))
    fitted = plane_of_image(scene) @ transforms[1:].double()
    middle = apply_homography(fitted, torch.tensor([scene.patch_size]).double() / 2)[:, 0]
    if scene.warp == "rotation":
        middle = torch.zeros_like(middle)
    there = planar_warps.exponential("translation", middle + shifts)
    back = planar_warps.exponential("translation", -middle)
    moved = to_pixels @ there @ planar_warps.exponential("rotation", angles) @ back @ fitted
    return (moved / moved[:, 2:, 2:]).float()


def area(corners: Float[Tensor, "4 2"]) -> float:
    """Signed, of a quadrilateral; positive for corners in order."""
    following = corners.roll(-1, 0)
    return float((corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]).sum() / 2)
