"""The tensors of a voxel grid: the values, their gradients and Adam's moments."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from engine.fields.voxel_grid.kernels import TILE


@dataclass
class GridState:
    """Interleaved voxels: channel 0 is raw density (softplus makes it density), 1 to 3 raw colour (sigmoid).

    `tint`, where there is one, is a coarser volume of nine coefficients, three per colour channel, that are multiplied
    with the unit viewing direction and added to the raw colour.
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


def around(voxels: Float[Tensor, "depth height width channels"]) -> GridState:
    """A fresh optimiser state around values."""
    depth, height, width, _ = voxels.shape
    tiles = (width + TILE - 1) // TILE
    return GridState(
        voxels=voxels.contiguous(),
        gradient=torch.zeros_like(voxels),
        first=torch.zeros_like(voxels),
        second=torch.zeros_like(voxels),
        touched=torch.zeros(depth, height, tiles, dtype=torch.uint8, device=voxels.device),
    )


def saved(state: GridState) -> dict[str, Tensor]:
    """The tensors a checkpoint needs."""
    return {"voxels": state.voxels, "first": state.first, "second": state.second, "steps": torch.tensor(state.steps)}


def restored(tensors: dict[str, Tensor], device: torch.device) -> GridState:
    """What `saved` gave, on a device."""
    state = around(tensors["voxels"].to(device).clone())
    state.first.copy_(tensors["first"])
    state.second.copy_(tensors["second"])
    state.steps = int(tensors["steps"])
    return state


def resampled(
    voxels: Float[Tensor, "depth height width channels"], shape: tuple[int, int, int]
) -> Float[Tensor, "depth height width channels"]:
    """Raw values trilinearly resampled, corner voxels kept on corners (upsampling between stages)."""
    planes = voxels.permute(3, 0, 1, 2)[None]
    return F.interpolate(planes, size=shape, mode="trilinear", align_corners=True)[0].permute(1, 2, 3, 0).contiguous()


def pushed_back(
    voxels: Float[Tensor, "depth height width channels"], factor: float, thin: float
) -> Float[Tensor, "depth height width channels"]:
    """A projective volume of a world that has grown by `factor`: everything moves away, the near planes fall empty.

    Directions stay what they are, so only planes move: one at disparity d is now at d / factor. `thin` is the raw
    density of what was nearer than the volume reached.
    """
    depth = voxels.shape[0]
    position = torch.arange(depth, device=voxels.device) * factor
    below = position.floor().clamp(max=depth - 2).long()
    weight = (position - below).clamp(max=1.0)[:, None, None, None]
    moved = torch.lerp(voxels[below], voxels[below + 1], weight)
    moved[position > depth - 1, ..., 0] = thin
    return moved.contiguous()


def pooled_density(
    voxels: Float[Tensor, "depth height width 4"], factor: tuple[int, int, int]
) -> Float[Tensor, "depth height width"]:
    """Activated density averaged over blocks and laid on the same corners: what proposals are drawn from."""
    density = F.softplus(voxels[..., 0])[None, None]
    shape = [max(size // by, 2) for size, by in zip(density.shape[2:], factor, strict=True)]
    pooled = F.avg_pool3d(density, factor, ceil_mode=True) if max(factor) > 1 else density
    return F.interpolate(pooled, size=shape, mode="trilinear", align_corners=True)[0, 0].contiguous()


def blurred(
    voxels: Float[Tensor, "depth height width 4"], shape: tuple[int, int, int], gain: float = 1.0
) -> Float[Tensor, "depth height width 4"]:
    """A coarser grid that looks the same from afar: densities averaged, colours averaged by density.

    `gain` multiplies density, where it counts per voxel and the voxels become fewer along a ray.
    """
    planes = weighed(voxels).permute(3, 0, 1, 2)[None]
    return unweighed(F.adaptive_avg_pool3d(planes, shape)[0].permute(1, 2, 3, 0), gain).contiguous()


def weighed(voxels: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 4"]:
    """Density and, times density, colour: what may be averaged."""
    density = F.softplus(voxels[..., :1])
    return torch.cat([density, torch.sigmoid(voxels[..., 1:]) * density], dim=-1)


def unweighed(averaged: Float[Tensor, "*batch 4"], gain: float = 1.0) -> Float[Tensor, "*batch 4"]:
    """Raw values of what `weighed` gave and somebody averaged, density multiplied by `gain`."""
    density = averaged[..., :1].clamp(min=1e-6)
    colours = (averaged[..., 1:] / density).clamp(1e-3, 1 - 1e-3)
    density = density * gain
    raw_density = density + torch.log(-torch.expm1(-density))  # inverse softplus
    return torch.cat([raw_density, torch.logit(colours)], dim=-1)
