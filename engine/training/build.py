"""From settings to parts: which field and which registration a run is made of."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from engine.config.settings import Settings
from engine.errors import UserError
from engine.fields import check_settings, find_field
from engine.fields.field import Field
from engine.fields.image.field import ImageField
from engine.geometry.se3 import is_finite
from engine.registration import REGISTRATIONS, CameraStart, PatchStart
from engine.registration.planar.planar_registration import PlanarRegistration
from engine.registration.registration import Registration
from engine.registration.warp_network import FAST_SIZE, PAPER_SIZE, WarpNetworkSize
from engine.scenes.planar import PlanarScene, plane_warps
from engine.scenes.scene import Scene


def build_field(scene: Scene, settings: Settings, generator: Generator, device: torch.device) -> Field:
    """The field of a run.

    Raises:
        UserError: a method that makes no sense on this field, or a field that cannot live in this kind of scene.
    """
    check_settings(settings, scene.kind)
    return find_field(settings.field).make(scene, settings, generator, device)


def build_image_field(
    scene: PlanarScene, settings: Settings, generator: Generator, device: torch.device
) -> ImageField:
    """The field of a planar run; raises as `build_field` does."""
    check_settings(settings, scene.kind)
    make = find_field(settings.field).make_image
    assert make is not None  # `check_settings` has looked
    return make(scene, settings, generator, device)


def starting_poses(scene: Scene, settings: Settings) -> Float[Tensor, "frames 3 4"]:
    """Where registration starts, and where poses stay that are not fitted.

    In the latter case frames without a reference are at their initial pose.

    Raises:
        UserError: there is nothing to stay at.
    """
    if settings.registers:
        return scene.initial_poses
    if scene.reference_poses is None:
        raise UserError(
            f"--method {settings.method} trains on reference poses, and {scene.path} has none: choose another method, "
            "or let COLMAP find some (--reference sfm)."
        )
    return torch.where(is_finite(scene.reference_poses)[:, None, None], scene.reference_poses, scene.initial_poses)


def build_registration(
    settings: Settings,
    initial: Float[Tensor, "frames 3 4"],
    lattice: Float[Tensor, "frames points 2"],
    generator: Generator,
) -> Registration:
    """The registration of a run."""
    spec = REGISTRATIONS[settings.method_spec.registration]
    return spec.cameras(CameraStart(initial, lattice, _warp_network(settings), generator))


def build_planar_registration(
    scene: PlanarScene, settings: Settings, lattice: Float[Tensor, "points 2"], generator: Generator
) -> PlanarRegistration:
    """The registration of a planar run: all patches begin in the middle of the image, as they are.

    Where none are fitted they stay where they were cut.
    """
    if settings.registers:
        start = torch.eye(3, device=lattice.device).repeat(len(scene.patches), 1, 1)
    else:
        start = plane_warps(scene, scene.transforms).to(lattice.device)
    spec = REGISTRATIONS[settings.method_spec.registration]
    return spec.patches(PatchStart(start, lattice, scene.warp, _warp_network(settings), generator))


def _warp_network(settings: Settings) -> WarpNetworkSize:
    return PAPER_SIZE if settings.preset == "paper" else FAST_SIZE
