"""The room of the desk: walls, windows and what is before them, bookcase, cupboard, pictures.  Metres, y up.

The desk stands in the middle; x runs from the windows (west, negative) to the map (east), z from the bookcase (north,
negative) to the cork board (south).
"""

from itertools import pairwise

import numpy as np

from scenes.make import patterns, textures
from scenes.make.books import book_stack
from scenes.make.desk.textures import (
    calendar,
    colour_pair,
    cork_board,
    land_map,
    outside,
    spine,
    tiled_floor,
    words,
)
from scenes.make.fronds import potted_fern
from scenes.make.furniture import basket_with_cloth, mug, planter, side_table, stool
from scenes.make.meshes import Mesh, ball, lathe, merged, rectangle, rounded_box, sheet
from scenes.make.mitsuba_scene import leaf, matte, metal, plain, stalk, texture
from scenes.make.parts import OAK, PINE, WALNUT, Parts, placed, scaled
from scenes.make.room import framed_print
from scenes.make.variant import mi

WEST, EAST, NORTH, SOUTH, CEILING = -2.7, 2.7, -2.4, 2.4, 2.6
WAINSCOT = 0.80
WINDOWS = ((-1.75, -0.35), (0.35, 1.75))  # along z
SILL, LINTEL = 0.98, 2.15
DEEP = 0.16  # thickness of the window's wall
TURNS = {"north": 0.0, "west": 90.0, "south": 180.0, "east": -90.0}


def wood(rng: np.random.Generator, tones: tuple) -> dict:
    """Wood without varnish: cheaper to trace."""
    return matte(texture(textures.wood(rng, *tones)))


def on_wall(parts: Parts, wall: str, along: float, height: float) -> Parts:
    """Hangs what was built about the origin, facing +z; `along` is x on the north and south walls, z on the others."""
    offset = {
        "north": (along, height, NORTH + 0.014),
        "south": (along, height, SOUTH - 0.014),
        "west": (WEST + 0.014, height, along),
        "east": (EAST - 0.014, height, along),
    }[wall]
    return placed(parts, offset, TURNS[wall])


def wall(left: tuple[float, float], right: tuple[float, float], low: float, high: float) -> Mesh:
    """An upright rectangle between two points of the floor (x, z), seen with `left` on the left."""
    (x0, z0), (x1, z1) = left, right
    return rectangle((x0, low, z0), (x1 - x0, 0, z1 - z0), (0, high - low, 0))


def window_wall(low: float, high: float) -> Mesh:
    """The part of the west wall between two heights, with its openings; texture coordinates as of a whole wall."""
    along = sorted([NORTH, SOUTH, *(edge for window in WINDOWS for edge in window)])
    heights = sorted({low, high, *(h for h in (SILL, LINTEL) if low < h < high)})
    pieces = []
    for z0, z1 in pairwise(along):
        for y0, y1 in pairwise(heights):
            if (z0, z1) in WINDOWS and y0 >= SILL and y1 <= LINTEL:
                continue
            piece = wall((WEST, z1), (WEST, z0), y0, y1)
            size = ((z1 - z0) / (SOUTH - NORTH), (y1 - y0) / (high - low))
            pieces.append(piece.with_uvs(size, ((SOUTH - z1) / (SOUTH - NORTH), (y0 - low) / (high - low))))
    return merged(pieces)


def shell(rng: np.random.Generator) -> Parts:
    """Floor, ceiling, four walls of different plaster above painted boards, rails and skirting."""
    floor = rectangle((WEST, 0, SOUTH), (EAST - WEST, 0, 0), (0, 0, NORTH - SOUTH))
    ceiling = rectangle((WEST, CEILING, NORTH), (EAST - WEST, 0, 0), (0, 0, SOUTH - NORTH))
    boards = textures.painted_boards(rng, 22)
    tones = {
        "north": ((0.80, 0.70, 0.58), (0.60, 0.46, 0.36)),
        "east": ((0.62, 0.70, 0.70), (0.40, 0.50, 0.53)),
        "south": ((0.84, 0.74, 0.56), (0.62, 0.50, 0.34)),
        "west": ((0.80, 0.78, 0.70), (0.62, 0.58, 0.50)),
    }
    corners = {
        "north": ((WEST, NORTH), (EAST, NORTH)),
        "east": ((EAST, NORTH), (EAST, SOUTH)),
        "south": ((EAST, SOUTH), (WEST, SOUTH)),
    }
    parts: Parts = [
        (floor, matte(texture(tiled_floor(rng)))),
        (ceiling, matte(plain((0.82, 0.80, 0.76)))),
        (window_wall(WAINSCOT, CEILING), matte(texture(textures.plaster(rng, *tones["west"], 1024)))),
        (window_wall(0, WAINSCOT), matte(texture(boards, (1.9, 1.0)))),
    ]
    for name, (left, right) in corners.items():
        parts.append((wall(left, right, WAINSCOT, CEILING), matte(texture(textures.plaster(rng, *tones[name], 1024)))))
        parts.append((wall(left, right, 0, WAINSCOT), matte(texture(boards, (2.0, 1.0)))))
    bars = []
    for height, tall, deep in ((WAINSCOT, 0.05, 0.03), (0.06, 0.12, 0.025)):
        wide, long = EAST - WEST, SOUTH - NORTH
        bars += [rounded_box((wide, tall, deep), 0.006, 1.1).moved((0, height, z)) for z in (NORTH, SOUTH)]
        bars += [rounded_box((deep, tall, long), 0.006, 1.1).moved((x, height, 0)) for x in (WEST, EAST)]
    parts.append((merged(bars), matte(texture(textures.wood(rng, (0.58, 0.62, 0.54), (0.38, 0.44, 0.38))))))
    return parts


