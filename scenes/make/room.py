"""The corner in which the fern stands: walls, floor, pictures, shelf, rug.  Metres, y up, viewer towards +z."""

import numpy as np

from scenes.make import patterns, textures
from scenes.make.books import book_row, book_stack
from scenes.make.meshes import lathe, merged, rectangle, rotation_about, rounded_box, sheet
from scenes.make.mitsuba_scene import coated, matte, metal, texture
from scenes.make.parts import OAK, PINE, WALNUT, Parts, placed, wooden

BACK, LEFT, RIGHT = -0.85, -1.08, 1.9
"""Where the back wall (z) and the side walls (x) stand."""
WAINSCOT = 0.66
"""Height of the boards."""


def shell(rng: np.random.Generator) -> Parts:
    """Floor, limewashed walls above a wainscot with its rail, skirting."""
    width = RIGHT - LEFT
    floor = rectangle((LEFT, 0, 2.4), (width, 0, 0), (0, 0, BACK - 2.4))
    back = rectangle((LEFT, WAINSCOT, BACK), (width, 0, 0), (0, 1.9, 0))
    side = rectangle((LEFT, WAINSCOT, 2.4), (0, 0, BACK - 2.4), (0, 1.9, 0))
    boards_back = rectangle((LEFT, 0, BACK + 0.012), (width, 0, 0), (0, WAINSCOT, 0))
    boards_side = rectangle((LEFT + 0.012, 0, 2.4), (0, 0, BACK - 2.4), (0, WAINSCOT, 0))
    boards = textures.painted_boards(rng)
    rail = merged(
        [
            rounded_box((width, 0.045, 0.05), 0.012, 1.1).moved((LEFT + width / 2, WAINSCOT, BACK + 0.025)),
            rounded_box((0.05, 0.045, 3.2), 0.012, 1.1).moved((LEFT + 0.025, WAINSCOT, BACK + 1.6)),
            rounded_box((width, 0.11, 0.03), 0.01, 1.1).moved((LEFT + width / 2, 0.055, BACK + 0.02)),
            rounded_box((0.03, 0.11, 3.2), 0.01, 1.1).moved((LEFT + 0.02, 0.055, BACK + 1.6)),
        ]
    )
    lime = textures.plaster(rng, (0.87, 0.76, 0.61), (0.58, 0.41, 0.28))
    return [
        (floor, coated(texture(textures.planks(rng), (2.2, 2.4)), 0.38)),
        (back, matte(texture(lime, (1.5, 1.0)))),
        (side, matte(texture(lime, (1.6, 1.0)))),
        (boards_back, coated(texture(boards, (2.0, 1.0)), 0.5)),
        (boards_side, coated(texture(boards, (2.2, 1.0)), 0.5)),
        (rail, coated(texture(textures.wood(rng, (0.55, 0.62, 0.55), (0.36, 0.45, 0.40))), 0.45)),
    ]


def framed_print(rng: np.random.Generator, image: np.ndarray, width: float, height: float) -> list:
    """A print behind a wooden frame, about the origin in the xy plane, facing +z."""
    bar, depth = 0.028, 0.03
    frame = merged(
        [
            rounded_box((width + 2 * bar, bar, depth), 0.006, 3.0).moved((0, (height + bar) / 2, depth / 2)),
            rounded_box((width + 2 * bar, bar, depth), 0.006, 3.0).moved((0, -(height + bar) / 2, depth / 2)),
            rounded_box((bar, height, depth), 0.006, 3.0).moved(((width + bar) / 2, 0, depth / 2)),
            rounded_box((bar, height, depth), 0.006, 3.0).moved((-(width + bar) / 2, 0, depth / 2)),
        ]
    )
    paper = rectangle((-width / 2, -height / 2, 0.008), (width, 0, 0), (0, height, 0))
    return [(frame, wooden(rng, WALNUT, 0.3)), (paper, matte(texture(image)))]


def pictures(rng: np.random.Generator) -> Parts:
    return (
        placed(framed_print(rng, patterns.landscape_print(rng), 0.40, 0.50), (0.86, 1.10, BACK))
        + placed(framed_print(rng, patterns.specimen_print(rng), 0.36, 0.36), (LEFT, 1.12, -0.30), 90)
        + placed(framed_print(rng, patterns.specimen_print(rng), 0.17, 0.22), (0.40, 0.98, BACK))
    )


def wall_shelf(rng: np.random.Generator) -> Parts:
    """Board on brackets on the back wall with books, a vase and a wood block."""
    board = rounded_box((0.72, 0.026, 0.19), 0.005, 2.0)
    brackets = merged([rounded_box((0.022, 0.10, 0.13), 0.004, 2.0).moved((x, -0.06, -0.02)) for x in (-0.26, 0.26)])
    centre = np.array([-0.60, 0.97, BACK + 0.10])
    vase = lathe(
        [
            (0.001, 0),
            (0.035, 0),
            (0.055, 0.03),
            (0.065, 0.07),
            (0.055, 0.115),
            (0.026, 0.15),
            (0.020, 0.175),
            (0.028, 0.20),
            (0.022, 0.198),
            (0.015, 0.17),
        ],
        48,
        smooth=True,
    )
    vase_glaze = textures.glaze(rng, (0.16, 0.44, 0.50), (0.05, 0.16, 0.25))
    top = 0.013
    parts = [
        (board, wooden(rng, OAK)),
        (brackets, metal((0.25, 0.23, 0.2), 0.4)),
        (vase.moved((0.24, top, 0)), coated(texture(vase_glaze), 0.12, 0.8, 1.0)),
    ]
    parts += placed(book_row(rng, [2, 7, 0, 5, 6, 3]), (-0.33, top, 0))
    large, small = rounded_box((0.05, 0.05, 0.05), 0.005, 6.0), rounded_box((0.04, 0.04, 0.04), 0.005, 6.0)
    block = merged(
        [
            large.turned(rotation_about("y", 24)).moved((0.08, 0.025, 0.03)),
            small.turned(rotation_about("y", -9)).moved((0.08, 0.07, 0.03)),
        ]
    )
    parts.append((block.moved((0, top, 0)), wooden(rng, PINE)))
    return [(mesh.moved(tuple(centre)), material) for mesh, material in parts]


def floor_things(rng: np.random.Generator) -> Parts:
    """Rug under the stool, books and a wood block in front of the basket."""
    v, u = np.meshgrid(np.linspace(0, 1, 40), np.linspace(0, 1, 60), indexing="ij")
    ripple = 0.006 + 0.003 * np.sin(7 * u + 4 * v) * np.exp(-6 * v)
    rug = sheet(np.stack([1.5 * (u - 0.5), ripple, 0.95 * (0.5 - v)], -1)).turned(rotation_about("y", 6))
    parts = [(rug.moved((0.05, 0.002, 0.05)), matte(texture(patterns.kilim(rng))))]
    parts += placed(book_stack(rng, [7, 0, 6], 0.25), (-0.50, 0.012, 0.06), 24)
    apple_profile = [
        (
            max(0.036 * np.sin(a) * (1 - 0.10 * np.cos(a)), 1e-5),
            0.036 - 0.034 * np.cos(a) - 0.010 * np.exp(-(((np.pi - a) / 0.5) ** 2)),
        )
        for a in np.linspace(0, np.pi, 26)
    ]
    apple_skin = textures.glaze(rng, (0.72, 0.58, 0.18), (0.62, 0.10, 0.08))
    parts.append(
        (lathe(apple_profile, 40, smooth=True).moved((-0.48, 0.135, 0.04)), coated(texture(apple_skin), 0.2, 0.5, 0.6))
    )
    return parts
