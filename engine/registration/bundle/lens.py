"""What of the lens may move in a bundle adjustment: one factor on all focal lengths, one addition to all k1."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.intrinsics import Intrinsics

STRONGEST_RADIAL = 0.3  # of k1 in all: phones stay below 0.1, and beyond the model folds over


@dataclass(frozen=True)
class LensPrior:
    """What is known of a lens besides what the photos' colours tell: a normal distribution.

    Attributes:
        focal: fx, pixels.
        radial: k1.
        precision: inverse covariance of the logarithm of the focal length and k1.
    """

    focal: float
    radial: float
    precision: Float[Tensor, "2 2"]


class Pull(NamedTuple):
    """Half the squared distance to a prior, and its derivatives by the unknowns."""

    value: float
    gradient: Float[Tensor, " unknowns"]
    curvature: Float[Tensor, "unknowns unknowns"]


@dataclass(frozen=True)
class FreeLens:
    """Which of the two may move.

    Attributes:
        focal: the logarithm of a factor on fx and fy of all frames.
        radial: an addition to k1 of all frames.
        prior: what holds them besides the photos, or None.
    """

    focal: bool = False
    radial: bool = False
    prior: LensPrior | None = None

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

    def pull(self, intrinsics: Intrinsics) -> Pull:
        """Of the prior; nothing where there is none."""
        like = intrinsics.focal
        if self.prior is None or not self.unknowns:
            return Pull(0.0, like.new_zeros(self.unknowns), like.new_zeros(self.unknowns, self.unknowns))
        away = torch.stack([torch.log(like[0, 0] / self.prior.focal), intrinsics.distortion[0, 0] - self.prior.radial])
        precision = self.prior.precision.to(like)
        free = [index for index, may in enumerate((self.focal, self.radial)) if may]
        force = precision @ away
        return Pull(float(away @ force) / 2, force[free], precision[free][:, free])

    def moved(self, intrinsics: Intrinsics, step: Float[Tensor, " unknowns"]) -> Intrinsics:
        """The lens after a step of the unknowns."""
        if self.focal:
            intrinsics = replace(intrinsics, focal=intrinsics.focal * step[0].clamp(-0.2, 0.2).exp())
        if self.radial:
            distortion = intrinsics.distortion.clone()
            distortion[:, 0] = (distortion[:, 0] + step[-1]).clamp(-STRONGEST_RADIAL, STRONGEST_RADIAL)
            intrinsics = replace(intrinsics, distortion=distortion)
        return intrinsics
