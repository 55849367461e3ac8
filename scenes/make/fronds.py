"""A potted fern: arching fronds with two rows of curved pinnae, and young fiddleheads in the crown."""

from dataclasses import dataclass

import numpy as np

from scenes.make.meshes import Mesh, merged, sheet, tube

YOUNG_GREEN = np.array([0.30, 0.47, 0.09])
MATURE_GREEN = np.array([0.085, 0.25, 0.045])
OLD_YELLOW = np.array([0.40, 0.36, 0.09])
STEM_BROWN = np.array([0.21, 0.15, 0.06])


@dataclass(frozen=True)
class Frond:
    """Parameters of one frond; angles in degrees, lengths in metres, age from 0 to 1."""

    azimuth_deg: float
    elevation_deg: float
    length: float
    droop_deg: float
    age: float
    roll_deg: float


def frond_curve(frond: Frond, steps: int) -> np.ndarray:
    """The midrib, (steps, 3): it leaves the crown steeply and bends under its weight."""
    along = np.linspace(0, 1, steps)
    elevation = np.radians(frond.elevation_deg - frond.droop_deg * along**1.4)
    azimuth = np.radians(frond.azimuth_deg + 0.6 * frond.roll_deg * along**2)
    heading = np.stack(
        [np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)], -1
    )
    return np.cumsum(heading, axis=0) * frond.length / steps


def pinna(
    root: np.ndarray,
    outward: np.ndarray,
    forward: np.ndarray,
    normal: np.ndarray,
    length: float,
    colour: np.ndarray,
    rng: np.random.Generator,
) -> Mesh:
    """One leaflet: lanceolate, folded along its vein, drooping towards the tip, with a scalloped rim."""
    along = np.linspace(0, 1, 10)[:, None]
    across = np.linspace(-1, 1, 5)[None]
    half_width = 0.125 * length * (np.sin(np.pi * np.clip(along, 0.03, 1) ** 0.62) ** 0.75 + 0.06)
    half_width = half_width * (1 + 0.10 * np.where(np.arange(10) % 2, 1, -1)[:, None] * np.abs(across))
    droop, fold, sweep = rng.normal(0.24, 0.10), rng.normal(0.35, 0.1), rng.normal(0.16, 0.06)
    wave = 0.03 * np.sin(5 * along + rng.uniform(0, 6)) * across
    rise = length * (0.10 * np.sin(np.pi * along) - droop * along**2 + wave) + fold * half_width * np.abs(across)
    lattice = (
        root
        + length * along[..., None] * outward
        + (length * sweep * along**2 + half_width * across)[..., None] * forward
        + rise[..., None] * normal
    )
    vein = np.exp(-((across / 0.35) ** 2)) * (1 - 0.5 * along)
    light = 1 + 0.35 * vein + 0.12 * np.where(np.arange(10) % 2, 1, -1)[:, None] * np.abs(across)
    tip = np.clip(along * 1.6 - 1.1, 0, 1) * rng.uniform(0, 0.7)
    shade = (colour * light[..., None]) * (1 - tip[..., None]) + tip[..., None] * OLD_YELLOW
    return sheet(lattice, np.broadcast_to(shade, lattice.shape))


