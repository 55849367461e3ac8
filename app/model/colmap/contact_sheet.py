"""The photos of a scene that is being opened, side by side with their features, and the matrix of their pairs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int, UInt8
from PIL import Image, ImageDraw

from app.model.colmap.colmap_drawing import GOOD, draw_matrix
from app.model.common.photo_sizes import fit_size
from engine.sfm.events import FeaturesFound

Counts = Int[np.ndarray, "photos photos"]


@dataclass(frozen=True)
class SheetLook:
    """How the sheet is laid out.

    Attributes:
        gap: pixels between photos.
        border: pixels around everything.
        waiting, found: brightness of photos before and after their features were found.
        dots: features that are drawn on a photo, at most: the largest ones.
        oversampling: factor of the size at which dots are drawn before they are averaged.
        matrix_share: of the width, for the matrix, at most.
        largest_matrix: side of the matrix, pixels.
    """

    gap: int = 6
    border: int = 10
    waiting: float = 0.32
    found: float = 0.8
    dots: int = 400
    oversampling: int = 2
    matrix_share: float = 0.34
    largest_matrix: int = 420


LOOK = SheetLook()
GROUND = (20, 23, 28)


class ContactSheet:
    """Draws the sheet again and again; photos are reduced once for each size."""

    def __init__(self) -> None:
        self._cells: dict[int, tuple[tuple[int, int], bool, Image.Image]] = {}  # by number: size, with features
        self._of: object = None

    def draw(
        self,
        images: Sequence[UInt8[np.ndarray, "height width 3"]],
        features: Mapping[int, FeaturesFound],
        counts: Counts,
        agreeing: Counts,
        size: tuple[int, int],
    ) -> Float32[np.ndarray, "rows columns 4"]:
        """The sheet as RGBA in [0, 1], (width, height) = `size` pixels.

        Args:
            images: the photos.
            features: those found so far, by number of the photo.
            counts, agreeing: matches of each pair, as in `ColmapProgress`; no matrix is drawn while no pair has any.
            size: pixels.
        """
        if images is not self._of:
            self._of, self._cells = images, {}
        sheet = Image.new("RGB", size, GROUND)
        width, height = size[0] - 2 * LOOK.border, size[1] - 2 * LOOK.border
        matched = bool((counts > 0).any() or (agreeing > 0).any())
        side = min(LOOK.largest_matrix, height, int(LOOK.matrix_share * width)) if matched else 0
        if side > 0:
            square = (255 * draw_matrix(counts, agreeing, side)).astype(np.uint8)
            sheet.paste(Image.fromarray(square), (size[0] - LOOK.border - side, LOOK.border + (height - side) // 2))
            width -= side + 2 * LOOK.border
        shape = max(image.shape[1] for image in images), max(image.shape[0] for image in images)
        columns, cell = lay_out_photos(len(images), shape, (width, height))
        rows = math.ceil(len(images) / columns)
        left = LOOK.border + (width - columns * (cell[0] + LOOK.gap) + LOOK.gap) // 2
        top = LOOK.border + (height - rows * (cell[1] + LOOK.gap) + LOOK.gap) // 2
        for number, image in enumerate(images):
            row, column = divmod(number, columns)
            place = (left + column * (cell[0] + LOOK.gap), top + row * (cell[1] + LOOK.gap))
            own = fit_size((image.shape[1], image.shape[0]), cell)
            inside = (place[0] + (cell[0] - own[0]) // 2, place[1] + (cell[1] - own[1]) // 2)
            sheet.paste(self._cell(number, image, features.get(number), own), inside)
        pixels = np.ones((size[1], size[0], 4), np.float32)
        pixels[..., :3] = np.asarray(sheet, np.float32) / 255
        return pixels

    def _cell(
        self,
        number: int,
        image: UInt8[np.ndarray, "height width 3"],
        found: FeaturesFound | None,
        size: tuple[int, int],
    ) -> Image.Image:
        known = self._cells.get(number)
        if known is None or known[:2] != (size, found is not None):
            known = size, found is not None, draw_photo_with_features(image, found, size)
            self._cells[number] = known
        return known[2]


def lay_out_photos(count: int, image: tuple[int, int], box: tuple[int, int]) -> tuple[int, tuple[int, int]]:
    """How many photos stand in a row so that all are as large as possible in a box, and their (width, height)."""
    best: tuple[int, tuple[int, int]] = (1, (1, 1))
    for columns in range(1, count + 1):
        rows = math.ceil(count / columns)
        room = ((box[0] + LOOK.gap) / columns - LOOK.gap, (box[1] + LOOK.gap) / rows - LOOK.gap)
        if min(room) < 1:
            continue
        cell = fit_size(image, room)
        if cell[0] > best[1][0]:
            best = columns, cell
    return best


def draw_photo_with_features(
    image: UInt8[np.ndarray, "height width 3"], found: FeaturesFound | None, size: tuple[int, int]
) -> Image.Image:
    """A photo at (width, height) pixels with a dot for each of its largest features; dark while there are none yet."""
    brightness = LOOK.waiting if found is None else LOOK.found
    small = Image.fromarray(image).resize(size, Image.Resampling.BOX)
    small = small.point([round(brightness * value) for value in range(256)] * 3)
    if found is None:
        return small
    more = LOOK.oversampling
    canvas = small.resize((more * size[0], more * size[1]), Image.Resampling.BILINEAR)
    pen = ImageDraw.Draw(canvas, "RGBA")
    largest = np.argsort(found.scale)[::-1][: LOOK.dots]
    for x, y in (found.points[largest] * (more * size[0] / found.size[0])).tolist():
        pen.ellipse((x - more / 2, y - more / 2, x + more / 2, y + more / 2), fill=(*GOOD, 200))
    return canvas.reduce(more)