def windows(rng: np.random.Generator) -> Parts:
    """Frames with bars, reveals and sills; pots and books stand on the sills."""
    frames, sills, parts = [], [], []
    for z0, z1 in WINDOWS:
        middle, wide, tall = (z0 + z1) / 2, z1 - z0, LINTEL - SILL
        x = WEST - DEEP / 2
        for z in (z0, middle, z1):
            frames.append(rounded_box((0.05, tall, 0.06), 0.008, 1.5).moved((x, (SILL + LINTEL) / 2, z)))
        for y in (SILL, SILL + 0.66 * tall, LINTEL):
            frames.append(rounded_box((0.05, 0.06, wide), 0.008, 1.5).moved((x, y, middle)))
        for y in (SILL, LINTEL):
            frames.append(rounded_box((DEEP, 0.01, wide), 0.002, 1.5).moved((x, y, middle)))
        for z in (z0, z1):
            frames.append(rounded_box((DEEP, tall, 0.01), 0.002, 1.5).moved((x, (SILL + LINTEL) / 2, z)))
        sills.append(rounded_box((0.26, 0.035, wide + 0.14), 0.008, 1.5).moved((WEST + 0.05, SILL - 0.01, middle)))
        parts += placed(scaled(planter(rng), 0.75), (WEST + 0.06, SILL + 0.008, z1 - 0.22), rng.uniform(0, 360))
        parts += placed(scaled(fern(rng, 22), 0.32), (WEST + 0.06, SILL + 0.14, z1 - 0.22), rng.uniform(0, 360))
        parts += placed(book_stack(rng, [3, 0], 0.19), (WEST + 0.07, SILL + 0.008, z0 + 0.25), 80)
    white = textures.wood(rng, (0.90, 0.88, 0.82), (0.70, 0.66, 0.58))
    return [(merged(frames), matte(texture(white))), (merged(sills), wood(rng, PINE)), *parts]


def fern(rng: np.random.Generator, count: int = 30) -> Parts:
    leaflets, stems = potted_fern(rng, count)
    return [(leaflets, leaf()), (stems, stalk())]


def standing_books(rng: np.random.Generator, width: float, tallest: float, alike: bool = False) -> Parts:
    """A row of books on y = 0, backs towards +z, from x = 0 to about `width`; `alike` are the volumes of one work."""
    meshes, backs, left = [], [], 0.0
    cloth, accent = colour_pair(rng)
    while left < width - 0.05:
        thick = 0.042 if alike else rng.uniform(0.018, 0.052)
        tall = 0.8 * tallest if alike else tallest * rng.uniform(0.62, 0.97)
        deep = 0.17 if alike else rng.uniform(0.13, 0.19)
        if not alike:
            cloth, accent = colour_pair(rng)
        title = f"ENCYCLOPAEDIA {len(backs) + 1}" if alike else " ".join(words(rng, int(rng.integers(1, 3)))).upper()
        backs.append(spine(rng, cloth, accent, title))
        box = rounded_box((thick, tall, deep), 0.004)
        meshes.append(box.moved((left + thick / 2, tall / 2, 0.19 - deep / 2 + rng.normal(0, 0.006))))
        left += thick + 0.0015 + (rng.uniform(0.05, 0.12) if not alike and rng.uniform() < 0.06 else 0)
    share = 1 / len(backs)
    mesh = merged([one.with_uvs((share, 1.0), (place * share, 0.0)) for place, one in enumerate(meshes)])
    return [(mesh, matte(texture(np.concatenate(backs, axis=1))))]


