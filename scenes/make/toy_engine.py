"""A wooden toy locomotive.  Built with y upwards and its front towards +x; about 2.1 long.

Every function returns a list of (mesh, material) pairs.
"""

import itertools

import numpy as np

from scenes.make import engine_textures as paint
from scenes.make import patterns, textures
from scenes.make.meshes import (
    Mesh,
    ball,
    cylinder,
    lathe,
    merged,
    rotation_about,
    rounded_box,
    sheet,
    tube,
)
from scenes.make.mitsuba_scene import coated, matte, metal, texture
from scenes.make.parts import Parts

RED, CREAM, BLUE = (0.72, 0.15, 0.11), (0.93, 0.85, 0.66), (0.13, 0.27, 0.50)
OCHRE, TEAL, DARK = (0.89, 0.62, 0.16), (0.13, 0.45, 0.47), (0.17, 0.18, 0.21)
BRASS = (0.86, 0.64, 0.28)
ALONG_X, ALONG_Z = rotation_about("z", -90), rotation_about("x", 90)
AXLES = [(0.62, 0.15), (0.20, 0.15), (-0.34, 0.23)]
"""Position along x and radius of the wheels; the rails lie at y = 0."""
GAUGE = 0.31
BOILER_HEIGHT = 0.68


def painted(rng: np.random.Generator, colour: tuple, wear: float = 0.74) -> dict:
    return coated(texture(paint.worn_paint(rng, colour, wear=wear)), 0.34)


def rod(first: tuple, last: tuple, radius: float) -> Mesh:
    """Straight round bar."""
    line = np.asarray(first, float) + np.linspace(0, 1, 6)[:, None] * (np.asarray(last, float) - np.asarray(first))
    return tube(line, radius, 12)


def chassis(rng: np.random.Generator) -> Parts:
    frame = rounded_box((1.72, 0.09, 0.46), 0.015, 1.3).moved((-0.05, 0.345, 0))
    board = rounded_box((1.84, 0.03, 0.60), 0.008, 1.3).moved((-0.05, 0.405, 0))
    beam = rounded_box((0.06, 0.15, 0.58), 0.01).moved((0.86, 0.345, 0))
    buffers = merged(
        [cylinder(0.055, 0.03, 32, 0.01).turned(ALONG_X).moved((0.955, 0.36, z)) for z in (-0.18, 0.18)]
        + [cylinder(0.022, 0.09, 16).turned(ALONG_X).moved((0.90, 0.36, z)) for z in (-0.18, 0.18)]
    )
    bars = [rod((0.88, 0.27, z), (1.02, 0.05, 0.72 * z), 0.011) for z in np.linspace(-0.25, 0.25, 9)]
    bars.append(rod((1.02, 0.05, -0.19), (1.02, 0.05, 0.19), 0.013))
    return [
        (frame, painted(rng, RED)),
        (board, coated(texture(textures.wood(rng, (0.66, 0.45, 0.28), (0.34, 0.20, 0.11))), 0.4)),
        (beam, coated(texture(paint.stripes(rng, RED, CREAM, 9)), 0.34)),
        (buffers, metal((0.70, 0.70, 0.72), 0.3)),
        (merged(bars), painted(rng, OCHRE)),
    ]


