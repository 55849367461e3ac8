"""Textures of the desk's room: printed pages, book spines, a map, tiles, keys, a screen, and what is outside."""

import numpy as np
from PIL import Image, ImageDraw

from scenes.make.drawing import Colour, coordinates, font, mix, noise

INK = (0.10, 0.10, 0.13)
SYLLABLES = [
    "ka",
    "lo",
    "mi",
    "ter",
    "ven",
    "sta",
    "rin",
    "del",
    "pho",
    "gra",
    "ne",
    "us",
    "tal",
    "mor",
    "ei",
    "sen",
    "bra",
    "do",
    "li",
    "quet",
    "fa",
    "hin",
    "zor",
    "ul",
    "pe",
]
SPINE_HEIGHT, SPINE_WIDTH = 256, 64  # pixels


def words(rng: np.random.Generator, count: int) -> list[str]:
    """Words of no language, of one to four syllables."""
    return ["".join(rng.choice(SYLLABLES, rng.integers(1, 5))) for _ in range(count)]


def on_picture(image: np.ndarray) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.fromarray((np.clip(image, 0, 1) * 255).astype(np.uint8))
    return picture, ImageDraw.Draw(picture)


def colour_bytes(colour: Colour) -> tuple[int, ...]:
    return tuple(int(255 * value) for value in colour)


def printed_page(rng: np.random.Generator, height: int = 640, width: int = 452, columns: int = 1) -> np.ndarray:
    """A page of text with a heading and a figure (curves or bars) on slightly toned paper."""
    paper = np.asarray((0.95, 0.94, 0.90)) * rng.uniform(0.9, 1.0)
    image = np.ones((height, width, 3)) * paper * (0.95 + 0.1 * noise(height, width, rng, 0.8)[..., None])
    picture, draw = on_picture(image)
    margin, line = width // 12, max(8, height // 52)
    draw.text((margin, margin), " ".join(words(rng, 3)).title(), fill=colour_bytes(INK), font=font(int(1.9 * line)))
    draw.line([(margin, margin + 2.6 * line), (width - margin, margin + 2.6 * line)], fill=(150, 30, 30), width=2)
    span = (width - 2 * margin - (columns - 1) * line) // columns
    for column in range(columns):
        left, top = margin + column * (span + line), margin + int(3.4 * line)
        figure = rng.integers(1, 4) * height // 5
        while top < height - margin - line:
            if abs(top - figure) < line:
                draw_figure(draw, rng, (left, top, left + span, top + 9 * line))
                top += 10 * line
                continue
            text, end = "", span * (rng.uniform(0.4, 0.8) if rng.uniform() < 0.12 else 1.0)
            while draw.textlength(text, font=font(line)) < end - 3 * line:
                text += words(rng, 1)[0] + " "
            draw.text((left, top), text, fill=colour_bytes(INK), font=font(line))
            top += int(1.35 * line)
    return np.asarray(picture) / 255.0


def draw_figure(draw: ImageDraw.ImageDraw, rng: np.random.Generator, box: tuple[int, int, int, int]) -> None:
    """A chart in a box (left, top, right, bottom): bars or three curves, with axes."""
    left, top, right, bottom = box
    tones = [(176, 42, 36), (34, 84, 140), (222, 160, 40), (40, 120, 80)]
    draw.rectangle(box, fill=(250, 250, 246), outline=(40, 40, 40), width=2)
    if rng.uniform() < 0.5:
        count = int(rng.integers(5, 10))
        for place, value in enumerate(rng.uniform(0.15, 0.95, count)):
            x0 = left + (right - left) * (place + 0.2) / count
            x1 = left + (right - left) * (place + 0.8) / count
            draw.rectangle(
                (x0, bottom - (bottom - top) * value, x1, bottom), fill=tones[place % 4], outline=(20, 20, 20)
            )
        return
    for tone in tones[:3]:
        x = np.linspace(0, 1, 40)
        y = 0.5 + 0.4 * np.sin(rng.uniform(4, 14) * x + rng.uniform(0, 6)) * (0.3 + 0.7 * x)
        curve = [(left + (right - left) * u, bottom - (bottom - top) * v) for u, v in zip(x, y, strict=True)]
        draw.line(curve, fill=tone, width=3)


