"""Pictures of COLMAP's pipeline: keypoints on a photo, matches between two, the matrix of all pairs. Pure functions.

Lines are drawn at twice the size and averaged, which makes them smooth. They are part of a texture: as items of Dear
PyGui, thousands of them would be drawn again in every frame of the window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int
from PIL import Image, ImageDraw

from app.model.state.colmap_progress import NOT_YET


@dataclass(frozen=True)
class ColmapLook:
    """How keypoints and matches are drawn.

    Attributes:
        oversampling: factor of the size at which lines are drawn before they are averaged.
        circles: features that are drawn with their size and direction, at most; the largest ones.
        dots: features that are drawn, at most.
        lines: matches that are drawn, at most: more would hide the photos.
        dim: brightness of the photos under the drawing.
        gap: pixels between the photos of a pair.
    """

    oversampling: int = 2
    circles: int = 350
    dots: int = 10_000
    lines: int = 220
    dim: float = 0.55
    gap: int = 4


LOOK = ColmapLook()
GOOD, BAD, RAW = (96, 214, 120), (232, 76, 66), (120, 176, 255)
GROUND, UNSEEN, EMPTY = (17, 20, 25), (27, 31, 38), (38, 44, 53)
RAMPS: dict[str, Float[np.ndarray, "2 3"]] = {  # of fewest and most matches
    "raw": np.array([(34, 58, 92), (150, 198, 255)]) / 255,
    "agreeing": np.array([(30, 70, 46), (132, 240, 150)]) / 255,
}

Photo = Float32[np.ndarray, "height width 3"]
Points = Float[np.ndarray, "points 2"]
Pixels = Float32[np.ndarray, "height width 3"]
Counts = Int[np.ndarray, "frames frames"]


def draw_keypoints(
    photo: Photo, points: Points, scale: Float[np.ndarray, " points"], orientation: Float[np.ndarray, " points"]
) -> Pixels:
    """A photo with its features: a dot for each, and for the largest a circle with their size and direction.

    Args:
        photo: RGB in [0, 1], at the size of the picture.
        points, scale: positions and radii in pixels of the picture.
        orientation: radians, from x towards y.
    """
    canvas, pen = _canvas(_dimmed(photo))
    for x, y in (LOOK.oversampling * points[_evenly(len(points), LOOK.dots)]).tolist():
        pen.point([(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)], fill=(*RAW, 120))
    largest = np.argsort(scale)[::-1][: LOOK.circles]
    for x, y, radius, angle in zip(
        *(LOOK.oversampling * points[largest]).T.tolist(),
        (LOOK.oversampling * scale[largest]).tolist(),
        orientation[largest].tolist(),
        strict=True,
    ):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=(*GOOD, 220))
        pen.line((x, y, x + radius * np.cos(angle), y + radius * np.sin(angle)), fill=(*GOOD, 220))
    return _shrunk(canvas)


def fit_pair_size(image: tuple[int, int], box: tuple[float, float]) -> tuple[int, int]:
    """(width, height) of a photo in one half of a box, beside another."""
    scale = min((box[0] - LOOK.gap) / 2 / image[0], box[1] / image[1])
    return max(int(image[0] * scale), 8), max(int(image[1] * scale), 8)


def draw_matches(
    left: Photo,
    right: Photo,
    rejected: tuple[Points, Points],
    good: tuple[Points, Points],
    good_colour: tuple[int, int, int] = GOOD,
) -> Pixels:
    """Two photos side by side with lines between matching features; rejected ones red, beneath.

    Where there are more than `ColmapLook.lines` matches the same share of both kinds is drawn.

    Args:
        left, right: RGB in [0, 1].
        rejected, good: where matching features lie in the left and in the right photo, pixels of the pictures.
        good_colour: of the lines of `good`, 8-bit RGB.
    """
    width, height = left.shape[1], max(left.shape[0], right.shape[0])
    whole = np.empty((height, width + LOOK.gap + right.shape[1], 3), np.float32)
    whole[:] = np.array(GROUND, np.float32) / 255
    whole[: len(left), :width], whole[: len(right), width + LOOK.gap :] = _dimmed(left), _dimmed(right)
    canvas, pen = _canvas(whole)
    total, dot = len(rejected[0]) + len(good[0]), LOOK.oversampling
    for (first, second), colour in ((rejected, BAD), (good, good_colour)):
        chosen = _evenly(len(first), round(len(first) * min(1.0, LOOK.lines / max(total, 1))))
        ends = LOOK.oversampling * np.concatenate(
            [first[chosen], second[chosen] + np.array([width + LOOK.gap, 0])], axis=1
        )
        for x, y, u, v in ends.tolist():
            pen.line((x, y, u, v), fill=(*colour, 130), width=dot)
        for x, y, u, v in ends.tolist():
            for a, b in ((x, y), (u, v)):
                pen.ellipse((a - dot, b - dot, a + dot, b + dot), fill=(*colour, 255))
    return _shrunk(canvas)


def draw_matrix(counts: Counts, agreeing: Counts, side: int) -> Pixels:
    """All pairs as a square of `side` pixels: raw matches below the diagonal, inliers above it.

    Brightness is the square root of their number relative to the largest.

    Args:
        counts, agreeing: per pair, `NOT_YET` where unknown.
    """
    frames = len(counts)
    below = np.tri(frames, k=-1, dtype=bool)
    most = max(int(counts.max(initial=1)), int(agreeing.max(initial=1)), 1)
    cells = np.where(below[..., None], _ramp(counts, "raw", most), _ramp(agreeing, "agreeing", most))
    cells[np.arange(frames), np.arange(frames)] = np.array(GROUND) / 255
    places = np.arange(side) * frames // side
    picture = cells[places][:, places]
    if side >= 6 * frames:  # lines between cells, where there is room for them
        edges = np.flatnonzero(np.diff(places, prepend=-1))
        picture[edges], picture[:, edges] = np.array(GROUND) / 255, np.array(GROUND) / 255
    return picture.astype(np.float32)


def find_cell_at(x: float, y: float, side: float, frames: int) -> tuple[int, int] | None:
    """(row, column) of the matrix under a place of its picture; None on the diagonal and outside."""
    row, column = int(y // (side / frames)), int(x // (side / frames))
    if row == column or not (0 <= row < frames and 0 <= column < frames):
        return None
    return row, column


def _ramp(counts: Counts, name: str, most: int) -> Float[np.ndarray, "frames frames 3"]:
    low, high = RAMPS[name]
    share = np.sqrt(np.maximum(counts, 0) / most)
    colours = low + share[..., None] * (high - low)
    colours[counts == 0] = np.array(EMPTY) / 255
    colours[counts == NOT_YET] = np.array(UNSEEN) / 255
    return colours


def _evenly(count: int, most: int) -> Int[np.ndarray, " chosen"]:
    return np.linspace(0, count - 1, min(count, most)).round().astype(int) if count else np.zeros(0, int)


def _dimmed(photo: Photo) -> Pixels:
    """A photo, darker and half grey."""
    grey = photo.mean(axis=2, keepdims=True)
    return np.float32(LOOK.dim) * (photo + grey) / 2


def _canvas(pixels: Pixels) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.fromarray((255 * pixels).clip(0, 255).astype(np.uint8))
    image = image.resize(
        (LOOK.oversampling * image.width, LOOK.oversampling * image.height), Image.Resampling.BILINEAR
    )
    return image, ImageDraw.Draw(image, "RGBA")


def _shrunk(canvas: Image.Image) -> Pixels:
    return np.asarray(canvas.reduce(LOOK.oversampling), np.float32) / 255
