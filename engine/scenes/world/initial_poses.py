"""Initial poses: the identity, the reference poses, or the reference poses under seeded noise."""

from __future__ import annotations

import roma
import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.scenes.options import SceneOptions
from engine.scenes.scene import PoseNoise, SceneKind


def choose_initial_poses(
    reference: Float[Tensor, "frames 3 4"] | None,
    frames: int,
    training: tuple[int, ...],
    kind: SceneKind,
    options: SceneOptions,
    where: str,
) -> tuple[Float[Tensor, "frames 3 4"], PoseNoise | None]:
    """Initial world-to-camera poses and their noise, if any.

    Noise is added to training frames only; held-out frames keep their reference pose.

    Args:
        reference: reference poses, or None.
        frames: number of frames.
        training: indices of the training frames.
        kind: of the scene; decides what `auto` means.
        options: `init` and the noise.
        where: names the scene in error messages.
    Raises:
        UserError: `options.init` is `reference` or `noise` but the scene has no reference poses.
    """
    init = resolve_init(kind, options) if reference is not None or options.init != "auto" else "identity"
    if init == "identity":
        return torch.eye(3, 4).repeat(frames, 1, 1), None
    if reference is None:
        raise UserError(f"{where} has no reference poses to start from; choose the initial poses 'identity'.")
    if init == "reference":
        return reference.clone(), None
    noise = draw_noise(frames, training, options)
    return perturb_poses(reference, noise), noise


def resolve_init(kind: SceneKind, options: SceneOptions) -> str:
    """`options.init`, with `auto` resolved for a scene with reference poses."""
    if options.init != "auto":
        return options.init
    if kind == "forward-facing":
        return "identity"
    return "noise" if options.noise_rotation > 0 or options.noise_translation > 0 else "reference"


def draw_noise(frames: int, training: tuple[int, ...], options: SceneOptions) -> PoseNoise:
    """Independent normal rotation vectors (radians) and translations (scene units), zero for held-out frames."""
    generator = torch.Generator().manual_seed(options.seed)
    rotation, translation = torch.zeros(frames, 3), torch.zeros(frames, 3)
    chosen = list(training)
    rotation[chosen] = torch.randn(len(chosen), 3, generator=generator) * options.noise_rotation
    translation[chosen] = torch.randn(len(chosen), 3, generator=generator) * options.noise_translation
    return PoseNoise(rotation, translation, options.seed)


def perturb_poses(poses: Float[Tensor, "frames 3 4"], noise: PoseNoise) -> Float[Tensor, "frames 3 4"]:
    """`[exp(w) R | exp(w) t + n]`: noise in the camera frame, as in the code of L2G-NeRF for Blender scenes."""
    rotation = roma.rotvec_to_rotmat(noise.rotation.to(poses))
    moved = rotation @ poses
    return torch.cat([moved[..., :3], moved[..., 3:] + noise.translation.to(poses)[..., None]], dim=-1)
