"""What may be fitted beside poses and field: a lens for each camera, and an exposure for each frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.config.settings import Settings
from engine.geometry.distortion import add_to_radial, distort, undistort
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.lens_models import LENGTHS
from engine.registration.lens import FreeLens, LensPrior, find_first_frames
from engine.scenes.pyramid.photo_level import PhotoLevel, replace_intrinsics


@dataclass(frozen=True)
class CalibrationRates:
    """Learning rates relative to that of the poses.

    Attributes:
        focal: of the logarithm of the focal length: every ray of every frame depends on it, so its gradient is large.
        exposure: of the logarithms of the gains.
    """

    focal: float = 0.2
    exposure: float = 1.0


class Calibration(nn.Module):
    """Corrections of the scene's intrinsics and of each frame's brightness; they change nothing at the start.

    Which of them are fitted, the settings say. `Settings.optimise_focal` alone: every optimisation step fits the
    focal length. `Settings.refine_intrinsics`: only bundle adjustments fit focal length and k1, because with a coarse
    field a longer focal length and a deeper scene have almost the same loss, and gradient descent would drift.

    Attributes:
        log_focal: for each camera, the logarithm of the factor on the focal lengths of its frames.
        radial: for each camera, added to k1 of its frames.
        log_gain: logarithms of the factors on each frame's rendered colours, (frames, 3); their mean over the frames
            is subtracted, so that the field alone determines the overall brightness.
        free: what a bundle adjustment may change of the lens.
    """

    radial: Tensor

    def __init__(
        self,
        settings: Settings,
        frames: int,
        device: torch.device,
        covariance: Float[Tensor, "cameras 2 2"] | None = None,
        cameras: int = 1,
        intrinsics: Intrinsics | None = None,
    ) -> None:
        """Nothing is corrected yet.

        Args:
            settings: which corrections are fitted.
            frames: training frames.
            device: of the parameters.
            covariance: of (log focal, k1) as the scene knows them (see `Scene.lens_covariance`), or None.
            cameras: of the scene.
            intrinsics: of the training frames; None for one camera that is nearly a pinhole.
        """
        super().__init__()
        by_gradient = settings.optimise_focal and not settings.refine_intrinsics
        self.log_focal = nn.Parameter(torch.zeros(cameras, device=device), requires_grad=by_gradient)
        self.register_buffer("radial", torch.zeros(cameras, device=device), persistent=settings.refine_intrinsics)
        self._take_cameras(intrinsics, device)
        self.free = FreeLens(settings.optimise_focal or settings.refine_intrinsics, settings.refine_intrinsics)
        self._precision = None if covariance is None else torch.linalg.inv(covariance).float()
        self._adjusted: tuple[PhotoLevel, tuple[int, int], PhotoLevel] | None = None
        self.log_gain = nn.Parameter(torch.zeros(frames, 3, device=device), requires_grad=settings.optimise_exposure)

    def extend(self, count: int, intrinsics: Intrinsics, covariance: Float[Tensor, "cameras 2 2"] | None) -> None:
        """Adds `count` frames, with the mean exposure of the frames so far; lenses of new cameras are as they are.

        Args:
            count: of the new frames.
            intrinsics: of all training frames, the new ones last.
            covariance: of all cameras of the scene, or None.
        """
        device, cameras = self.log_focal.device, self.log_focal.shape[0]
        new = max(intrinsics.cameras_count - cameras, 0)
        if new:
            none = torch.zeros(new, device=device)
            learns = self.log_focal.requires_grad
            self.log_focal = nn.Parameter(torch.cat([self.log_focal.detach(), none]), requires_grad=learns)
            self.radial = torch.cat([self.radial, none])
            self._precision = None if covariance is None else torch.linalg.inv(covariance).float()
        self._take_cameras(intrinsics, device)
        gains = self.log_gain.detach()
        more = gains.mean(dim=0, keepdim=True).expand(count, -1)
        self.log_gain = nn.Parameter(torch.cat([gains, more]), requires_grad=self.log_gain.requires_grad)

    def _take_cameras(self, intrinsics: Intrinsics | None, device: torch.device) -> None:
        """Keeps which camera each frame has, and distortions that are more than a small change."""
        self._camera_of: Tensor | None = None
        self._distortion: Tensor | None = None
        if intrinsics is not None:
            self._camera_of = None if intrinsics.cameras is None else intrinsics.cameras.to(device)
            if intrinsics.distortion.shape[-1] > LENGTHS[0]:
                self._distortion = intrinsics.distortion.to(device)

    def groups(self) -> list[dict[str, Any]]:
        """Optimiser groups of the parameters that are fitted; `relative_rate` is relative to the pose rate."""
        rates = CalibrationRates()
        pairs = ((self.log_focal, rates.focal), (self.log_gain, rates.exposure))
        return [{"params": [p], "relative_rate": rate} for p, rate in pairs if p.requires_grad]

    def points(self, points: Float[Tensor, "frames points 2"]) -> Float[Tensor, "frames points 2"]:
        """Normalised image-plane points of pixels of all training frames under the fitted focal lengths.

        They are differentiable in these.
        """
        if not self.log_focal.requires_grad:
            return points
        factor = torch.exp(-self.log_focal)
        scale = factor[0] if self._camera_of is None else factor[self._camera_of, None, None]
        if self._distortion is None:
            return points * scale
        lens = self._distortion[:, None]  # what is scaled is what the lens shows
        return undistort(distort(points, lens).detach() * scale, lens)

    def colours(self, rendered: Float[Tensor, "frames points 3"]) -> Float[Tensor, "frames points 3"]:
        """Rendered colours multiplied with each frame's gain, differentiable in the gains."""
        if not self.log_gain.requires_grad:
            return rendered
        return rendered * self._gains()[:, None]

    def seen_by(self, frame: int, rendered: Float[Tensor, "points 3"]) -> Float[Tensor, "points 3"]:
        """Rendered colours multiplied with the gain of one training frame."""
        return rendered * self._gains()[frame] if self.log_gain.requires_grad else rendered

    def _gains(self) -> Float[Tensor, "frames 3"]:
        return torch.exp(self.log_gain - self.log_gain.mean(dim=0))

    @property
    def focal_factor(self) -> float:
        """Fitted focal length divided by that of the scene, mean over the cameras."""
        return float(torch.exp(self.log_focal.detach()).mean())

    def intrinsics(self, intrinsics: Intrinsics) -> Intrinsics:
        """The scene's intrinsics with the fitted lenses."""
        numbers = intrinsics.camera_numbers.to(self.log_focal.device)
        factor = torch.exp(self.log_focal.detach())[numbers].to(intrinsics.focal)
        distortion = intrinsics.distortion
        if self.free.radial:
            distortion = add_to_radial(distortion, self.radial[numbers].to(distortion))
        return replace(intrinsics, focal=intrinsics.focal * factor[:, None], distortion=distortion)

    def free_lens(self, intrinsics: Intrinsics) -> FreeLens:
        """What a bundle adjustment may change of the lenses; the scene's intrinsics are the means of the priors."""
        if self._precision is None:
            return self.free
        priors = [
            LensPrior(
                float(intrinsics.focal[frame, 0]),
                float(intrinsics.distortion[frame, 0]),
                self._precision[int(intrinsics.camera_numbers[frame])],
            )
            for frame in find_first_frames(intrinsics)
        ]
        return replace(self.free, priors=tuple(priors))

    def take(self, before: Intrinsics, after: Intrinsics) -> None:
        """Adds the change of the lenses in a bundle adjustment, from `before` to `after`."""
        first = find_first_frames(before)
        numbers = before.camera_numbers[first].to(self.log_focal.device)
        with torch.no_grad():
            if self.free.focal:
                change = torch.log(after.focal[first, 0] / before.focal[first, 0])
                self.log_focal.index_add_(0, numbers, change.to(self.log_focal))
            if self.free.radial:
                change = after.distortion[first, 0] - before.distortion[first, 0]
                self.radial.index_add_(0, numbers, change.to(self.radial))

    def adjusted(self, data: PhotoLevel) -> PhotoLevel:
        """A stage's photos under the lenses of the last adjustment; `points` adds what gradient descent fits."""
        if not self.free.radial:
            return data
        version = (
            self.log_focal._version,
            self.radial._version,
        )  # changes with the values; reading them would wait for the device
        if self._adjusted is None or self._adjusted[0] is not data or self._adjusted[1] != version:
            self._adjusted = data, version, replace_intrinsics(data, self.intrinsics(data.intrinsics))
        return self._adjusted[2]

    @torch.no_grad()
    def data(self, data: PhotoLevel) -> PhotoLevel:
        """A stage's photos under the fitted lenses, without gradient."""
        if not self.free.focal:
            return data
        if self.free.radial:
            return self.adjusted(data)
        intrinsics = self.intrinsics(data.intrinsics)
        if len(self.log_focal) > 1 or self._distortion is not None:
            return replace_intrinsics(data, intrinsics)
        return replace(data, points=self.points(data.points), intrinsics=intrinsics)
