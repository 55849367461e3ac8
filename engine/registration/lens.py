"""Which parameters of the lens may be fitted: one factor on all focal lengths, one addition to all k1 (that of the
polynomial in the angle for a fisheye; lens models without a k1 keep what they have)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.distortion import add_to_radial, differentiate_by_radial, distort
from engine.geometry.intrinsics import Intrinsics


@dataclass(frozen=True)
class LensLimits:
    """Bounds on what a bundle adjustment may make of a lens.

    Attributes:
        radial: largest |k1|. The lenses of phones stay below 0.1; beyond 0.3 the distortion model is no longer
            one-to-one over the image.
        log_focal_step: largest change of the logarithm of the focal length in one step; beyond it the linearised
            problem says nothing.
        least_depth: depth in scene units below which a point counts as this deep, so that the Jacobian stays finite.
    """

    radial: float = 0.3
    log_focal_step: float = 0.2
    least_depth: float = 1e-2


LIMITS = LensLimits()


@dataclass(frozen=True)
class LensPrior:
    """What is known of a lens before the photos' colours are compared: a normal distribution.

    Attributes:
        focal: mean of fx, pixels.
        radial: mean of k1.
        precision: inverse covariance of (log fx, k1).
    """

    focal: float
    radial: float
    precision: Float[Tensor, "2 2"]


class PriorCost(NamedTuple):
    """Half the squared Mahalanobis distance to a prior, with its gradient and Hessian by the free parameters."""

    value: float
    gradient: Float[Tensor, " unknowns"]
    curvature: Float[Tensor, "unknowns unknowns"]


@dataclass(frozen=True)
class FreeLens:
    """Which of the two parameters may change, in the order (log focal, k1).

    Attributes:
        focal: the logarithm of one factor on fx and fy of all frames.
        radial: one addition to k1 of all frames.
        prior: a distribution that they are drawn towards, or None.
    """

    focal: bool = False
    radial: bool = False
    prior: LensPrior | None = None

    @property
    def unknowns(self) -> int:
        """Number of free parameters, 0 to 2."""
        return int(self.focal) + int(self.radial)

    def jacobian(
        self, camera: Float[Tensor, "frames points 3"], intrinsics: Intrinsics
    ) -> Float[Tensor, "frames points 2 unknowns"]:
        """Derivatives of pixel positions by the free parameters.

        Args:
            camera: points in camera axes, scene units.
            intrinsics: of the frames.
        """
        plane = camera[..., :2] / camera[..., 2:].clamp(min=LIMITS.least_depth)
        focal, distortion = intrinsics.focal[:, None], intrinsics.distortion[:, None].to(plane)
        columns = [distort(plane, distortion) * focal] if self.focal else []
        columns += [differentiate_by_radial(plane, distortion) * focal] if self.radial else []
        return torch.stack(columns, dim=-1) if columns else plane.new_zeros(*plane.shape, 0)

    def prior_cost(self, intrinsics: Intrinsics) -> PriorCost:
        """The cost of these intrinsics under the prior; zero without a prior or without free parameters."""
        like = intrinsics.focal
        if self.prior is None or not self.unknowns:
            return PriorCost(0.0, like.new_zeros(self.unknowns), like.new_zeros(self.unknowns, self.unknowns))
        difference = torch.stack(
            [torch.log(like[0, 0] / self.prior.focal), intrinsics.distortion[0, 0] - self.prior.radial]
        )
        precision = self.prior.precision.to(like)
        free = [index for index, may_change in enumerate((self.focal, self.radial)) if may_change]
        gradient = precision @ difference
        return PriorCost(float(difference @ gradient) / 2, gradient[free], precision[free][:, free])

    def apply_step(self, intrinsics: Intrinsics, step: Float[Tensor, " unknowns"]) -> Intrinsics:
        """The intrinsics after a step of the free parameters, within `LensLimits`."""
        if self.focal:
            largest = LIMITS.log_focal_step
            intrinsics = replace(intrinsics, focal=intrinsics.focal * step[0].clamp(-largest, largest).exp())
        if self.radial:
            before = intrinsics.distortion[:, 0]
            bound = before.abs().clamp(min=LIMITS.radial)  # a lens that came with more keeps it
            added = torch.minimum(torch.maximum(before + step[-1], -bound), bound) - before
            intrinsics = replace(intrinsics, distortion=add_to_radial(intrinsics.distortion, added))
        return intrinsics
