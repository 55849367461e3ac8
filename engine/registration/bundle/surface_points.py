"""Points on the surface that a field has found: chosen where photos have contrast, with the frames that see them."""

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
from engine.registration.bundle.options import SurfaceOptions

DEFAULT = SurfaceOptions()


class SurfacePoints(NamedTuple):
    """Points in the world and the frames that see them."""

    points: Float[Tensor, "points 3"]
    visible: Bool[Tensor, "frames points"]


@torch.no_grad()
def render_depth_maps(
    field: Field,
    poses: Float[Tensor, "frames 3 4"],
    plane: Float[Tensor, "frames height width 2"],
    options: SurfaceOptions = DEFAULT,
) -> tuple[Float[Tensor, "frames height width"], Float[Tensor, "frames height width"]]:
    """Rendered depth (scene units, infinite where a ray meets nothing) and opacity in [0, 1] of whole frames.

    Args:
        field: rendered without gradient.
        poses: world-to-camera.
        plane: pixel centres on the normalised image planes.
        options: how many rays are rendered at once.
    """
    frames, height, width, _ = plane.shape
    size = options.rays_at_once
    depths, opacities = [], []
    for frame in range(frames):
        origins, directions = rays.rays_through(poses[frame], plane[frame].reshape(-1, 2))
        origins = origins.expand_as(directions)
        for first in range(0, height * width, size):
            rendering = field.render(origins[first : first + size], directions[first : first + size])
            depths.append(rendering.depth)
            opacities.append(rendering.opacity)
    shape = (frames, height, width)
    return torch.cat(depths).view(shape), torch.cat(opacities).view(shape)


def measure_contrast(
    images: Float[Tensor, "frames 3 height width"], options: SurfaceOptions = DEFAULT
) -> Float[Tensor, "frames height width"]:
    """Gradient magnitude of the brightness divided by its local mean, so that texture in dark regions counts as well.

    Zero along the border.
    """
    edge = options.border
    grey = images.mean(dim=1, keepdim=True)
    across = F.pad((grey[..., 2:] - grey[..., :-2]) / 2, (1, 1, 0, 0))
    down = F.pad((grey[..., 2:, :] - grey[..., :-2, :]) / 2, (0, 0, 1, 1))
    magnitude = (across.square() + down.square()).sqrt()
    magnitude[..., :edge, :] = magnitude[..., -edge:, :] = 0
    magnitude[..., :, :edge] = magnitude[..., :, -edge:] = 0
    radius = max(min(grey.shape[-2:]) // options.smoothing, 1)
    around = F.avg_pool2d(magnitude, 2 * radius + 1, stride=1, padding=radius)
    return (magnitude / (around + options.contrast_floor))[:, 0]


def sample_images(
    images: Float[Tensor, "frames channels height width"], pixels: Float[Tensor, "frames points 2"]
) -> Float[Tensor, "frames points channels"]:
    """Bilinear values at pixel positions (pixel centres at +0.5); beyond the border the nearest pixel's."""
    height, width = images.shape[-2:]
    lattice = pixels / pixels.new_tensor([width, height]) * 2 - 1
    sampled = F.grid_sample(images, lattice[:, None], padding_mode="border", align_corners=False)
    return sampled[:, :, 0].transpose(1, 2)


def look_up(
    masks: Bool[Tensor, "frames height width"], pixels: Float[Tensor, "frames points 2"]
) -> Bool[Tensor, "frames points"]:
    """The masks at the pixels that positions lie in; beyond the border the nearest pixel's."""
    height, width = masks.shape[1:]
    column = pixels[..., 0].nan_to_num().clamp(0, width - 1).long()
    row = pixels[..., 1].nan_to_num().clamp(0, height - 1).long()
    return masks.flatten(start_dim=1).gather(1, row * width + column)


def choose_points(
    texture: Float[Tensor, "frames height width"],
    intrinsics: Intrinsics,
    poses: Float[Tensor, "frames 3 4"],
    depth: Float[Tensor, "frames rows columns"],
    opacity: Float[Tensor, "frames rows columns"],
    per_frame: int,
    generator: Generator,
    options: SurfaceOptions = DEFAULT,
) -> SurfacePoints:
    """Draws pixels in proportion to their contrast where the field is opaque, and places them in the world.

    Args:
        texture: `measure_contrast` of the images that `intrinsics` belong to.
        intrinsics: of all frames.
        poses: world-to-camera.
        depth, opacity: of `render_depth_maps`, possibly of another resolution than the images.
        per_frame: points drawn in each frame.
        generator: on the CPU.
        options: when a point counts as seen.
    """
    frames, height, width = texture.shape
    opaque = F.interpolate(opacity[:, None], size=(height, width), mode="nearest")[:, 0] > options.opacity
    chance = texture * opaque + 1e-9
    per_frame = min(per_frame, height * width)
    index = torch.multinomial(chance.reshape(frames, -1).cpu(), per_frame, generator=generator).to(texture.device)
    pixels = torch.stack([index % width, index // width], dim=-1) + 0.5
    scale = pixels.new_tensor([depth.shape[2] / width, depth.shape[1] / height])
    inverse = (1 / depth.clamp(min=1e-3))[:, None]
    inverse_depth = sample_images(inverse, pixels * scale)[..., 0]
    plane = rays.normalised_points(pixels, intrinsics.focal, intrinsics.centre, intrinsics.distortion)
    origins, directions = rays.rays_through(poses[:, None], plane)
    points = (origins + directions / inverse_depth.clamp(min=1e-3)[..., None]).reshape(-1, 3)
    camera = transform(poses[:, None], points[None])
    seen, ahead = rays.project(
        points[None].expand(frames, -1, -1), poses, intrinsics.focal, intrinsics.centre, intrinsics.distortion
    )
    ratio = sample_images(inverse, seen * scale)[..., 0] * camera[..., 2]  # of the point's depth to the rendered one
    visible = (ahead > 1e-3) & ((ratio - 1).abs() < options.depth_tolerance)
    opaque_there = sample_images(opacity[:, None], seen * scale)[..., 0] > options.opacity
    return SurfacePoints(points, visible & opaque_there)
