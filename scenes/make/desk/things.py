"""The desk, what lies and stands on it, and its chair.  Metres, y up; who sits there looks towards -z."""

from itertools import pairwise

import numpy as np

from scenes.make import patterns, textures
from scenes.make.books import book_stack
from scenes.make.desk.room import fern, standing_books, wood
from scenes.make.desk.textures import keyboard, land_map, printed_page, screen
from scenes.make.furniture import mug, planter
from scenes.make.meshes import ball, cylinder, lathe, merged, rectangle, rotation_about, rounded_box, sheet, tube
from scenes.make.mitsuba_scene import coated, matte, metal, plain, texture
from scenes.make.parts import OAK, PINE, WALNUT, Parts, placed, scaled
from scenes.make.toy_engine import locomotive

TOP = 0.75
BULB = (-0.44, TOP + 0.365, -0.06)


def desk(rng: np.random.Generator) -> Parts:
    """A wooden top of 1.7 x 0.85 on legs, with a block of drawers on the right."""
    top = rounded_box((1.7, 0.036, 0.85), 0.008, 0.9).moved((0, TOP - 0.018, 0))
    legs = [
        rounded_box((0.06, TOP - 0.03, 0.06), 0.006, 1.2).moved((x, (TOP - 0.03) / 2, z))
        for x in (-0.79, 0.79)
        for z in (-0.37, 0.37)
    ]
    rails = [rounded_box((1.56, 0.09, 0.022), 0.004, 1.2).moved((0, TOP - 0.085, z)) for z in (-0.36, 0.36)]
    body = rounded_box((0.42, 0.52, 0.70), 0.004, 1.2).moved((0.50, 0.43, 0))
    fronts = [
        rounded_box((0.38, 0.15, 0.02), 0.004, 1.2).with_uvs(1, (0, 0.3 * y)).moved((0.50, y, 0.355))
        for y in (0.26, 0.43, 0.60)
    ]
    knobs = merged([ball(0.014, 20).moved((0.50, y, 0.375)) for y in (0.26, 0.43, 0.60)])
    return [
        (top, coated(texture(textures.wood(rng, (0.78, 0.58, 0.38), (0.46, 0.28, 0.15), 1024, 11)), 0.45)),
        (merged(legs + rails), wood(rng, OAK)),
        (body, wood(rng, WALNUT)),
        (merged(fronts), wood(rng, PINE)),
        (knobs, metal((0.75, 0.58, 0.30), 0.25)),
    ]


def chair(rng: np.random.Generator) -> Parts:
    """A wooden chair about the origin; its back stands at +z."""
    seat = rounded_box((0.44, 0.03, 0.42), 0.012, 1.5).moved((0, 0.45, 0))
    legs = [
        rounded_box((0.036, 0.45, 0.036), 0.006, 1.5).moved((x, 0.22, z)) for x in (-0.19, 0.19) for z in (-0.18, 0.18)
    ]
    posts = [rounded_box((0.036, 0.46, 0.03), 0.006, 1.5).moved((x, 0.68, 0.19)) for x in (-0.19, 0.19)]
    slats = [
        rounded_box((0.40, 0.07, 0.016), 0.006, 1.5).with_uvs(1, (0, y)).moved((0, y, 0.19))
        for y in (0.62, 0.74, 0.87)
    ]
    rungs = [rounded_box((0.36, 0.024, 0.02), 0.004, 1.5).moved((0, 0.2, z)) for z in (-0.18, 0.18)]
    cushion = rounded_box((0.38, 0.04, 0.37), 0.018).moved((0, 0.485, 0))
    cover = matte(texture(patterns.striped_cloth(rng)))
    return [(merged([seat, *legs, *posts, *slats, *rungs]), wood(rng, OAK)), (cushion, cover)]


