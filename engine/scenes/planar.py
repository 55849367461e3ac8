"""A planar scene: patches cut from one image, each under an unknown warp that registration has to find.

Two coordinate systems: pixels of the image or of a patch (centres at +0.5, x right, y down), and the plane of the
warps (`to_plane`): x right, y down, the middle of the image (or patch) at the origin, half the longer side of the
image as unit. A *warp* maps the plane of a patch to the plane of the image, a *transform* pixels of the patch to
pixels of the image.
"""

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
    """A planar scene as read from disk.

    Attributes:
        name: name of the folder, or of the file without its ending.
        path: the folder, or the image file.
        image: RGB; used for evaluation only, training sees the patches.
        warp: family of the transforms.
        transforms: the true transforms, from homogeneous pixels of a patch to pixels of the image. The first patch is
            the unchanged middle of the image; its warp is the identity and stays fixed, which fixes the gauge.
        names: one per patch.
        patches: RGB, the image resampled through the transforms.
        seed: random seed of the transforms.
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
        """Indices of all patches: nothing is held out."""
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
    """The matrix from homogeneous pixels of a rectangle to the plane of the warps, double precision.

    The middle of the rectangle becomes the origin, `unit` pixels become the length 1.

    Args:
        width, height: of the rectangle, pixels.
        unit: half the longer side of the whole image, pixels, for patches too: then an unchanged patch in the middle
            of the image has the identity as its warp, and noise has the scale of BARF's and L2G-NeRF's code.
    """
    return torch.tensor(
        [[1 / unit, 0, -width / 2 / unit], [0, 1 / unit, -height / 2 / unit], [0, 0, 1]], dtype=torch.float64
    )


def plane_of_image(scene: PlanarScene) -> Float[Tensor, "3 3"]:
    """`to_plane` for the image."""
    return to_plane(*scene.image_size, unit=max(scene.image_size) / 2)


def plane_of_patch(scene: PlanarScene) -> Float[Tensor, "3 3"]:
    """`to_plane` for a patch."""
    return to_plane(*scene.patch_size, unit=max(scene.image_size) / 2)


def half_extent(scene: PlanarScene) -> tuple[float, float]:
    """Half extents (x, y) of the image in the plane; the larger one is 1."""
    width, height = scene.image_size
    return width / max(width, height), height / max(width, height)


def pixel_transforms(scene: PlanarScene, warps: Float[Tensor, "patches 3 3"]) -> Float[Tensor, "patches 3 3"]:
    """Warps as transforms from pixels of a patch to pixels of the image, scaled so that the last entry is 1."""
    inverse = torch.linalg.inv(plane_of_image(scene))
    return _scale_last_to_one(inverse @ warps.detach().double().cpu() @ plane_of_patch(scene))


def plane_warps(scene: PlanarScene, transforms: Float[Tensor, "patches 3 3"]) -> Float[Tensor, "patches 3 3"]:
    """Transforms of pixels as warps of the plane: the inverse of `pixel_transforms`, last entry 1."""
    inverse = torch.linalg.inv(plane_of_patch(scene))
    return _scale_last_to_one(plane_of_image(scene) @ transforms.detach().double().cpu() @ inverse)


def _scale_last_to_one(transforms: Tensor) -> Float[Tensor, "patches 3 3"]:
    return (transforms / transforms[..., 2:, 2:]).float()
