"""The corner in which the fern stands: walls, floor, furniture and small things.  Metres, y up, viewer towards +z.

Every function returns a list of (mesh, material) pairs.
"""

import numpy as np

from scenes.make import textures
from scenes.make.meshes import (
    Mesh,
    ball,
    lathe,
    merged,
    rectangle,
    rotation_about,
    rounded_box,
    sheet,
    tube,
)
from scenes.make.mitsuba_scene import coated, matte, metal, plain, texture

Parts = list[tuple[Mesh, dict]]

BACK, LEFT, RIGHT = -0.85, -1.08, 1.9
"""Where the back wall (z) and the side walls (x) stand."""
WAINSCOT = 0.66

OAK = ((0.80, 0.62, 0.42), (0.48, 0.31, 0.17))
WALNUT = ((0.50, 0.33, 0.21), (0.20, 0.11, 0.06))
PINE = ((0.88, 0.73, 0.50), (0.62, 0.42, 0.22))


def wooden(rng: np.random.Generator, tones: tuple, roughness: float = 0.4) -> dict:
    return coated(texture(textures.wood(rng, *tones)), roughness)


def shell(rng: np.random.Generator) -> Parts:
    """Floor, limewashed walls above a wainscot with its rail, skirting."""
    width = RIGHT - LEFT
    floor = rectangle((LEFT, 0, 2.4), (width, 0, 0), (0, 0, BACK - 2.4))
    back = rectangle((LEFT, WAINSCOT, BACK), (width, 0, 0), (0, 1.9, 0))
    side = rectangle((LEFT, WAINSCOT, 2.4), (0, 0, BACK - 2.4), (0, 1.9, 0))
    boards_back = rectangle((LEFT, 0, BACK + 0.012), (width, 0, 0), (0, WAINSCOT, 0))
    boards_side = rectangle((LEFT + 0.012, 0, 2.4), (0, 0, BACK - 2.4), (0, WAINSCOT, 0))
    boards = textures.painted_boards(rng)
    rail = merged([
        rounded_box((width, 0.045, 0.05), 0.012, 1.1).moved((LEFT + width / 2, WAINSCOT, BACK + 0.025)),
        rounded_box((0.05, 0.045, 3.2), 0.012, 1.1).moved((LEFT + 0.025, WAINSCOT, BACK + 1.6)),
        rounded_box((width, 0.11, 0.03), 0.01, 1.1).moved((LEFT + width / 2, 0.055, BACK + 0.02)),
        rounded_box((0.03, 0.11, 3.2), 0.01, 1.1).moved((LEFT + 0.02, 0.055, BACK + 1.6)),
    ])
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
    frame = merged([
        rounded_box((width + 2 * bar, bar, depth), 0.006, 3.0).moved((0, (height + bar) / 2, depth / 2)),
        rounded_box((width + 2 * bar, bar, depth), 0.006, 3.0).moved((0, -(height + bar) / 2, depth / 2)),
        rounded_box((bar, height, depth), 0.006, 3.0).moved(((width + bar) / 2, 0, depth / 2)),
        rounded_box((bar, height, depth), 0.006, 3.0).moved((-(width + bar) / 2, 0, depth / 2)),
    ])
    paper = rectangle((-width / 2, -height / 2, 0.008), (width, 0, 0), (0, height, 0))
    return [(frame, wooden(rng, WALNUT, 0.3)), (paper, matte(texture(image)))]


def placed(parts: Parts, offset: tuple[float, float, float], turn_deg: float = 0.0) -> Parts:
    rotation = rotation_about("y", turn_deg)
    return [(mesh.turned(rotation).moved(offset), material) for mesh, material in parts]


def pictures(rng: np.random.Generator) -> Parts:
    return (
        placed(framed_print(rng, textures.landscape_print(rng), 0.40, 0.50), (0.86, 1.10, BACK))
        + placed(framed_print(rng, textures.specimen_print(rng), 0.36, 0.36), (LEFT, 1.12, -0.30), 90)
        + placed(framed_print(rng, textures.specimen_print(rng), 0.17, 0.22), (0.40, 0.98, BACK))
    )