def spine(rng: np.random.Generator, base: Colour, accent: Colour, title: str) -> np.ndarray:
    """The back of a standing book: bands, a label or an ornament, the title upwards, worn cloth."""
    tall, wide = SPINE_HEIGHT, SPINE_WIDTH
    v, u = coordinates(tall, wide)
    image = np.ones((tall, wide, 3)) * np.asarray(base)
    kind = rng.integers(4)
    if kind == 0:
        for band in rng.uniform(0.04, 0.96, 5):
            image[np.abs(v - band) < 0.012] = accent
    elif kind == 1:
        image[np.hypot((u - 0.5) * wide / tall, v - 0.12) < 0.07] = accent
        image[v > 0.93] = accent
    elif kind == 2:
        image[(np.abs(v - 0.55) < 0.28) & (np.abs(u - 0.5) < 0.36)] = np.asarray(base) * 0.45
    else:
        image[(np.floor((u + v * tall / wide) * 5) % 2 == 0) & (v < 0.2)] = accent
    lying, draw = on_picture(np.rot90(image, -1))
    size = int(rng.integers(24, 38))
    while draw.textlength(title, font=font(size)) > 0.72 * tall:
        size -= 2
    draw.text((0.55 * tall, wide / 2), title, fill=colour_bytes(accent), font=font(size), anchor="mm")
    image = np.rot90(np.asarray(lying) / 255.0)
    cloth, wear = noise(tall, wide, rng, 0.4), noise(tall, wide, rng, 1.4)
    shade = 0.35 + 0.65 * np.clip(np.minimum(u, 1 - u) / 0.14, 0, 1) ** 0.5
    return np.clip(image * (0.72 + 0.28 * cloth + 0.22 * (wear - 0.4))[..., None] * shade[..., None], 0, 1)


CLOTHS = (
    (0.42, 0.13, 0.11),
    (0.14, 0.20, 0.32),
    (0.18, 0.29, 0.22),
    (0.34, 0.22, 0.14),
    (0.16, 0.15, 0.15),
    (0.52, 0.34, 0.16),
)
PAPERS = (
    (0.86, 0.80, 0.66),
    (0.82, 0.62, 0.28),
    (0.74, 0.73, 0.70),
    (0.62, 0.72, 0.72),
    (0.84, 0.52, 0.34),
    (0.90, 0.86, 0.78),
)


