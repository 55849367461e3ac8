"""An object as baked from a dense lattice, and from a finer one in blocks, to measure how fast they are drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.fields.baking import FieldVolume, FineVolume
from engine.fields.voxel_grid.state import pool_density

THICKNESS = 2.5  # voxels from the middle of a surface to where there is nothing
OPAQUE, EMPTY = 6.0, -12.0  # raw density
SAMPLES = 24  # as in the last stage of objects


def make_dense(voxels: int) -> FieldVolume:
    """The object on a dense lattice of so many voxels a side, with tint and pooled density."""
    lattice = torch.cat([_planes(voxels, first, 1) for first in range(voxels)])
    tint = torch.sin(torch.arange(9.0) + 9 * lattice[::2, ::2, ::2, 1:2])
    return FieldVolume(
        space="box",
        voxels=lattice.half().numpy(),
        tint=tint.half().numpy(),
        background=(1.0, 1.0, 1.0),
        samples=SAMPLES,
        proposals=True,
        version=1,
        field_version=1,
        proposal_density=pool_density(lattice, (2, 2, 2)).half().numpy(),
    )


def make_detailed(dense: FieldVolume, voxels: int) -> FieldVolume:
    """The same with a detail of so many voxels a side; everything else is that of the dense volume."""
    blocks_a_side = -(-voxels // 8)
    table = np.zeros((blocks_a_side,) * 3, np.int32)
    missing = torch.zeros(1, 9, 9, 9, 4)
    missing[..., 0] = EMPTY
    found, count = [missing.half()], 1
    for level in range(blocks_a_side):
        slab = F.pad(_planes(voxels, 8 * level, 9), (0, 0, 0, 9, 0, 9), value=EMPTY)
        cut = slab.unfold(1, 9, 8).unfold(2, 9, 8)[:, :blocks_a_side, :blocks_a_side]
        blocks = cut.permute(1, 2, 0, 4, 5, 3)
        stored = (blocks[..., 0] > EMPTY).flatten(2).any(-1)
        number = int(stored.sum())
        table[level][stored.numpy()] = np.arange(count, count + number)
        found.append(blocks[stored].half())
        count += number
    detail = FineVolume((voxels,) * 3, table, torch.cat(found).numpy())
    return replace(dense, detail=detail, version=dense.version + 1)


def _planes(voxels: int, first: int, count: int) -> Tensor:
    """Raw values on some planes: sheets of a gyroid within a ball, which fill about a tenth of the box's blocks."""
    axis = torch.linspace(-1, 1, voxels)
    along = (first + torch.arange(count)) * 2 / (voxels - 1) - 1
    z, y, x = torch.meshgrid(along, axis, axis, indexing="ij")
    turns = 14.0
    gyroid = sum(
        torch.sin(turns * one) * torch.cos(turns * other) for one, other in ((x, y), (y, z), (z, x))
    )  # its slope is about 1.2 times `turns`
    spacings = (gyroid / (1.2 * turns)).abs() * (voxels - 1) / 2
    outside = ((x * x + y * y + z * z).sqrt() - 0.7).clamp(min=0) * (voxels - 1) / 2
    nearness = (1 - (spacings + outside) / THICKNESS).clamp(min=0)
    density = EMPTY + (OPAQUE - EMPTY) * (2 * nearness).clamp(max=1)
    colours = torch.stack([3 * torch.sin(20 * x), 3 * torch.sin(23 * y), 3 * torch.sin(17 * z)], dim=-1)
    return torch.cat([density[..., None], colours], dim=-1)