def book(rng: np.random.Generator, title: str, size: tuple[float, float, float], base: tuple, accent: tuple) -> Parts:
    """Lying book, spine towards +z: size is (width along x, thickness, depth)."""
    width, thickness, depth = size
    board = 0.004
    jacket = textures.book_jacket(rng, title, base, accent)
    covers = merged([
        rounded_box((width, board, depth), 0.0015).moved((0, thickness / 2 - board / 2, 0)),
        rounded_box((width, board, depth), 0.0015).moved((0, -thickness / 2 + board / 2, 0)),
    ])
    spine_image = textures.book_jacket(rng, title, base, accent)
    spine_angle = np.linspace(-np.pi / 2, np.pi / 2, 9)[:, None]
    along = np.linspace(-width / 2, width / 2, 9)[None]
    spine = sheet(np.stack([along + 0 * spine_angle, thickness / 2 * np.sin(spine_angle) + 0 * along,
                            depth / 2 + 0.35 * thickness * np.cos(spine_angle) + 0 * along], -1))
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
        parts += placed(book(rng, title, size, base, accent), (rng.normal(0, 0.006), height + thickness / 2, 0),
                        rng.normal(0, 7))
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


def wall_shelf(rng: np.random.Generator) -> Parts:
    """Board on brackets on the back wall with books, a vase and a wood block."""
    board = rounded_box((0.72, 0.026, 0.19), 0.005, 2.0)
    brackets = merged([rounded_box((0.022, 0.10, 0.13), 0.004, 2.0).moved((x, -0.06, -0.02)) for x in (-0.26, 0.26)])
    centre = np.array([-0.60, 0.97, BACK + 0.10])
    vase = lathe([(0.001, 0), (0.035, 0), (0.055, 0.03), (0.065, 0.07), (0.055, 0.115), (0.026, 0.15), (0.020, 0.175),
                  (0.028, 0.20), (0.022, 0.198), (0.015, 0.17)], 48, smooth=True)
    vase_glaze = textures.glaze(rng, (0.16, 0.44, 0.50), (0.05, 0.16, 0.25))
    top = 0.013
    parts = [(board, wooden(rng, OAK)), (brackets, metal((0.25, 0.23, 0.2), 0.4)),
             (vase.moved((0.24, top, 0)), coated(texture(vase_glaze), 0.12, 0.8, 1.0))]
    parts += placed(book_row(rng, [2, 7, 0, 5, 6, 3]), (-0.33, top, 0))
    large, small = rounded_box((0.05, 0.05, 0.05), 0.005, 6.0), rounded_box((0.04, 0.04, 0.04), 0.005, 6.0)
    block = merged([large.turned(rotation_about("y", 24)).moved((0.08, 0.025, 0.03)),
                    small.turned(rotation_about("y", -9)).moved((0.08, 0.07, 0.03))])
    parts.append((block.moved((0, top, 0)), wooden(rng, PINE)))
    return [(mesh.moved(tuple(centre)), material) for mesh, material in parts]


def stool(rng: np.random.Generator, height: float = 0.34) -> Parts:
    """Round seat on four splayed legs with rungs."""
    seat = lathe([(0.001, -0.03), (0.155, -0.03), (0.168, -0.02), (0.170, -0.008), (0.160, 0), (0.001, 0)], 64)
    flat_uvs = seat.positions[:, [0, 2]] * 1.6
    seat = Mesh(seat.positions, seat.normals, flat_uvs + seat.positions[:, [1, 1]], seat.faces)
    legs = []
    for angle in np.radians([45, 135, 225, 315]):
        direction = np.array([np.sin(angle), 0, np.cos(angle)])
        ends = np.stack([0.11 * direction - [0, 0.02, 0], 0.175 * direction - [0, height, 0]])
        line = ends[0] + np.linspace(0, 1, 12)[:, None] * (ends[1] - ends[0])
        legs.append(tube(line, 0.017 + 0.005 * np.sin(np.pi * np.linspace(0, 1, 12)), 16).with_uvs((0.25, 0.6)))
    for angle in np.radians([0, 90]):
        reach = 0.145
        first = np.array([np.cos(angle), 0, np.sin(angle)])
        across = np.array([-np.sin(angle), 0, np.cos(angle)])
        for side in (-1, 1):
            middle = side * across * reach * 0.72 - [0, 0.20 + 0.02 * (angle > 0), 0]
            line = middle + np.linspace(-1, 1, 6)[:, None] * first * reach * 0.72
            legs.append(tube(line, 0.009, 12).with_uvs((0.2, 0.6)))
    return [(seat.moved((0, height, 0)), wooden(rng, OAK)), (merged(legs).moved((0, height, 0)), wooden(rng, OAK))]