def boiler(rng: np.random.Generator) -> Parts:
    barrel = cylinder(0.26, 0.94, 72).turned(ALONG_X).moved((0.24, BOILER_HEIGHT, 0))
    box = cylinder(0.285, 0.20, 72, 0.015).turned(ALONG_X).moved((0.79, BOILER_HEIGHT, 0))
    side = 0.285 - 0.015
    angle = np.linspace(0, 2 * np.pi, 73)
    radius = np.array([1e-4, side])[:, None]
    disc = sheet(
        np.stack([0.892 + 0 * radius * angle, BOILER_HEIGHT + radius * np.sin(angle), -radius * np.cos(angle)], -1)
    )
    disc_uvs = np.stack(
        [0.5 - disc.positions[:, 2] / (2 * side), 0.5 + (disc.positions[:, 1] - BOILER_HEIGHT) / (2 * side)], -1
    )
    disc = Mesh(disc.positions, disc.normals, disc_uvs, disc.faces)
    bands = merged(
        [
            lathe([(0.262, -0.012), (0.268, -0.010), (0.268, 0.010), (0.262, 0.012)], 72)
            .turned(ALONG_X)
            .moved((x, BOILER_HEIGHT, 0))
            for x in (-0.16, 0.09, 0.35, 0.60)
        ]
    )
    saddle = rounded_box((0.9, 0.16, 0.30), 0.02, 1.3).moved((0.3, 0.46, 0))
    dark = paint.riveted(paint.worn_paint(rng, DARK, 512, 1024, 0.80), [0.36, 0.64], 40, (0.60, 0.58, 0.55), 2.5)
    return [
        (barrel, coated(texture(paint.boiler(rng)), 0.28)),
        (box, coated(texture(dark), 0.4)),
        (disc, coated(texture(paint.smokebox_door(rng)), 0.35)),
        (bands, metal(BRASS, 0.22)),
        (saddle, painted(rng, TEAL)),
    ]


def fittings(rng: np.random.Generator) -> Parts:
    """Chimney, dome, bell, whistle, headlamp, handrails."""
    top = BOILER_HEIGHT + 0.26
    chimney = lathe(
        [
            (0.11, -0.03),
            (0.085, 0.02),
            (0.072, 0.10),
            (0.080, 0.20),
            (0.115, 0.27),
            (0.135, 0.29),
            (0.135, 0.325),
            (0.105, 0.325),
            (0.085, 0.26),
            (0.05, 0.10),
        ],
        56,
    ).moved((0.79, top + 0.01, 0))
    dome = lathe(
        [(0.12, -0.04), (0.10, 0.0), (0.095, 0.07), (0.085, 0.11), (0.055, 0.145), (0.0001, 0.158)], 48, smooth=True
    ).moved((0.38, top, 0))
    bell = lathe([(0.058, 0.0), (0.046, 0.02), (0.038, 0.06), (0.022, 0.082), (0.0001, 0.088)], 40, smooth=True)
    arch_angle = np.linspace(0, np.pi, 20)
    arch = tube(
        np.stack([0.09 + 0 * arch_angle, top + 0.06 + 0.08 * np.sin(arch_angle), 0.075 * np.cos(arch_angle)], -1),
        0.009,
        10,
    )
    posts = [rod((0.09, top - 0.02, z), (0.09, top + 0.06, z), 0.009) for z in (-0.075, 0.075)]
    whistle = merged(
        [
            rod((-0.12, top - 0.02, 0.08), (-0.12, top + 0.14, 0.08), 0.010),
            cylinder(0.020, 0.07, 20, 0.006).moved((-0.12, top + 0.16, 0.08)),
        ]
    )
    lamp = cylinder(0.075, 0.10, 40, 0.01).turned(ALONG_X).moved((0.84, top + 0.065, 0))
    lens = ball(0.060, 32).turned(ALONG_X).moved((0.862, top + 0.065, 0))
    lamp = lamp.moved((0.09, -0.17, 0.19))
    lens = lens.moved((0.09, -0.17, 0.19))
    rails = []
    for side in (-1, 1):
        z = side * 0.278
        rails.append(rod((-0.2, BOILER_HEIGHT + 0.10, z), (0.86, BOILER_HEIGHT + 0.10, z), 0.009))
        rails += [
            rod((x, BOILER_HEIGHT + 0.10, z), (x, BOILER_HEIGHT + 0.08, 0.86 * z), 0.007)
            for x in (-0.15, 0.2, 0.55, 0.84)
        ]
    return [
        (chimney, coated(texture(paint.stripes(rng, DARK, RED, 1 + 13)), 0.36)),
        (dome, metal(BRASS, 0.16)),
        (bell.moved((0.09, top + 0.045, 0)), metal((0.88, 0.72, 0.36), 0.12)),
        (merged([arch, *posts]), painted(rng, BLUE)),
        (whistle, metal(BRASS, 0.2)),
        (lamp, painted(rng, RED)),
        (lens, coated(texture(textures.glaze(rng, (0.98, 0.93, 0.70), (0.92, 0.76, 0.36))), 0.08, 0.8, 1.0)),
        (merged(rails), metal((0.72, 0.72, 0.74), 0.25)),
    ]


