"""Four objects, and their photos in the layout of NeRF's Blender scenes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from tests.benchmarks.smooth_objects.ray_tracer import Ellipsoid, render

FIELD_OF_VIEW = 0.6911  # radians, as in NeRF's scenes
DISTANCE = 4.03
SPLITS = {"train": 100, "test": 8}


def make_balls(generator: np.random.Generator) -> list[Ellipsoid]:
    """Balls of every gloss on a tray."""
    balls = []
    for column in range(4):
        for row in range(3):
            balls.append(
                Ellipsoid(
                    ((column - 1.5) * 0.62, (row - 1) * 0.62, 0.0),
                    0.27,
                    tuple(generator.uniform(0.1, 0.95, 3)),
                    (0.0, 0.04, 0.3, 0.75)[(column + row) % 4],
                    0.8 if (3 * column + row) % 4 == 1 else 0.0,
                    16.0,
                )
            )
    return [*balls, Ellipsoid((0, 0, -0.55), (1.35, 1.1, 0.3), (0.55, 0.5, 0.45), 0.02, 0.4, 9.0)]


def make_microphone(generator: np.random.Generator) -> list[Ellipsoid]:
    """A chequered head in a ring, on a leaning stand: nearly the same from all sides."""
    stand = [
        Ellipsoid((-0.1 + 0.0036 * step, 0, 0.2 - 0.022 * step), 0.05, (0.15, 0.15, 0.16), 0.1) for step in range(60)
    ]
    around = np.linspace(0, 2 * math.pi, 80, endpoint=False)
    ring = [
        Ellipsoid((0.42 * math.cos(a), 0.13 * math.sin(a), 0.55 + 0.42 * math.sin(a)), 0.025, (0.8, 0.8, 0.8), 0.3)
        for a in around
    ]
    head = Ellipsoid((0, 0, 0.55), 0.38, (0.75, 0.75, 0.78), 0.25, 0.7, 40.0)
    return [head, *stand, *ring, Ellipsoid((0, 0, -1.1), (0.6, 0.6, 0.08), (0.2, 0.2, 0.22), 0.1)]


def make_plant(generator: np.random.Generator) -> list[Ellipsoid]:
    """Many small leaves of one green over a pot."""
    leaves = []
    for _ in range(260):
        angle, height = generator.uniform(0, 2 * math.pi), generator.uniform(-0.1, 1.0)
        reach = generator.uniform(0.05, 0.55) * math.sqrt(max(0.05, 1 - ((height - 0.45) / 0.6) ** 2))
        green = generator.uniform(0.3, 0.6)
        place = (reach * math.cos(angle), reach * math.sin(angle), height)
        leaves.append(
            Ellipsoid(place, tuple(generator.uniform(0.02, 0.1, 3)), (0.35 * green, green, 0.25 * green), 0.02)
        )
    stem = [Ellipsoid((0, 0, -0.6 + 0.025 * step), 0.03, (0.35, 0.22, 0.1)) for step in range(40)]
    return [*leaves, *stem, Ellipsoid((0, 0, -0.75), (0.35, 0.35, 0.22), (0.6, 0.3, 0.15), 0.04, 0.5, 20.0)]


def make_hot_dogs(generator: np.random.Generator) -> list[Ellipsoid]:
    """Two hot dogs on a plate: large and smooth, with a row of small things that are all alike."""
    parts = [Ellipsoid((0, 0, -0.29), (1.35, 1.35, 0.06), (0.88, 0.88, 0.86), 0.04)]
    for side in (-0.38, 0.38):
        parts += [
            Ellipsoid((0, side - 0.16, -0.08), (0.95, 0.2, 0.2), (0.85, 0.55, 0.25), 0.01, 0.1, 5.0),
            Ellipsoid((0, side + 0.16, -0.08), (0.95, 0.2, 0.2), (0.85, 0.55, 0.25), 0.01, 0.1, 5.0),
            Ellipsoid((0, side, 0.05), (1.08, 0.12, 0.12), (0.65, 0.22, 0.1), 0.05),
        ]
        for step in range(26):
            place = (-0.85 + 0.068 * step, side + 0.05 * math.sin(1.1 * step), 0.17)
            parts.append(Ellipsoid(place, (0.045, 0.04, 0.035), (0.9, 0.75, 0.1), 0.05))
    return parts


OBJECTS: dict[str, Callable[[np.random.Generator], list[Ellipsoid]]] = {
    "balls": make_balls,
    "microphone": make_microphone,
    "plant": make_plant,
    "hot-dogs": make_hot_dogs,
}


def draw_pose(generator: np.random.Generator) -> Float[np.ndarray, "3 4"]:
    """Camera to world, OpenGL's axes: somewhere on the upper half of a sphere, looking at its middle."""
    height, angle = generator.uniform(0.05, 0.98), generator.uniform(0, 2 * math.pi)
    flat = math.sqrt(1 - height**2)
    back = np.array([flat * math.cos(angle), flat * math.sin(angle), height])
    right = np.cross([0, 0, 1], back) / flat
    return np.stack([right, np.cross(back, right), back, DISTANCE * back], axis=1)


def write_object(name: str, folder: Path, side: int, splits: dict[str, int] = SPLITS) -> None:
    """Renders the photos of an object and writes them with their `transforms_*.json`.

    Args:
        name: in `OBJECTS`.
        folder: that is made.
        side: of the square photos, pixels.
        splits: how many photos of each.
    """
    generator = np.random.default_rng(7)
    parts = OBJECTS[name](generator)
    focal = side / 2 / math.tan(FIELD_OF_VIEW / 2)
    for split, count in splits.items():
        (folder / split).mkdir(parents=True, exist_ok=True)
        frames = []
        for index in range(count):
            pose = draw_pose(generator)
            Image.fromarray(render(parts, pose, side, focal)).save(folder / split / f"r_{index}.png")
            matrix = np.vstack([pose, [0, 0, 0, 1]]).tolist()
            frames.append({"file_path": f"./{split}/r_{index}", "transform_matrix": matrix})
        content = {"camera_angle_x": FIELD_OF_VIEW, "frames": frames}
        (folder / f"transforms_{split}.json").write_text(json.dumps(content), encoding="utf-8")
