"""The voxel grid's work on a GPU: the same functions as `grid_compiled`, in plain torch operations.

It is also the reference that the compiled kernels are tested against.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from engine.fields.sampling import edges_from_weights
from engine.fields.spaces import Lines
from engine.fields.voxel_grid.compiled import BETA_FIRST, BETA_SECOND, SMOOTH_EVERY, TINT_RATE, TINT_SMOOTHNESS
from engine.fields.voxel_grid.state import GridState

EPSILON = 1e-12
BORDER = 1e-3  # voxels by which a sample may leave a closed volume


def _sample(
    volume: Float[Tensor, "depth height width channels"], positions: Float[Tensor, "rays samples 3"]
) -> Float[Tensor, "rays samples channels"]:
    depth, height, width, _ = volume.shape
    last = positions.new_tensor([width - 1, height - 1, depth - 1])
    lattice = (positions / last * 2 - 1)[None, :, :, None]
    sampled = F.grid_sample(volume.permute(3, 0, 1, 2)[None], lattice, padding_mode="border", align_corners=True)
    return sampled[0, :, :, :, 0].permute(1, 2, 0)


def _inside(positions: Float[Tensor, "rays samples 3"], shape: tuple[int, int, int]) -> Bool[Tensor, "rays samples"]:
    depth, height, width = shape
    last = positions.new_tensor([width - 1, height - 1, depth - 1])
    return ((positions >= -BORDER) & (positions <= last + BORDER)).all(dim=-1)


def edges(
    coarse: Float[Tensor, "depth height width"],
    lines: Lines,
    closed: bool,
    count: int,
    floor: float,
    jitter: Float[Tensor, " rays"],
) -> Float[Tensor, "rays edges"]:
    """Interval edges drawn from the activated density of a pooled volume."""
    bins = coarse.shape[0] * (2 if closed else 1)
    s = (torch.arange(bins, device=coarse.device) + 0.5) / bins
    positions = lines.start[:, None] + s[None, :, None] * lines.step[:, None]
    density = _sample(coarse[..., None], positions)[..., 0]
    if closed:
        density = density * _inside(positions, (coarse.shape[0], coarse.shape[1], coarse.shape[2]))
    alpha = 1 - torch.exp(-density * lines.optical_length[:, None] / bins)
    passed = torch.cumprod(torch.cat([torch.ones_like(alpha[:, :1]), 1 - alpha[:, :-1]], dim=1), dim=1)
    return edges_from_weights(passed * alpha, count, floor, jitter)


def march(
    state: GridState,
    lines: Lines,
    basis: Float[Tensor, "rays 3"],
    edges: Float[Tensor, "rays edges"],
    closed: bool,
    background: Float[Tensor, "3"],
    gathers: bool,
) -> tuple[Float[Tensor, "rays 3"], Float[Tensor, " rays"], Float[Tensor, " rays"]]:
    """Colour, opacity and mean position s of rays; differentiable in the lines and, if `gathers`, in the voxels."""
    voxels = _Gather.apply(state.voxels.detach().requires_grad_(True), state) if gathers else state.voxels
    s = (edges[:, 1:] + edges[:, :-1]) / 2
    positions = lines.start[:, None] + s[..., None] * lines.step[:, None]
    raw = _sample(voxels, positions)
    raw_colour = raw[..., 1:]
    if state.tint is not None:
        tint = (
            _Gather.apply(state.tint.voxels.detach().requires_grad_(True), state.tint)
            if gathers
            else state.tint.voxels
        )
        pairs = zip(state.tint.shape, state.shape, strict=True)
        scale = positions.new_tensor([(small - 1) / (large - 1) for small, large in pairs]).flip(0)
        coefficients = _sample(tint, positions.detach() * scale).unflatten(-1, (3, 3))
        raw_colour = raw_colour + (coefficients * basis[:, None, None]).sum(dim=-1)
    density = F.softplus(raw[..., 0])
    if closed:
        density = density * _inside(positions, state.shape)
    optical = density * (edges[:, 1:] - edges[:, :-1]) * lines.optical_length[:, None]
    passed = torch.exp(-torch.cumsum(F.pad(optical, (1, 0)), dim=1))
    weights = passed[:, :-1] - passed[:, 1:]
    colour = (weights[..., None] * torch.sigmoid(raw_colour)).sum(dim=1) + passed[:, -1:] * background
    position = (weights * s).sum(dim=1) + passed[:, -1]
    return colour, (1 - passed[:, -1]).detach(), position.detach()


class _Gather(torch.autograd.Function):
    """Hands the voxels on; what comes back is added to the grid's own gradient buffer."""

    @staticmethod
    def forward(ctx, voxels: Tensor, state: GridState) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.state = state
        return voxels.view_as(voxels)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[None, None]:  # type: ignore[no-untyped-def, override]
        ctx.state.gradient += gradient
        return None, None


def _smoothness_gradient(
    voxels: Float[Tensor, "depth height width channels"],
) -> Float[Tensor, "depth height width channels"]:
    """Sum over the six neighbours of here minus there."""
    total = torch.zeros_like(voxels)
    for dim in range(3):
        difference = voxels.diff(dim=dim)
        size = voxels.shape[dim]
        total.narrow(dim, 1, size - 1).add_(difference)
        total.narrow(dim, 0, size - 1).sub_(difference)
    return total


@torch.no_grad()
def optimise(state: GridState, rate: float, smoothness: float, density_rate: float) -> None:
    """One Adam step with smoothness where gradients arrived; see `grid_compiled.optimise`."""
    _adam(state, rate, smoothness, density_rate)
    if state.tint is not None:
        _adam(state.tint, TINT_RATE * rate, TINT_SMOOTHNESS * smoothness, 1.0)


def _adam(state: GridState, rate: float, smoothness: float, first_channel_rate: float) -> None:
    state.steps += 1
    smoothness = smoothness * SMOOTH_EVERY if state.steps % SMOOTH_EVERY == 0 else 0.0
    touched = (state.gradient != 0).any(dim=-1, keepdim=True)
    per_channel = state.voxels.new_ones(state.voxels.shape[-1])
    per_channel[0] = first_channel_rate
    gradient = state.gradient
    if smoothness > 0:
        gradient = gradient + _smoothness_gradient(state.voxels) * (smoothness / per_channel**2)
    first = torch.lerp(gradient, state.first, BETA_FIRST)
    second = torch.lerp(gradient * gradient, state.second, BETA_SECOND)
    state.first = torch.where(touched, first, state.first)
    state.second = torch.where(touched, second, state.second)
    mean = state.first / (1 - BETA_FIRST**state.steps)
    spread = (state.second / (1 - BETA_SECOND**state.steps)).sqrt()
    state.voxels -= touched * rate * per_channel * mean / (spread + EPSILON)
    state.gradient.zero_()
