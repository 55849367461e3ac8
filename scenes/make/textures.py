"""Textures of materials: wood, boards, plaster, paper, glaze, soil."""

from itertools import pairwise

import numpy as np

from scenes.make.drawing import Colour, coordinates, mix, noise


def wood(rng: np.random.Generator, light: Colour, dark: Colour, size: int = 512, rings: float = 9) -> np.ndarray:
    """Grain along u: bent growth rings, pores and broad stains."""
    v, _ = coordinates(size, size)
    bend = noise(size, size, rng, 2.0, (1.0, 4.0))
    ring = np.abs(((v * rings + 3.2 * bend) % 1.0) * 2 - 1)
    fibre = noise(size, size, rng, 0.7, (1.0, 30.0))
    stain = noise(size, size, rng, 1.8, (1.0, 3.0))
    weight = np.clip(0.45 * ring**1.5 + 0.9 * (fibre - 0.5) + 0.7 * (stain - 0.35), 0, 1)
    pores = noise(size, size, rng, 0.3, (1.0, 14.0)) > 0.82
    return np.clip(mix(light, dark, weight) * (1 - 0.35 * pores[..., None]), 0, 1)


def planks(rng: np.random.Generator, rows: int = 10, size: int = 1024) -> np.ndarray:
    """Floor boards along u, each with its own grain and tone, with dark joints and staggered ends."""
    image = np.zeros((size, size, 3))
    edges = np.linspace(0, size, rows + 1).astype(int)
    for top, bottom in pairwise(edges):
        ends = np.sort(rng.uniform(0, 1, 2))
        ends = np.concatenate([[0], (ends * size).astype(int), [size]])
        for left, right in pairwise(ends):
            grain = wood(rng, (0.70, 0.52, 0.34), (0.36, 0.22, 0.12), 512, rng.uniform(5, 16))
            row, column = rng.integers(0, 512 - (bottom - top)), rng.integers(0, 512)
            piece = np.roll(np.concatenate([grain, grain, grain], 1), -column, 1)
            piece = piece[row : row + bottom - top, : right - left]
            tone = rng.uniform(0.72, 1.12) * np.array([1, rng.uniform(0.94, 1.03), rng.uniform(0.88, 1.05)])
            image[top:bottom, left:right] = piece * tone
            image[top:bottom, left : left + 3] *= 0.35
        image[top : top + 4] *= 0.3
    scuffs = noise(size, size, rng, 1.5)
    return np.clip(image * (0.8 + 0.4 * scuffs[..., None]), 0, 1)


def plaster(rng: np.random.Generator, light: Colour, dark: Colour, size: int = 1024) -> np.ndarray:
    """Limewashed wall: clouds at all scales, brush strokes, hairline cracks and specks."""
    clouds = noise(size, size, rng, 1.5)
    strokes = 0.5 * noise(size, size, rng, 1.0, (5.0, 1.0)) + 0.5 * noise(size, size, rng, 1.0, (1.0, 5.0))
    grain = noise(size, size, rng, 0.4)
    weight = np.clip(1.25 * (clouds - 0.5) + 0.8 * (strokes - 0.5) + 0.25 * (grain - 0.5) + 0.5, 0, 1)
    image = mix(light, dark, weight)
    crack = np.abs(noise(size, size, rng, 1.7) - 0.5) < 0.0022
    crack &= noise(size, size, rng, 1.8) > 0.56
    specks = noise(size, size, rng, 0.9) > 0.88
    return np.clip(image * (1 - 0.45 * crack[..., None]) * (1 - 0.3 * specks[..., None]), 0, 1)


def painted_boards(rng: np.random.Generator, boards: int = 14, size: int = 1024) -> np.ndarray:
    """Wainscot: upright boards in worn paint, grain showing through, dark grooves."""
    _, u = coordinates(size, size)
    board = np.floor(u * boards).astype(int)
    tone = rng.uniform(0.86, 1.1, boards)[board]
    grain = noise(size, size, rng, 0.8, (26.0, 1.0))
    wear = noise(size, size, rng, 1.4, (2.5, 1.0))
    paint = np.asarray((0.43, 0.53, 0.47)) * (tone * (0.72 + 0.55 * grain))[..., None]
    bare = mix((0.72, 0.58, 0.40), (0.45, 0.31, 0.19), grain)
    groove_distance = np.minimum((u * boards) % 1, 1 - (u * boards) % 1)
    scraped = np.clip((wear + 0.22 * np.exp(-groove_distance / 0.06) - 0.76) / 0.03, 0, 1)
    image = mix(paint, bare, scraped)
    return np.clip(image * (0.3 + 0.7 * np.clip(groove_distance / 0.03, 0, 1))[..., None], 0, 1)


def pages(rng: np.random.Generator, size: int = 256) -> np.ndarray:
    """Edges of a block of paper, sheets along u."""
    sheets = noise(size, size, rng, 0.3, (1.0, 60.0))
    return np.clip(mix((0.93, 0.88, 0.76), (0.62, 0.53, 0.40), 1.4 * (sheets - 0.3)), 0, 1)


def glaze(rng: np.random.Generator, light: Colour, dark: Colour, height: int = 256, width: int = 512) -> np.ndarray:
    """Reactive pottery glaze: runs downwards, speckled."""
    v, _ = coordinates(height, width)
    runs = noise(height, width, rng, 1.2, (5.0, 1.0))
    image = mix(dark, light, np.clip(v + 1.6 * (runs - 0.5), 0, 1))
    return np.clip(image * (1 - 0.4 * (noise(height, width, rng, 0.5) > 0.78)[..., None]), 0, 1)


def soil(rng: np.random.Generator, size: int = 256) -> np.ndarray:
    """Dark crumbs with pale perlite."""
    crumbs = noise(size, size, rng, 0.8)
    image = mix((0.05, 0.035, 0.02), (0.24, 0.16, 0.10), crumbs)
    image[noise(size, size, rng, 0.9) > 0.86] = (0.72, 0.70, 0.64)
    return image
