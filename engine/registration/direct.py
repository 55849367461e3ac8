"""One se(3) twist per frame, optimised directly: BARF and its naive baselines."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from engine.registration.fixed import FixedPoses, compose


class DirectPoses(FixedPoses):
    r"""World-to-camera poses :math:`T_i = T_i^0 \circ \exp(\xi_i)`; the twists xi_i are the parameters.

    Reference:
        BARF (Lin et al., ICCV 2021), section 3.2.
    """

    def __init__(self, initial: Float[Tensor, "frames 3 4"], lattice: Float[Tensor, "frames points 2"]) -> None:
        super().__init__(initial, lattice)
        self.twist = nn.Parameter(torch.zeros(initial.shape[0], 6, device=initial.device))

    def _poses(self, frames: Int[Tensor, " frames"]) -> Float[Tensor, "frames 3 4"]:
        return compose(self.base[frames], self.twist[frames])

    @torch.no_grad()
    def extend(
        self, poses: Float[Tensor, "added 3 4"], lattice: Float[Tensor, "added points 2"], like: Int[Tensor, " added"]
    ) -> None:
        super().extend(poses, lattice, like)
        self.twist = nn.Parameter(torch.cat([self.twist, self.twist.new_zeros(len(poses), 6)]))

    @torch.no_grad()
    def rebase(self, frames: Int[Tensor, " frames"], poses: Float[Tensor, "frames 3 4"]) -> None:
        super().rebase(frames, poses)
        self.twist[frames] = 0.0
