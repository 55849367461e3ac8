"""Pictures of a warp field: its colours laid over the photo, and its arrows."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Float32, Int

from app.model.warp.warp_colours import colour_displacements

REACH = 1.6  # cells of the lattice that the longer arrows reach
LONGEST = 2.5  # cells that no arrow is longer than
FINER = 3  # points per lattice cell at which colours are worked out
FAINTEST = 1e-3  # pixels: less is rounding, and not magnified
DIM = 0.45  # of the photo under the field


def resample_lattice(
    values: Float[np.ndarray, "rows columns channels"], size: tuple[int, int]
) -> Float[np.ndarray, "height width channels"]:
    """A lattice, whose points lie in the middle of equal cells, as a smooth picture of (width, height) pixels."""
    rows, columns = values.shape[:2]
    down = _between(rows, size[1])
    across = _between(columns, size[0])
    upper, lower = values[down[0]], values[down[1]]
    tall = upper + (lower - upper) * down[2][:, None, None]
    left, right = tall[:, across[0]], tall[:, across[1]]
    return left + (right - left) * across[2][None, :, None]


def lay_over_photo(
    photo: Float32[np.ndarray, "height width 3"],
    vectors: Float[np.ndarray, "rows columns 2"],
    opacity: float,
) -> Float32[np.ndarray, "height width 3"]:
    """The field's colours over a photo that steps back; RGB in [0, 1].

    Args:
        photo: at the size of the picture.
        vectors: displacements on the lattice, pixels of the photo at any size: only the scale of the colours knows.
        opacity: 0 for the photo alone to 1 for the colours alone, where they are at full strength.
    """
    height, width = photo.shape[:2]
    rows, columns = vectors.shape[:2]
    # colours of a finer lattice, smoothly enlarged: per pixel they would cost ten times as much and look the same
    finer = colour_displacements(resample_lattice(vectors.astype(np.float32), (FINER * columns, FINER * rows)))
    field = resample_lattice(finer, (width, height))
    opacity32 = np.float32(opacity)
    alpha = field[..., 3:] * opacity32
    grey = photo @ np.full((3, 1), DIM / 3, np.float32)
    ground = photo + (grey - photo) * opacity32
    return ground + (field[..., :3] - ground) * alpha


def choose_magnification(vectors: Float[np.ndarray, "points 2"], cell: float) -> float:
    """The round factor (1, 2, 5, 10, ...) at which the longer arrows reach `REACH` cells of the lattice.

    Args:
        vectors: displacements, pixels.
        cell: of the lattice, pixels.
    Returns:
        a factor between 0.01 and 10,000; 1 where nothing moves.
    """
    lengths = np.linalg.norm(vectors, axis=-1)
    lengths = lengths[np.isfinite(lengths)]
    long = float(np.quantile(lengths, 0.9)) if len(lengths) else 0.0
    if long < FAINTEST:
        return 1.0
    wanted = min(max(REACH * cell / long, 0.01), 10_000.0)
    decade = 10.0 ** math.floor(math.log10(wanted))
    return max((step * decade for step in (1, 2, 5) if step * decade <= wanted * 1.0001), default=decade)


def format_factor(factor: float) -> str:
    """A magnification as it is shown: `×20`, `×1/5`."""
    return f"×{factor:,.0f}" if factor >= 1 else f"×1/{1 / factor:,.0f}"


def make_arrows(
    places: Float[np.ndarray, "points 2"],
    vectors: Float[np.ndarray, "points 2"],
    factor: float,
    scale: float,
    longest: float,
) -> tuple[Float[np.ndarray, "points 2"], Float[np.ndarray, "points 2"]]:
    """Tails and heads on a picture that shows the image at `scale`; what is unknown has no length.

    No arrow is longer than `longest` pixels of the picture.
    """
    tails = places * scale
    shafts = np.nan_to_num(vectors) * (factor * scale)
    lengths = np.linalg.norm(shafts, axis=-1, keepdims=True)
    shafts *= np.minimum(1.0, longest / np.maximum(lengths, 1e-9))
    return tails, tails + shafts


def _between(count: int, pixels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each pixel the lattice points before and after it, and how far it is between them; flat at the ends."""
    where = np.clip((np.arange(pixels) + 0.5) / pixels * count - 0.5, 0, count - 1)
    first = np.minimum(where.astype(int), max(count - 2, 0))
    second = np.minimum(first + 1, count - 1)
    return first, second, (where - first).astype(np.float32)


def thin_lattice(rows: int, columns: int, cell: float, roomy: float = 30.0) -> Int[np.ndarray, " points"]:
    """Indices of the lattice points that get an arrow: all where cells are roomy, else every other, as a chequer."""
    index = np.arange(rows * columns)
    if cell >= roomy:
        return index
    row, column = np.divmod(index, columns)
    return index[(row % 2 == 0) & ((column + row // 2) % 2 == 0)]