def colour_pair(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """The colours of a binding and of what is printed on it: light on dark, or dark on light."""
    dark, light = (
        tuple(
            np.clip(np.asarray(colours[rng.integers(6)]) * rng.uniform(0.8, 1.2) + rng.normal(0, 0.03, 3), 0.03, 0.95)
        )
        for colours in (CLOTHS, PAPERS)
    )
    return (dark, light) if rng.uniform() < 0.65 else (light, dark)


def land_map(rng: np.random.Generator, height: int = 900, width: int = 1350) -> np.ndarray:
    """A wall map: islands with heights and contour lines, depths of the sea, rivers of names, a grid and a border."""
    v, u = coordinates(height, width)
    ground = noise(height, width, rng, 1.9, (1.0, 1.0)) - 0.5 - 0.18 * ((2 * u - 1) ** 2 + (2 * v - 1) ** 2 - 0.45)
    sea = mix((0.30, 0.55, 0.68), (0.72, 0.86, 0.88), np.clip(1 + ground * 9, 0, 1))
    land = mix((0.62, 0.74, 0.44), (0.84, 0.64, 0.36), np.clip(ground * 5, 0, 1))
    land = mix(land, (0.56, 0.36, 0.26), np.clip(ground * 5 - 0.8, 0, 1))
    image = np.where((ground > 0)[..., None], land, sea)
    image[np.abs(ground * 26 % 1 - 0.5) < 0.06] *= 0.82
    image[np.abs(ground) < 0.004] = (0.12, 0.20, 0.30)
    image[(u * 12 % 1 < 0.012) | (v * 8 % 1 < 0.012)] *= 0.7
    picture, draw = on_picture(image)
    for _ in range(90):
        x, y = rng.uniform(0.05, 0.95) * width, rng.uniform(0.08, 0.95) * height
        size = int(rng.choice([11, 13, 16, 24]))
        draw.text((x, y), words(rng, 1)[0].title(), fill=(40, 25, 25), font=font(size), anchor="mm")
        draw.ellipse((x - 3, y + size, x + 3, y + size + 6), fill=(170, 30, 30))
    draw.text((width / 2, 46), "CARTA  INSVLARVM", fill=(60, 25, 20), font=font(46), anchor="mm")
    image = np.asarray(picture) / 255.0
    edge = np.minimum(np.minimum(u, 1 - u) * width, np.minimum(v, 1 - v) * height)
    image[edge < 22] = np.where((np.floor(u * 48) + np.floor(v * 32))[..., None] % 2 > 0, 0.92, 0.16)[edge < 22]
    image[edge < 10] = (0.35, 0.20, 0.12)
    return np.clip(image * (0.92 + 0.16 * noise(height, width, rng, 0.8)[..., None]), 0, 1)


def tiled_floor(rng: np.random.Generator, columns: int = 18, rows: int = 16, cell: int = 112) -> np.ndarray:
    """Cement tiles with one pattern that repeats; each has its own tone, and wear runs over all of them."""
    v, u = coordinates(rows * cell, columns * cell)
    tile_u, tile_v = u * columns, v * rows
    x, y = tile_u % 1 - 0.5, tile_v % 1 - 0.5
    cream, red, blue, dark = (0.80, 0.74, 0.62), (0.55, 0.24, 0.17), (0.22, 0.32, 0.40), (0.16, 0.15, 0.15)
    image = np.ones((*u.shape, 3)) * np.asarray(cream)
    reach, angle = np.hypot(x, y), np.arctan2(y, x)
    image[reach < 0.30 + 0.08 * np.cos(4 * angle)] = blue
    image[reach < 0.20 + 0.06 * np.cos(8 * angle)] = cream
    image[reach < 0.10] = red
    image[np.abs(x) + np.abs(y) > 0.78] = red
    image[np.abs(np.abs(x) + np.abs(y) - 0.72) < 0.018] = dark
    which = np.floor(tile_v).astype(int), np.floor(tile_u).astype(int)
    tone = rng.uniform(0.74, 1.08, (rows, columns))[which][..., None]
    tint = rng.normal(1, 0.025, (rows, columns, 3))[which]
    wear = noise(*u.shape, rng, 1.4)
    image = mix(image * tone * tint, (0.70, 0.66, 0.58), np.clip(2.4 * (wear - 0.55), 0, 0.7))
    image *= (0.86 + 0.26 * noise(*u.shape, rng, 0.5))[..., None]
    image[np.maximum(np.abs(x), np.abs(y)) > 0.485] = (0.36, 0.34, 0.31)
    return np.clip(image, 0, 1)


def keyboard(rng: np.random.Generator, height: int = 360, width: int = 620) -> np.ndarray:
    """The upper side of a portable computer: keys with letters, and the pad below them."""
    image = (
        np.ones((height, width, 3))
        * np.asarray((0.48, 0.49, 0.51))
        * (0.92 + 0.14 * noise(height, width, rng, 0.4, (1.0, 20.0))[..., None])
    )
    picture, draw = on_picture(image)
    letters = "1234567890-=qwertyuiop[]asdfghjkl;'#zxcvbnm,./^<>"
    size = width // 14
    for place, letter in enumerate(letters):
        row, column = divmod(place, 12)
        left, top = int((column + 0.6 + 0.22 * row) * size), int(0.4 * size + row * size)
        draw.rounded_rectangle((left, top, left + size - 6, top + size - 6), 5, fill=(38, 39, 43))
        draw.text((left + 8, top + 4), letter.upper(), fill=(225, 225, 225), font=font(size // 2))
    draw.rounded_rectangle((width * 0.34, height * 0.66, width * 0.66, height * 0.95), 6, fill=(104, 106, 110))
    return np.asarray(picture) / 255.0


def screen(rng: np.random.Generator, height: int = 400, width: int = 620) -> np.ndarray:
    """A screen with a text, a list and two charts."""
    picture, draw = on_picture(np.ones((height, width, 3)) * np.asarray((0.13, 0.16, 0.22)))
    draw.rectangle((0, 0, width, 22), fill=(70, 84, 110))
    draw.text((10, 3), "  ".join(words(rng, 5)), fill=(235, 235, 235), font=font(14))
    for row in range(24):
        indent = 14 + 16 * int(rng.integers(0, 4))
        tone = [(130, 200, 150), (220, 220, 220), (230, 170, 90), (130, 170, 230)][int(rng.integers(4))]
        draw.text((indent, 30 + 15 * row), " ".join(words(rng, int(rng.integers(1, 5)))), fill=tone, font=font(12))
    draw_figure(draw, rng, (width // 2 + 20, 40, width - 16, 200))
    draw_figure(draw, rng, (width // 2 + 20, 216, width - 16, 380))
    return np.asarray(picture) / 255.0


def cork_board(rng: np.random.Generator, height: int = 800, width: int = 1280) -> np.ndarray:
    """Cork with pinned pages, notes and small pictures."""
    image = mix((0.74, 0.55, 0.35), (0.45, 0.29, 0.16), noise(height, width, rng, 0.7))
    picture, draw = on_picture(image)
    for place in range(26):
        column, row = place % 9, place // 9
        centre = (int((column + rng.uniform(0.3, 0.7)) / 9 * width), int((row + rng.uniform(0.3, 0.7)) / 3 * height))
        if rng.uniform() < 0.5:
            note = printed_page(rng, 260, 190)
        else:
            tone = np.array([(0.96, 0.86, 0.40), (0.62, 0.82, 0.92), (0.95, 0.62, 0.60), (0.72, 0.88, 0.58)])
            sheet_image, pen = on_picture(np.ones((150, 150, 3)) * tone[rng.integers(4)])
            for line in range(6):
                pen.text((10, 8 + 23 * line), " ".join(words(rng, 2)), fill=(30, 40, 90), font=font(18))
            note = np.asarray(sheet_image) / 255.0
        paper = Image.fromarray((note * 255).astype(np.uint8)).convert("RGBA")
        paper = paper.rotate(rng.normal(0, 7), expand=True, resample=Image.Resampling.BICUBIC)
        picture.paste(paper, (centre[0] - paper.width // 2, centre[1] - paper.height // 2), paper)
        x, y = centre[0], centre[1] - paper.height // 2 + 22
        draw.ellipse((x - 7, y - 7, x + 7, y + 7), fill=[(190, 30, 30), (30, 90, 160), (240, 190, 40)][place % 3])
    return np.asarray(picture) / 255.0


def calendar(rng: np.random.Generator, height: int = 620, width: int = 440) -> np.ndarray:
    """A month: a picture above, a grid of days below, some of them marked."""
    image = np.ones((height, width, 3)) * np.asarray((0.94, 0.93, 0.89))
    v, _ = coordinates(height, width)
    upper = v > 0.5
    hills = noise(height, width, rng, 2.0, (1.0, 2.0))
    image[upper] = mix((0.15, 0.35, 0.42), (0.94, 0.72, 0.42), np.floor(hills * 9) / 9)[upper]
    picture, draw = on_picture(image)
    draw.text((width / 2, 0.53 * height), "QVINTILIS", fill=(150, 30, 30), font=font(30), anchor="mm")
    for day in range(31):
        row, column = divmod(day + 2, 7)
        x, y = (column + 0.75) / 7.5 * width, (0.6 + 0.08 * row) * height
        draw.text((x, y), str(day + 1), fill=(30, 30, 30), font=font(22), anchor="mm")
        if rng.uniform() < 0.25:
            draw.ellipse((x - 19, y - 17, x + 19, y + 17), outline=(180, 40, 40), width=3)
    return np.asarray(picture) / 255.0


def outside(rng: np.random.Generator, height: int = 512, width: int = 1024) -> np.ndarray:
    """Linear radiance of what stands before the windows: a bright sky, roofs, a hedge; row 0 is the top."""
    v, u = coordinates(height, width)
    clouds = np.clip(2.2 * (noise(height, width, rng, 1.8, (1.0, 2.0)) - 0.4), 0, 1)
    image = 1.7 * mix((0.42, 0.66, 1.0), (1.0, 0.98, 0.95), clouds)
    for left, right, top, tone in ((0.02, 0.24, 0.62, 0.9), (0.30, 0.52, 0.55, 1.2), (0.62, 0.90, 0.66, 0.8)):
        inside = (u > left) & (u < right)
        ridge = top - 0.35 * np.abs(u - (left + right) / 2)
        roof, wall = inside & (v < ridge), inside & (v < top - 0.08)
        image[roof] = tone * np.array([0.42, 0.17, 0.11]) * (1.4 if tone > 1 else 1.0)
        image[roof & (v * 60 % 1 < 0.3)] *= 0.6
        image[wall] = tone * np.array([0.75, 0.68, 0.55])
        image[wall & ((u * 30) % 1 < 0.35) & ((v * 11) % 1 < 0.55)] = np.array([0.12, 0.15, 0.18])
    hedge = v < 0.33 + 0.05 * (noise(height, width, rng, 1.2)[height // 2] - 0.5)[None]
    leaves = noise(height, width, rng, 0.9)
    image[hedge] = (1.3 * mix((0.03, 0.09, 0.02), (0.28, 0.46, 0.12), leaves))[hedge]
    return image.astype(np.float32)