def vase(rng: np.random.Generator, light: tuple, dark: tuple) -> Parts:
    profile = [
        (0.001, 0),
        (0.04, 0),
        (0.062, 0.04),
        (0.066, 0.08),
        (0.05, 0.13),
        (0.024, 0.17),
        (0.03, 0.21),
        (0.02, 0.2),
    ]
    return [(lathe(profile, 48, smooth=True), matte(texture(textures.glaze(rng, light, dark))))]


def bookcase(rng: np.random.Generator, width: float = 2.5, height: float = 2.1, shelves: int = 6) -> Parts:
    """Built about x = 0 with its back at z = 0; filled with books and things."""
    deep, board = 0.28, 0.028
    boards = [
        rounded_box((board, height, deep), 0.004, 1.3).moved((x, height / 2, deep / 2))
        for x in (-width / 2, 0, width / 2)
    ]
    levels = np.linspace(0.09, height - board / 2, shelves)
    boards += [rounded_box((width, board, deep), 0.004, 1.3).moved((0, y, deep / 2)) for y in levels]
    back = rectangle((-width / 2, 0, 0.012), (width, 0, 0), (0, height, 0))
    parts: Parts = [(merged(boards), wood(rng, WALNUT)), (back, wood(rng, OAK))]
    gap = float(levels[1] - levels[0]) - board
    for level, y in enumerate(levels[:-1]):
        for side in (0, 1):
            left, room = -width / 2 + 0.03 + side * width / 2, width / 2 - 0.06
            alike = (level, side) in ((2, 0), (3, 1))
            filled = room * (0.55 if alike else rng.uniform(0.6, 1.0))
            base = float(y) + board / 2
            parts += placed(standing_books(rng, filled, gap * 0.92, alike), (left, base, 0.02))
            spare = room - filled
            if spare > 0.30:
                parts += placed(
                    book_stack(rng, list(rng.permutation(8)[:3]), 0.2),
                    (left + filled + spare / 2 + 0.02, base, 0.15),
                    4,
                )
            elif spare > 0.16:
                parts += placed(vase(rng, *colour_pair(rng)), (left + filled + spare / 2 + 0.02, base, 0.14))
    parts += placed(basket_top(rng), (-0.8, height, 0.14))
    parts += placed(vase(rng, (0.75, 0.45, 0.2), (0.3, 0.12, 0.08)), (0.2, height, 0.15))
    return parts


def basket_top(rng: np.random.Generator) -> Parts:
    box = rounded_box((0.42, 0.24, 0.24), 0.01).moved((0, 0.12, 0))
    return [(box, matte(texture(patterns.basket(rng))))]


def cupboard(rng: np.random.Generator) -> Parts:
    """A chest of drawers about the origin, front towards +z, with things on it."""
    body = rounded_box((1.3, 0.84, 0.42), 0.006, 1.2).moved((0, 0.44, 0))
    fronts, knobs = [], []
    for row, y in enumerate((0.2, 0.44, 0.68)):
        for x in (-0.32, 0.32):
            front = rounded_box((0.60, 0.21, 0.02), 0.005, 1.2).with_uvs(1.0, (0.37 * row, 0.21 * x))
            fronts.append(front.moved((x, y, 0.215)))
            knobs.append(ball(0.016, 20).moved((x, y, 0.24)))
    top = 0.86
    parts: Parts = [
        (body, wood(rng, OAK)),
        (merged(fronts), wood(rng, PINE)),
        (merged(knobs), metal((0.75, 0.58, 0.30), 0.25)),
    ]
    parts += placed(standing_books(rng, 0.4, 0.24), (-0.6, top, -0.12))
    parts += placed(book_stack(rng, [1, 4, 6], 0.24), (0.12, top, 0.02), 12)
    parts += placed(vase(rng, (0.16, 0.44, 0.50), (0.05, 0.16, 0.25)), (0.34, top, 0.05))
    parts += placed(scaled(planter(rng), 0.8), (0.52, top, 0.0), 70)
    return parts + placed(scaled(fern(rng, 26), 0.38), (0.52, top + 0.14, 0.0))


