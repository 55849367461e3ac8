"""Patches cut from an image under seeded random warps."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Generator, Tensor

from engine.errors import UserError
from engine.geometry import planar_warps, sl3
from engine.geometry.homography import apply_homography
from engine.geometry.warp_names import PlanarWarp
from engine.scenes.planar import to_plane

BATCH = 2048  # warps drawn at a time; changes which warps a seed gives
MAXIMUM_DRAWS = 50_000  # after which the noise counts as too large for the image
CENTRAL_PARTS = 8  # the corners of a patch keep this part (1/8) of its size away from the image's middle lines


def draw_warps(
    warp: PlanarWarp,
    patches: int,
    image_size: tuple[int, int],
    patch_size: tuple[int, int],
    noise: tuple[float, float, float],
    seed: int,
) -> Float[Tensor, "patches 3 3"]:
    """Random true warps, each drawn again until all corners of its patch lie in the image; the first is the identity.

    As in the official code of L2G-NeRF (planar), all normally distributed, in the plane of `to_plane`: a homography in
    the directions of sl(3) that do not translate, then a rotation about the middle of the image, then a translation;
    a family of warps uses those of them that belong to it. A warp is also drawn again if a corner of the patch comes
    near a middle line of the image, so that every patch surrounds the centre.

    Args:
        warp: the family.
        patches: number of warps.
        image_size, patch_size: (width, height), pixels.
        noise: standard deviations of homography parameters, translation (half longer image sides) and rotation
            (radians).
        seed: of the random numbers.
    Raises:
        UserError: with this noise a patch hardly ever stays inside the image.
    """
    generator = Generator().manual_seed(seed)
    inside = _make_inside_test(image_size, patch_size)
    found = torch.eye(3, dtype=torch.float64)[None]
    for _ in range(0, MAXIMUM_DRAWS, BATCH):
        if len(found) >= patches:
            return found[:patches].float()
        drawn = _draw_batch(warp, noise, generator)
        found = torch.cat([found, drawn[inside(drawn)]])
    if len(found) >= patches:
        return found[:patches].float()
    raise UserError(
        f"Of {MAXIMUM_DRAWS} patches of {patch_size[0]} x {patch_size[1]} pixels under noise {noise[0]:g}, "
        f"{noise[1]:g}, {noise[2]:g} hardly one stays inside the image of {image_size[0]} x {image_size[1]}; give a "
        "smaller --crop or less noise."
    )


def _draw_batch(
    warp: PlanarWarp, noise: tuple[float, float, float], generator: Generator
) -> Float[Tensor, "batch 3 3"]:
    vectors = torch.randn(BATCH, 11, generator=generator).double()
    homography, angle, shift = vectors[:, :8] * noise[0], vectors[:, 8:9] * noise[2], vectors[:, 9:] * noise[1]
    homography[:, :2] = 0
    moved = torch.eye(3, dtype=torch.float64).repeat(BATCH, 1, 1)
    if warp == "homography":
        moved = sl3.exponential(homography)
    if warp != "translation":
        moved = planar_warps.exponential("rotation", angle) @ moved
    if warp != "rotation":
        moved = planar_warps.exponential("translation", shift) @ moved
    return moved / moved[:, 2:, 2:]


def _make_inside_test(image_size: tuple[int, int], patch_size: tuple[int, int]) -> Callable[[Tensor], Tensor]:
    """A function that tests warps (batch, 3, 3): all four corners in the image, none near its middle lines."""
    unit = max(image_size) / 2
    half = torch.tensor(image_size, dtype=torch.float64) / 2
    central = torch.tensor(patch_size, dtype=torch.float64) / CENTRAL_PARTS
    rectangle = planar_warps.corners(*patch_size).double()
    corners = apply_homography(to_plane(*patch_size, unit=unit), rectangle)

    def test(warps: Float[Tensor, "batch 3 3"]) -> Tensor:
        in_front = (corners @ warps[:, 2, :2].mT + warps[:, 2, 2] > 0.05).all(0)
        distance = (apply_homography(warps, corners) * unit).abs()
        return in_front & ((distance < half) & (distance >= central)).flatten(1).all(1)

    return test


def cut_patches(
    image: UInt8[Tensor, "height width 3"],
    transforms: Float[Tensor, "patches 3 3"],
    patch_size: tuple[int, int],
) -> UInt8[Tensor, "patches patch_height patch_width 3"]:
    """The patches: the image sampled bilinearly at the transformed pixel centres of each patch.

    Args:
        image: RGB.
        transforms: from homogeneous pixels of a patch to pixels of the image.
        patch_size: (width, height), pixels.
    """
    width, height = patch_size
    axes = torch.arange(width) + 0.5, torch.arange(height) + 0.5
    pixels = torch.stack(torch.meshgrid(*axes, indexing="xy"), dim=-1)
    seen = apply_homography(transforms, pixels.reshape(1, -1, 2)).view(-1, height, width, 2)
    size = torch.tensor([image.shape[1], image.shape[0]])
    source = image.permute(2, 0, 1)[None].float().expand(len(transforms), -1, -1, -1)
    patches = F.grid_sample(source, seen / size * 2 - 1, align_corners=False, padding_mode="border")
    return patches.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
