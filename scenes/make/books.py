"""Books, lying in stacks and standing in rows."""

import numpy as np

from scenes.make import patterns, textures
from scenes.make.meshes import merged, rotation_about, rounded_box, sheet
from scenes.make.mitsuba_scene import coated, matte, texture
from scenes.make.parts import Parts, placed


def book(rng: np.random.Generator, title: str, size: tuple[float, float, float], base: tuple, accent: tuple) -> Parts:
    """Lying book, spine towards +z: size is (width along x, thickness, depth)."""
    width, thickness, depth = size
    board = 0.004
    jacket = patterns.book_jacket(rng, title, base, accent)
    covers = merged(
        [
            rounded_box((width, board, depth), 0.0015).moved((0, thickness / 2 - board / 2, 0)),
            rounded_box((width, board, depth), 0.0015).moved((0, -thickness / 2 + board / 2, 0)),
        ]
    )
    spine_image = patterns.book_jacket(rng, title, base, accent)
    spine_angle = np.linspace(-np.pi / 2, np.pi / 2, 9)[:, None]
    along = np.linspace(-width / 2, width / 2, 9)[None]
    spine = sheet(
        np.stack(
            [
                along + 0 * spine_angle,
                thickness / 2 * np.sin(spine_angle) + 0 * along,
                depth / 2 + 0.35 * thickness * np.cos(spine_angle) + 0 * along,
            ],
            -1,
        )
    )
    block = rounded_box((width - 0.01, thickness - 2 * board, depth - 0.008), 0.001, 4.0)
    # The spine is wide and low: show the middle of the jacket, where the title is.
    spine = spine.with_uvs((1.0, 0.36), (0.0, 0.50))
    return [
        (covers, coated(texture(jacket), 0.45)),
        (spine, coated(texture(spine_image), 0.45)),
        (block, matte(texture(textures.pages(rng)))),
    ]


BOOKS = [
    ("FERNS", (0.16, 0.30, 0.22), (0.86, 0.76, 0.48)),
    ("ATLAS", (0.58, 0.16, 0.13), (0.92, 0.84, 0.66)),
    ("NORTH", (0.13, 0.22, 0.38), (0.85, 0.70, 0.36)),
    ("CLAY", (0.78, 0.50, 0.20), (0.20, 0.14, 0.12)),
    ("TIDES", (0.74, 0.71, 0.62), (0.16, 0.32, 0.38)),
    ("MOSS", (0.34, 0.18, 0.28), (0.88, 0.76, 0.62)),
    ("LOOM", (0.24, 0.40, 0.42), (0.93, 0.88, 0.74)),
    ("SALT", (0.82, 0.74, 0.56), (0.52, 0.14, 0.12)),
]


def book_stack(rng: np.random.Generator, choice: list[int], width: float = 0.24) -> Parts:
    """Books lying on each other, none quite square; the lowest rests on y = 0."""
    parts, height = [], 0.0
    for level, index in enumerate(choice):
        title, base, accent = BOOKS[index]
        thickness = rng.uniform(0.028, 0.05)
        size = (width * (1 - 0.07 * level) * rng.uniform(0.94, 1.04), thickness, 0.17 * rng.uniform(0.9, 1.05))
        parts += placed(
            book(rng, title, size, base, accent), (rng.normal(0, 0.006), height + thickness / 2, 0), rng.normal(0, 7)
        )
        height += thickness + 0.0005
    return parts


def book_row(rng: np.random.Generator, choice: list[int]) -> Parts:
    """Standing books, spines towards +z, from x = 0 to the right; the last one leans."""
    parts, left = [], 0.0
    upright = rotation_about("z", 90)
    for place, index in enumerate(choice):
        title, base, accent = BOOKS[index]
        height, thickness = rng.uniform(0.17, 0.235), rng.uniform(0.026, 0.045)
        lean = rotation_about("z", 12 if place == len(choice) - 1 else 0)
        for mesh, material in book(rng, title, (height, thickness, 0.14), base, accent):
            standing = mesh.turned(upright).moved((0, height / 2, rng.normal(0, 0.003))).turned(lean)
            offset = left + thickness / 2 + (0.05 if place == len(choice) - 1 else 0)
            parts.append((standing.moved((offset, 0, 0)), material))
        left += thickness + 0.002
    return parts
