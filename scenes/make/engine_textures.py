"""Textures of the toy locomotive: worn paint over wood, rivets, number plates, painted panels."""

import numpy as np

from scenes.make.drawing import Colour, coordinates, lettering, mix, noise
from scenes.make.textures import wood


def worn_paint(
    rng: np.random.Generator, colour: Colour, height: int = 512, width: int = 512, wear: float = 0.74
) -> np.ndarray:
    """Paint with brush marks and tonal drift; bare wood shows where `noise` exceeds `wear`."""
    brush = noise(height, width, rng, 0.8, (1.0, 12.0))
    drift = noise(height, width, rng, 1.6)
    paint = np.asarray(colour) * (0.72 + 0.3 * brush + 0.3 * drift)[..., None]
    bare = wood(rng, (0.86, 0.68, 0.46), (0.58, 0.38, 0.21), max(height, width))[:height, :width]
    chips = np.clip((noise(height, width, rng, 1.25, (1.0, 1.8)) - wear) / 0.02, 0, 1)
    return np.clip(mix(paint, bare, chips), 0, 1)


def riveted(image: np.ndarray, rows: list[float], count: int, colour: Colour, aspect: float) -> np.ndarray:
    """Rows of rivets at the given heights; aspect is physical width over height of the image."""
    v, u = coordinates(*image.shape[:2])
    image = image.copy()
    for row in rows:
        distance = np.hypot((u * count) % 1 - 0.5, (v - row) * count / aspect)
        image[distance < 0.30] = np.asarray(colour) * 0.45
        image[distance < 0.22] = colour
    return image


def boiler(rng: np.random.Generator) -> np.ndarray:
    """Green barrel: lined panels, rivets and a diamond frieze; u round, v along."""
    image = worn_paint(rng, (0.11, 0.38, 0.27), 512, 1024, 0.78)
    v, u = coordinates(512, 1024)
    cream = (0.93, 0.86, 0.62)
    for low, high in ((0.16, 0.36), (0.42, 0.60), (0.66, 0.84)):
        cell = np.abs((u * 6) % 1 - 0.5)
        inside = (v > low) & (v < high) & (cell < 0.42)
        edge = np.minimum(np.minimum(v - low, high - v) * 4.5, 0.42 - cell)
        image[inside & (edge > 0.03) & (edge < 0.065)] = cream
        centre = np.abs((v - (low + high) / 2) * 4.2) + cell
        image[inside & (centre < 0.15)] = (0.80, 0.24, 0.13)
        image[inside & (centre < 0.07)] = (0.94, 0.74, 0.26)
    return riveted(image, [0.13, 0.39, 0.63, 0.87], 64, (0.84, 0.68, 0.34), 1.9)


def smokebox_door(rng: np.random.Generator, size: int = 512) -> np.ndarray:
    """Planar front: rings, rivets, hinge straps and the running number."""
    v, u = coordinates(size, size)
    radius, angle = np.hypot(u - 0.5, v - 0.5), np.arctan2(v - 0.5, u - 0.5)
    image = worn_paint(rng, (0.20, 0.22, 0.25), size, size, 0.80)
    image[(radius > 0.36) & (radius < 0.385)] = (0.86, 0.70, 0.32)
    rivets = np.hypot((angle / (2 * np.pi) * 28) % 1 - 0.5, (radius - 0.43) * 11) < 0.26
    image[rivets] = (0.78, 0.66, 0.40)
    image[(np.abs(np.abs(v - 0.5) - 0.2) < 0.018) & (radius < 0.35) & (u < 0.55)] = (0.62, 0.57, 0.48)
    image[radius < 0.21] = (0.72, 0.16, 0.12)
    image[(radius > 0.185) & (radius < 0.20)] = (0.95, 0.88, 0.66)
    return lettering(image, "27", (0.5, 0.5), 128, (0.97, 0.92, 0.76))


def cab_side(rng: np.random.Generator, text: str, colour: Colour) -> np.ndarray:
    """Lined panel with a plate that carries the name."""
    image = worn_paint(rng, colour, 384, 512, 0.76)
    v, u = coordinates(384, 512)
    margin = np.minimum(np.minimum(u, 1 - u) * 1.33, np.minimum(v, 1 - v))
    image[(margin > 0.07) & (margin < 0.095)] = (0.95, 0.84, 0.50)
    image[(margin > 0.115) & (margin < 0.125)] = (0.95, 0.90, 0.80)
    plate = (np.abs(u - 0.5) < 0.33) & (np.abs(v - 0.5) < 0.2)
    image[plate] = (0.10, 0.16, 0.28)
    image[plate & ((np.abs(u - 0.5) > 0.315) | (np.abs(v - 0.5) > 0.18))] = (0.90, 0.76, 0.40)
    return lettering(image, text, (0.5, 0.5), 110, (0.97, 0.90, 0.66))


def checks(rng: np.random.Generator, first: Colour, second: Colour, columns: int, rows: int) -> np.ndarray:
    """Worn chequered paint."""
    v, u = coordinates(512, 512)
    odd = (np.floor(u * columns) + np.floor(v * rows)) % 2 > 0
    return np.where(odd[..., None], worn_paint(rng, first), worn_paint(rng, second))


def stripes(rng: np.random.Generator, first: Colour, second: Colour, count: int) -> np.ndarray:
    """Worn stripes across u."""
    return checks(rng, first, second, count, 1)


def coal(rng: np.random.Generator) -> np.ndarray:
    facets = noise(256, 256, rng, 1.1)
    return mix((0.03, 0.03, 0.035), (0.33, 0.33, 0.36), np.clip(3.2 * (facets - 0.5), 0, 1))


def wheel_face(rng: np.random.Generator, colour: Colour) -> np.ndarray:
    """Paint of rims: a pale line and dots round the tyre (u round, v across)."""
    image = worn_paint(rng, colour, 256, 1024, 0.77)
    v, u = coordinates(256, 1024)
    image[np.abs(v - 0.5) < 0.09] = (0.94, 0.88, 0.72)
    image[np.hypot((u * 20) % 1 - 0.5, (v - 0.5) * 3) < 0.18] = (0.15, 0.25, 0.42)
    return image
