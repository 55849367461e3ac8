"""Stool, side table, planter, mug and basket; each stands on y = 0.  Metres, y up."""

import numpy as np

from scenes.make import patterns, textures
from scenes.make.books import book_stack
from scenes.make.drawing import coordinates
from scenes.make.meshes import Mesh, ball, lathe, merged, rounded_box, sheet, tube
from scenes.make.mitsuba_scene import coated, matte, metal, plain, texture
from scenes.make.parts import OAK, PINE, WALNUT, Parts, placed, wooden


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


def side_table(rng: np.random.Generator) -> Parts:
    """Low table at the right with books, a mug, a mirror ball on a ring, and a drawer front."""
    height = 0.44
    top = rounded_box((0.56, 0.03, 0.42), 0.008, 1.7).moved((0, height - 0.015, 0))
    legs = merged(
        [
            rounded_box((0.04, height - 0.03, 0.04), 0.006, 1.7).moved((x, (height - 0.03) / 2, z))
            for x in (-0.24, 0.24)
            for z in (-0.17, 0.17)
        ]
    )
    apron = merged(
        [
            rounded_box((0.46, 0.10, 0.018), 0.003, 1.7).moved((0, height - 0.085, 0.175)),
            rounded_box((0.018, 0.10, 0.32), 0.003, 1.7).moved((-0.245, height - 0.085, 0)),
        ]
    )
    shelf = rounded_box((0.48, 0.016, 0.34), 0.004, 1.7).moved((0, 0.12, 0))
    knob = ball(0.016, 24).moved((0, height - 0.085, 0.195))
    sphere = ball(0.058, 64).moved((-0.16, height + 0.064, 0.09))
    ring = lathe([(0.030, 0), (0.036, 0.004), (0.034, 0.016), (0.028, 0.012)], 48).moved((-0.16, height, 0.09))
    parts = [
        (merged([top, legs, shelf]), wooden(rng, WALNUT)),
        (apron, wooden(rng, PINE)),
        (knob, metal((0.75, 0.58, 0.30), 0.25)),
        (sphere, metal((0.86, 0.80, 0.70), 0.12)),
        (ring, wooden(rng, OAK)),
    ]
    parts += placed(book_stack(rng, [4, 1, 2, 3], 0.25), (0.11, height, -0.05), -14)
    parts += placed(mug(rng), (0.06, height, 0.155), 200)
    parts += placed(book_stack(rng, [5, 6], 0.26), (-0.03, 0.128, 0.02), 8)
    return placed(parts, (0.74, 0, -0.40), -12)


def planter(rng: np.random.Generator, height: float = 0.19) -> Parts:
    """Painted terracotta pot on a saucer, with soil; it stands on y = 0."""
    pot = lathe(
        [
            (0.078, 0.0),
            (0.112, 0.145),
            (0.113, 0.146),
            (0.124, 0.147),
            (0.126, 0.150),
            (0.129, 0.184),
            (0.126, height),
            (0.117, height),
            (0.114, 0.185),
            (0.110, 0.150),
        ],
        96,
    )
    walls = pot.uvs.copy()
    walls[:, 1] = np.clip(pot.positions[:, 1] / height, 0, 1)
    pot = Mesh(pot.positions, pot.normals, walls, pot.faces)
    saucer = lathe([(0.001, 0.0), (0.10, 0.0), (0.118, 0.022), (0.112, 0.022), (0.098, 0.006), (0.001, 0.006)], 64)
    radius, angle = np.meshgrid(np.linspace(0.002, 0.113, 24), np.linspace(0, 2 * np.pi, 60))
    lumps = 0.004 * (np.sin(9 * angle + 60 * radius) + np.sin(140 * radius) + rng.normal(0, 0.7, radius.shape))
    lumps[-1] = lumps[0]
    earth = sheet(np.stack([radius * np.sin(angle), height - 0.022 + lumps, radius * np.cos(angle)], -1))
    earth = Mesh(earth.positions, earth.normals, earth.positions[:, [0, 2]] * 4, earth.faces)
    clay = texture(patterns.terracotta(rng))
    plain_clay = texture(textures.plaster(rng, (0.72, 0.40, 0.26), (0.50, 0.25, 0.15), 512), (3.0, 1.0))
    return [
        (pot.moved((0, 0.007, 0)), coated(clay, 0.42)),
        (saucer, coated(plain_clay, 0.55)),
        (earth, matte(texture(textures.soil(rng)))),
    ]


def mug(rng: np.random.Generator) -> Parts:
    """Glazed mug with painted stripes, handle towards +x."""
    wall = lathe(
        [
            (0.001, 0.0),
            (0.034, 0.0),
            (0.040, 0.006),
            (0.041, 0.045),
            (0.041, 0.092),
            (0.0395, 0.095),
            (0.037, 0.092),
            (0.036, 0.03),
            (0.001, 0.01),
        ],
        64,
    )
    v, u = coordinates(256, 512)
    image = textures.glaze(rng, (0.90, 0.87, 0.78), (0.78, 0.70, 0.56))
    height = np.clip((v - 0.23) / 0.3, 0, 1)
    image[(height * 5 % 1 < 0.4) & (height > 0.3) & (height < 0.85)] = (0.66, 0.20, 0.14)
    image[(np.hypot((u * 16) % 1 - 0.5, (height - 0.15) * 4) < 0.3)] = (0.12, 0.24, 0.36)
    angle = np.linspace(-0.55 * np.pi, 0.55 * np.pi, 20)
    handle = tube(np.stack([0.038 + 0.026 * np.cos(angle), 0.048 + 0.028 * np.sin(angle), 0 * angle], -1), 0.005, 12)
    return [
        (wall, coated(texture(image), 0.12, 0.7, 1.0)),
        (handle, coated(plain((0.62, 0.17, 0.12)), 0.12, 0.7, 1.0)),
    ]


def basket_with_cloth(rng: np.random.Generator) -> Parts:
    """Woven basket in the left corner with a striped cloth that hangs over its rim."""
    body = lathe(
        [
            (0.001, 0.002),
            (0.15, 0.002),
            (0.175, 0.10),
            (0.185, 0.20),
            (0.178, 0.30),
            (0.170, 0.30),
            (0.172, 0.20),
            (0.15, 0.05),
        ],
        72,
        smooth=True,
    )
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
    straw = coated(texture(patterns.basket(rng), (2.0, 0.9)), 0.6)
    parts = [
        (body, straw),
        (rim, coated(texture(patterns.basket(rng, 256, 12), (1.0, 8.0)), 0.6)),
        (cloth, matte(texture(patterns.striped_cloth(rng), (1.0, 1.0)))),
    ]
    return placed(parts, (-0.72, 0, -0.36), 10)
