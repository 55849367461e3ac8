"""Where the cameras of held-out frames stand in the world of the fitted poses, before they are refined."""

from __future__ import annotations

import bisect

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.pose_errors import pose_errors
from engine.geometry.se3 import compose, exponential, invert, logarithm
from engine.scenes.scene import Scene


def aligned_poses(scene: Scene, fitted: Float[Tensor, "frames 3 4"]) -> Float[Tensor, "held_out 3 4"] | None:
    """The reference poses of the held-out frames in the world of the fitted ones; None without references.

    The similarity is the one that aligns the training cameras, as in BARF (Lin et al., ICCV 2021), section 4.1.

    Args:
        scene: its training frames are those of `fitted`.
        fitted: world-to-camera poses of the training frames.
    """
    if scene.reference_poses is None:
        return None
    reference = scene.reference_poses.to(fitted)
    errors = pose_errors(fitted, reference[list(scene.training_frames)])
    return errors.alignment.inverse().apply_to_poses(reference[list(scene.held_out_frames)])


def neighbouring_pose(scene: Scene, fitted: Float[Tensor, "frames 3 4"], frame: int) -> Float[Tensor, "3 4"]:
    """A pose between those of the training frames before and after a held-out one, or that of the only neighbour.

    Args:
        scene: its training frames, in ascending order, are those of `fitted`.
        fitted: world-to-camera poses of the training frames.
        frame: index within the scene.
    """
    after = bisect.bisect_left(scene.training_frames, frame)
    if after == 0:
        return fitted[0]
    if after == len(scene.training_frames):
        return fitted[-1]
    start, end = scene.training_frames[after - 1], scene.training_frames[after]
    return between(fitted[after - 1], fitted[after], (frame - start) / (end - start))


def candidate_poses(scene: Scene, fitted: Float[Tensor, "frames 3 4"], frame: int) -> Float[Tensor, "poses 3 4"]:
    """Where the camera of a held-out frame without a reference may stand: between its neighbours, or as another.

    The order of the files says little about some captures, so every training camera is a candidate too (of many
    cameras some twenty, evenly chosen, and the four next to it in the order).
    """
    count = len(scene.training_frames)
    after = bisect.bisect_left(scene.training_frames, frame)
    chosen = set(torch.linspace(0, count - 1, min(count, 20)).round().int().tolist())
    chosen |= set(range(max(after - 2, 0), min(after + 2, count)))
    return torch.cat([neighbouring_pose(scene, fitted, frame)[None], fitted[sorted(chosen)]])


def between(start: Float[Tensor, "3 4"], end: Float[Tensor, "3 4"], fraction: float) -> Float[Tensor, "3 4"]:
    """The pose reached by following the twist from one pose to another for a fraction of the way."""
    return compose(exponential(fraction * logarithm(compose(end, invert(start)))), start)
