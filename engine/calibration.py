"""What else may be learned beside poses and field: one focal length for all frames, an exposure for each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.geometry.intrinsics import Intrinsics
from engine.settings import Settings
from engine.stage_data import StageData

FOCAL_RATE = 0.2  # of the pose rate: a focal length is seen by all rays of all frames at once
EXPOSURE_RATE = 1.0


class Calibration(nn.Module):
    """Factors on what the scene says; all one until the settings let them move.

    `log_focal` is the logarithm of the factor on every focal length; `log_gain` of the factor on each frame's
    rendered colours, whose mean over the frames is kept at zero: the field, not the gains, holds the brightness.
    """

    def __init__(self, settings: Settings, frames: int, device: torch.device) -> None:
        super().__init__()
        self.log_focal = nn.Parameter(torch.zeros((), device=device), requires_grad=settings.optimise_focal)
        self.log_gain = nn.Parameter(torch.zeros(frames, 3, device=device), requires_grad=settings.optimise_exposure)

    def groups(self) -> list[dict[str, Any]]:
        """Optimiser groups of what may move; `relative_rate` is relative to the pose rate."""
        pairs = ((self.log_focal, FOCAL_RATE), (self.log_gain, EXPOSURE_RATE))
        return [{"params": [p], "relative_rate": rate} for p, rate in pairs if p.requires_grad]

    def points(self, points: Float[Tensor, "frames points 2"]) -> Float[Tensor, "frames points 2"]:
        """Image-plane points as the learned focal length places them."""
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
        """Intrinsics with the learned focal length."""
        return replace(intrinsics, focal=intrinsics.focal * self.focal_factor)

    def data(self, data: StageData) -> StageData:
        """A stage's photos with the learned focal length, for those who do not learn it."""
        if not self.log_focal.requires_grad:
            return data
        return replace(data, points=data.points / self.focal_factor, intrinsics=self.intrinsics(data.intrinsics))