def cab(rng: np.random.Generator) -> Parts:
    """Lined side panels, thin posts, curved roof, a driver inside."""
    left, right, low, sill, eaves = -0.64, -0.22, 0.42, 0.74, 1.10
    middle, width = (left + right) / 2, right - left
    panels = []
    for side, text, colour in ((1, "L 27", BLUE), (-1, "FERN", RED)):
        panel = rounded_box((width, sill - low, 0.03), 0.006).moved((middle, (low + sill) / 2, side * 0.275))
        panels.append((panel, coated(texture(paint.cab_side(rng, text, colour)), 0.32)))
    front = merged(
        [
            rounded_box((0.03, 0.14, 0.52), 0.006, 1.5).moved((right, 1.03, 0)),
            rounded_box((0.03, 0.55, 0.10), 0.006, 1.5).moved((right, 0.70, 0.22)),
            rounded_box((0.03, 0.55, 0.10), 0.006, 1.5).moved((right, 0.70, -0.22)),
        ]
    )
    back = rounded_box((0.03, sill - low, 0.52), 0.006).moved((left, (low + sill) / 2, 0))
    posts = merged(
        [
            rounded_box((0.03, eaves - sill + 0.02, 0.03), 0.006, 2.0).moved((x, (eaves + sill) / 2, z))
            for x in (left + 0.015, right - 0.015)
            for z in (-0.275, 0.275)
        ]
    )
    across, along = np.meshgrid(np.linspace(-1, 1, 25), np.linspace(0, 1, 9), indexing="ij")

    def roof_layer(height: float) -> np.ndarray:
        return np.stack([left - 0.07 + (width + 0.14) * along, height + 0.10 * (1 - across**2), 0.35 * across], -1)

    upper, lower = sheet(roof_layer(eaves + 0.035)), sheet(roof_layer(eaves))
    rims = [
        sheet(np.stack([roof_layer(eaves)[index], roof_layer(eaves + 0.035)[index]]))
        for index in ((0,), (-1,), (slice(None), 0), (slice(None), -1))
    ]
    roof_paint = coated(texture(paint.stripes(rng, OCHRE, TEAL, 8)), 0.36)
    shirt = lathe([(0.085, 0.0), (0.090, 0.10), (0.075, 0.19), (0.040, 0.235), (0.0001, 0.24)], 40, smooth=True)
    head = ball(0.068, 32).moved((0, 0.285, 0))
    hat = lathe([(0.085, 0.315), (0.080, 0.33), (0.055, 0.335), (0.055, 0.375), (0.0001, 0.385)], 36)
    driver = (middle - 0.03, 0.60, 0.06)
    return [
        *panels,
        (merged([front, posts]), painted(rng, CREAM)),
        (back, coated(texture(paint.checks(rng, TEAL, CREAM, 6, 4)), 0.34)),
        (merged([upper, lower, *rims]), roof_paint),
        (shirt.moved(driver), matte(texture(patterns.striped_cloth(rng).transpose(1, 0, 2), (1.0, 2.0)))),
        (head.moved(driver), coated(texture(textures.wood(rng, (0.92, 0.74, 0.54), (0.76, 0.55, 0.36))), 0.35)),
        (hat.moved(driver), painted(rng, BLUE)),
    ]


