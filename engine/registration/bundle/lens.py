"""What of the lens may move in a bundle adjustment: one factor on all focal lengths, one addition to all k1."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.intrinsics import Intrinsics

STRONGEST_RADIAL = 0.3  # of k1 in all: phones stay below 0.1, and beyond the model folds over


@dataclass(frozen=True)
class FreeLens:
    """Which of the two may move.

    Attributes:
        focal: the logarithm of a factor on fx and fy of all frames.
        radial: an addition to k1 of all frames.
    """

    focal: bool = False
    radial: bool = False

    @property
    def unknowns(self) -> int:
        return int(self.focal) + int(self.radial)

    def jacobian(
        self, camera: Float[Tensor, "frames points 3"], intrinsics: Intrinsics
    ) -> Float[Tensor, "frames points 2 unknowns"]:
        """Pixels by the unknowns, for points in camera axes. What the distortion does to the focal's column is left
        out: it is close to the identity."""
        plane = camera[..., :2] / camera[..., 2:].clamp(min=1e-2)
        scaled = plane * intrinsics.focal[:, None]
        columns = [scaled] if self.focal else []
        columns += [scaled * plane.square().sum(dim=-1, keepdim=True)] if self.radial else []
        return torch.stack(columns, dim=-1) if columns else scaled.new_zeros(*scaled.shape, 0)

    def moved(self, intrinsics: Intrinsics, step: Float[Tensor, " unknowns"]) -> Intrinsics:
        """The lens after a step of the unknowns."""
        if self.focal:
            intrinsics = replace(intrinsics, focal=intrinsics.focal * step[0].clamp(-0.2, 0.2).exp())
        if self.radial:
            distortion = intrinsics.distortion.clone()
            distortion[:, 0] = (distortion[:, 0] + step[-1]).clamp(-STRONGEST_RADIAL, STRONGEST_RADIAL)
            intrinsics = replace(intrinsics, distortion=distortion)
        return intrinsics
