"""Poses of held-out frames in the world of the fitted poses, from which their refinement starts."""

from __future__ import annotations

import bisect

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.pose_errors import pose_errors
from engine.geometry.se3 import compose, exponential, invert, logarithm
from engine.scenes.scene import Scene

_SPREAD_CANDIDATES = 20  # training cameras tried; each costs a refinement on the coarsest level
_NEAR_CANDIDATES = 2  # training cameras tried before the frame in the order, and as many after it


def align_reference_poses(scene: Scene, fitted: Float[Tensor, "frames 3 4"]) -> Float[Tensor, "held_out 3 4"] | None:
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


def interpolate_neighbours(scene: Scene, fitted: Float[Tensor, "frames 3 4"], frame: int) -> Float[Tensor, "3 4"]:
    """The pose between the training frames before and after a held-out one, or the pose of its only neighbour.

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
    return interpolate_pose(fitted[after - 1], fitted[after], (frame - start) / (end - start))


def list_candidate_poses(scene: Scene, fitted: Float[Tensor, "frames 3 4"], frame: int) -> Float[Tensor, "poses 3 4"]:
    """Initial poses for a held-out frame without a reference: between its neighbours, and those of training frames.

    The order of the files need not be that of the capture, so training cameras are candidates too: at most twenty,
    evenly spread over all, and up to four next to the frame in the order.
    """
    count = len(scene.training_frames)
    after = bisect.bisect_left(scene.training_frames, frame)
    chosen = set(torch.linspace(0, count - 1, min(count, _SPREAD_CANDIDATES)).round().int().tolist())
    chosen |= set(range(max(after - _NEAR_CANDIDATES, 0), min(after + _NEAR_CANDIDATES, count)))
    return torch.cat([interpolate_neighbours(scene, fitted, frame)[None], fitted[sorted(chosen)]])


def interpolate_pose(start: Float[Tensor, "3 4"], end: Float[Tensor, "3 4"], fraction: float) -> Float[Tensor, "3 4"]:
    """The pose at a fraction in [0, 1] of the way from one world-to-camera pose to another, along their twist."""
    return compose(exponential(fraction * logarithm(compose(end, invert(start)))), start)
