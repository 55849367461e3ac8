"""A planar scene: patches of one image, each cut under a warp that the engine is not told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from engine.geometry.warp_names import PlanarWarp


@dataclass(frozen=True)
class PlanarScene:
    """A planar scene, read. Pixels have their centres at +0.5; x right, y down.

    Attributes:
        name: of the folder or the file, without its ending.
        path: the folder, or the image itself.
        image: RGB; the engine trains on the patches and compares with it.
        warp: the family of transforms that the patches are under.
        transforms: true; take homogeneous pixels of a patch to pixels of the image. The first patch is the middle of
            the image as it is, and is fixed: it holds the gauge.
        names: one per patch.
        patches: RGB, what the image looks like through the transforms.
        seed: of the transforms.
    """

    kind: ClassVar = "planar"

    name: str
    path: Path
    image: UInt8[Tensor, "height width 3"]
    warp: PlanarWarp
    transforms: Float[Tensor, "patches 3 3"]
    names: tuple[str, ...]
    patches: UInt8[Tensor, "patches patch_height patch_width 3"]
    seed: int

    @property
    def training_frames(self) -> tuple[int, ...]:
        """All of them: nothing is held out."""
        return tuple(range(len(self.patches)))

    @property
    def patch_size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.patches.shape[2], self.patches.shape[1]

    @property
    def image_size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image.shape[1], self.image.shape[0]


def to_plane(width: float, height: float, unit: float) -> Float[Tensor, "3 3"]:
    """Takes pixels of a rectangle to the plane of the warps: its middle at the origin, `unit` pixels to one.

    `unit` is half the longer side of the whole image, for patches too: a patch in the middle of the image, as it
    is, has the identity for its warp. Lengths and noise then mean what they mean in BARF's and L2G-NeRF's code.
    """
    return torch.tensor(
        [[1 / unit, 0, -width / 2 / unit], [0, 1 / unit, -height / 2 / unit], [0, 0, 1]], dtype=torch.float64
    )


def plane_of_image(scene: PlanarScene) -> Float[Tensor, "3 3"]:
    """Pixels of the image to the plane."""
    return to_plane(*scene.image_size, unit=max(scene.image_size) / 2)


def plane_of_patch(scene: PlanarScene) -> Float[Tensor, "3 3"]:
    """Pixels of a patch to the plane of the patch."""
    return to_plane(*scene.patch_size, unit=max(scene.image_size) / 2)


def half_extent(scene: PlanarScene) -> tuple[float, float]:
    """Of the image in the plane, (x, y): the longer one is 1."""
    width, height = scene.image_size
    return width / max(width, height), height / max(width, height)


def pixel_transforms(scene: PlanarScene, warps: Float[Tensor, "patches 3 3"]) -> Float[Tensor, "patches 3 3"]:
    """Warps of the plane as transforms from pixels of a patch to pixels of the image, with 1 in the last corner."""
    inverse = torch.linalg.inv(plane_of_image(scene))
    return _scaled(inverse @ warps.detach().double().cpu() @ plane_of_patch(scene))


def plane_warps(scene: PlanarScene, transforms: Float[Tensor, "patches 3 3"]) -> Float[Tensor, "patches 3 3"]:
    """The other way round."""
    inverse = torch.linalg.inv(plane_of_patch(scene))
    return _scaled(plane_of_image(scene) @ transforms.detach().double().cpu() @ inverse)


def _scaled(transforms: Tensor) -> Float[Tensor, "patches 3 3"]:
    return (transforms / transforms[..., 2:, 2:]).float()
