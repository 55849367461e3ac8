"""What a local warp has beside its network once λ is moved: a lattice of small motions over each frame."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

NODES = 8
"""Of the lattice along each side of a frame: finer than what a network of smooth warps can tell apart, and coarse
enough that each node is seen by several rays of a step."""


class WarpBends(nn.Module):
    r"""Vectors of a Lie algebra that are added to those of a network: :math:`W(u, e_i) + B_i(u)`, bilinear in u.

    The published network hardly tells the pixels of a frame apart, so that its warp is almost rigid whatever λ asks
    for. The lattice is what λ holds: it is zero, and costs nothing, until `step` is called for the first time.

    Attributes:
        nodes: vectors at the nodes of each frame's lattice, rows from the top, columns from the left.
        low, high: corners of each frame in the plane that its points lie in; one for all frames, or one per frame.
    """

    nodes: Float[Tensor, "frames rows columns outputs"]
    low: Float[Tensor, "frames_or_one 2"]
    high: Float[Tensor, "frames_or_one 2"]

    def __init__(self, frames: int, lattice: Float[Tensor, "frames_or_one points 2"], outputs: int) -> None:
        """`lattice` covers the whole of each frame."""
        super().__init__()
        self.register_buffer("nodes", torch.zeros(frames, NODES, NODES, outputs, device=lattice.device))
        self.register_buffer("low", lattice.amin(dim=1), persistent=False)
        self.register_buffer("high", lattice.amax(dim=1), persistent=False)

    def forward(
        self, frames: Int[Tensor, " frames"], points: Float[Tensor, "frames points 2"]
    ) -> Float[Tensor, "frames points outputs"] | float:
        """The vectors at points of some frames; 0 while no lattice is in use."""
        if not self.nodes.requires_grad:
            return 0.0
        chosen = frames if len(self.low) > 1 else torch.zeros_like(frames)
        low, high = self.low[chosen][:, None], self.high[chosen][:, None]
        place = ((points - low) / (high - low)).clamp(0, 1) * (NODES - 1)
        # The weight of a node falls from 1 to 0 towards its neighbours.
        weights = (1 - (place[..., None] - torch.arange(NODES, device=points.device)).abs()).clamp(min=0)
        columns, rows = weights.unbind(dim=-2)
        return torch.einsum("fpr,fpc,frco->fpo", rows, columns, self.nodes[frames])

    @torch.no_grad()
    def step(self, rate: float | Float[Tensor, ""]) -> None:
        """Moves the nodes of each frame down the gradient that the backward pass left, and clears it.

        Args:
            rate: root mean square of the motion of a frame's nodes, in the units of the algebra.
        """
        self.nodes.requires_grad_(True)
        gradient = self.nodes.grad
        self.nodes.grad = None
        if gradient is None:
            return
        gradient.nan_to_num_(0.0, 0.0, 0.0)
        size = gradient.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        self.nodes -= rate * gradient / size.clamp(min=torch.finfo(size.dtype).tiny)

    @torch.no_grad()
    def stiffen(self, strength: Float[Tensor, ""] | float) -> None:
        """Makes all bends 1 + strength times as small: an implicit step of gradient descent on half their square."""
        self.nodes /= 1 + strength

    @torch.no_grad()
    def extend(self, lattice: Float[Tensor, "added points 2"], like: Int[Tensor, " added"]) -> None:
        """Appends frames, with the bends of those that they are like."""
        used = self.nodes.requires_grad
        self.nodes = torch.cat([self.nodes, self.nodes[like]]).detach().requires_grad_(used)
        self.low = torch.cat([self.low, lattice.amin(dim=1).to(self.low)])
        self.high = torch.cat([self.high, lattice.amax(dim=1).to(self.high)])

    def get_extra_state(self) -> Tensor:
        """Whether the lattice is in use: from its first step on, before any node has moved."""
        return torch.tensor([self.nodes.requires_grad])

    def set_extra_state(self, state: Tensor) -> None:
        """Takes up what `get_extra_state` gave."""
        self.nodes.requires_grad_(bool(state))

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *others: Any) -> None:
        """Checkpoints of before there were bends have none."""
        state.setdefault(f"{prefix}nodes", torch.zeros_like(self.nodes))
        state.setdefault(f"{prefix}_extra_state", torch.tensor([False]))
        super()._load_from_state_dict(state, prefix, *others)
