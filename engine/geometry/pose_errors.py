"""How far estimated poses are from reference poses, in the units of the papers' tables."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.numerics import to_double
from engine.geometry.procrustes import special_procrustes
from engine.geometry.se3 import camera_centre, is_finite, rotation_angle
from engine.geometry.similarity import Similarity, align_cameras, mean_rotation_moment


@dataclass(frozen=True)
class PoseErrors:
    """Errors per frame, after a similarity has aligned the world of the estimate to that of the reference.

    Attributes:
        rotation_deg: between the orientations, degrees.
        translation: distance between the camera centres, scene units of the reference.
        translation_vector: distance between the translation parts t of the world-to-camera poses, scene units.
            BARF's code tabulates this one; it also grows with the rotation error times the distance between camera
            and origin.
        relative_rotation_deg: between the orientations after the best mean rotation of the orientations alone,
            degrees: independent of the camera centres.
        aligned_reference: the reference poses in the estimate's world, for drawing both together.
        alignment: from the estimate's world to the reference's.
    """

    rotation_deg: Float[Tensor, " frames"]
    translation: Float[Tensor, " frames"]
    translation_vector: Float[Tensor, " frames"]
    relative_rotation_deg: Float[Tensor, " frames"]
    aligned_reference: Float[Tensor, "frames 3 4"]
    alignment: Similarity


@torch.no_grad()
def pose_errors(estimated: Float[Tensor, "frames 3 4"], reference: Float[Tensor, "frames 3 4"]) -> PoseErrors:
    """Compare poses in the gauge that `align_cameras` finds.

    Computed in float64 and returned in the dtype of `estimated` on its device. Every number is finite for any
    number of frames >= 1 and for coincident centres, where the orientations alone give the gauge and the scale
    is 1. Frames whose reference is not finite are left out of the alignment, and their errors are NaN.

    Args:
        estimated: world-to-camera poses.
        reference: world-to-camera poses of the same frames, at least one of them finite.
    Returns:
        errors per frame.
    Reference:
        BARF (Lin et al., ICCV 2021), section 4.2, `evaluate_camera_alignment` of its code.
    """
    found, wanted = to_double(estimated), to_double(reference.to(estimated.device))
    # Meta tensors have no values, so nothing can be selected by them.
    known = slice(None) if wanted.is_meta else is_finite(wanted)
    alignment = align_cameras(found[known], wanted[known])
    aligned = alignment.apply_to_poses(found)
    mean_rotation = special_procrustes(mean_rotation_moment(found[known], wanted[known]))
    dtype = estimated.dtype
    return PoseErrors(
        rotation_deg=_angle_deg(aligned[..., :3], wanted[..., :3]).to(dtype),
        translation=torch.linalg.vector_norm(camera_centre(aligned) - camera_centre(wanted), dim=-1).to(dtype),
        translation_vector=torch.linalg.vector_norm(aligned[..., 3] - wanted[..., 3], dim=-1).to(dtype),
        relative_rotation_deg=_angle_deg(found[..., :3] @ mean_rotation.mT, wanted[..., :3]).to(dtype),
        aligned_reference=alignment.inverse().apply_to_poses(wanted).to(dtype),
        alignment=alignment.to(dtype),
    )


def _angle_deg(one: Tensor, other: Tensor) -> Tensor:
    return torch.rad2deg(rotation_angle(one @ other.mT))