def lamp(rng: np.random.Generator) -> Parts:
    """A lamp of red metal on a jointed arm, its shade open downwards over the bulb (which `bulb` makes)."""
    x, y, z = BULB
    foot = cylinder(0.085, 0.022, 64, 0.006).moved((x - 0.22, TOP + 0.011, z - 0.10))
    joints = np.array([(x - 0.22, TOP + 0.02, z - 0.10), (x - 0.27, TOP + 0.26, z - 0.12), (x, y + 0.10, z)])
    arms = [tube(a + np.linspace(0, 1, 8)[:, None] * (b - a), 0.008, 16) for a, b in pairwise(joints)]
    balls = [ball(0.018, 24).moved(tuple(joint)) for joint in joints]
    shade = lathe([(0.10, -0.05), (0.085, 0.0), (0.05, 0.055), (0.022, 0.085), (0.022, 0.11), (0.001, 0.112)], 64)
    return [
        (merged([foot, shade.moved((x, y, z))]), coated(plain((0.62, 0.07, 0.05)), 0.18, 0.6, 1.0)),
        (merged(arms + balls), metal((0.72, 0.70, 0.66), 0.25)),
    ]


def bulb() -> dict:
    """The lamp's light."""
    light = {"type": "area", "radiance": {"type": "rgb", "value": [60.0, 44.0, 26.0]}}
    return {"type": "sphere", "center": list(BULB), "radius": 0.022, "emitter": light}


def computer(rng: np.random.Generator) -> Parts:
    """A portable computer about the origin, open, its screen towards +z and shining a little like a coated page."""
    base = rounded_box((0.34, 0.016, 0.24), 0.005).moved((0, 0.008, 0))
    keys = rectangle((-0.165, 0.0172, 0.115), (0.33, 0, 0), (0, 0, -0.23))
    tilt = rotation_about("x", -18)
    lid = rounded_box((0.34, 0.23, 0.008), 0.003).moved((0, 0.115, -0.005)).turned(tilt).moved((0, 0.014, -0.118))
    glass = rectangle((-0.16, 0.012, 0.0), (0.32, 0, 0), (0, 0.206, 0)).turned(tilt).moved((0, 0.014, -0.118))
    label = rectangle((0.14, 0.03, -0.0095), (-0.28, 0, 0), (0, 0.17, 0)).turned(tilt).moved((0, 0.014, -0.118))
    return [
        (merged([base, lid]), metal((0.60, 0.61, 0.64), 0.35)),
        (keys, matte(texture(keyboard(rng)))),
        (glass, coated(texture(screen(rng)), 0.12, 0.5, 0.6)),
        (label, matte(texture(land_map(rng, 300, 480)))),
    ]


def papers(rng: np.random.Generator) -> Parts:
    """Printed sheets, one upon another where they overlap, and an open book."""
    parts: Parts = []
    places = [
        (-0.62, 0.20, 14),
        (-0.44, 0.27, -9),
        (0.36, 0.25, 5),
        (0.56, 0.20, -17),
        (0.03, 0.33, 2),
        (0.68, -0.02, 31),
    ]
    for level, (x, z, turn) in enumerate(places):
        sheet_of_paper = rectangle((-0.105, 0, 0.1485), (0.21, 0, 0), (0, 0, -0.297))
        page = matte(texture(printed_page(rng, columns=1 + level % 2)))
        parts += placed([(sheet_of_paper, page)], (x, TOP + 0.0008 * (level + 1), z), turn)
    for side in (-1, 1):
        bend = np.linspace(0, 1, 14)
        x, y = side * 0.15 * bend, 0.004 + 0.020 * np.sin(np.pi * np.clip(bend * 1.15, 0, 1)) ** 0.7
        lattice = np.stack([np.stack([x, y, np.full(14, z)], -1) for z in np.linspace(-0.11, 0.11, 8)])
        leaf_of_book = sheet(lattice if side > 0 else lattice[:, ::-1])
        leaf_of_book = leaf_of_book.with_uvs((1.0, -1.0), (0.0, 1.0))
        parts += placed([(leaf_of_book, matte(texture(printed_page(rng, 520, 360))))], (-0.13, TOP + 0.002, -0.27), 8)
    return parts


