"""Photos as the evaluation sees them, and whole images rendered from a field."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from engine.fields.field import Field
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.rays import normalised_points, pixel_grid, rays_through

CHUNK = 1 << 12  # rays rendered at once: bounds the memory (the neural field needs 0.1 MB and more per ray)


class Photo(NamedTuple):
    """A photo beside the points of the ideal image plane z = 1 at which its pixels lie; colours are in [0, 1]."""

    points: Float[Tensor, "height width 2"]
    colours: Float[Tensor, "height width 3"]

    @property
    def height(self) -> int:
        return self.colours.shape[0]

    @property
    def width(self) -> int:
        return self.colours.shape[1]

    def at(self, pixels: Int[Tensor, " pixels"]) -> tuple[Float[Tensor, "pixels 2"], Float[Tensor, "pixels 3"]]:
        """Points and colours of pixels, counted row by row."""
        return self.points.flatten(0, 1)[pixels], self.colours.flatten(0, 1)[pixels]


class View(NamedTuple):
    """A rendered image. Colours in [0, 1]; depth along the optical axis, scene units; opacity in [0, 1]."""

    colour: Float[Tensor, "height width 3"]
    depth: Float[Tensor, "height width"]
    opacity: Float[Tensor, "height width"]


def image_points(intrinsics: Intrinsics, frame: int) -> Float[Tensor, "height width 2"]:
    """Where the pixel centres of a frame lie on the ideal image plane, lens distortion taken out."""
    pixels = pixel_grid(
        intrinsics.height, intrinsics.width, dtype=intrinsics.focal.dtype, device=intrinsics.focal.device
    ).flatten(0, 1)
    distortion = intrinsics.distortion[frame]
    points = normalised_points(
        pixels,
        intrinsics.focal[frame],
        intrinsics.centre[frame],
        distortion if bool((distortion != 0).any()) else None,
    )
    return points.unflatten(0, (intrinsics.height, intrinsics.width))


@torch.no_grad()
def render_view(
    field: Field, pose: Float[Tensor, "3 4"], points: Float[Tensor, "height width 2"], chunk: int = CHUNK
) -> View:
    """Render a whole image, a chunk of rays at a time.

    Args:
        field: samples are centred, so the same view renders the same twice.
        pose: world-to-camera.
        points: where the pixels lie on the image plane z = 1.
        chunk: rays rendered at once.
    """
    height, width = points.shape[:2]
    parts = [field.render(*rays_through(pose, part)) for part in points.flatten(0, 1).split(chunk)]
    return View(
        colour=torch.cat([part.colour for part in parts]).clamp(0, 1).view(height, width, 3),
        depth=torch.cat([part.depth for part in parts]).view(height, width),
        opacity=torch.cat([part.opacity for part in parts]).view(height, width),
    )
