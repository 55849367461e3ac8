"""From settings to parts: which field and which registration a run is made of."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from engine.config.settings import Settings
from engine.errors import UserError
from engine.fields.field import Field
from engine.fields.image.field import ImageField
from engine.fields.image.pixel_grid import PixelGrid
from engine.fields.spaces import plane_extent, space_of
from engine.fields.voxel_grid.field import VoxelGrid
from engine.geometry.se3 import is_finite
from engine.registration.direct import DirectPoses
from engine.registration.fixed import FixedPoses
from engine.registration.local_to_global import LocalToGlobal
from engine.registration.planar.direct import DirectPatches
from engine.registration.planar.fixed import FixedPatches
from engine.registration.planar.local_to_global import LocalToGlobalPatches
from engine.registration.planar.planar_registration import PlanarRegistration
from engine.registration.registration import Registration
from engine.registration.warp_network import FAST_SIZE, PAPER_SIZE, WarpNetworkSize
from engine.scenes.planar import PlanarScene, half_extent, plane_warps
from engine.scenes.scene import Scene


def build_field(scene: Scene, settings: Settings, generator: Generator, device: torch.device) -> Field:
    """The field of a run.

    Raises:
        UserError: a method that makes no sense on this field.
    """
    if settings.field == "grid":
        _check_encoding(settings)
        return VoxelGrid(space_of(scene), scene.background, generator, device)
    from engine.fields.mlp.field import MlpField

    return MlpField(
        scene.kind,
        scene.near,
        scene.far,
        scene.background,
        method=settings.method,
        preset=settings.preset,
        generator=generator,
        device=device,
        box_centre=scene.box_centre,
        box_half_extent=scene.box_half_extent,
        extent=plane_extent(scene),
    )


def starting_poses(scene: Scene, settings: Settings) -> Float[Tensor, "frames 3 4"]:
    """Where registration starts, and where `reference` stays; frames without a reference are at their initial pose.

    Raises:
        UserError: there is nothing to stay at.
    """
    if settings.method != "reference":
        return scene.initial_poses
    if scene.reference_poses is None:
        raise UserError(
            f"--method reference trains on reference poses, and {scene.path} has none: choose another method, or let "
            "COLMAP find some (--reference sfm)."
        )
    return torch.where(is_finite(scene.reference_poses)[:, None, None], scene.reference_poses, scene.initial_poses)


def build_registration(
    settings: Settings,
    initial: Float[Tensor, "frames 3 4"],
    lattice: Float[Tensor, "frames points 2"],
    generator: Generator,
) -> Registration:
    """The registration of a run."""
    if settings.method == "reference":
        return FixedPoses(initial, lattice)
    if settings.method != "l2g":
        return DirectPoses(initial, lattice)
    return LocalToGlobal(initial, lattice, generator, _warp_network(settings))


def build_image_field(
    scene: PlanarScene, settings: Settings, generator: Generator, device: torch.device
) -> ImageField:
    """The field of a planar run.

    Raises:
        UserError: a method that makes no sense on this field.
    """
    if settings.field == "grid":
        _check_encoding(settings)
        return PixelGrid(half_extent(scene), device)
    from engine.fields.image.neural_image import NeuralImage

    return NeuralImage(settings.method, settings.preset, generator, device)


def build_planar_registration(
    scene: PlanarScene, settings: Settings, lattice: Float[Tensor, "points 2"], generator: Generator
) -> PlanarRegistration:
    """The registration of a planar run: all patches begin in the middle of the image, as they are.

    `reference` begins and stays where they were cut.
    """
    middle = torch.eye(3, device=lattice.device).repeat(len(scene.patches), 1, 1)
    if settings.method == "reference":
        return FixedPatches(plane_warps(scene, scene.transforms).to(lattice.device), lattice)
    if settings.method != "l2g":
        return DirectPatches(middle, lattice, scene.warp)
    return LocalToGlobalPatches(middle, lattice, scene.warp, generator, _warp_network(settings))


def _warp_network(settings: Settings) -> WarpNetworkSize:
    return PAPER_SIZE if settings.preset == "paper" else FAST_SIZE


def _check_encoding(settings: Settings) -> None:
    if settings.method == "no-encoding":
        raise UserError("--method no-encoding needs --field mlp: a grid has no positional encoding to leave out.")
