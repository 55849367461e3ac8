"""A lattice that is stored only where something may be: which blocks, and their voxels from the lattice before.

A block has 8 x 8 x 8 voxels. The blocks that are kept are those in which training rays have seen something while the
field was coarser, and what lies around them; a ray meets nothing elsewhere. (Sparse voxels pruned by what rays see are
those of Plenoxels, arXiv 2112.05131, section 3.4.)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from engine.fields.voxel_grid.kernels.layout import BLOCK
from engine.fields.voxel_grid.kernels.limits import CELL
from engine.fields.voxel_grid.state import GridState, Shape, make_block_state

EMPTY = -12.0  # raw density where no block is stored
_AT_ONCE = 2**18  # voxels that get their values in one piece


@dataclass(frozen=True)
class BlockOptions:
    """Which blocks are kept.

    Attributes:
        margin: cells around one in which something was seen that may hold something, too: surfaces move a little when
            they become sharper.
        most_voxels: a lattice that needed more gets fewer voxels along its sides; each takes 64 bytes, and a run shall
            take less than 3 GB with all that it needs besides.
    """

    margin: int = 1
    most_voxels: int = 14_000_000


OPTIONS = BlockOptions()


def make_visible_cells(shape: Shape, device: torch.device) -> UInt8[Tensor, "2 depth height width"]:
    """The cells of a dense lattice in which training rays note what they see, at all and clearly: nothing so far."""
    return torch.zeros(2, *(math.ceil(size / CELL) for size in shape), dtype=torch.uint8, device=device)


def choose_blocks(
    visible: UInt8[Tensor, "2 depth height width"], before: Shape, wanted: Shape, cube: bool
) -> tuple[Shape, Bool[Tensor, "table_depth table_height table_width"]]:
    """Which blocks of a finer lattice are kept.

    Args:
        visible: cells of the lattice before in which something was seen, and was seen clearly; the latter count where
            the others are too many, as in a fog. Where nothing was seen, everything is kept.
        before: (depth, height, width) of that lattice, voxels.
        wanted: of the finer one, with its corners at the same places.
        cube: whether all sides of the lattice are alike and shrink together, else its planes stay.
    Returns:
        the shape, which is smaller than wanted where there would be more voxels than there is memory for, and for each
        of its blocks whether it is kept.
    """
    seen = visible > 0 if bool(visible.any()) else torch.ones_like(visible, dtype=torch.bool)
    width = 2 * OPTIONS.margin + 1
    grown = F.max_pool3d(seen.float(), width, 1, OPTIONS.margin) > 0
    shape, clearly = wanted, 0
    while True:
        kept = grown[clearly]
        for axis in range(3):
            kept = _any_along(kept, axis, before[axis], shape[axis])
        excess = int(kept.sum()) * BLOCK**3 / OPTIONS.most_voxels
        if excess <= 1:
            return shape, kept
        if not clearly and bool(visible[1].any()):
            clearly = 1
            continue
        # Surfaces grow with the square of the side, and what fills all space with the cube.
        smaller = min(excess ** (-0.4), 0.98)
        depth, high, wide = (max(int(size * smaller) // BLOCK * BLOCK, BLOCK) for size in shape)
        shape = (depth if cube else shape[0], high, wide)


def _any_along(seen: Bool[Tensor, "a b c"], axis: int, before: int, size: int) -> Bool[Tensor, "d e f"]:
    """Whether something is seen in any cell that a block, with its neighbours' first voxels, reaches along an axis."""
    cells = seen.movedim(axis, 0)
    to_cell = (before - 1) / (size - 1) / CELL
    found = []
    for first in range(0, size, BLOCK):
        begin = math.floor(max(first - 1, 0) * to_cell)
        end = math.floor(min(first + BLOCK, size - 1) * to_cell)
        found.append(cells[begin : min(end, len(cells) - 1) + 1].any(dim=0))
    return torch.stack(found).movedim(0, axis)


def make_blocks(
    state: GridState,
    shape: Shape,
    kept: Bool[Tensor, "table_depth table_height table_width"],
    interpolate: Callable[[GridState, Tensor], Tensor],
) -> GridState:
    """A state in blocks, with the values of another one, whose corners lie at the same places.

    Args:
        state: of the lattice before, dense or in blocks.
        shape: of the lattice, voxels.
        kept: which of its blocks are stored.
        interpolate: gives a state's raw values at positions (x, y, z) in its voxel coordinates.
    """
    places = torch.cat([kept.new_zeros(1, 3, dtype=torch.int64), kept.nonzero()])
    table = torch.zeros(kept.shape, dtype=torch.int32, device=kept.device)
    table[kept] = torch.arange(1, len(places), dtype=torch.int32, device=kept.device)
    made = make_block_state(torch.empty(len(places), *[BLOCK] * 3, 4, device=state.voxels.device), table, shape)
    made.voxels[0] = 0.0
    made.voxels[0, ..., 0] = EMPTY
    step = [(old - 1) / (new - 1) for old, new in zip(state.shape, shape, strict=True)]
    for first in range(1, len(places), _AT_ONCE // BLOCK**3):
        some = places[first : first + _AT_ONCE // BLOCK**3]
        values = interpolate(state, _positions(some, step))
        made.voxels[first : first + len(some)] = values.view(-1, *[BLOCK] * 3, 4)
    return made


def _positions(places: Int64[Tensor, "blocks 3"], step: list[float]) -> Float[Tensor, "voxels 3"]:
    """The voxels of blocks, (x, y, z) in the voxel coordinates of another lattice."""
    inner = torch.stack(torch.meshgrid(*[torch.arange(BLOCK, device=places.device)] * 3, indexing="ij"), dim=-1)
    voxels = places[:, None, None, None] * BLOCK + inner
    return (voxels * torch.tensor(step, device=places.device)).flip(-1).reshape(-1, 3).float()


def cut_pieces(state: GridState, at_once: int = 256) -> Iterator[Float[Tensor, "piece 9 9 9 4"]]:
    """Stored blocks, some at a time, each with the first voxels of its neighbours; block 0 is empty all over."""
    assert state.table is not None
    assert state.places is not None
    table = F.pad(state.table, (0, 1) * 3)
    for first in range(0, len(state.voxels), at_once):
        places = state.places[first : first + at_once].unbind(-1)
        piece = state.voxels.new_empty(len(places[0]), *[BLOCK + 1] * 3, 4)
        for over in itertools.product((0, 1), repeat=3):  # the block itself, and those beside it along each axis
            blocks = table[tuple(place + one for place, one in zip(places, over, strict=True))].long()
            if first == 0:
                blocks[0] = 0
            into = tuple(slice(BLOCK, None) if one else slice(BLOCK) for one in over)
            begins = tuple(slice(1) if one else slice(None) for one in over)
            piece[:, *into] = state.voxels[:, *begins][blocks]
        yield piece