def planter(rng: np.random.Generator, height: float = 0.19) -> Parts:
    """Painted terracotta pot on a saucer, with soil; it stands on y = 0."""
    pot = lathe([(0.078, 0.0), (0.112, 0.145), (0.113, 0.146), (0.124, 0.147), (0.126, 0.150), (0.129, 0.184),
                 (0.126, height), (0.117, height), (0.114, 0.185), (0.110, 0.150)], 96)
    walls = pot.uvs.copy()
    walls[:, 1] = np.clip(pot.positions[:, 1] / height, 0, 1)
    pot = Mesh(pot.positions, pot.normals, walls, pot.faces)
    saucer = lathe([(0.001, 0.0), (0.10, 0.0), (0.118, 0.022), (0.112, 0.022), (0.098, 0.006), (0.001, 0.006)], 64)
    radius, angle = np.meshgrid(np.linspace(0.002, 0.113, 24), np.linspace(0, 2 * np.pi, 60))
    lumps = 0.004 * (np.sin(9 * angle + 60 * radius) + np.sin(140 * radius) + rng.normal(0, 0.7, radius.shape))
    lumps[-1] = lumps[0]
    earth = sheet(np.stack([radius * np.sin(angle), height - 0.022 + lumps, radius * np.cos(angle)], -1))
    earth = Mesh(earth.positions, earth.normals, earth.positions[:, [0, 2]] * 4, earth.faces)
    clay = texture(textures.terracotta(rng))
    plain_clay = texture(textures.plaster(rng, (0.72, 0.40, 0.26), (0.50, 0.25, 0.15), 512), (3.0, 1.0))
    return [(pot.moved((0, 0.007, 0)), coated(clay, 0.42)), (saucer, coated(plain_clay, 0.55)),
            (earth, matte(texture(textures.soil(rng))))]


def mug(rng: np.random.Generator) -> Parts:
    """Glazed mug with painted stripes, handle towards +x."""
    wall = lathe([(0.001, 0.0), (0.034, 0.0), (0.040, 0.006), (0.041, 0.045), (0.041, 0.092), (0.0395, 0.095),
                  (0.037, 0.092), (0.036, 0.03), (0.001, 0.01)], 64)
    v, u = textures.coordinates(256, 512)
    image = textures.glaze(rng, (0.90, 0.87, 0.78), (0.78, 0.70, 0.56))
    height = np.clip((v - 0.23) / 0.3, 0, 1)
    image[(height * 5 % 1 < 0.4) & (height > 0.3) & (height < 0.85)] = (0.66, 0.20, 0.14)
    image[(np.hypot((u * 16) % 1 - 0.5, (height - 0.15) * 4) < 0.3)] = (0.12, 0.24, 0.36)
    angle = np.linspace(-0.55 * np.pi, 0.55 * np.pi, 20)
    handle = tube(np.stack([0.038 + 0.026 * np.cos(angle), 0.048 + 0.028 * np.sin(angle), 0 * angle], -1), 0.005, 12)
    return [(wall, coated(texture(image), 0.12, 0.7, 1.0)),
            (handle, coated(plain((0.62, 0.17, 0.12)), 0.12, 0.7, 1.0))]


def side_table(rng: np.random.Generator) -> Parts:
    """Low table at the right with books, a mug, a mirror ball on a ring, and a drawer front."""
    height = 0.44
    top = rounded_box((0.56, 0.03, 0.42), 0.008, 1.7).moved((0, height - 0.015, 0))
    legs = merged([rounded_box((0.04, height - 0.03, 0.04), 0.006, 1.7).moved((x, (height - 0.03) / 2, z))
                   for x in (-0.24, 0.24) for z in (-0.17, 0.17)])
    apron = merged([rounded_box((0.46, 0.10, 0.018), 0.003, 1.7).moved((0, height - 0.085, 0.175)),
                    rounded_box((0.018, 0.10, 0.32), 0.003, 1.7).moved((-0.245, height - 0.085, 0))])
    shelf = rounded_box((0.48, 0.016, 0.34), 0.004, 1.7).moved((0, 0.12, 0))
    knob = ball(0.016, 24).moved((0, height - 0.085, 0.195))
    sphere = ball(0.058, 64).moved((-0.16, height + 0.064, 0.09))
    ring = lathe([(0.030, 0), (0.036, 0.004), (0.034, 0.016), (0.028, 0.012)], 48).moved((-0.16, height, 0.09))
    parts = [(merged([top, legs, shelf]), wooden(rng, WALNUT)), (apron, wooden(rng, PINE)),
             (knob, metal((0.75, 0.58, 0.30), 0.25)), (sphere, metal((0.86, 0.80, 0.70), 0.12)),
             (ring, wooden(rng, OAK))]
    parts += placed(book_stack(rng, [4, 1, 2, 3], 0.25), (0.11, height, -0.05), -14)
    parts += placed(mug(rng), (0.06, height, 0.155), 200)
    parts += placed(book_stack(rng, [5, 6], 0.26), (-0.03, 0.128, 0.02), 8)
    return placed(parts, (0.74, 0, -0.40), -12)


