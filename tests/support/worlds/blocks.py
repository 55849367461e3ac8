"""Dense lattices cut into blocks, as fields that are stored sparsely are handed to the window."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.fields.baking import FineVolume
from engine.fields.field import BlockPieces
from engine.fields.voxel_grid.field import VoxelGrid

EMPTY = -30.0  # raw density
PIECE = 7  # blocks


def empty_outside_shell(field: VoxelGrid, inner: float = 0.5, outer: float = 0.95) -> VoxelGrid:
    """Empties a field but for an ellipsoidal shell around the middle of its lattice; radii in half edges."""
    axes = [torch.linspace(-1, 1, size) for size in field.grid.shape]
    radius = torch.stack(torch.meshgrid(*axes, indexing="ij")).norm(dim=0)
    field.grid.voxels[..., 0][(radius < inner) | (radius > outer)] = EMPTY
    field._changed()
    return field


def cut_into_blocks(voxels: Tensor) -> tuple[Tensor, Tensor]:
    """Table and blocks of a dense lattice (depth height width 4); a block is missing where its 9 x 9 x 9 are empty.

    So every sample in a missing block is empty in the dense lattice too.
    """
    depth, height, width, _ = voxels.shape
    padding = [(-(-size // 8)) * 8 + 1 - size for size in (width, height, depth)]
    planes = voxels.permute(3, 0, 1, 2)[None]
    padded = F.pad(planes, [number for extra in padding for number in (0, extra)], mode="replicate")[0]
    cells = padded.unfold(1, 9, 8).unfold(2, 9, 8).unfold(3, 9, 8).permute(1, 2, 3, 4, 5, 6, 0)
    kept = (cells[..., 0] > EMPTY).flatten(3).any(-1)
    table = torch.where(kept, kept.flatten().cumsum(0).view(kept.shape), 0).int()
    nothing = torch.zeros(1, 9, 9, 9, 4)
    nothing[..., 0] = EMPTY
    return table, torch.cat([nothing, cells[kept]])


def fine_volume(voxels: Tensor) -> FineVolume:
    """The detail of a dense lattice."""
    table, blocks = cut_into_blocks(voxels)
    return FineVolume(tuple(voxels.shape[:3]), table.numpy(), blocks.half().numpy())


def store_in_blocks(field: VoxelGrid) -> VoxelGrid:
    """Has a field answer as one that is stored in blocks."""

    def block_pieces() -> BlockPieces:
        table, blocks = cut_into_blocks(field.grid.voxels)
        return BlockPieces(field.grid.shape, table, len(blocks), iter(blocks.split(PIECE)))

    field.block_pieces = block_pieces  # type: ignore[method-assign]
    return field
