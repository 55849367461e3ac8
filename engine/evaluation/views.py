"""Photos with the rays of their pixels, and whole images rendered from a field."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from engine.fields.field import Field
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.rays import normalised_points, pixel_grid, rays_through

RAYS_AT_ONCE = 1 << 12  # bounds the memory: the MLP field needs 0.1 MB and more per ray
RAYS_OF_GPU = 1 << 14  # fewer leave most of a large one without work, and take as long


class Photo(NamedTuple):
    """Colours (RGB in [0, 1]) of a photo, and where its pixels lie on the normalised image plane z = 1.

    `mask` is True for pixels that count; None if all do.
    """

    points: Float[Tensor, "height width 2"]
    colours: Float[Tensor, "height width 3"]
    mask: Bool[Tensor, "height width"] | None = None

    @property
    def height(self) -> int:
        return self.colours.shape[0]

    @property
    def width(self) -> int:
        return self.colours.shape[1]

    def at(self, pixels: Int[Tensor, " pixels"]) -> tuple[Float[Tensor, "pixels 2"], Float[Tensor, "pixels 3"]]:
        """Points and colours of pixels, given by their indices row by row."""
        return self.points.flatten(0, 1)[pixels], self.colours.flatten(0, 1)[pixels]


class View(NamedTuple):
    """A rendered image: RGB in [0, 1]; depth along the optical axis, scene units; opacity in [0, 1]."""

    colour: Float[Tensor, "height width 3"]
    depth: Float[Tensor, "height width"]
    opacity: Float[Tensor, "height width"]


def image_points(intrinsics: Intrinsics, frame: int) -> Float[Tensor, "height width 2"]:
    """Pixel centres of a frame's own picture on the normalised image plane z = 1, without lens distortion."""
    width, height = intrinsics.own_size(frame)
    pixels = pixel_grid(height, width, dtype=intrinsics.focal.dtype, device=intrinsics.focal.device).flatten(0, 1)
    distortion = intrinsics.distortion[frame]
    points = normalised_points(
        pixels,
        intrinsics.focal[frame],
        intrinsics.centre[frame],
        distortion if bool((distortion != 0).any()) else None,
    )
    return points.unflatten(0, (height, width))


@torch.no_grad()
def render_view(
    field: Field, pose: Float[Tensor, "3 4"], points: Float[Tensor, "height width 2"], rays_at_once: int | None = None
) -> View:
    """Render a whole image without gradient; the same view gives the same image every time.

    Args:
        field: rendered without jitter.
        pose: world-to-camera.
        points: pixel centres on the normalised image plane, as of `image_points`.
        rays_at_once: rays per call of the field; None for what suits the device.
    """
    height, width = points.shape[:2]
    rays_at_once = rays_at_once or (RAYS_OF_GPU if points.is_cuda else RAYS_AT_ONCE)
    parts = [field.render(*rays_through(pose, part)) for part in points.flatten(0, 1).split(rays_at_once)]
    return View(
        colour=torch.cat([part.colour for part in parts]).clamp(0, 1).view(height, width, 3),
        depth=torch.cat([part.depth for part in parts]).view(height, width),
        opacity=torch.cat([part.opacity for part in parts]).view(height, width),
    )
