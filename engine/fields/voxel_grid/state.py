"""The tensors of a voxel grid: values, gradients and Adam's moments; and functions on values."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from engine.fields.voxel_grid.kernels import TILE


@dataclass
class GridState:
    """Voxels with interleaved channels, and the state of their optimiser.

    Attributes:
        voxels: channel 0 is raw density (density after softplus), 1 to 3 are raw colour (RGB after sigmoid).
        gradient: of the loss since the last step.
        first, second: Adam's moments.
        touched: 1 for tiles of `kernels.TILE` voxels of a row that have got a gradient since the last step.
        steps: number of optimiser steps.
        tint: a coarser volume of nine coefficients, three per colour channel, whose products with the unit viewing
            direction are added to the raw colour; or None.
    """

    voxels: Float[Tensor, "depth height width channels"]
    gradient: Float[Tensor, "depth height width channels"]
    first: Float[Tensor, "depth height width channels"]
    second: Float[Tensor, "depth height width channels"]
    touched: UInt8[Tensor, "depth height tiles"]
    steps: int = 0
    tint: GridState | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        depth, height, width, _ = self.voxels.shape
        return depth, height, width


def make_state(voxels: Float[Tensor, "depth height width channels"]) -> GridState:
    """The state of these values before their first step."""
    depth, height, width, _ = voxels.shape
    tiles = (width + TILE - 1) // TILE
    return GridState(
        voxels=voxels.contiguous(),
        gradient=torch.zeros_like(voxels),
        first=torch.zeros_like(voxels),
        second=torch.zeros_like(voxels),
        touched=torch.zeros(depth, height, tiles, dtype=torch.uint8, device=voxels.device),
    )


def tensors_to_save(state: GridState) -> dict[str, Tensor]:
    """The tensors that a checkpoint needs."""
    return {"voxels": state.voxels, "first": state.first, "second": state.second, "steps": torch.tensor(state.steps)}


def restore_state(tensors: dict[str, Tensor], device: torch.device) -> GridState:
    """The state with the tensors of `tensors_to_save`, on a device."""
    state = make_state(tensors["voxels"].to(device).clone())
    state.first.copy_(tensors["first"])
    state.second.copy_(tensors["second"])
    state.steps = int(tensors["steps"])
    return state


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
    planes = weight_by_density(voxels).permute(3, 0, 1, 2)[None]
    return unweight(F.adaptive_avg_pool3d(planes, shape)[0].permute(1, 2, 3, 0), gain).contiguous()


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
