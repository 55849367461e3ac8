"""Procedural textures: float RGB images in [0, 1] (sRGB values), made from noise and simple drawing.

Row 0 is the top of the image, that is v = 1.
"""

import itertools

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[float, float, float]


def noise(height: int, width: int, rng: np.random.Generator, exponent: float = 1.6,
          stretch: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    """Tileable noise in [0, 1] with power spectrum 1/f^exponent; `stretch` lengthens features along (y, x)."""
    frequency_y = np.fft.fftfreq(height)[:, None] * height * stretch[0]
    frequency_x = np.fft.fftfreq(width)[None] * width * stretch[1]
    radius = np.sqrt(frequency_y**2 + frequency_x**2)
    radius[0, 0] = np.inf
    spectrum = np.fft.fft2(rng.normal(size=(height, width))) * np.maximum(radius, 1.0) ** -exponent
    spectrum[0, 0] = 0
    field = np.real(np.fft.ifft2(spectrum))
    return np.clip(0.5 + field / (5 * field.std()), 0, 1)


def mix(first: Colour | np.ndarray, second: Colour | np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Blend two colours (or images) with a weight image."""
    return np.asarray(first) * (1 - weight[..., None]) + np.asarray(second) * weight[..., None]


def coordinates(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """(v, u) of the pixel centres; v grows upwards."""
    v, u = np.meshgrid(1 - (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    return v, u


def step(value: np.ndarray, softness: float = 0.01) -> np.ndarray:
    """Smooth 0-to-1 step about zero."""
    return np.clip(value / softness + 0.5, 0, 1)


def wood(rng: np.random.Generator, light: Colour, dark: Colour, size: int = 512, rings: float = 9) -> np.ndarray:
    """Grain along u: bent growth rings, pores and broad stains."""
    v, _ = coordinates(size, size)
    bend = noise(size, size, rng, 2.0, (1.0, 4.0))
    ring = np.abs(((v * rings + 3.2 * bend) % 1.0) * 2 - 1)
    fibre = noise(size, size, rng, 0.7, (1.0, 30.0))
    stain = noise(size, size, rng, 1.8, (1.0, 3.0))
    weight = np.clip(0.45 * ring**1.5 + 0.9 * (fibre - 0.5) + 0.7 * (stain - 0.35), 0, 1)
    pores = noise(size, size, rng, 0.3, (1.0, 14.0)) > 0.82
    return np.clip(mix(light, dark, weight) * (1 - 0.35 * pores[..., None]), 0, 1)


def planks(rng: np.random.Generator, rows: int = 10, size: int = 1024) -> np.ndarray:
    """Floor boards along u, each with its own grain and tone, with dark joints and staggered ends."""
    image = np.zeros((size, size, 3))
    edges = np.linspace(0, size, rows + 1).astype(int)
    for top, bottom in itertools.pairwise(edges):
        ends = np.sort(rng.uniform(0, 1, 2))
        ends = np.concatenate([[0], (ends * size).astype(int), [size]])
        for left, right in itertools.pairwise(ends):
            grain = wood(rng, (0.70, 0.52, 0.34), (0.36, 0.22, 0.12), 512, rng.uniform(5, 16))
            row, column = rng.integers(0, 512 - (bottom - top)), rng.integers(0, 512)
            piece = np.roll(np.concatenate([grain, grain, grain], 1), -column, 1)
            piece = piece[row:row + bottom - top, : right - left]
            tone = rng.uniform(0.72, 1.12) * np.array([1, rng.uniform(0.94, 1.03), rng.uniform(0.88, 1.05)])
            image[top:bottom, left:right] = piece * tone
            image[top:bottom, left:left + 3] *= 0.35
        image[top:top + 4] *= 0.3
    scuffs = noise(size, size, rng, 1.5)
    return np.clip(image * (0.8 + 0.4 * scuffs[..., None]), 0, 1)


def plaster(rng: np.random.Generator, light: Colour, dark: Colour, size: int = 1024) -> np.ndarray:
    """Limewashed wall: clouds at all scales, brush strokes, hairline cracks and specks."""
    clouds = noise(size, size, rng, 1.5)
    strokes = 0.5 * noise(size, size, rng, 1.0, (5.0, 1.0)) + 0.5 * noise(size, size, rng, 1.0, (1.0, 5.0))
    grain = noise(size, size, rng, 0.4)
    weight = np.clip(1.25 * (clouds - 0.5) + 0.8 * (strokes - 0.5) + 0.25 * (grain - 0.5) + 0.5, 0, 1)
    image = mix(light, dark, weight)
    crack = np.abs(noise(size, size, rng, 1.7) - 0.5) < 0.0022
    crack &= noise(size, size, rng, 1.8) > 0.56
    specks = noise(size, size, rng, 0.9) > 0.88
    return np.clip(image * (1 - 0.45 * crack[..., None]) * (1 - 0.3 * specks[..., None]), 0, 1)


def kilim(rng: np.random.Generator, height: int = 640, width: int = 960) -> np.ndarray:
    """Woven rug: borders, stripes and stepped diamonds, with wear."""
    palette = np.array([(0.55, 0.13, 0.10), (0.86, 0.76, 0.58), (0.12, 0.20, 0.33), (0.76, 0.46, 0.16),
                        (0.22, 0.33, 0.27), (0.35, 0.08, 0.10)])
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
    teeth = (np.abs(local_u) > 0.44 - 0.12 * zigzag)
    image[teeth] = palette[(band[teeth] + 1) % 2]
    margin = np.minimum(np.minimum(u, 1 - u) * 1.5, np.minimum(v, 1 - v))
    image[margin < 0.085] = palette[2]
    image[(margin < 0.07) & ((np.floor(u * 60) + np.floor(v * 40)) % 2 > 0)] = palette[1]
    image[margin < 0.03] = palette[5]
    weave = noise(height, width, rng, 0.5, (1.0, 6.0))
    wear = noise(height, width, rng, 1.4)
    return np.clip(image * (0.62 + 0.5 * weave[..., None] + 0.3 * (wear[..., None] - 0.3)), 0, 1)


def font(size: int) -> ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def lettering(image: np.ndarray, text: str, centre: tuple[float, float], size: int, colour: Colour) -> np.ndarray:
    """Write text centred at (u, v) of an image; size in pixels."""
    picture = Image.fromarray((np.clip(image, 0, 1) * 255).astype(np.uint8))
    height, width = image.shape[:2]
    ImageDraw.Draw(picture).text((centre[0] * width, (1 - centre[1]) * height), text, font=font(size), anchor="mm",
                                 fill=tuple(int(255 * value) for value in colour))
    return np.asarray(picture) / 255.0


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
            colour = np.array([(0.58, 0.18, 0.13), (0.16, 0.32, 0.24), (0.80, 0.52, 0.16), (0.17, 0.25, 0.42),
                               (0.40, 0.22, 0.33)][rng.integers(5)])
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


def pages(rng: np.random.Generator, size: int = 256) -> np.ndarray:
    """Edges of a block of paper, sheets along u."""
    sheets = noise(size, size, rng, 0.3, (1.0, 60.0))
    return np.clip(mix((0.93, 0.88, 0.76), (0.62, 0.53, 0.40), 1.4 * (sheets - 0.3)), 0, 1)


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


def glaze(rng: np.random.Generator, light: Colour, dark: Colour, height: int = 256, width: int = 512) -> np.ndarray:
    """Reactive pottery glaze: runs downwards, speckled."""
    v, _ = coordinates(height, width)
    runs = noise(height, width, rng, 1.2, (5.0, 1.0))
    image = mix(dark, light, np.clip(v + 1.6 * (runs - 0.5), 0, 1))
    return np.clip(image * (1 - 0.4 * (noise(height, width, rng, 0.5) > 0.78)[..., None]), 0, 1)


def soil(rng: np.random.Generator, size: int = 256) -> np.ndarray:
    """Dark crumbs with pale perlite."""
    crumbs = noise(size, size, rng, 0.8)
    image = mix((0.05, 0.035, 0.02), (0.24, 0.16, 0.10), crumbs)
    image[noise(size, size, rng, 0.9) > 0.86] = (0.72, 0.70, 0.64)
    return image


def painted_boards(rng: np.random.Generator, boards: int = 14, size: int = 1024) -> np.ndarray:
    """Wainscot: upright boards in worn paint, grain showing through, dark grooves."""
    _, u = coordinates(size, size)
    board = np.floor(u * boards).astype(int)
    tone = rng.uniform(0.86, 1.1, boards)[board]
    grain = noise(size, size, rng, 0.8, (26.0, 1.0))
    wear = noise(size, size, rng, 1.4, (2.5, 1.0))
    paint = np.asarray((0.43, 0.53, 0.47)) * (tone * (0.72 + 0.55 * grain))[..., None]
    bare = mix((0.72, 0.58, 0.40), (0.45, 0.31, 0.19), grain)
    groove_distance = np.minimum((u * boards) % 1, 1 - (u * boards) % 1)
    scraped = np.clip((wear + 0.22 * np.exp(-groove_distance / 0.06) - 0.76) / 0.03, 0, 1)
    image = mix(paint, bare, scraped)
    return np.clip(image * (0.3 + 0.7 * np.clip(groove_distance / 0.03, 0, 1))[..., None], 0, 1)
