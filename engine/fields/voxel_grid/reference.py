"""The voxel grid in plain operations of torch, a `Backend`: for GPUs, and as what the kernels are compared with."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from engine.fields.sampling import edges_from_weights
from engine.fields.spaces import Lines
from engine.fields.voxel_grid.backend import Rendered, VisibleCells
from engine.fields.voxel_grid.kernels.layout import BLOCK, TILE
from engine.fields.voxel_grid.kernels.limits import CELL, CLEAR, SEEN_THROUGH, VISIBLE
from engine.fields.voxel_grid.optimising import begin_step
from engine.fields.voxel_grid.options import DEFAULT
from engine.fields.voxel_grid.state import GridState, Shape, Table, weight_by_density
from engine.geometry.numerics import make_constant

_OPAQUE = 1e-4  # transmittance below which proposals leave out what lies behind, as in the kernels
_BORDER = 1e-3  # voxels by which a sample may leave a closed volume, as in the kernels


def _sample(
    volume: Float[Tensor, "*lattice channels"],
    positions: Float[Tensor, "rays samples 3"],
    state: GridState | None = None,
) -> Float[Tensor, "rays samples channels"]:
    """Trilinear values of a dense volume, or of one in blocks, whose table is that of the state."""
    if state is not None and state.table is not None:
        return _sample_blocks(volume, state.table, state.shape, positions)
    depth, height, width, _ = volume.shape
    last = make_constant([width - 1, height - 1, depth - 1], positions)
    lattice = (positions / last * 2 - 1)[None, :, :, None]
    sampled = F.grid_sample(volume.permute(3, 0, 1, 2)[None], lattice, padding_mode="border", align_corners=True)
    return sampled[0, :, :, :, 0].permute(1, 2, 0)


def _inside(positions: Float[Tensor, "rays samples 3"], shape: tuple[int, int, int]) -> Bool[Tensor, "rays samples"]:
    depth, height, width = shape
    last = make_constant([width - 1, height - 1, depth - 1], positions)
    return ((positions >= -_BORDER) & (positions <= last + _BORDER)).all(dim=-1)


def _sample_blocks(
    voxels: Float[Tensor, "blocks 8 8 8 channels"], table: Table, shape: Shape, positions: Float[Tensor, "*points 3"]
) -> Float[Tensor, "*points channels"]:
    size = make_constant(shape[::-1], positions)
    places = positions.clamp(torch.zeros_like(size), size - 1)
    first = torch.minimum(places.detach().nan_to_num().floor(), size - 2).long()
    fraction = places - first
    flat = voxels.reshape(-1, voxels.shape[-1])
    total = torch.zeros(*positions.shape[:-1], flat.shape[-1], dtype=flat.dtype, device=flat.device)
    for corner in itertools.product((0, 1), repeat=3):
        x, y, z = (place + far for place, far in zip(first.unbind(dim=-1), corner, strict=True))
        block = table[z // BLOCK, y // BLOCK, x // BLOCK].long()
        at = ((block * BLOCK + z % BLOCK) * BLOCK + y % BLOCK) * BLOCK + x % BLOCK
        along = [f if far else 1 - f for f, far in zip(fraction.unbind(dim=-1), corner, strict=True)]
        total = total + (along[0] * along[1] * along[2])[..., None] * flat[at]
    return total


def _stored(state: GridState, positions: Float[Tensor, "*points 3"]) -> Bool[Tensor, "*points"]:
    """Whether the cell around a position begins in a block that is stored."""
    assert state.table is not None
    size = make_constant(state.shape[::-1], positions)
    first = torch.minimum(positions.nan_to_num().clamp(min=0).floor(), size - 2).long() // BLOCK
    return state.table[first[..., 2], first[..., 1], first[..., 0]] != 0


def interpolate(state: GridState, positions: Float[Tensor, "points 3"]) -> Float[Tensor, "points channels"]:
    """See `Backend.interpolate`."""
    return _sample(state.voxels, positions[None], state)[0]


def average(state: GridState, factor: int) -> Float[Tensor, "depth height width 4"]:
    """See `Backend.average`."""
    assert state.places is not None
    cubes = weight_by_density(state.voxels).permute(0, 4, 1, 2, 3)
    cubes = F.avg_pool3d(cubes, factor).permute(0, 2, 3, 4, 1)[1:]
    side = BLOCK // factor
    shape = [-(-size // BLOCK) * side for size in state.shape]
    whole = cubes.new_zeros(*shape, 4)
    inner = torch.stack(torch.meshgrid(*[torch.arange(side, device=cubes.device)] * 3, indexing="ij"), dim=-1)
    z, y, x = (state.places[1:, None, None, None] * side + inner).unbind(dim=-1)
    whole[z, y, x] = cubes
    depth, height, width = (max(size // factor, 2) for size in state.shape)
    return whole[:depth, :height, :width].contiguous()


def edges(
    coarse: Float[Tensor, "depth height width"],
    lines: Lines,
    closed: bool,
    count: int,
    floor: float,
    jitter: Float[Tensor, " rays"],
) -> Float[Tensor, "rays edges"]:
    """See `Backend.edges`."""
    bins = coarse.shape[0] * (2 if closed and lines.ends is None else 1)
    s = (torch.arange(bins, device=coarse.device) + 0.5) / bins
    positions = lines.at(s.expand(len(lines.start), -1))
    density = _sample(coarse[..., None], positions)[..., 0]
    if closed:
        density = density * _inside(positions, (coarse.shape[0], coarse.shape[1], coarse.shape[2]))
    optical = density * lines.optical_length[:, None] / bins
    alpha = 1 - torch.exp(-optical)
    if lines.ends is not None:
        alpha = torch.cat([alpha[:, :-1], torch.ones_like(alpha[:, -1:])], dim=1)
    passed = torch.exp(-float(SEEN_THROUGH) * torch.cumsum(F.pad(optical[:, :-1], (1, 0)), dim=1))
    return edges_from_weights(passed * alpha * (passed >= _OPAQUE), count, floor, jitter)


def march(
    state: GridState,
    lines: Lines,
    basis: Float[Tensor, "rays 3"],
    edges: Float[Tensor, "rays edges"],
    closed: bool,
    background: Float[Tensor, "3"],
    gathers: bool,
    visible: VisibleCells | None = None,
) -> Rendered:
    """See `Backend.march`."""
    voxels = _AccumulateGradient.apply(state.voxels.detach().requires_grad_(True), state) if gathers else state.voxels
    s = (edges[:, 1:] + edges[:, :-1]) / 2
    positions = lines.at(s)
    raw = _sample(voxels, positions, state)
    raw_colour = raw[..., 1:]
    if state.tint is not None:
        tint = (
            _AccumulateGradient.apply(state.tint.voxels.detach().requires_grad_(True), state.tint)
            if gathers
            else state.tint.voxels
        )
        pairs = zip(state.tint.shape, state.shape, strict=True)
        scale = make_constant([(small - 1) / (large - 1) for small, large in pairs][::-1], positions)
        coefficients = _sample(tint, positions.detach() * scale).unflatten(-1, (3, 3))
        raw_colour = raw_colour + (coefficients * basis[:, None, None]).sum(dim=-1)
    density = F.softplus(raw[..., 0])
    if closed:
        density = density * _inside(positions, state.shape)
    if state.table is not None:
        density = density * _stored(state, positions.detach())
    optical = density * (edges[:, 1:] - edges[:, :-1]) * lines.optical_length[:, None]
    passed = torch.exp(-torch.cumsum(F.pad(optical, (1, 0)), dim=1))
    if lines.ends is not None:
        passed = torch.cat([passed[:, :-1], torch.zeros_like(passed[:, -1:])], dim=1)
    weights = passed[:, :-1] - passed[:, 1:]
    colour = (weights[..., None] * torch.sigmoid(raw_colour)).sum(dim=1) + passed[:, -1:] * background
    position = (weights * s).sum(dim=1) + passed[:, -1]
    if visible is not None:
        _mark_visible(visible, positions.detach(), weights.detach())
    return colour, (1 - passed[:, -1]).detach(), position.detach()


def _mark_visible(
    visible: VisibleCells,
    positions: Float[Tensor, "rays samples 3"],
    weights: Float[Tensor, "rays samples"],
) -> None:
    """Marks the cells in which a sample is seen, and is seen clearly; the host does not wait for the device."""
    depth, height, width = visible.shape[1:]
    last = make_constant([width - 1, height - 1, depth - 1], positions)
    x, y, z = (positions.nan_to_num().clamp(min=0) / CELL).floor().minimum(last).long().unbind(dim=-1)
    at = ((z * height + y) * width + x).reshape(-1)
    beyond = depth * height * width  # the number of one more cell, for samples that are not seen
    for cells, least in zip(visible, (VISIBLE, CLEAR), strict=True):
        marks = cells.new_zeros(beyond + 1)
        marks.scatter_(0, torch.where(weights.reshape(-1) > float(least), at, beyond), 1)
        cells.bitwise_or_(marks[:-1].view_as(cells))


class _AccumulateGradient(torch.autograd.Function):
    """The identity; its gradient is added to the gradient buffer of the grid."""

    @staticmethod
    def forward(ctx, voxels: Tensor, state: GridState) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.state = state
        return voxels.view_as(voxels)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[None, None]:  # type: ignore[no-untyped-def, override]
        ctx.state.gradient += gradient
        return None, None


def _touched_tiles(gradient: Float[Tensor, "*lattice channels"]) -> Bool[Tensor, "*lattice 1"]:
    """True for all voxels of the tiles in which one has a gradient, as the kernels mark them."""
    width = gradient.shape[-2]
    rows = F.pad((gradient != 0).any(dim=-1), (0, -width % TILE)).unflatten(-1, (-1, TILE))
    return rows.any(dim=-1, keepdim=True).expand_as(rows).flatten(-2)[..., :width, None].contiguous()


def _smoothness_gradient_in_blocks(
    state: GridState,
) -> Float[Tensor, "blocks 8 8 8 channels"]:
    """The same for blocks: voxels of missing ones are not neighbours."""
    assert state.table is not None
    assert state.places is not None
    total = torch.zeros_like(state.voxels)
    table = F.pad(state.table, (1, 1) * 3)
    for dim, way in itertools.product(range(3), (-1, 1)):
        places = state.places + 1
        places[:, dim] += way
        other = table[places[:, 0], places[:, 1], places[:, 2]].long()
        axis, beyond = dim + 1, 0 if way > 0 else BLOCK - 1
        face = state.voxels[other].narrow(axis, beyond, 1)
        own = state.voxels.narrow(axis, BLOCK - 1 if way > 0 else 0, 1)
        face = torch.where((other == 0)[:, None, None, None, None], own, face)
        parts = (state.voxels.narrow(axis, 1, BLOCK - 1), face)
        neighbours = torch.cat(parts if way > 0 else (face, state.voxels.narrow(axis, 0, BLOCK - 1)), dim=axis)
        total += state.voxels - neighbours
    return total


def _smoothness_gradient(
    voxels: Float[Tensor, "depth height width channels"],
) -> Float[Tensor, "depth height width channels"]:
    """Sum over the six neighbours of the difference of a voxel and the neighbour."""
    total = torch.zeros_like(voxels)
    for dim in range(3):
        difference = voxels.diff(dim=dim)
        size = voxels.shape[dim]
        total.narrow(dim, 1, size - 1).add_(difference)
        total.narrow(dim, 0, size - 1).sub_(difference)
    return total


@torch.no_grad()
def optimise(state: GridState, rate: float, smoothness: float, density_rate: float) -> None:
    """See `Backend.optimise`."""
    for step in begin_step(state, rate, smoothness, density_rate):
        _adam(*step)


def _adam(state: GridState, rate: float, smoothness: float, first_channel_rate: float) -> None:
    touched = _touched_tiles(state.gradient)
    if state.table is not None:
        touched[0].fill_(False)  # stands for all blocks that are missing
    per_channel = state.voxels.new_ones(state.voxels.shape[-1])
    per_channel[0] = first_channel_rate
    gradient = state.gradient.nan_to_num(0.0, 0.0, 0.0)  # not looked for before: that waits for a GPU
    if smoothness > 0:
        rough = _smoothness_gradient(state.voxels) if state.table is None else _smoothness_gradient_in_blocks(state)
        gradient = gradient + rough * (smoothness / per_channel**2)
    first = torch.lerp(gradient, state.first, DEFAULT.beta1)
    second = torch.lerp(gradient * gradient, state.second, DEFAULT.beta2)
    state.first = torch.where(touched, first, state.first)
    state.second = torch.where(touched, second, state.second)
    mean = state.first / (1 - DEFAULT.beta1**state.steps)
    spread = (state.second / (1 - DEFAULT.beta2**state.steps)).sqrt()
    state.voxels -= touched * rate * per_channel * mean / (spread + DEFAULT.epsilon)
    state.gradient.zero_()
