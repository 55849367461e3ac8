"""Rooms, objects and facades of textured rectangles, rendered to photos with features, from cameras that are known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from tests.support.scenes.synthetic import looking_at

WIDTH, HEIGHT, FOCAL = 480, 360, 420.0  # pixels
SUPERSAMPLING = 1  # rays along each side of a pixel; textures are smooth

Picture = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class Rectangle:
    """A textured rectangle in the world.

    Attributes:
        corner: where the picture's upper left corner lies.
        across, down: its edges, along the picture's width and height.
        picture: RGB.
    """

    corner: Float[np.ndarray, "3"]
    across: Float[np.ndarray, "3"]
    down: Float[np.ndarray, "3"]
    picture: Picture

    def turned(self, angle: float) -> Rectangle:
        """The rectangle after a turn about the world's z axis, radians."""
        c, s = np.cos(angle), np.sin(angle)
        turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        return Rectangle(turn @ self.corner, turn @ self.across, turn @ self.down, self.picture)


@lru_cache(maxsize=64)
def draw_texture(seed: int, width: int = 256, height: int = 256, base: tuple[int, ...] = (128, 128, 128)) -> Picture:
    """Smooth noise of many scales: everywhere something to find, and nowhere the same."""
    generator = np.random.default_rng(seed)
    total: NDArray[np.float64] = np.zeros((height, width, 3))
    for side in (4, 8, 16, 32, 64, *((128,) if width > 256 else ())):
        small = generator.uniform(-1, 1, (max(side * height // width, 2), side, 3)) * np.array([1.0, 0.8, 0.9])
        for channel in range(3):
            layer = Image.fromarray(small[..., channel].astype(np.float32))
            total[..., channel] += np.asarray(layer.resize((width, height), Image.Resampling.BICUBIC))
    return (np.array(base) + 45 * total).clip(0, 255).astype(np.uint8)


def box(
    middle: tuple[float, float, float], size: tuple[float, float, float], pictures: list[Picture]
) -> list[Rectangle]:
    """Four upright sides and a lid; `pictures` are taken in turn."""
    (x, y, z), (a, b, c) = middle, (side / 2 for side in size)
    corners = [(x - a, y - b), (x + a, y - b), (x + a, y + b), (x - a, y + b)]
    sides = []
    for number in range(4):
        one, other = corners[number], corners[(number + 1) % 4]
        corner, end = np.array([*one, z + c]), np.array([*other, z + c])
        sides.append(Rectangle(corner, end - corner, np.array([0, 0, -2 * c]), pictures[number % len(pictures)]))
    lid = np.array([x - a, y - b, z + c])
    sides.append(Rectangle(lid, np.array([2 * a, 0, 0]), np.array([0, 2 * b, 0]), pictures[-1]))
    return sides


def room(half: float = 6.0, height: float = 5.0, floor: float = 0.0, seed: int = 100) -> list[Rectangle]:
    """Four walls and a floor round the origin, each with a texture of its own."""
    walls = []
    corners = [(-half, -half), (half, -half), (half, half), (-half, half)]
    for number in range(4):
        one, other = corners[number], corners[(number + 1) % 4]
        corner = np.array([*one, floor + height])
        edge = np.array([*other, floor + height]) - corner
        walls.append(Rectangle(corner, edge, np.array([0, 0, -height]), draw_texture(seed + number, 512, 256)))
    ground = np.array([-half, -half, floor])
    picture = draw_texture(seed + 4, 512, 512, (100, 110, 90))
    walls.append(Rectangle(ground, np.array([2 * half, 0, 0]), np.array([0, 2 * half, 0]), picture))
    return walls


def ring(
    frames: int, radius: float, height: float, span: float = 2 * np.pi, target: tuple[float, float, float] = (0, 0, 1)
) -> Float[Tensor, "frames 3 4"]:
    """World-to-camera poses on an arc round the z axis, double precision; `span` in radians."""
    turn = torch.linspace(0, span, frames + (span > 6.28), dtype=torch.float64)[:frames]
    wave = 0.15 * torch.sin(5 * turn)
    centres = torch.stack([radius * turn.cos(), radius * turn.sin(), height + wave], dim=-1)
    return looking_at(centres, torch.tensor(target, dtype=torch.float64))


def render(
    rectangles: list[Rectangle],
    pose: Float[Tensor, "3 4"],
    size: tuple[int, int] = (WIDTH, HEIGHT),
    focal: float = FOCAL,
    noise: float = 2.0,
    seed: int = 0,
) -> Picture:
    """A photo: each pixel the mean of some rays, with a little noise (8-bit steps)."""
    width, height = size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING
    rotation, translation = pose[:, :3].numpy(), pose[:, 3].numpy()
    centre = -rotation.T @ translation
    x = (np.arange(width) + 0.5 - width / 2) / (focal * SUPERSAMPLING)
    y = (np.arange(height) + 0.5 - height / 2) / (focal * SUPERSAMPLING)
    plane = np.stack([*np.meshgrid(x, y), np.ones((height, width))], axis=-1).reshape(-1, 3)
    rays = plane @ rotation
    nearest = np.full(len(rays), np.inf)
    colour: NDArray[np.uint8] = np.full((len(rays), 3), 90, dtype=np.uint8)
    for one in rectangles:
        normal = np.cross(one.across, one.down)
        with np.errstate(divide="ignore", invalid="ignore"):
            depth = ((one.corner - centre) @ normal) / (rays @ normal)
        at = np.nonzero((depth > 1e-6) & (depth < nearest))[0]
        offset = centre + depth[at, None] * rays[at] - one.corner
        u = offset @ one.across / (one.across @ one.across)
        v = offset @ one.down / (one.down @ one.down)
        inside = (u >= 0) & (u < 1) & (v >= 0) & (v < 1)
        at, u, v = at[inside], u[inside], v[inside]
        rows, columns = one.picture.shape[:2]
        colour[at] = _look_up(one.picture, u * columns, v * rows)
        nearest[at] = depth[at]
    block = colour.reshape(size[1], SUPERSAMPLING, size[0], SUPERSAMPLING, 3).mean(axis=(1, 3))
    generator = np.random.default_rng(seed)
    return (block + generator.normal(0, noise, block.shape)).round().clip(0, 255).astype(np.uint8)


def _look_up(picture: Picture, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Bilinear."""
    rows, columns = picture.shape[:2]
    x, y = (x - 0.5).clip(0, columns - 1.001), (y - 0.5).clip(0, rows - 1.001)
    i, j = y.astype(int), x.astype(int)
    a, b = (y - i)[:, None], (x - j)[:, None]
    upper = (1 - b) * picture[i, j] + b * picture[i, j + 1]
    lower = (1 - b) * picture[i + 1, j] + b * picture[i + 1, j + 1]
    return ((1 - a) * upper + a * lower).astype(np.uint8)
