"""What else may be learned beside poses and field: one lens for all frames, an exposure for each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.config.settings import Settings
from engine.geometry.intrinsics import Intrinsics
from engine.registration.bundle.lens import FreeLens, LensPrior
from engine.scenes.pyramid.photo_level import PhotoLevel, replace_intrinsics

FOCAL_RATE = 0.2  # of the pose rate: a focal length is seen by all rays of all frames at once
EXPOSURE_RATE = 1.0


class Calibration(nn.Module):
    """Factors on what the scene says; all one until the settings let them move.

    `log_focal` is the logarithm of the factor on every focal length, `radial` is added to every k1. Where the settings
    ask for both, bundle adjustments alone move them: a field that is still a fog would draw the focal length along
    the valley in which the world deepens with it. `log_gain` is the logarithm of the factor on each frame's rendered
    colours, whose mean over the frames is kept at zero: the field, not the gains, holds the brightness.
    """

    radial: Tensor

    def __init__(
        self,
        settings: Settings,
        frames: int,
        device: torch.device,
        covariance: Float[Tensor, "2 2"] | None = None,
    ) -> None:
        """`covariance` says how far the lens may be from what the scene says (see `Scene.lens_covariance`)."""
        super().__init__()
        follows = settings.optimise_focal and not settings.refine_intrinsics
        self.log_focal = nn.Parameter(torch.zeros((), device=device), requires_grad=follows)
        self.register_buffer("radial", torch.zeros((), device=device), persistent=settings.refine_intrinsics)
        self.free = FreeLens(settings.optimise_focal or settings.refine_intrinsics, settings.refine_intrinsics)
        self._precision = None if covariance is None else torch.linalg.inv(covariance).float()
        self._taken: tuple[PhotoLevel, tuple[int, int], PhotoLevel] | None = None
        self.log_gain = nn.Parameter(torch.zeros(frames, 3, device=device), requires_grad=settings.optimise_exposure)

    def extend(self, count: int) -> None:
        """Takes in so many more frames, with the exposure that the others have on average."""
        gains = self.log_gain.detach()
        more = gains.mean(dim=0, keepdim=True).expand(count, -1)
        self.log_gain = nn.Parameter(torch.cat([gains, more]), requires_grad=self.log_gain.requires_grad)

    def groups(self) -> list[dict[str, Any]]:
        """Optimiser groups of what may move; `relative_rate` is relative to the pose rate."""
        pairs = ((self.log_focal, FOCAL_RATE), (self.log_gain, EXPOSURE_RATE))
        return [{"params": [p], "relative_rate": rate} for p, rate in pairs if p.requires_grad]

    def points(self, points: Float[Tensor, "frames points 2"]) -> Float[Tensor, "frames points 2"]:
        """Image-plane points as a focal length that every step moves places them."""
        return points * torch.exp(-self.log_focal) if self.log_focal.requires_grad else points

    def colours(self, rendered: Float[Tensor, "frames points 3"]) -> Float[Tensor, "frames points 3"]:
        """Rendered colours as each frame's exposure would have taken them."""
        if not self.log_gain.requires_grad:
            return rendered
        return rendered * self._gains()[:, None]

    def seen_by(self, frame: int, rendered: Float[Tensor, "points 3"]) -> Float[Tensor, "points 3"]:
        """The same for one frame."""
        return rendered * self._gains()[frame] if self.log_gain.requires_grad else rendered

    def _gains(self) -> Float[Tensor, "frames 3"]:
        return torch.exp(self.log_gain - self.log_gain.mean(dim=0))

    @property
    def focal_factor(self) -> float:
        return float(torch.exp(self.log_focal.detach()))

    def intrinsics(self, intrinsics: Intrinsics) -> Intrinsics:
        """Intrinsics with the learned lens."""
        added = torch.stack([self.radial, *self.radial.new_zeros(3)]).to(intrinsics.distortion)
        distortion = intrinsics.distortion + added if self.free.radial else intrinsics.distortion
        return replace(intrinsics, focal=intrinsics.focal * self.focal_factor, distortion=distortion)

    def free_lens(self, intrinsics: Intrinsics) -> FreeLens:
        """What may move of the lens of which the scene says so, and what the scene knows of it beforehand."""
        if self._precision is None:
            return self.free
        prior = LensPrior(float(intrinsics.focal[0, 0]), float(intrinsics.distortion[0, 0]), self._precision)
        return replace(self.free, prior=prior)

    def take(self, before: Intrinsics, after: Intrinsics) -> None:
        """Takes over what a bundle adjustment has made of the lens."""
        with torch.no_grad():
            if self.free.focal:
                self.log_focal.add_(torch.log(after.focal[0, 0] / before.focal[0, 0]))
            if self.free.radial:
                self.radial.add_(after.distortion[0, 0] - before.distortion[0, 0])

    def adjusted(self, data: PhotoLevel) -> PhotoLevel:
        """A stage's photos through the lens that the last bundle adjustment left, to be learned from with `points`."""
        if not self.free.radial:
            return data
        version = self.log_focal._version, self.radial._version  # told without asking the device
        if self._taken is None or self._taken[0] is not data or self._taken[1] != version:
            self._taken = data, version, replace_intrinsics(data, self.intrinsics(data.intrinsics))
        return self._taken[2]

    @torch.no_grad()
    def data(self, data: PhotoLevel) -> PhotoLevel:
        """A stage's photos with the learned lens, for those who do not learn it."""
        if not self.free.focal:
            return data
        if self.free.radial:
            return self.adjusted(data)
        return replace(data, points=self.points(data.points), intrinsics=self.intrinsics(data.intrinsics))
