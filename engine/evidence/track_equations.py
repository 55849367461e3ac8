"""Normal equations of the reprojection errors of tracks, their points eliminated (Schur complement)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from engine.evidence.triangulation import Observations
from engine.geometry import se3
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.rays import differentiate_projection, project

LEAST_DEPTH = 1e-4  # scene units, in a Jacobian's denominators
BLOCK = 400_000  # pairs of observations whose couplings are multiplied at once: bounds the memory to about 0.1 GB


class ReducedEquations(NamedTuple):
    """What tracks say of poses and lens: (H + damping) step = -gradient, with the points eliminated.

    `unknowns` are 6 per frame (rotation vector, then translation, in the axes of the camera, applied after the pose)
    and those of the lens (log focal, k1; as many as are asked for). In units of half the squared error.
    """

    matrix: Float[Tensor, "unknowns unknowns"]
    gradient: Float[Tensor, " unknowns"]


class TrackEquations(NamedTuple):
    """The linearised problem, before elimination.

    Attributes:
        frame, track: of each observation.
        cameras: of poses and lens alone.
        camera_gradient: likewise.
        points, point_gradient: of the points alone.
        coupling: of each observation's pose with its point.
        lens_coupling: of the lens with each point.
        lens: how many unknowns the lens has.
    """

    frame: Int[Tensor, " observations"]
    track: Int[Tensor, " observations"]
    cameras: Float[Tensor, "unknowns unknowns"]
    camera_gradient: Float[Tensor, " unknowns"]
    points: Float[Tensor, "tracks 3 3"]
    point_gradient: Float[Tensor, "tracks 3"]
    coupling: Float[Tensor, "observations 6 3"]
    lens_coupling: Float[Tensor, "tracks lens 3"]
    lens: int

    def damped_points(self, damping: float) -> Float[Tensor, "tracks 3 3"]:
        """Inverses of the points' blocks, damped relative to their diagonals."""
        diagonal = self.points.diagonal(dim1=-2, dim2=-1)
        floor = 1e-12 + 1e-7 * diagonal.mean(dim=-1, keepdim=True)
        return torch.linalg.inv(self.points + torch.diag_embed(diagonal * damping + floor))

    def reduce(self, damping: float) -> ReducedEquations:
        """Eliminates the points. `damping` is relative, on the points only: that of the cameras is the caller's."""
        inverse = self.damped_points(damping)
        frames = (len(self.camera_gradient) - self.lens) // 6
        solved = self.coupling @ inverse[self.track]  # W V^-1
        matrix = self.cameras.clone()
        blocks = matrix.new_zeros(frames * frames, 6, 6)
        one, other = pairs_within_tracks(self.track)
        for first in range(0, len(one), BLOCK):
            a, b = one[first : first + BLOCK], other[first : first + BLOCK]
            blocks.index_add_(0, self.frame[a] * frames + self.frame[b], solved[a] @ self.coupling[b].mT)
        size = frames * 6
        matrix[:size, :size] -= blocks.view(frames, frames, 6, 6).transpose(1, 2).reshape(size, size)
        gradient = self.camera_gradient.clone()
        by_frame = gradient.new_zeros(frames, 6)
        by_frame.index_add_(0, self.frame, (solved @ self.point_gradient[self.track][..., None])[..., 0])
        gradient[:size] -= by_frame.reshape(-1)
        if self.lens:
            lens_solved = self.lens_coupling @ inverse
            matrix[size:, size:] -= (lens_solved @ self.lens_coupling.mT).sum(dim=0)
            gradient[size:] -= (lens_solved @ self.point_gradient[..., None])[..., 0].sum(dim=0)
            across = matrix.new_zeros(frames, 6, self.lens)
            across.index_add_(0, self.frame, solved @ self.lens_coupling[self.track].mT)
            across = across.reshape(size, self.lens)
            matrix[:size, size:] -= across
            matrix[size:, :size] -= across.mT
        return ReducedEquations(matrix, gradient)

    def point_steps(self, step: Float[Tensor, " unknowns"], damping: float) -> Float[Tensor, "tracks 3"]:
        """How far the points move when poses and lens take a step."""
        twist = step[: len(step) - self.lens].view(-1, 6)
        right = self.point_gradient.clone()
        right.index_add_(0, self.track, (self.coupling.mT @ twist[self.frame][..., None])[..., 0])
        if self.lens:
            right = right + (self.lens_coupling.mT @ step[len(step) - self.lens :]).view(-1, 3)
        return -(self.damped_points(damping) @ right[..., None])[..., 0]


