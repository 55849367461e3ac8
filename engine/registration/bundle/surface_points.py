"""Points on the surface a field has found: where photos have contrast, seen by the frames that do see them."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from engine.fields.field import Field
from engine.geometry import rays
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.se3 import transform

CHUNK = 32768
EDGE = 3  # pixels at the image border where no point is chosen
DEPTH_TOLERANCE = 0.04  # relative depth difference up to which a point counts as seen


class SurfacePoints(NamedTuple):
    """Points in the world and the frames that see them."""

    points: Float[Tensor, "points 3"]
    visible: Bool[Tensor, "frames points"]


@torch.no_grad()
def depth_maps(
    field: Field, poses: Float[Tensor, "frames 3 4"], plane: Float[Tensor, "frames height width 2"]
) -> tuple[Float[Tensor, "frames height width"], Float[Tensor, "frames height width"]]:
    """Rendered depth and opacity of whole frames; depth infinite where nothing is."""
    frames, height, width, _ = plane.shape
    depths, opacities = [], []
    for frame in range(frames):
        origins, directions = rays.rays_through(poses[frame], plane[frame].reshape(-1, 2))
        origins = origins.expand_as(directions)
        for chunk in range(0, height * width, CHUNK):
            rendering = field.render(origins[chunk : chunk + CHUNK], directions[chunk : chunk + CHUNK])
            depths.append(rendering.depth)
            opacities.append(rendering.opacity)
    shape = (frames, height, width)
    return torch.cat(depths).view(shape), torch.cat(opacities).view(shape)


def contrast(images: Float[Tensor, "frames 3 height width"]) -> Float[Tensor, "frames height width"]:
    """Gradient magnitude of the brightness relative to its neighbourhood: texture counts in the shade too."""
    grey = images.mean(dim=1, keepdim=True)
    across = F.pad((grey[..., 2:] - grey[..., :-2]) / 2, (1, 1, 0, 0))
    down = F.pad((grey[..., 2:, :] - grey[..., :-2, :]) / 2, (0, 0, 1, 1))
    magnitude = (across.square() + down.square()).sqrt()
    magnitude[..., :EDGE, :] = magnitude[..., -EDGE:, :] = 0
    magnitude[..., :, :EDGE] = magnitude[..., :, -EDGE:] = 0
    radius = max(min(grey.shape[-2:]) // 12, 1)
    around = F.avg_pool2d(magnitude, 2 * radius + 1, stride=1, padding=radius)
    return (magnitude / (around + 0.01))[:, 0]


def look_up(
    images: Float[Tensor, "frames channels height width"], pixels: Float[Tensor, "frames points 2"]
) -> Float[Tensor, "frames points channels"]:
    """Bilinear values at pixel positions (centres at +0.5)."""
    height, width = images.shape[-2:]
    lattice = pixels / pixels.new_tensor([width, height]) * 2 - 1
    sampled = F.grid_sample(images, lattice[:, None], padding_mode="border", align_corners=False)
    return sampled[:, :, 0].transpose(1, 2)


def choose(
    texture: Float[Tensor, "frames height width"],
    intrinsics: Intrinsics,
    poses: Float[Tensor, "frames 3 4"],
    depth: Float[Tensor, "frames rows columns"],
    opacity: Float[Tensor, "frames rows columns"],
    per_frame: int,
    generator: Generator,
) -> SurfacePoints:
    """Draws points by texture where the field is opaque; `depth` may have another resolution than the images.

    `texture` is the `contrast` of the images that `intrinsics` belong to.
    """
    frames, height, width = texture.shape
    solid = F.interpolate(opacity[:, None], size=(height, width), mode="nearest")[:, 0] > 0.5
    chance = texture * solid + 1e-9
    per_frame = min(per_frame, height * width)
    index = torch.multinomial(chance.reshape(frames, -1).cpu(), per_frame, generator=generator).to(texture.device)
    pixels = torch.stack([index % width, index // width], dim=-1) + 0.5
    scale = pixels.new_tensor([depth.shape[2] / width, depth.shape[1] / height])
    inverse = (1 / depth.clamp(min=1e-3))[:, None]
    host = look_up(inverse, pixels * scale)[..., 0]
    plane = rays.normalised_points(pixels, intrinsics.focal, intrinsics.centre, intrinsics.distortion)
    origins, directions = rays.rays_through(poses[:, None], plane)
    points = (origins + directions / host.clamp(min=1e-3)[..., None]).reshape(-1, 3)
    camera = transform(poses[:, None], points[None])
    seen, ahead = rays.project(
        points[None].expand(frames, -1, -1), poses, intrinsics.focal, intrinsics.centre, intrinsics.distortion
    )
    there = look_up(inverse, seen * scale)[..., 0] * camera[..., 2]
    visible = (ahead > 1e-3) & ((there - 1).abs() < DEPTH_TOLERANCE)
    solid_there = look_up(opacity[:, None], seen * scale)[..., 0] > 0.5
    return SurfacePoints(points, visible & solid_there)
