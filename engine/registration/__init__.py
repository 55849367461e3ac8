"""Where rays come from: a table of registrations. A new one is a file for cameras, one for patches, and a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Generator, Tensor

from engine.geometry.warp_names import PlanarWarp
from engine.registration.direct import DirectPoses
from engine.registration.fixed import FixedPoses
from engine.registration.local_to_global import LocalToGlobal
from engine.registration.planar.direct import DirectPatches
from engine.registration.planar.fixed import FixedPatches
from engine.registration.planar.local_to_global import LocalToGlobalPatches
from engine.registration.planar.planar_registration import PlanarRegistration
from engine.registration.registration import Registration
from engine.registration.warp_network import WarpNetworkSize


@dataclass(frozen=True)
class CameraStart:
    """What a registration of cameras is made of.

    Attributes:
        poses: where they start, world-to-camera.
        lattice: points of each frame's normalised image plane, over the whole image.
        network: size of a network of local warps, for those that have one.
        generator: of its first weights.
    """

    poses: Float[Tensor, "frames 3 4"]
    lattice: Float[Tensor, "frames points 2"]
    network: WarpNetworkSize
    generator: Generator


@dataclass(frozen=True)
class PatchStart:
    """What a registration of patches is made of.

    Attributes:
        transforms: where they start, from a patch's plane to the image's.
        lattice: points of a patch's own plane, up to its borders.
        family: of transforms.
        network, generator: as in `CameraStart`.
    """

    transforms: Float[Tensor, "patches 3 3"]
    lattice: Float[Tensor, "points 2"]
    family: PlanarWarp
    network: WarpNetworkSize
    generator: Generator


@dataclass(frozen=True)
class RegistrationSpec:
    """How a registration is made, for frames with cameras and for patches of one image."""

    cameras: Callable[[CameraStart], Registration]
    patches: Callable[[PatchStart], PlanarRegistration]


REGISTRATIONS: dict[str, RegistrationSpec] = {
    "local-to-global": RegistrationSpec(
        cameras=lambda start: LocalToGlobal(start.poses, start.lattice, start.generator, start.network),
        patches=lambda start: LocalToGlobalPatches(
            start.transforms, start.lattice, start.family, start.generator, start.network
        ),
    ),
    "direct": RegistrationSpec(
        cameras=lambda start: DirectPoses(start.poses, start.lattice),
        patches=lambda start: DirectPatches(start.transforms, start.lattice, start.family),
    ),
    "fixed": RegistrationSpec(
        cameras=lambda start: FixedPoses(start.poses, start.lattice),
        patches=lambda start: FixedPatches(start.transforms, start.lattice),
    ),
}
