"""Similarities of space (scale, rotation, translation): the gauge in which two reconstructions are compared."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.numerics import to_double
from engine.geometry.procrustes import special_procrustes
from engine.geometry.se3 import camera_centre

_ORIENTATION_WEIGHT = 1e-7  # against camera centres of unit spread: decides only where these leave the rotation open
_MINIMUM_RELATIVE_SPREAD = 1e-6  # of the largest coordinate; a smaller spread is rounding noise of coincident points


@dataclass(frozen=True)
class Similarity:
    """The map x -> scale * rotation @ x + translation.

    Attributes:
        scale: > 0.
        rotation: det = +1.
        translation: in units of the target.
    """

    scale: Float[Tensor, ""]
    rotation: Float[Tensor, "3 3"]
    translation: Float[Tensor, "xyz=3"]

    def to(self, target: torch.dtype | torch.device | str) -> Similarity:
        """The same similarity in another dtype or on another device."""
        return Similarity(self.scale.to(target), self.rotation.to(target), self.translation.to(target))

    def apply(self, points: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
        """The points moved by the similarity."""
        return self.scale * points @ self.rotation.mT + self.translation

    def inverse(self) -> Similarity:
        """The similarity that undoes this one."""
        rotation = self.rotation.mT
        return Similarity(1 / self.scale, rotation, -(rotation @ self.translation) / self.scale)

    def apply_to_poses(self, world_to_camera: Float[Tensor, "*batch 3 4"]) -> Float[Tensor, "*batch 3 4"]:
        """The poses of the same cameras after world and cameras have been moved by the similarity.

        Camera centres move like points. Images stay the same; depths become `scale` times as large.

        Args:
            world_to_camera: poses in the old world.
        Returns:
            poses in the new world.
        """
        rotation = world_to_camera[..., :3] @ self.rotation.mT
        translation = self.scale * world_to_camera[..., 3:] - rotation @ self.translation[:, None]
        return torch.cat([rotation, translation], dim=-1)


def align_similarity(source: Float[Tensor, "points 3"], target: Float[Tensor, "points 3"]) -> Similarity:
    r"""The similarity that fits one set of points to another with least squared error.

    .. math:: \arg\min_{s, R, t} \sum_i \| s R p_i + t - q_i \|^2

    Args:
        source: points p.
        target: points q.
    Returns:
        the similarity from source to target; scale 1 where all points of either set coincide.
    Reference:
        Umeyama, PAMI 1991, equations 40 to 43.
    """
    dtype = source.dtype
    source, target = to_double(source), to_double(target)
    source_mean, target_mean = source.mean(0), target.mean(0)
    centred, wanted = source - source_mean, target - target_mean
    rotation = special_procrustes(wanted.mT @ centred)
    scale = (wanted * (centred @ rotation.mT)).sum() / centred.square().sum()
    usable = (spread(source) > 0) & (spread(target) > 0) & (scale > 0)
    scale = torch.where(usable, scale, 1)
    return Similarity(scale, rotation, target_mean - scale * rotation @ source_mean).to(dtype)


def align_cameras(source: Float[Tensor, "frames 3 4"], target: Float[Tensor, "frames 3 4"]) -> Similarity:
    r"""The similarity that aligns the cameras of one reconstruction to those of another, as BARF's code does.

    Each set of camera centres is divided by its own spread s (root mean squared distance from the mean) before the
    rotation is fitted, so the scale is s_target / s_source and not that of least squares, which shrinks noisy
    estimates. Where the centres leave the rotation undetermined (one or two cameras, a line, coincident centres) the
    orientations determine it; elsewhere their weight is negligible.

    Args:
        source: world-to-camera poses of the one.
        target: world-to-camera poses of the other, same cameras in the same order.
    Returns:
        the similarity from the source's world to the target's; scale 1 where all centres of either set coincide.
    Reference:
        BARF (Lin et al., ICCV 2021), section 4.2 and `procrustes_analysis` of its code, with det = +1 enforced.
    """
    dtype = source.dtype
    source, target = to_double(source), to_double(target)
    source_centres, target_centres = camera_centre(source), camera_centre(target)
    source_mean, target_mean = source_centres.mean(0), target_centres.mean(0)
    source_spread, target_spread = spread(source_centres), spread(target_centres)
    usable = (source_spread > 0) & (target_spread > 0)
    unit = torch.where(usable, source_spread * target_spread, 1) * len(source)
    covariance = (target_centres - target_mean).mT @ (source_centres - source_mean) / unit
    rotation = special_procrustes(covariance * usable + _ORIENTATION_WEIGHT * mean_rotation_moment(source, target))
    scale = torch.where(usable, target_spread / torch.where(usable, source_spread, 1), 1)
    return Similarity(scale, rotation, target_mean - scale * rotation @ source_mean).to(dtype)


def mean_rotation_moment(source: Float[Tensor, "frames 3 4"], target: Float[Tensor, "frames 3 4"]) -> Tensor:
    """The mean of R_target^T R_source: its nearest rotation takes the source's world to the target's."""
    return (target[..., :3].mT @ source[..., :3]).mean(0)


def spread(points: Float[Tensor, "points 3"]) -> Float[Tensor, ""]:
    """The root mean squared distance of points from their mean; exactly zero where they differ by rounding only."""
    mean_square = (points - points.mean(0)).square().sum(-1).mean()
    floor = _MINIMUM_RELATIVE_SPREAD * points.abs().max()
    return torch.where(mean_square > floor.square(), mean_square, 0).sqrt()
