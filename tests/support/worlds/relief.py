"""A world that is a coloured relief in front of the cameras: smooth, textured everywhere, quick to render."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.config.rows import Stage
from engine.fields.spaces import BoxSpace, ProjectiveSpace, UnboundedSpace
from engine.fields.voxel_grid.field import VoxelGrid
from engine.geometry import rays, se3
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.lens_models import stack_distortions

WIDTH, HEIGHT, FOCAL = 64, 48, 60.0


def _smooth(generator: torch.Generator, channels: int, knots: tuple[int, ...], shape: tuple[int, ...]) -> Tensor:
    noise = torch.randn(1, channels, *knots, generator=generator)
    mode = "trilinear" if len(knots) == 3 else "bicubic"
    return F.interpolate(noise, size=shape, mode=mode, align_corners=True)[0]


def stage(planes: int, voxels: int, samples: int) -> Stage:
    return Stage(
        *(planes, 1, 1, samples, False, (1e-2, 1e-2), (1e-3, 1e-3), 0.0), name="relief", downsample=1, voxels=voxels
    )


def relief(seed: int = 0, samples: int = 64) -> VoxelGrid:
    """Seen from near the world's origin along z: a surface at depths of about 1.5 to 3."""
    generator = torch.Generator().manual_seed(seed)
    field = VoxelGrid(ProjectiveSpace((0.8, 0.65)), None, generator)
    field.begin_stage(stage(24, 72, samples))
    depth, height, width = field.grid.shape
    surface = depth * (0.5 + 0.12 * _smooth(generator, 1, (4, 5), (height, width))[0].clamp(-1.2, 1.2))
    plane = torch.arange(depth)[:, None, None]
    voxels = field.grid.voxels
    voxels[..., 0] = 4 - 3 * (plane - surface).abs()
    voxels[..., 1:] = 2 * _smooth(generator, 3, (3, 9, 12), (depth, height, width)).permute(1, 2, 3, 0)
    field._changed()
    return field


def blob(seed: int = 0, samples: int = 64) -> VoxelGrid:
    """A coloured ball in a box."""
    generator = torch.Generator().manual_seed(seed)
    field = VoxelGrid(BoxSpace((0.0, 0.0, 0.0), 1.0), (1.0, 1.0, 1.0), generator)
    field.begin_stage(stage(24, 24, samples))
    axis = torch.linspace(-1, 1, 24)
    radius = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij")).norm(dim=0)
    voxels = field.grid.voxels
    voxels[..., 0] = 12 * (0.6 - radius)
    voxels[..., 1:] = 2 * _smooth(generator, 3, (5, 5, 5), (24, 24, 24)).permute(1, 2, 3, 0)
    field._changed()
    return field


def room(seed: int = 0, samples: int = 64) -> VoxelGrid:
    """A coloured ball in the middle of all of space, whose walls are coloured too."""
    generator = torch.Generator().manual_seed(seed)
    field = VoxelGrid(UnboundedSpace((0.0, 0.0, 0.0), 1.0, nearest=0.3), None, generator)
    field.begin_stage(stage(36, 36, samples))
    axis = torch.linspace(-1.5, 1.5, 36)
    radius = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij")).norm(dim=0)
    voxels = field.grid.voxels
    voxels[..., 0] = torch.maximum(12 * (0.6 - radius), 12 * (radius - 1.35))
    voxels[..., 1:] = 2 * _smooth(generator, 3, (5, 5, 5), (36, 36, 36)).permute(1, 2, 3, 0)
    field._changed()
    return field


def looking_at_blob(count: int, seed: int = 0) -> Tensor:
    """Poses around the ball, 2.5 away."""
    twist = torch.randn(count, 6, generator=torch.Generator().manual_seed(seed)) * torch.tensor([0.5] * 3 + [0.0] * 3)
    back = torch.eye(3, 4)
    back[2, 3] = 2.5
    return se3.compose(back, se3.exponential(twist))


def cameras(count: int, seed: int = 1) -> Tensor:
    """Poses as of a hand before the relief."""
    twist = torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))
    return se3.exponential(twist * torch.tensor([0.02] * 3 + [0.12, 0.12, 0.06]))


def moved(poses: Tensor, degrees: float, distance: float, seed: int = 2) -> Tensor:
    """Every pose turned and shifted by so much, in a direction of its own."""
    axes = torch.randn(2, poses.shape[0], 3, generator=torch.Generator().manual_seed(seed))
    axes = F.normalize(axes, dim=-1) * torch.tensor([math.radians(degrees), distance])[:, None, None]
    return se3.compose(se3.exponential(torch.cat([axes[0], axes[1]], dim=-1)), poses)


def intrinsics(frames: int, scale: float = 1.0, lens: tuple[float, ...] = (0.0,) * 4) -> Intrinsics:
    focal = torch.full((frames, 2), FOCAL * scale)
    centre = torch.tensor([WIDTH / 2, HEIGHT / 2]).expand(frames, 2) * scale
    distortion = stack_distortions([lens] * frames)
    return Intrinsics(focal, centre, distortion, round(WIDTH * scale), round(HEIGHT * scale))


def plane_points(of: Intrinsics) -> Tensor:
    """(frames, height, width, 2)."""
    grid = rays.pixel_grid(of.height, of.width).reshape(1, -1, 2).expand(of.frames, -1, -1)
    points = rays.normalised_points(grid, of.focal, of.centre, of.distortion)
    return points.view(of.frames, of.height, of.width, 2)


@torch.no_grad()
def photos(field: VoxelGrid, poses: Tensor, lens: tuple[float, ...] = (0.0,) * 4) -> Tensor:
    """(frames, 3, height, width)."""
    points = plane_points(intrinsics(poses.shape[0], lens=lens)).flatten(1, 2)
    origins, directions = rays.rays_through(poses[:, None], points)
    colour = field.render(origins.expand_as(directions).reshape(-1, 3), directions.reshape(-1, 3)).colour
    return colour.view(-1, HEIGHT, WIDTH, 3).permute(0, 3, 1, 2).contiguous()
