"""Gaussians drawn by asking every Gaussian in every pixel, in torch and double precision: what the rasteriser does."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.export.splats.camera import SplatCamera
from engine.export.splats.gaussians import Gaussians


def some_gaussians(count: int, seed: int = 0, spread: float = 1.0, size: float = 0.15) -> Gaussians:
    """Before a camera that looks along +z from the origin; some outside its picture, some behind it."""
    generator = np.random.default_rng(seed)
    rows = np.zeros((count, 23), np.float32)
    rows[:, :3] = generator.normal(size=(count, 3)) * spread + [0, 0, 3]
    rows[:, 3:6] = np.log(size) + 0.5 * generator.normal(size=(count, 3))
    rows[:, 6:10] = generator.normal(size=(count, 4)) * 1.5
    rows[:, 10] = generator.normal(size=count) * 1.5
    rows[:, 11:14] = generator.normal(size=(count, 3))
    rows[:, 14:] = 0.5 * generator.normal(size=(count, 9))
    return Gaussians(rows)


def a_camera(width: int = 40, height: int = 30) -> SplatCamera:
    """Slightly turned and moved, with different focal lengths and a principal point off the middle."""
    turn = 0.2
    rotation = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    pose = np.concatenate([rotation, [[0.1], [-0.2], [0.3]]], axis=1).astype(np.float32)
    lens = np.array([0.9 * width, 1.1 * width, 0.52 * width, 0.47 * height], np.float32)
    return SplatCamera(pose, lens, width, height, 0.2)


def draw_densely(rows: Tensor, camera: SplatCamera, background: Tensor) -> tuple[Tensor, Tensor]:
    """Picture and share of the background; differentiable in `rows`, (gaussians, 23)."""
    pose, lens = (torch.from_numpy(values).to(rows) for values in (camera.world_to_camera, camera.lens))
    places = rows[:, :3] @ pose[:, :3].T + pose[:, 3]
    z = places[:, 2]
    kept = z > camera.nearest
    rows, places, z = rows[kept], places[kept], z[kept]
    order = z.argsort()
    rows, places, z = rows[order], places[order], z[order]
    means = places[:, :2] / z[:, None] * lens[:2] + lens[2:]
    limits = 1.3 * 0.5 * torch.tensor([camera.width, camera.height]).to(rows) / lens[:2]
    slopes = torch.minimum(torch.maximum(places[:, :2] / z[:, None], -limits), limits)
    zero = torch.zeros_like(z)
    jacobian = torch.stack(
        [
            torch.stack([lens[0] / z, zero, -lens[0] * slopes[:, 0] / z], dim=-1),
            torch.stack([zero, lens[1] / z, -lens[1] * slopes[:, 1] / z], dim=-1),
        ],
        dim=1,
    )
    w, x, y, v = torch.nn.functional.normalize(rows[:, 6:10], dim=-1).unbind(-1)
    rotation = torch.stack(
        [
            *(1 - 2 * (y * y + v * v), 2 * (x * y - w * v), 2 * (x * v + w * y)),
            *(2 * (x * y + w * v), 1 - 2 * (x * x + v * v), 2 * (y * v - w * x)),
            *(2 * (x * v - w * y), 2 * (y * v + w * x), 1 - 2 * (x * x + y * y)),
        ],
        dim=-1,
    ).unflatten(-1, (3, 3))
    axes = rotation * rows[:, None, 3:6].exp()
    linear = jacobian @ pose[:, :3]
    covariance = linear @ (axes @ axes.mT) @ linear.mT + 0.3 * torch.eye(2).to(rows)
    eye = -(pose[:, :3].T @ pose[:, 3])
    towards = torch.nn.functional.normalize(rows[:, :3] - eye, dim=-1)
    harmonics = 0.4886025119029199 * torch.stack([-towards[:, 1], towards[:, 2], -towards[:, 0]], dim=-1)
    colours = 0.5 + 0.28209479177387814 * rows[:, 11:14]
    colours = (colours + (harmonics[:, :, None] * rows[:, 14:].unflatten(-1, (3, 3))).sum(1)).clamp(min=0)
    row, column = torch.meshgrid(torch.arange(camera.height), torch.arange(camera.width), indexing="ij")
    pixels = torch.stack([column, row], dim=-1).to(rows) + 0.5
    offsets = pixels[:, :, None] - means
    power = (offsets[..., None, :] @ torch.linalg.inv(covariance) @ offsets[..., None])[..., 0, 0]
    alpha = torch.sigmoid(rows[:, 10]) * torch.exp(-0.5 * power)
    alpha = torch.where(alpha < 1 / 255, torch.zeros_like(alpha), alpha.clamp(max=0.99))
    passing = torch.cumprod(torch.cat([torch.ones_like(alpha[..., :1]), 1 - alpha], dim=-1), dim=-1)
    weights = alpha * passing[..., :-1]
    return weights @ colours + passing[..., -1:] * background, passing[..., -1]