def pens(rng: np.random.Generator) -> Parts:
    """A cup of pencils, and a row of twelve pens that are all the same."""
    parts: Parts = []
    wall = lathe([(0.001, 0.002), (0.036, 0.002), (0.040, 0.1), (0.037, 0.1), (0.034, 0.01), (0.001, 0.01)], 48)
    parts.append((wall, coated(texture(textures.glaze(rng, (0.20, 0.42, 0.55), (0.07, 0.18, 0.30))), 0.15, 0.7, 1.0)))
    colours = [
        (0.78, 0.16, 0.12),
        (0.93, 0.72, 0.15),
        (0.15, 0.42, 0.24),
        (0.13, 0.27, 0.56),
        (0.15, 0.15, 0.15),
        (0.85, 0.45, 0.15),
    ]
    for place, colour in enumerate(colours):
        azimuth = 2 * np.pi * place / len(colours)
        lean = np.array([0.045 * np.sin(azimuth), 0.17 + 0.012 * (place % 3), 0.045 * np.cos(azimuth)])
        line = (
            np.array([0.012 * np.sin(azimuth), 0.012, 0.012 * np.cos(azimuth)]) + np.linspace(0, 1, 6)[:, None] * lean
        )
        parts.append((tube(line, 0.0042, 10), matte(plain(colour))))
        point = lean / np.linalg.norm(lean)
        tip = line[-1] + np.linspace(0, 1, 3)[:, None] * point * 0.014
        parts.append((tube(tip, np.array([0.0042, 0.0022, 0.0004]), 10), matte(plain((0.85, 0.68, 0.46)))))
    parts = placed(parts, (0.31, TOP, -0.12))
    row = []
    for place in range(12):
        line = np.array([0.40 + 0.016 * place, TOP + 0.0105, -0.02]) + np.linspace(0, 1, 6)[:, None] * np.array(
            [0, 0, 0.15]
        )
        row.append(tube(line, 0.0055, 12))
    caps = [
        tube(
            np.array([0.40 + 0.016 * place, TOP + 0.0105, 0.085]) + np.linspace(0, 1, 4)[:, None] * [0, 0, 0.045],
            0.0062,
            12,
        )
        for place in range(12)
    ]
    tray = rounded_box((0.21, 0.005, 0.18), 0.002, 3).moved((0.488, TOP + 0.0065, 0.055))
    return [
        *parts,
        (merged(row), matte(plain((0.90, 0.86, 0.76)))),
        (merged(caps), coated(plain((0.10, 0.20, 0.48)), 0.2, 0.6, 1.0)),
        (tray, wood(rng, WALNUT)),
    ]


def globe(rng: np.random.Generator) -> Parts:
    """A globe of 24 cm on a turned foot."""
    sphere = ball(0.12, 72).turned(rotation_about("z", 23)).moved((0, 0.20, 0))
    foot = lathe(
        [(0.001, 0), (0.075, 0.0), (0.07, 0.015), (0.02, 0.03), (0.014, 0.07), (0.02, 0.085), (0.001, 0.086)], 48
    )
    ring = np.linspace(0, 2 * np.pi, 60)
    meridian = tube(np.stack([0.132 * np.sin(ring), 0.20 + 0.132 * np.cos(ring), 0 * ring], -1), 0.004, 10)
    return [
        (sphere, coated(texture(land_map(rng, 512, 1024)), 0.25, 0.5, 0.5)),
        (foot, wood(rng, WALNUT)),
        (meridian, metal((0.80, 0.62, 0.32), 0.25)),
    ]


def engine(rng: np.random.Generator) -> Parts:
    """The toy locomotive on its piece of track, 31 cm long, standing on y = 0."""
    upright = [(mesh.turned(rotation_about("x", -90)), material) for mesh, material in locomotive(rng)]
    lowest = min(mesh.positions[:, 1].min() for mesh, _ in upright)
    return scaled([(mesh.moved((0, -lowest, 0)), material) for mesh, material in upright], 0.148)


def things(rng: np.random.Generator) -> Parts:
    """Everything on the desk, and the chair before it."""
    parts = desk(rng) + lamp(rng) + papers(rng) + pens(rng)
    parts += placed(chair(rng), (-0.12, 0, 0.68), 14)
    parts += placed(computer(rng), (-0.08, TOP, 0.10), 4)
    parts += placed(globe(rng), (0.72, TOP, -0.08), 30)
    parts += placed(engine(rng), (0.20, TOP, -0.31), -8)
    parts += placed(mug(rng), (0.22, TOP, 0.10), 210)
    parts += placed(book_stack(rng, [6, 1, 4, 2], 0.25), (-0.70, TOP, 0.06), 12)
    parts += placed(standing_books(rng, 0.22, 0.26, alike=True), (0.42, TOP, -0.41), -4)
    parts += placed(scaled(planter(rng), 0.6), (-0.36, TOP, -0.30), 10)
    parts += placed(scaled(fern(rng, 24), 0.30), (-0.36, TOP + 0.105, -0.30))
    return parts
