"""Pictures of a warp field: its colours over the photo, and its arrows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

from app.model.warp.warp_colours import colour_displacements


@dataclass(frozen=True)
class WarpLook:
    """How a warp field is drawn.

    Attributes:
        reach: cells of the lattice that the 90th percentile of the arrows is long, at most.
        longest: cells of the lattice that the longest arrow is long, at most.
        points_per_cell: of the lattice, along each side, at which colours are computed; between them they are
            interpolated, which is ten times faster than computing each pixel's and looks the same.
        faintest: pixels; shorter displacements are rounding errors and not magnified.
        dim: brightness of the photo under the colours.
        roomy: pixels of a cell from which on every point of the lattice gets an arrow.
    """

    reach: float = 1.6
    longest: float = 2.5
    points_per_cell: int = 3
    faintest: float = 1e-3
    dim: float = 0.45
    roomy: float = 30.0


LOOK = WarpLook()


def resample_lattice(
    values: Float[np.ndarray, "rows columns channels"], size: tuple[int, int]
) -> Float[np.ndarray, "height width channels"]:
    """A lattice, whose points lie in the middle of equal cells, interpolated to (width, height) pixels."""
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
    """The colours of a warp field over a dimmed photo; RGB in [0, 1].

    Args:
        photo: at the size of the picture.
        vectors: displacements on the lattice, in pixels of the photo at any size; they are only coloured.
        opacity: 0 for the photo alone to 1 for the colours alone, where they are at full strength.
    """
    height, width = photo.shape[:2]
    rows, columns = vectors.shape[:2]
    finer = colour_displacements(
        resample_lattice(vectors.astype(np.float32), (LOOK.points_per_cell * columns, LOOK.points_per_cell * rows))
    )
    field = resample_lattice(finer, (width, height))
    opacity32 = np.float32(opacity)
    alpha = field[..., 3:] * opacity32
    grey = photo @ np.full((3, 1), LOOK.dim / 3, np.float32)
    ground = photo + (grey - photo) * opacity32
    return ground + (field[..., :3] - ground) * alpha


def choose_magnification(vectors: Float[np.ndarray, "points 2"], cell: float) -> float:
    """The round factor (1, 2, 5, 10, ...) at which the 90th percentile of the arrows reaches `WarpLook.reach` cells.

    Args:
        vectors: displacements, pixels.
        cell: of the lattice, pixels.
    Returns:
        a factor between 0.01 and 10,000; 1 where all displacements are shorter than `WarpLook.faintest`.
    """
    lengths = np.linalg.norm(vectors, axis=-1)
    lengths = lengths[np.isfinite(lengths)]
    long = float(np.quantile(lengths, 0.9)) if len(lengths) else 0.0
    if long < LOOK.faintest:
        return 1.0
    wanted = min(max(LOOK.reach * cell / long, 0.01), 10_000.0)
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
    """Tails and heads of arrows on a picture that shows the image at `scale`; unknown vectors have no length.

    No arrow is longer than `longest` pixels of the picture.
    """
    tails = places * scale
    shafts = np.nan_to_num(vectors) * (factor * scale)
    lengths = np.linalg.norm(shafts, axis=-1, keepdims=True)
    shafts *= np.minimum(1.0, longest / np.maximum(lengths, 1e-9))
    return tails, tails + shafts


def _between(count: int, pixels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each pixel the lattice points before and after it, and its share of the way; clamped at the ends."""
    where = np.clip((np.arange(pixels) + 0.5) / pixels * count - 0.5, 0, count - 1)
    first = np.minimum(where.astype(int), max(count - 2, 0))
    second = np.minimum(first + 1, count - 1)
    return first, second, (where - first).astype(np.float32)


def thin_lattice(rows: int, columns: int, cell: float, roomy: float = LOOK.roomy) -> Int[np.ndarray, " points"]:
    """Indices of the lattice points that get an arrow.

    All where cells are at least `roomy` pixels wide, else every other row and column, shifted like a chequerboard.
    """
    index = np.arange(rows * columns)
    if cell >= roomy:
        return index
    row, column = np.divmod(index, columns)
    return index[(row % 2 == 0) & ((column + row // 2) % 2 == 0)]