def pairs_within_tracks(
    track: Int[Tensor, " observations"],
) -> tuple[Int[Tensor, " pairs"], Int[Tensor, " pairs"]]:
    """All ordered pairs of observations of one track, each with itself too; `track` is ascending."""
    views = torch.bincount(track)
    partners = views[track]  # of each observation
    one = torch.repeat_interleave(torch.arange(len(track), device=track.device), partners)
    first = (views.cumsum(0) - views)[track]
    within = torch.arange(len(one), device=track.device) - (partners.cumsum(0) - partners)[one]
    return one, first[one] + within


def residuals(
    observations: Observations,
    points: Float[Tensor, "tracks 3"],
    poses: Float[Tensor, "frames 3 4"],
    intrinsics: Intrinsics,
) -> tuple[Float[Tensor, "observations 2"], Float[Tensor, "observations 3"]]:
    """Where points are seen minus where they were observed, pixels; and the points in the axes of the cameras."""
    frame, lens = observations.frame, intrinsics[observations.frame]
    at = points[observations.track]
    distortion = lens.distortion.to(points) if intrinsics.distorted else None
    seen, _ = project(at[:, None], poses[frame], lens.focal.to(points), lens.centre.to(points), distortion)
    return seen[:, 0] - observations.pixels.to(points), se3.transform(poses[frame], at)


def linearise(
    observations: Observations,
    camera: Float[Tensor, "observations 3"],
    residual: Float[Tensor, "observations 2"],
    weight: Float[Tensor, " observations"],
    poses: Float[Tensor, "frames 3 4"],
    intrinsics: Intrinsics,
    lens_jacobian: Float[Tensor, "observations 2 lens"] | None = None,
) -> TrackEquations:
    """The equations of weighted squared residuals.

    Args:
        observations: of the tracks.
        camera, residual: of `residuals`.
        weight: of each observation; 0 leaves it out.
        poses: world-to-camera.
        intrinsics: of the same frames.
        lens_jacobian: derivatives of the pixels by the lens's unknowns, or None where it stays.
    """
    frame, track, count = observations.frame, observations.track, observations.tracks
    frames = len(poses)
    distortion = intrinsics.distortion.to(camera)[frame] if intrinsics.distorted else None
    focal = intrinsics.focal.to(camera)[frame]
    by_camera = differentiate_projection(camera[:, None], focal, distortion, LEAST_DEPTH)[:, 0]
    turn = torch.linalg.cross(camera[:, None].expand_as(by_camera), by_camera, dim=-1)
    root = weight.sqrt()[:, None, None]
    by_pose = torch.cat([turn, by_camera], dim=-1) * root
    by_point = by_camera @ poses[frame, :, :3] * root
    error = (residual * weight.sqrt()[:, None])[..., None]
    lens = 0 if lens_jacobian is None else lens_jacobian.shape[-1]
    size = frames * 6
    cameras = camera.new_zeros(size + lens, size + lens)
    gradient = camera.new_zeros(size + lens)
    blocks = camera.new_zeros(frames, 6, 6).index_add_(0, frame, by_pose.mT @ by_pose)
    cameras[:size, :size] = torch.block_diag(*blocks)
    gradient[:size] = camera.new_zeros(frames, 6).index_add_(0, frame, (by_pose.mT @ error)[..., 0]).reshape(-1)
    lens_coupling = camera.new_zeros(count, lens, 3)
    if lens_jacobian is not None and lens:
        by_lens = lens_jacobian * root
        cameras[size:, size:] = torch.einsum("oci,ocj->ij", by_lens, by_lens)
        across = camera.new_zeros(frames, 6, lens).index_add_(0, frame, by_pose.mT @ by_lens).reshape(size, lens)
        cameras[:size, size:], cameras[size:, :size] = across, across.mT
        gradient[size:] = torch.einsum("oci,oc->i", by_lens, error[..., 0])
        lens_coupling.index_add_(0, track, by_lens.mT @ by_point)
    return TrackEquations(
        frame=frame,
        track=track,
        cameras=cameras,
        camera_gradient=gradient,
        points=camera.new_zeros(count, 3, 3).index_add_(0, track, by_point.mT @ by_point),
        point_gradient=camera.new_zeros(count, 3).index_add_(0, track, (by_point.mT @ error)[..., 0]),
        coupling=by_pose.mT @ by_point,
        lens_coupling=lens_coupling,
        lens=lens,
    )
