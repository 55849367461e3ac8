"""Textures of designed things: rug, prints, book jackets, painted clay, weave, striped linen."""

import numpy as np

from scenes.make.drawing import Colour, coordinates, lettering, mix, noise, step


def kilim(rng: np.random.Generator, height: int = 640, width: int = 960) -> np.ndarray:
    """Woven rug: borders, stripes and stepped diamonds, with wear."""
    palette = np.array(
        [
            (0.55, 0.13, 0.10),
            (0.86, 0.76, 0.58),
            (0.12, 0.20, 0.33),
            (0.76, 0.46, 0.16),
            (0.22, 0.33, 0.27),
            (0.35, 0.08, 0.10),
        ]
    )
    v, u = coordinates(height, width)
    image = np.empty((height, width, 3))
    step_u, step_v = np.floor(u * 120) / 120, np.floor(v * 80) / 80
    band = np.floor(step_u * 10).astype(int)
    local_u, local_v = (step_u * 10) % 1 - 0.5, (step_v * 6) % 1 - 0.5
    diamond = np.abs(local_u) + np.abs(local_v)
    ring = np.floor(diamond * 7).astype(int)
    order = np.array([rng.permutation(6) for _ in range(16)])
    image[:] = palette[order[band % 16, ring % 6]]
    zigzag = np.abs(((step_v * 12) % 1) - 0.5) * 0.5
    teeth = np.abs(local_u) > 0.44 - 0.12 * zigzag
    image[teeth] = palette[(band[teeth] + 1) % 2]
    margin = np.minimum(np.minimum(u, 1 - u) * 1.5, np.minimum(v, 1 - v))
    image[margin < 0.085] = palette[2]
    image[(margin < 0.07) & ((np.floor(u * 60) + np.floor(v * 40)) % 2 > 0)] = palette[1]
    image[margin < 0.03] = palette[5]
    weave = noise(height, width, rng, 0.5, (1.0, 6.0))
    wear = noise(height, width, rng, 1.4)
    return np.clip(image * (0.62 + 0.5 * weave[..., None] + 0.3 * (wear[..., None] - 0.3)), 0, 1)


def landscape_print(rng: np.random.Generator, height: int = 640, width: int = 512) -> np.ndarray:
    """Poster: a banded sun over layered hills with contour lines, on cream paper with a title."""
    v, u = coordinates(height, width)
    image = mix((0.93, 0.62, 0.36), (0.20, 0.42, 0.52), step(v - 0.62, 0.7))
    distance = np.hypot((u - 0.62) * 0.8, v - 0.72)
    sun = (distance < 0.17) & ((v * 34 % 1 > 0.25) | (v > 0.74))
    image[sun] = (0.95, 0.86, 0.60)
    image[np.abs(distance - 0.195) < 0.004] = (0.95, 0.86, 0.60)
    colours = [(0.62, 0.42, 0.42), (0.42, 0.32, 0.40), (0.20, 0.36, 0.38), (0.85, 0.50, 0.22), (0.14, 0.24, 0.26)]
    for layer, colour in enumerate(colours):
        ridge = np.zeros(width)
        for octave in range(1, 7):
            ridge += np.sin(2 * np.pi * (octave * 1.3 * u[0] + rng.uniform())) * rng.uniform(0.3, 1) / octave**1.2
        crest = 0.62 - 0.115 * layer + 0.05 * ridge
        depth = crest[None] - v
        hill = depth > 0
        image[hill] = colour
        lines = hill & ((depth * (70 + 20 * layer)) % 1 < 0.22)
        image[lines] = np.asarray(colour) * 0.62 + 0.12
    birds = rng.uniform((0.15, 0.78), (0.5, 0.92), (6, 2))
    for bird_u, bird_v in birds:
        wing = np.abs(v - bird_v - 0.25 * np.abs(u - bird_u)) < 0.004
        image[wing & (np.abs(u - bird_u) < 0.03)] = (0.10, 0.12, 0.15)
    paper = (np.minimum(u, 1 - u) < 0.07) | (v > 0.945) | (v < 0.15)
    image[paper] = (0.92, 0.88, 0.79)
    image = lettering(image, "VALLE  VERDE", (0.5, 0.095), 50, (0.18, 0.15, 0.13))
    image = lettering(image, "no. 17  -  a walk in nine hills", (0.5, 0.045), 20, (0.55, 0.20, 0.12))
    return np.clip(image * (0.93 + 0.14 * noise(height, width, rng, 0.6)[..., None]), 0, 1)


def specimen_print(rng: np.random.Generator, height: int = 512, width: int = 512) -> np.ndarray:
    """Poster: a grid of coloured seeds, shells and leaves as in an old plate."""
    v, u = coordinates(height, width)
    image = np.empty((height, width, 3))
    image[:] = (0.89, 0.84, 0.72)
    for row in range(5):
        for column in range(4):
            centre_u, centre_v = (column + 0.5) / 4 * 0.9 + 0.05, (row + 0.5) / 5 * 0.88 + 0.08
            angle = np.arctan2(v - centre_v, u - centre_u) + rng.uniform(0, 6)
            lobes, sharp = rng.integers(2, 9), rng.uniform(0.1, 0.45)
            edge = 0.075 * (1 - sharp + sharp * np.cos(lobes * angle))
            distance = np.hypot(u - centre_u, (v - centre_v))
            inside = distance < edge
            colour = np.array(
                [(0.58, 0.18, 0.13), (0.16, 0.32, 0.24), (0.80, 0.52, 0.16), (0.17, 0.25, 0.42), (0.40, 0.22, 0.33)][
                    rng.integers(5)
                ]
            )
            rays = np.where((angle * lobes * 2) % 1.5 < 0.5, 0.6, 1.0) * np.where(distance * 90 % 1 < 0.3, 1.3, 1.0)
            image[inside] = (colour * rays[..., None])[inside]
    image[np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v)) < 0.012] = (0.30, 0.24, 0.18)
    return np.clip(image * (0.9 + 0.2 * noise(height, width, rng, 1.0)[..., None]), 0, 1)