def frond_mesh(frond: Frond, rng: np.random.Generator) -> tuple[Mesh, Mesh]:
    """Leaflets and stem of one frond, rooted at the origin."""
    pairs = int(22 + 26 * frond.length)
    curve = frond_curve(frond, 60)
    tangent = np.gradient(curve, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    level = np.array([np.cos(np.radians(frond.azimuth_deg)), 0, -np.sin(np.radians(frond.azimuth_deg))])
    base = YOUNG_GREEN + (MATURE_GREEN - YOUNG_GREEN) * min(1, frond.age * 1.7)
    base = base + (OLD_YELLOW - base) * np.clip(frond.age - 0.8, 0, 0.2) * 4
    leaflets = []
    for position in np.linspace(0.14, 0.99, pairs):
        index = min(59, int(position * 59))
        normal = np.cross(tangent[index], level)
        normal /= np.linalg.norm(normal)
        normal = normal if normal[1] >= 0 else -normal
        roll = np.radians(frond.roll_deg * position)
        side = level * np.cos(roll) + normal * np.sin(roll)
        normal = normal * np.cos(roll) - level * np.sin(roll)
        profile = (1 - 0.93 * position**1.9) * min(1, 0.45 + 2.2 * (position - 0.12))
        for sign in (-1, 1):
            if rng.uniform() < 0.02 + 0.1 * (frond.age > 0.85):
                continue
            length = frond.length * 0.205 * profile * rng.uniform(0.88, 1.08)
            sweep = np.radians(12 + 38 * position**2 + rng.normal(0, 5))
            outward = sign * side * np.cos(sweep) + tangent[index] * np.sin(sweep)
            forward = tangent[index] * np.cos(sweep) - sign * side * np.sin(sweep)
            colour = base * rng.uniform(0.72, 1.25) * np.array([rng.uniform(0.85, 1.2), 1, rng.uniform(0.7, 1.2)])
            tilt = normal + 0.25 * rng.normal() * forward
            leaflets.append(
                pinna(
                    curve[index] + 0.004 * sign * tangent[index],
                    outward,
                    forward,
                    tilt / np.linalg.norm(tilt),
                    length,
                    colour,
                    rng,
                )
            )
    along = np.linspace(0, 1, 60)[:, None]
    stem_colours = STEM_BROWN * (1 - along) + 0.8 * YOUNG_GREEN * along
    stem = tube(curve, frond.length * (0.0058 - 0.0046 * along[:, 0]), 7, stem_colours)
    return merged(leaflets), stem


def fiddlehead(azimuth_deg: float, height: float, rng: np.random.Generator) -> Mesh:
    """A young frond that has not unrolled yet: a stalk that ends in a spiral with tiny leaflets."""
    stalk = np.linspace(0, 1, 30)
    turn = np.linspace(0, 1, 70)[1:]
    bend = np.concatenate([np.full(30, 0.0) + 0.10 * stalk, 0.10 + 4.6 * np.pi * turn**1.15])
    speed = np.concatenate([np.full(30, height / 30), height * 0.014 * (1 - 0.86 * turn)])
    lean = np.stack([np.sin(bend), np.cos(bend)], -1) * speed[:, None]
    flat = np.cumsum(lean, axis=0)
    azimuth = np.radians(azimuth_deg)
    curve = np.stack([flat[:, 0] * np.sin(azimuth), flat[:, 1], flat[:, 0] * np.cos(azimuth)], -1)
    radii = np.concatenate([np.full(30, 0.0032), 0.0032 - 0.0014 * turn])
    green = np.concatenate([np.full(30, 0.6), 0.7 + 0.4 * turn])[:, None] * YOUNG_GREEN * rng.uniform(0.8, 1.1)
    return tube(curve, radii, 8, green)


def potted_fern(rng: np.random.Generator, count: int = 44) -> tuple[Mesh, Mesh]:
    """All leaflets and all stems of the plant, crown at the origin; the inner fronds are younger and steeper."""
    leaflets, stems = [], []
    for index in range(count):
        age = (index + 0.5) / count
        frond = Frond(
            azimuth_deg=index * 137.508 + rng.normal(0, 9),
            elevation_deg=82 - 38 * age + rng.normal(0, 4),
            length=rng.uniform(0.9, 1.1) * (0.34 + 0.30 * np.sin(np.pi * min(1, 0.12 + 0.75 * age))),
            droop_deg=48 + 62 * age + rng.normal(0, 9),
            age=age,
            roll_deg=rng.normal(0, 22),
        )
        crown = (
            0.045
            * np.sqrt(age)
            * np.array([np.sin(np.radians(frond.azimuth_deg)), 0, np.cos(np.radians(frond.azimuth_deg))])
        )
        leaves, stem = frond_mesh(frond, rng)
        leaflets.append(leaves.moved(tuple(crown)))
        stems.append(stem.moved(tuple(crown)))
    for azimuth in (20, 95, 170, 250, 310):
        stems.append(fiddlehead(azimuth, rng.uniform(0.13, 0.24), rng).moved((0.02 * np.sin(azimuth), 0, 0.02)))
    return merged(leaflets), merged(stems)