def pictures(rng: np.random.Generator) -> Parts:
    """Prints, the map, the cork board and the calendar."""
    cork = framed_print(rng, cork_board(rng), 1.5, 0.94)
    chart = framed_print(rng, land_map(rng), 1.65, 1.10)
    month = rectangle((-0.19, -0.27, 0.004), (0.38, 0, 0), (0, 0.54, 0))
    return (
        on_wall(chart, "east", -0.45, 1.60)
        + on_wall(framed_print(rng, patterns.landscape_print(rng), 0.48, 0.60), "east", 1.05, 1.62)
        + on_wall(framed_print(rng, patterns.specimen_print(rng), 0.36, 0.36), "east", 1.75, 1.50)
        + on_wall(cork, "south", -0.55, 1.62)
        + on_wall(framed_print(rng, patterns.specimen_print(rng), 0.42, 0.52), "south", 0.75, 1.66)
        + on_wall([(month, matte(texture(calendar(rng))))], "south", 1.35, 1.55)
        + on_wall(framed_print(rng, patterns.landscape_print(rng), 0.40, 0.50), "south", 1.95, 1.52)
        + on_wall(framed_print(rng, patterns.landscape_print(rng), 0.44, 0.55), "north", 1.95, 1.62)
        + on_wall(framed_print(rng, patterns.specimen_print(rng), 0.40, 0.50), "north", -1.95, 1.58)
        + on_wall(framed_print(rng, patterns.specimen_print(rng), 0.30, 0.40), "west", 0.0, 1.60)
    )


def furniture(rng: np.random.Generator) -> Parts:
    """What stands along the walls, and the rug."""
    v, u = np.meshgrid(np.linspace(0, 1, 40), np.linspace(0, 1, 60), indexing="ij")
    ripple = 0.006 + 0.003 * np.sin(7 * u + 4 * v)
    rug = sheet(np.stack([2.7 * (u - 0.5), ripple, 1.8 * (0.5 - v)], -1))
    parts = placed([(rug, matte(texture(patterns.kilim(rng, 960, 1440))))], (0.06, 0.002, 0.12), 5)
    parts += placed(bookcase(rng), (0, 0, NORTH + 0.02))
    parts += placed(cupboard(rng), (-0.55, 0, SOUTH - 0.24), 180)
    table = placed(placed(side_table(rng), (-0.74, 0, 0.40)), (0, 0, 0), 12)
    parts += placed(table, (EAST - 0.33, 0, -0.95), -90)
    parts += placed(placed(basket_with_cloth(rng), (0.72, 0, 0.36)), (WEST + 0.35, 0, NORTH + 0.4), 40)
    parts += placed(stool(rng, 0.44), (WEST + 0.36, 0, SOUTH - 0.42), 20)
    parts += placed(planter(rng), (WEST + 0.36, 0.44, SOUTH - 0.42), 20)
    parts += placed(scaled(fern(rng, 36), 0.62), (WEST + 0.36, 0.62, SOUTH - 0.42))
    parts += placed(stool(rng, 0.44), (EAST - 0.4, 0, 1.3), 50)
    parts += placed(book_stack(rng, [2, 7, 5], 0.26), (EAST - 0.4, 0.44, 1.3), 35)
    return parts + placed(mug(rng), (EAST - 0.42, 0.575, 1.28), 120)


def facing_in(centre: tuple[float, float, float], half_wide: float, half_tall: float) -> mi.ScalarTransform4f:
    """For a rectangle of Mitsuba ([-1, 1] x [-1, 1], facing +z): upright, facing +x, as wide and tall as told."""
    to_world = np.eye(4)
    to_world[:3] = np.array([(0, 0, -half_wide), (0, half_tall, 0), (1, 0, 0), centre]).T
    return mi.ScalarTransform4f(to_world)


def view_outside(rng: np.random.Generator) -> dict:
    """What is seen through the windows: 2.2 m before them, it shines by itself."""
    picture = mi.Bitmap(np.ascontiguousarray(outside(rng)[::-1]))
    return {
        "type": "rectangle",
        "to_world": facing_in((WEST - 2.2, 1.0, 0), 5.0, 2.0),
        "emitter": {"type": "area", "radiance": {"type": "bitmap", "bitmap": picture, "raw": True}},
    }


def panes() -> dict:
    """Light of the sky in the openings of the windows: paths find it there, as they hardly find the sky beyond."""
    return {
        f"pane{place}": {
            "type": "rectangle",
            "to_world": facing_in(
                (WEST - DEEP + 0.01, (SILL + LINTEL) / 2, (z0 + z1) / 2), (z1 - z0) / 2, (LINTEL - SILL) / 2
            ),
            "emitter": {"type": "area", "radiance": {"type": "rgb", "value": [7.6, 8.2, 9.0]}},
        }
        for place, (z0, z1) in enumerate(WINDOWS)
    }


def panel() -> dict:
    """A lamp on the ceiling."""
    place = mi.ScalarTransform4f().translate([0.3, CEILING - 0.02, 0])
    return {
        "type": "rectangle",
        "to_world": place.rotate([1, 0, 0], 90).scale([0.9, 0.6, 1]),
        "emitter": {"type": "area", "radiance": {"type": "rgb", "value": [5.6, 5.0, 4.2]}},
    }