def book_jacket(rng: np.random.Generator, title: str, base: Colour, accent: Colour, size: int = 256) -> np.ndarray:
    """Cloth-bound cover that also serves as spine: bands, an ornament and a title."""
    v, u = coordinates(size, size)
    image = np.empty((size, size, 3))
    image[:] = base
    kind = rng.integers(3)
    if kind == 0:
        image[(np.abs(v - 0.85) < 0.03) | (np.abs(v - 0.15) < 0.03) | (np.abs(v - 0.24) < 0.01)] = accent
    elif kind == 1:
        image[(np.hypot(u - 0.5, v - 0.35) * 16 % 1 < 0.4) & (np.hypot(u - 0.5, v - 0.35) < 0.28)] = accent
    else:
        image[((u + v) * 9 % 1 < 0.3) & (v < 0.42)] = accent
    image[np.abs(np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v)) - 0.05) < 0.008] = accent
    image = lettering(image, title, (0.5, 0.68), 44, accent)
    cloth = noise(size, size, rng, 0.3)
    wear = noise(size, size, rng, 1.5)
    edge = np.exp(-np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v)) / 0.012)
    image = mix(image, (0.80, 0.74, 0.64), 0.5 * edge * (wear > 0.45))
    return np.clip(image * (0.66 + 0.32 * cloth[..., None] + 0.36 * wear[..., None]), 0, 1)


def terracotta(rng: np.random.Generator, height: int = 512, width: int = 1024) -> np.ndarray:
    """Fired clay with painted bands of waves, triangles and dots, lime bloom and chips."""
    v, u = coordinates(height, width)
    clay = mix((0.74, 0.40, 0.25), (0.48, 0.22, 0.13), noise(height, width, rng, 1.4))
    cream, blue, ochre = (0.90, 0.83, 0.68), (0.10, 0.23, 0.38), (0.83, 0.57, 0.18)
    image = clay.copy()
    band = (v > 0.34) & (v < 0.66)
    image[band] = cream
    wave = np.abs(v - 0.5 - 0.05 * np.sin(2 * np.pi * u * 14)) < 0.022
    image[wave] = blue
    tri = np.abs((u * 28) % 1 - 0.5) * 0.16
    image[(v > 0.34) & (v < 0.34 + 0.08 - tri)] = ochre
    image[(v < 0.66) & (v > 0.66 - 0.08 + tri)] = (0.52, 0.14, 0.11)
    dots = np.hypot((u * 14 + 0.25) % 1 - 0.5, (v - 0.575) * 512 / 1024 * 28 * 1.3) < 0.17
    image[dots] = blue
    image[(np.abs(v - 0.34) < 0.008) | (np.abs(v - 0.66) < 0.008)] = blue
    chips = noise(height, width, rng, 1.2) > 0.80
    image[chips] = clay[chips]
    bloom = np.clip(2.5 * (noise(height, width, rng, 1.3) - 0.58), 0, 0.55)
    image = mix(image, (0.86, 0.80, 0.74), bloom)
    return np.clip(image * (0.8 + 0.4 * noise(height, width, rng, 0.6)[..., None]), 0, 1)


def basket(rng: np.random.Generator, size: int = 512, strands: int = 24) -> np.ndarray:
    """Basket weave: alternating bundles, dark gaps, straw tones with one coloured band."""
    v, u = coordinates(size, size)
    over = (np.floor(u * strands) + np.floor(v * strands / 2)) % 2
    bulge_u, bulge_v = np.abs(np.sin(np.pi * u * strands)), np.abs(np.sin(np.pi * v * strands / 2))
    relief = np.where(over > 0, bulge_v**0.5 * (0.55 + 0.45 * bulge_u), bulge_u**0.5 * 0.75)
    tone = noise(size, size, rng, 0.8, (1.0, 6.0))
    image = mix((0.80, 0.62, 0.36), (0.46, 0.30, 0.14), tone)
    band = (np.abs(v - 0.62) < 0.085) & (over > 0)
    image[band] = (0.16, 0.30, 0.36)
    return np.clip(image * (0.25 + 0.85 * relief[..., None]), 0, 1)


def striped_cloth(rng: np.random.Generator, size: int = 512) -> np.ndarray:
    """Linen with uneven stripes along v."""
    _, u = coordinates(size, size)
    image = np.empty((size, size, 3))
    image[:] = (0.90, 0.86, 0.77)
    phase = (u * 5) % 1
    image[(phase > 0.15) & (phase < 0.42)] = (0.62, 0.16, 0.14)
    image[(phase > 0.5) & (phase < 0.56)] = (0.15, 0.22, 0.36)
    image[(phase > 0.62) & (phase < 0.66)] = (0.15, 0.22, 0.36)
    weave = 0.5 * noise(size, size, rng, 0.3, (8.0, 1.0)) + 0.5 * noise(size, size, rng, 0.3, (1.0, 8.0))
    return np.clip(image * (0.62 + 0.72 * weave[..., None]), 0, 1)