def bunker(rng: np.random.Generator) -> Parts:
    """Coal box behind the cab, a ladder on one side, a lantern on the other, a flag."""
    left, right = -0.95, -0.66
    middle, width = (left + right) / 2, right - left
    sides = merged(
        [rounded_box((width, 0.26, 0.025), 0.006).moved((middle, 0.55, z)) for z in (-0.27, 0.27)]
        + [rounded_box((0.025, 0.26, 0.54), 0.006).moved((left, 0.55, 0))]
    )
    lumps = []
    for _ in range(46):
        lump = ball(rng.uniform(0.035, 0.062), 14)
        dents = 1 + 0.28 * np.sin(lump.positions @ rng.normal(0, 70, (3, 4))).mean(1, keepdims=True)
        spot = (rng.uniform(left + 0.06, right - 0.05), 0.62 + rng.uniform(0, 0.085), rng.uniform(-0.21, 0.21))
        lumps.append(
            Mesh(lump.positions * dents, lump.normals, lump.uvs + rng.uniform(0, 1, 2), lump.faces).moved(spot)
        )
    bed = rounded_box((width, 0.16, 0.5), 0.01, 1.5).moved((middle, 0.53, 0))
    ladder = [rod((x, 0.30, 0.33), (x, 0.72, 0.305), 0.010) for x in (-0.90, -0.76)]
    ladder += [
        rod((-0.90, y, 0.33 - 0.06 * (y - 0.3)), (-0.76, y, 0.33 - 0.06 * (y - 0.3)), 0.008)
        for y in (0.36, 0.45, 0.54, 0.63)
    ]
    pole = rod((-0.93, 0.6, -0.25), (-0.93, 1.45, -0.25), 0.010)
    along, up = np.meshgrid(np.linspace(0, 1, 30), np.linspace(0, 1, 14))
    ripple = 0.035 * np.sin(6.5 * along + 1.5 * up) * along
    flag = sheet(
        np.stack([-0.93 + 0.30 * along - 0.02 * up * along, 1.23 + 0.20 * up - 0.05 * along**2, -0.25 + ripple], -1)
    )
    lantern = merged(
        [
            cylinder(0.045, 0.015, 24).moved((-0.80, 0.50, -0.34)),
            cylinder(0.045, 0.015, 24).moved((-0.80, 0.61, -0.34)),
            *[
                rod(
                    (-0.80 + 0.036 * np.cos(a), 0.5, -0.34 + 0.036 * np.sin(a)),
                    (-0.80 + 0.036 * np.cos(a), 0.61, -0.34 + 0.036 * np.sin(a)),
                    0.005,
                )
                for a in np.linspace(0, 2 * np.pi, 6)[:-1]
            ],
            rod((-0.80, 0.62, -0.34), (-0.80, 0.66, -0.27), 0.006),
        ]
    )
    glow = cylinder(0.028, 0.10, 20).moved((-0.80, 0.555, -0.34))
    return [
        (sides, coated(texture(paint.checks(rng, OCHRE, RED, 4, 3)), 0.34)),
        (merged([*lumps, bed]), coated(texture(paint.coal(rng)), 0.25)),
        (merged(ladder), painted(rng, CREAM)),
        (pole, coated(texture(textures.wood(rng, (0.86, 0.70, 0.46), (0.60, 0.42, 0.24))), 0.4)),
        (flag, matte(texture(paint.stripes(rng, CREAM, RED, 5)))),
        (lantern, painted(rng, DARK)),
        (glow, coated(texture(textures.glaze(rng, (0.95, 0.42, 0.16), (0.80, 0.16, 0.08))), 0.1, 0.8, 1.0)),
    ]


