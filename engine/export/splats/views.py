"""The photos of a run as pictures of pinhole cameras, in the exported world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from engine.export.splats.camera import SplatCamera
from engine.geometry.distortion import distort, undistort
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.numerics import to_double
from engine.geometry.rays import pixel_grid
from engine.geometry.similarity import Similarity
from engine.training.radiance import RadianceTrainer

_NEAREST = 0.2  # of the scene's nearest depth: nearer Gaussians are not drawn
_SAME = 1e-3  # image plane: a point that comes back from the lens at most so far away lies within its model


@dataclass(frozen=True)
class SplatView:
    """A photo without lens distortion.

    Attributes:
        name: of the frame.
        camera: in the exported world.
        pose: world-to-camera in the world of the run.
        photo: RGB; of the run's resolution.
        mask: True for pixels that count; None if all do.
    """

    name: str
    camera: SplatCamera
    pose: Float[Tensor, "3 4"]
    photo: UInt8[np.ndarray, "height width 3"]
    mask: Bool[np.ndarray, "height width"] | None

    @property
    def points(self) -> Float[Tensor, "height width 2"]:
        """Pixel centres on the normalised image plane."""
        return plane_points(self.camera, self.camera.width, self.camera.height)


def plane_points(
    camera: SplatCamera, width: int, height: int, shift: Float[Tensor, " 2"] | None = None
) -> Float[Tensor, "height width 2"]:
    """Points of the normalised image plane z = 1 on a grid of other pixels over the same picture.

    `shift` is added to the centres, in these other pixels.
    """
    pixels = pixel_grid(height, width) + (0 if shift is None else shift)
    factor = torch.tensor([camera.width / width, camera.height / height])
    lens = torch.from_numpy(camera.lens)
    return (pixels * factor - lens[2:]) / lens[:2]


def list_training_views(trainer: RadianceTrainer, gauge: Similarity) -> list[SplatView]:
    """The registered training frames; photos are divided by the exposures that were fitted to them."""
    intrinsics, poses, left_out = _intrinsics(trainer), trainer.poses().detach().cpu(), trainer.statuses.unregistered()
    views = []
    for index, frame in enumerate(trainer.frames):
        if index in left_out:
            continue
        with torch.no_grad():
            gain = trainer.calibration.seen_by(index, torch.ones(1, 3, device=trainer.device))[0].cpu()
        views.append(_make_view(trainer, gauge, intrinsics.fitted_to(frame), frame, poses[index], gain))
    return views


def make_view(trainer: RadianceTrainer, gauge: Similarity, frame: int, pose: Float[Tensor, "3 4"]) -> SplatView:
    """A frame at a pose in the world of the run."""
    lens = _intrinsics(trainer).fitted_to(frame)
    return _make_view(trainer, gauge, lens, frame, pose.detach().cpu(), torch.ones(3))


def _intrinsics(trainer: RadianceTrainer) -> Intrinsics:
    return trainer.calibration.intrinsics(trainer.scene.intrinsics).to("cpu")


def _make_view(
    trainer: RadianceTrainer,
    gauge: Similarity,
    lens: Intrinsics,
    frame: int,
    pose: Float[Tensor, "3 4"],
    gain: Float[Tensor, " 3"],
) -> SplatView:
    scene = trainer.scene
    photo, mask = scene.picture(frame), scene.mask(frame)
    if lens.distorted:
        photo, mask = _undistort(photo, mask, lens)
    if bool((gain != 1).any()):
        photo = (photo / gain).round().clamp(0, 255).byte()
    camera = SplatCamera(
        gauge.apply_to_poses(to_double(pose)).float().numpy(),
        torch.cat([lens.focal[0], lens.centre[0]]).float().numpy(),
        lens.width,
        lens.height,
        _NEAREST * float(gauge.scale) * scene.near,
    )
    return SplatView(
        scene.names[frame],
        camera,
        pose,
        np.ascontiguousarray(photo.numpy()),
        None if mask is None else np.ascontiguousarray(mask.numpy()),
    )


def _undistort(
    photo: UInt8[Tensor, "height width 3"], mask: Bool[Tensor, "height width"] | None, lens: Intrinsics
) -> tuple[UInt8[Tensor, "height width 3"], Bool[Tensor, "height width"]]:
    """The picture of the pinhole camera with the same focal length and principal point, and which pixels count."""
    size = torch.tensor([lens.width, lens.height])
    ideal = (pixel_grid(lens.height, lens.width) - lens.centre[0]) / lens.focal[0]
    seen = distort(ideal, lens.distortion[0])
    pixels = seen * lens.focal[0] + lens.centre[0]
    within = ((undistort(seen, lens.distortion[0]) - ideal).abs() < _SAME).all(dim=-1)
    within &= ((pixels >= 0.5) & (pixels <= size - 0.5)).all(dim=-1)
    places = (2 * pixels / size - 1)[None]
    colours = photo.permute(2, 0, 1)[None].float()
    found = F.grid_sample(colours, places, mode="bilinear", padding_mode="border", align_corners=False)
    if mask is not None:
        kept = F.grid_sample(mask[None, None].float(), places, mode="bilinear", align_corners=False)[0, 0]
        within &= kept > 0.999
    return found[0].permute(1, 2, 0).round().byte(), within