def basket_with_cloth(rng: np.random.Generator) -> Parts:
    """Woven basket in the left corner with a striped cloth that hangs over its rim."""
    body = lathe([(0.001, 0.002), (0.15, 0.002), (0.175, 0.10), (0.185, 0.20), (0.178, 0.30), (0.170, 0.30),
                  (0.172, 0.20), (0.15, 0.05)], 72, smooth=True)
    rim_angle = np.linspace(0, 2 * np.pi, 73)
    rim = tube(np.stack([0.176 * np.sin(rim_angle), 0.302 + 0 * rim_angle, 0.176 * np.cos(rim_angle)], -1), 0.011, 12)
    along, across = np.meshgrid(np.linspace(0, 1, 60), np.linspace(-1, 1, 40), indexing="ij")
    # The cloth comes up inside, crosses the rim and falls outside with folds.
    inside = np.clip((0.45 - along) / 0.45, 0, 1)
    outside = np.clip((along - 0.45) / 0.55, 0, 1)
    folds = 0.016 * np.sin(9 * across + 1.5 * along) * (0.3 + outside)
    reach = 0.186 + 0.014 * np.sin(np.pi * outside) + folds - 0.17 * inside
    height = 0.318 - 0.19 * outside**1.3 + 0.05 * np.sin(np.pi * inside) * (1 + 0.4 * np.sin(5 * across))
    spread = np.radians(38) * across * (1 + 0.15 * outside) + 0.5
    cloth = sheet(np.stack([reach * np.sin(spread), height, reach * np.cos(spread)], -1)).with_uvs((1.0, 2.0))
    straw = coated(texture(textures.basket(rng), (2.0, 0.9)), 0.6)
    parts = [(body, straw), (rim, coated(texture(textures.basket(rng, 256, 12), (1.0, 8.0)), 0.6)),
             (cloth, matte(texture(textures.striped_cloth(rng), (1.0, 1.0))))]
    return placed(parts, (-0.72, 0, -0.36), 10)


def floor_things(rng: np.random.Generator) -> Parts:
    """Rug under the stool, books and a wood block in front of the basket."""
    v, u = np.meshgrid(np.linspace(0, 1, 40), np.linspace(0, 1, 60), indexing="ij")
    ripple = 0.006 + 0.003 * np.sin(7 * u + 4 * v) * np.exp(-6 * v)
    rug = sheet(np.stack([1.5 * (u - 0.5), ripple, 0.95 * (0.5 - v)], -1)).turned(rotation_about("y", 6))
    parts = [(rug.moved((0.05, 0.002, 0.05)), matte(texture(textures.kilim(rng))))]
    parts += placed(book_stack(rng, [7, 0, 6], 0.25), (-0.50, 0.012, 0.06), 24)
    apple_profile = [(max(0.036 * np.sin(a) * (1 - 0.10 * np.cos(a)), 1e-5), 0.036 - 0.034 * np.cos(a)
                      - 0.010 * np.exp(-(((np.pi - a) / 0.5) ** 2))) for a in np.linspace(0, np.pi, 26)]
    apple_skin = textures.glaze(rng, (0.72, 0.58, 0.18), (0.62, 0.10, 0.08))
    parts.append((lathe(apple_profile, 40, smooth=True).moved((-0.48, 0.135, 0.04)),
                  coated(texture(apple_skin), 0.2, 0.5, 0.6)))
    return parts