def wheel(radius: float, turn_deg: float) -> tuple[Mesh, Mesh]:
    """Rim and spokes about the z axis."""
    rim = lathe(
        [
            (radius - 0.045, -0.022),
            (radius, -0.022),
            (radius + 0.018, 0.012),
            (radius + 0.018, 0.022),
            (radius - 0.045, 0.022),
            (radius - 0.045, -0.022),
        ],
        56,
    ).turned(ALONG_Z)
    spokes = [
        rod((0, 0, 0), ((radius - 0.03) * np.cos(angle), (radius - 0.03) * np.sin(angle), 0), 0.013)
        for angle in np.linspace(0, 2 * np.pi, 9)[:-1] + np.radians(turn_deg)
    ]
    hub = cylinder(0.042, 0.06, 28, 0.008).turned(ALONG_Z)
    return rim, merged([*spokes, hub])


def running_gear(rng: np.random.Generator) -> Parts:
    rims, spokes, pins, bars = [], [], [], []
    for side, phase in ((1, 30.0), (-1, 120.0)):
        z = side * GAUGE
        crank = 0.085 * np.array([np.cos(np.radians(phase)), np.sin(np.radians(phase))])
        for x, radius in AXLES:
            rim, spoke = wheel(radius, phase + 11)
            if side > 0:
                rim = rim.turned(rotation_about("y", 180))
            rims.append(rim.moved((x, radius + 0.03, z)))
            spokes.append(spoke.moved((x, radius + 0.03, z)))
            pins.append(
                rod(
                    (x + crank[0], radius + 0.03 + crank[1], z),
                    (x + crank[0], radius + 0.03 + crank[1], z + side * 0.055),
                    0.016,
                )
            )
        for (first_x, first_radius), (last_x, last_radius) in itertools.pairwise(AXLES):
            start = np.array([first_x + crank[0], first_radius + 0.03 + crank[1]])
            end = np.array([last_x + crank[0], last_radius + 0.03 + crank[1]])
            slope = np.degrees(np.arctan2(*(start - end)[::-1]))
            bar = rounded_box((np.linalg.norm(start - end) + 0.05, 0.032, 0.014), 0.004, 1.5)
            bars.append(bar.turned(rotation_about("z", slope)).moved((*(start + end) / 2, z + side * 0.045)))
    axles = merged([rod((x, radius + 0.03, -GAUGE), (x, radius + 0.03, GAUGE), 0.018) for x, radius in AXLES])
    return [
        (merged(rims), coated(texture(paint.wheel_face(rng, RED)), 0.32)),
        (merged(spokes), painted(rng, OCHRE)),
        (merged([*pins, axles]), metal((0.68, 0.68, 0.70), 0.3)),
        (merged(bars), coated(texture(textures.wood(rng, (0.90, 0.76, 0.52), (0.64, 0.46, 0.27))), 0.35)),
    ]


def track(rng: np.random.Generator) -> Parts:
    rails = merged([rounded_box((2.14, 0.035, 0.03), 0.006, 1.2).moved((0, 0.0, z)) for z in (-GAUGE, GAUGE)])
    sleepers = merged(
        [
            rounded_box((0.10, 0.04, 0.82 + 0.03 * np.sin(3 * index)), 0.008, 1.4)
            .turned(rotation_about("y", rng.normal(0, 1.5)))
            .with_uvs(1.0, (0.13 * index, 0.29 * index))
            .moved((x, -0.037, 0))
            for index, x in enumerate(np.linspace(-1.0, 1.0, 8))
        ]
    )
    return [
        (rails, coated(texture(textures.wood(rng, (0.60, 0.42, 0.28), (0.33, 0.20, 0.12))), 0.4)),
        (sleepers, coated(texture(textures.wood(rng, (0.88, 0.74, 0.52), (0.60, 0.42, 0.24))), 0.45)),
    ]


def locomotive(rng: np.random.Generator) -> Parts:
    """All parts, z upwards, centred about the origin."""
    parts = chassis(rng) + boiler(rng) + fittings(rng) + cab(rng) + bunker(rng) + running_gear(rng) + track(rng)
    return [(mesh.moved((0, -0.55, 0)).turned(rotation_about("x", 90)), material) for mesh, material in parts]
