"""A picture of a `FieldVolume`, written down from its docstring alone: what a shader has to do."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.fields.baking import FieldVolume, FineVolume
from engine.fields.contraction import pieces


def march(volume: FieldVolume, origins: Tensor, directions: Tensor, samples: int) -> Tensor:
    """Colours of rays (rays 3), by evenly spaced intervals."""
    depth, height, width = volume.voxels.shape[:3] if volume.detail is None else volume.detail.shape
    last = torch.tensor([width - 1.0, height - 1.0, depth - 1.0])
    stops = None
    if volume.space == "contracted":
        box = origins.new_tensor(volume.centre)
        rays = ((origins - box) / volume.half_extent, directions / volume.half_extent)
        made = pieces.cut(*rays, volume.nearest, volume.outer)
        scale = last / (2 * (1 + volume.outer))
        start, step, stops = (made.start + 1 + volume.outer) * scale, made.step * scale, made.ends
        length = made.length * scale[0]
    elif volume.space == "projective":
        half = torch.tensor([*volume.extent, 1.0])
        at_one = origins + directions * ((1 - origins[:, 2:]) / directions[:, 2:])
        far = directions / directions[:, 2:]
        ends = [
            torch.cat([(p[:, :2] / half[:2] + 1) / 2 * last[:2], torch.full_like(p[:, :1], z)], dim=-1)
            for p, z in ((at_one, depth - 1.0), (far, 0.0))
        ]
        start, step = ends[0], ends[1] - ends[0]
        length = torch.full_like(start[:, 0], depth)
    else:
        low, high = ((torch.tensor(volume.centre) + side * volume.half_extent) for side in (-1, 1))
        crossings = torch.stack([(low - origins) / directions, (high - origins) / directions])
        entry = crossings.amin(0).amax(-1).clamp(min=0)
        leave = torch.maximum(crossings.amax(0).amin(-1), entry)
        inside = [(origins + t[:, None] * directions - low) / (high - low) * last for t in (entry, leave)]
        start, step = inside[0], inside[1] - inside[0]
        length = step.norm(dim=-1)
    s = (torch.arange(samples) + 0.5) / samples
    if stops is None:
        positions = (start[:, None] + s[:, None] * step[:, None]) / last
    else:
        on = (s[:, None] > stops[:, None, :]).sum(-1)[..., None].expand(-1, -1, 3)
        positions = (start.gather(1, on) + s[:, None] * step.gather(1, on)) / last
    if volume.detail is None:
        raw = _interpolated(torch.from_numpy(volume.voxels.astype("float32")), positions)
    else:
        raw = _interpolated_in_blocks(volume.detail, positions)
    colour = raw[..., 1:]
    if volume.tint is not None:
        tint = _interpolated(torch.from_numpy(volume.tint.astype("float32")), positions).unflatten(-1, (3, 3))
        colour = colour + (tint * F.normalize(directions, dim=-1)[:, None, None]).sum(-1)
    left = torch.exp(-torch.cumsum(F.softplus(raw[..., 0]) * length[:, None] / samples, dim=1))
    if stops is not None:
        left[:, -1] = 0
    before = torch.cat([torch.ones_like(left[:, :1]), left[:, :-1]], dim=1)
    background = left[:, -1:] * torch.tensor(volume.background)
    return ((before - left)[..., None] * colour.sigmoid()).sum(1) + background


def _interpolated(lattice: Tensor, positions: Tensor) -> Tensor:
    """Trilinear, positions in [0, 1] from corner to corner, clamped to the edge."""
    grid = (positions * 2 - 1)[None, :, :, None]
    found = F.grid_sample(lattice.permute(3, 0, 1, 2)[None], grid, padding_mode="border", align_corners=True)
    return found[0, ..., 0].permute(1, 2, 0)


def _interpolated_in_blocks(detail: FineVolume, positions: Tensor) -> Tensor:
    """The same, corner by corner; nothing is in blocks that are missing."""
    size = torch.tensor(detail.shape[::-1])
    at = positions.clamp(0, 1) * (size - 1)
    block = torch.minimum(at.floor().long(), size - 2) // 8
    number = torch.from_numpy(detail.table.copy()).long()[block[..., 2], block[..., 1], block[..., 0]]
    within = at - 8 * block
    cell = within.long().clamp(max=7)
    across, down, along = (within - cell).unbind(-1)
    blocks, raw = torch.from_numpy(detail.blocks.astype("float32")), torch.zeros(*number.shape, 4)
    for k, j, i in itertools.product((0, 1), repeat=3):
        weight = (across if i else 1 - across) * (down if j else 1 - down) * (along if k else 1 - along)
        raw += weight[..., None] * blocks[number, cell[..., 2] + k, cell[..., 1] + j, cell[..., 0] + i]
    raw[..., 0][number == 0] = -torch.inf
    return raw


def decibels(one: Tensor, other: Tensor) -> float:
    return float(-10 * torch.log10((one - other).square().mean()))
