"""Which parameters of lenses may be fitted: for each camera one factor on its focal lengths, one addition to k1 (that
of the polynomial in the angle for a fisheye; lens models without a k1 keep what they have)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
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
    """Half the squared Mahalanobis distances to the priors, with its gradient and Hessian by the free parameters."""

    value: float
    gradient: Float[Tensor, " all_unknowns"]
    curvature: Float[Tensor, "all_unknowns all_unknowns"]


@dataclass(frozen=True)
class FreeLens:
    """Which of the two parameters of every camera may change, in the order (log focal, k1).

    The unknowns are those of the cameras of some frames, one camera after the other in the order of their numbers.

    Attributes:
        focal: for each camera, the logarithm of one factor on fx and fy of all its frames.
        radial: for each camera, one addition to k1 of all its frames.
        priors: a distribution for each of the cameras that they are drawn towards, or none.
    """

    focal: bool = False
    radial: bool = False
    priors: tuple[LensPrior, ...] = ()

    @property
    def unknowns(self) -> int:
        """Number of free parameters of a camera, 0 to 2."""
        return int(self.focal) + int(self.radial)

    def columns(self, intrinsics: Intrinsics) -> tuple[Int[Tensor, "frames unknowns"], int]:
        """Where the parameters of each frame's camera stand among all unknowns, and how many these are."""
        numbers, place = intrinsics.camera_numbers.unique(return_inverse=True)
        own = torch.arange(self.unknowns, device=place.device)
        return place[:, None] * self.unknowns + own, len(numbers) * self.unknowns

    def jacobian(
        self, camera: Float[Tensor, "frames points 3"], intrinsics: Intrinsics
    ) -> Float[Tensor, "frames points 2 unknowns"]:
        """Derivatives of pixel positions by the free parameters of each frame's camera.

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
        """The cost of these intrinsics under the priors; zero without priors or without free parameters."""
        like = intrinsics.focal
        columns, count = self.columns(intrinsics)
        value, gradient, curvature = 0.0, like.new_zeros(count), like.new_zeros(count, count)
        if not self.priors or not self.unknowns:
            return PriorCost(value, gradient, curvature)
        free = [index for index, may_change in enumerate((self.focal, self.radial)) if may_change]
        for prior, frame in zip(self.priors, find_first_frames(intrinsics), strict=True):
            difference = torch.stack(
                [torch.log(like[frame, 0] / prior.focal), intrinsics.distortion[frame, 0] - prior.radial]
            )
            precision, place = prior.precision.to(like), columns[frame]
            slope = precision @ difference
            value += float(difference @ slope) / 2
            gradient[place] = slope[free]
            curvature[place[:, None], place] = precision[free][:, free]
        return PriorCost(value, gradient, curvature)

    def apply_step(self, intrinsics: Intrinsics, step: Float[Tensor, " all_unknowns"]) -> Intrinsics:
        """The intrinsics after a step of the free parameters of all cameras, within `LensLimits`."""
        own = step[self.columns(intrinsics)[0]]
        if self.focal:
            largest = LIMITS.log_focal_step
            intrinsics = replace(intrinsics, focal=intrinsics.focal * own[:, :1].clamp(-largest, largest).exp())
        if self.radial:
            before = intrinsics.distortion[:, 0]
            bound = before.abs().clamp(min=LIMITS.radial)  # a lens that came with more keeps it
            added = torch.minimum(torch.maximum(before + own[:, -1], -bound), bound) - before
            intrinsics = replace(intrinsics, distortion=add_to_radial(intrinsics.distortion, added))
        return intrinsics


def find_first_frames(intrinsics: Intrinsics) -> list[int]:
    """The first frame of each camera, in the order of the cameras' numbers."""
    numbers = intrinsics.camera_numbers.tolist()
    return [numbers.index(number) for number in sorted(set(numbers))]
