"""The tensors of a voxel grid: values, gradients and Adam's moments; and functions on values."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int32, Int64, UInt8
from torch import Tensor

from engine.fields.voxel_grid.kernels.layout import BLOCK, IN_BLOCK, TILE
from engine.system.arrays import OwnTensors

Shape = tuple[int, int, int]
Table = Int32[Tensor, "table_depth table_height table_width"]


@dataclass
class GridState:
    """Voxels with interleaved channels, and the state of their optimiser.

    A lattice is dense, its tensors (depth, height, width, channels), or stored in blocks, (blocks, 8, 8, 8, channels):
    see `engine.fields.voxel_grid.blocks`.

    Attributes:
        voxels: channel 0 is raw density (density after softplus), 1 to 3 are raw colour (RGB after sigmoid).
        gradient: of the loss since the last step.
        first, second: Adam's moments.
        touched: 1 for tiles of `layout.TILE` voxels of a row that have got a gradient since the last step: (depth,
            height, tiles), or (blocks, tiles).
        steps: number of optimiser steps.
        tint: a coarser volume of nine coefficients, three per colour channel, whose products with the unit viewing
            direction are added to the raw colour; or None.
        table: for each block of a lattice that is stored in blocks, which of them it is, 0 for one that is missing;
            None for a dense lattice.
        places: the inverse: where each stored block lies in the table, (z, y, x).
        size: (depth, height, width) of a lattice that is stored in blocks.
        numbers: on CUDA, what the optimiser's kernels read of the present step, on the device; None before the first.
    """

    voxels: Float[Tensor, "*lattice channels"]
    gradient: Float[Tensor, "*lattice channels"]
    first: Float[Tensor, "*lattice channels"]
    second: Float[Tensor, "*lattice channels"]
    touched: UInt8[Tensor, "*tiles"]
    steps: int = 0
    tint: GridState | None = None
    table: Table | None = None
    places: Int64[Tensor, "blocks 3"] | None = None
    size: Shape | None = None
    numbers: Float[Tensor, " numbers"] | None = None

    @property
    def shape(self) -> Shape:
        """(depth, height, width) of the lattice, voxels."""
        if self.size is not None:
            return self.size
        depth, height, width, _ = self.voxels.shape
        return depth, height, width


Moments = tuple[Tensor, Tensor]


def make_state(voxels: Float[Tensor, "depth height width channels"], moments: Moments | None = None) -> GridState:
    """The state of these values before their first step, or with the moments that Adam has of them."""
    first, second = moments or (torch.zeros_like(voxels), torch.zeros_like(voxels))
    depth, height, width, _ = voxels.shape
    tiles = (width + TILE - 1) // TILE
    return GridState(
        voxels=voxels.contiguous(),
        gradient=torch.zeros_like(voxels),
        first=first,
        second=second,
        touched=torch.zeros(depth, height, tiles, dtype=torch.uint8, device=voxels.device),
    )


def copy_values(state: GridState) -> GridState:
    """A copy to be looked at only: gradient and moments are not there, and stand for the values themselves."""
    voxels = state.voxels.clone()
    tint = None if state.tint is None else copy_values(state.tint)
    nothing = state.touched[:0]
    kept = (state.table, state.places, state.size)
    return GridState(voxels, voxels, voxels, voxels, nothing, state.steps, tint, *kept)


def make_block_state(
    voxels: Float[Tensor, "blocks 8 8 8 channels"], table: Table, size: Shape, moments: Moments | None = None
) -> GridState:
    """As `make_state`, of values that are stored in blocks."""
    first, second = moments or (torch.zeros_like(voxels), torch.zeros_like(voxels))
    places = torch.zeros(len(voxels), 3, dtype=torch.int64, device=voxels.device)
    kept = table.nonzero()
    places[table[kept[:, 0], kept[:, 1], kept[:, 2]].long()] = kept
    return GridState(
        voxels=voxels.contiguous(),
        gradient=torch.zeros_like(voxels),
        first=first,
        second=second,
        touched=torch.zeros(len(voxels), IN_BLOCK // TILE, dtype=torch.uint8, device=voxels.device),
        table=table,
        places=places,
        size=size,
    )


def tensors_to_save(state: GridState) -> dict[str, Tensor]:
    """The tensors that a checkpoint needs."""
    kept = {"voxels": state.voxels, "first": state.first, "second": state.second, "steps": torch.tensor(state.steps)}
    if state.table is not None:
        kept |= {"table": state.table, "size": torch.tensor(state.shape)}
    return kept


def restore_state(tensors: dict[str, Tensor], device: torch.device) -> GridState:
    """The state with the tensors of `tensors_to_save`, on a device; they are copied unless they are handed over.

    Raises:
        ValueError: they do not belong together.
    """
    voxels, first, second = (tensors[name].to(device) for name in ("voxels", "first", "second"))
    if not voxels.shape == first.shape == second.shape:
        raise ValueError("the optimiser's moments are not of its voxels")
    if not isinstance(tensors, OwnTensors):
        voxels, first, second = voxels.clone(), first.clone(), second.clone()
    if "table" in tensors:
        depth, height, width = tensors["size"].tolist()
        table = tensors["table"].to(device).clone()
        state = make_block_state(voxels, table, (depth, height, width), (first, second))
    else:
        state = make_state(voxels, (first, second))
    state.steps = int(tensors["steps"])
    return state


def read_plane(state: GridState, index: int) -> Float[Tensor, "height width channels"]:
    """A plane of the lattice, with the values of block 0 where blocks are missing."""
    if state.table is None:
        return state.voxels[index]
    row = state.voxels[state.table[index // BLOCK].long(), index % BLOCK]
    high, wide = row.shape[:2]
    plane = row.permute(0, 2, 1, 3, 4).reshape(high * BLOCK, wide * BLOCK, -1)
    return plane[: state.shape[1], : state.shape[2]]


def resample(
    voxels: Float[Tensor, "depth height width channels"], shape: tuple[int, int, int]
) -> Float[Tensor, "depth height width channels"]:
    """Raw values, trilinearly resampled; corner voxels stay at the corners."""
    planes = voxels.permute(3, 0, 1, 2)[None]
    return F.interpolate(planes, size=shape, mode="trilinear", align_corners=True)[0].permute(1, 2, 3, 0).contiguous()


def push_back(
    voxels: Float[Tensor, "depth height width channels"], factor: float, thin: float
) -> Float[Tensor, "depth height width channels"]:
    """A projective volume after the world has been scaled by `factor` > 1 about the origin.

    Directions do not change, so only planes move: disparity d becomes d / factor. The nearest planes become empty:
    their raw density is `thin`.
    """
    depth = voxels.shape[0]
    position = torch.arange(depth, device=voxels.device) * factor
    below = position.floor().clamp(max=depth - 2).long()
    weight = (position - below).clamp(max=1.0)[:, None, None, None]
    moved = torch.lerp(voxels[below], voxels[below + 1], weight)
    moved[position > depth - 1, ..., 0] = thin
    return moved.contiguous()


def pool_density(
    voxels: Float[Tensor, "depth height width 4"], factor: tuple[int, int, int]
) -> Float[Tensor, "depth height width"]:
    """Density after softplus, averaged over blocks, with the corners at the same positions; for proposals."""
    density = F.softplus(voxels[..., 0])[None, None]
    shape = [max(size // by, 2) for size, by in zip(density.shape[2:], factor, strict=True)]
    pooled = F.avg_pool3d(density, factor, ceil_mode=True) if max(factor) > 1 else density
    return F.interpolate(pooled, size=shape, mode="trilinear", align_corners=True)[0, 0].contiguous()


def blur(
    voxels: Float[Tensor, "depth height width 4"], shape: tuple[int, int, int], gain: float = 1.0
) -> Float[Tensor, "depth height width 4"]:
    """A coarser grid that looks similar from a distance: mean densities, and mean colours weighted by density.

    `gain` multiplies the density, where it is per voxel and a ray meets fewer voxels.
    """
    # Averages of a box are those along its axes one after the other. Plane by plane the caches hold what is computed:
    # a sixth of the time, and little memory.
    planes = [F.adaptive_avg_pool2d(_weight_plane(plane), shape[1:]) for plane in voxels]
    pooled = F.adaptive_avg_pool3d(torch.stack(planes, dim=1), shape)
    return unweight(pooled.permute(1, 2, 3, 0), gain).contiguous()


def _weight_plane(plane: Float[Tensor, "height width 4"]) -> Float[Tensor, "4 height width"]:
    """`weight_by_density` of a plane, channels first."""
    channels = plane.permute(2, 0, 1).clone(memory_format=torch.contiguous_format)
    channels[0] = F.softplus(channels[0])
    channels[1:].sigmoid_().mul_(channels[0])
    return channels


def weight_by_density(voxels: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 4"]:
    """Density, and colour times density: linear quantities, which can be averaged."""
    density = F.softplus(voxels[..., :1])
    return torch.cat([density, torch.sigmoid(voxels[..., 1:]) * density], dim=-1)


def unweight(averaged: Float[Tensor, "*batch 4"], gain: float = 1.0) -> Float[Tensor, "*batch 4"]:
    """Raw values from averages of `weight_by_density`, with the density multiplied by `gain`."""
    density = averaged[..., :1].clamp(min=1e-6)
    colours = (averaged[..., 1:] / density).clamp(1e-3, 1 - 1e-3)
    density = density * gain
    raw_density = density + torch.log(-torch.expm1(-density))  # inverse softplus
    return torch.cat([raw_density, torch.logit(colours)], dim=-1)
