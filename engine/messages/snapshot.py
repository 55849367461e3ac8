"""The run as it stood between two steps: numpy arrays that are never written after publication."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int64

from engine.evidence.verdict import Verdict
from engine.messages.event import Event
from engine.messages.frame_status import FrameStatus

Status = Literal["starting", "running", "paused", "finished", "failed", "stopped"]


@dataclass(frozen=True)
class WarpSnapshot:
    """The warp field of the selected frame on a lattice; directions have z = 1 in the camera."""

    frame: int
    points: Float32[np.ndarray, "points 2"]
    local_origins: Float32[np.ndarray, "points 3"]
    local_directions: Float32[np.ndarray, "points 3"]
    global_origins: Float32[np.ndarray, "points 3"]
    global_directions: Float32[np.ndarray, "points 3"]
    residual_px: Float32[np.ndarray, " points"]


@dataclass(frozen=True)
class PatchWarpSnapshot:
    """The warp field of the selected patch on a lattice, in pixels of the whole image.

    Attributes:
        frame: index of the patch.
        shape: rows and columns of the lattice; points run row by row and reach the patch's borders.
        points: in pixels of the patch.
        local_points: where the patch's own warp of each pixel puts them.
        global_points: where the one transform fitted to them puts them.
        residual_px: the distance between the two.
    """

    frame: int
    shape: tuple[int, int]
    points: Float32[np.ndarray, "points 2"]
    local_points: Float32[np.ndarray, "points 2"]
    global_points: Float32[np.ndarray, "points 2"]
    residual_px: Float32[np.ndarray, " points"]


@dataclass(frozen=True)
class PlanarSnapshot:
    """What a planar run has in place of cameras. Pixels are those of the whole image, x right, y down.

    The fitted patches are shown in the reference's gauge: the first patch is fixed where it was cut.

    Attributes:
        transforms: fitted; take homogeneous pixels of a patch to pixels of the whole image.
        corners: fitted; top left, top right, bottom right, bottom left of each patch.
        reference_corners: where the patches were cut.
        corner_error_px: mean distance of the four, per patch.
        warp: of the selected patch, or None while none is selected.
    """

    transforms: Float32[np.ndarray, "patches 3 3"]
    corners: Float32[np.ndarray, "patches 4 2"]
    reference_corners: Float32[np.ndarray, "patches 4 2"]
    corner_error_px: Float32[np.ndarray, " patches"]
    warp: PatchWarpSnapshot | None = None


@dataclass(frozen=True)
class Snapshot:
    """The run as it stood between two steps.

    Attributes:
        frames: indices of the training frames within the scene; all per-frame arrays follow this order.
        poses: fitted, world-to-camera.
        aligned_reference: the reference poses brought into the world of the fitted ones, or None.
        rotation_error_deg, translation_error, relative_rotation_error_deg: per frame, or None; NaN for frames that
            have joined, of which no reference is known.
        frame_psnr: running training PSNR of each frame, dB.
        warp: of the selected frame, or None while none is selected.
        rate_factors: on the schedule's learning rates of field and poses.
        undoable, redoable: how many gestures can be taken back, and be done again after that.
        photometric, alignment: loss terms, unweighted.
        psnr: training PSNR over all frames, dB.
        field_version: grows when the field changes.
        frame_status: of each frame (or patch).
        auto_lambda: whether lambda is chosen as the run goes.
        mu_exponent: mu = 10^mu_exponent weighs the matches.
        matches: whether the matches are in use.
        match_loss: the term of the matches, unweighted; NaN without tracks.
        track_count: of each frame, how many tracks it is in; None without tracks, as the next two.
        track_share: of each frame, the share of its observations that fit the poses, in [0, 1]; NaN for none.
        reprojection_px: of each frame, the median reprojection error of its observations, pixels of the scene's
            images; NaN for none.
        verdict: on the run and its frames, without any reference; None before it was measured first.
        doing: what the run does in place of optimising, or beside it, in a few words such as `adjusting cameras: step
            7 of 20`; empty while it only optimises.
        planar: in place of poses, references, errors and `warp` where the scene is one image; None else.
    """

    status: Status
    message: str
    iteration: int
    iterations: int
    seconds: float
    stage: str
    stage_index: int
    lambda_exponent: float
    photometric: float
    alignment: float
    psnr: float
    skipped_steps: int
    frames: Int64[np.ndarray, " frames"]
    poses: Float32[np.ndarray, "frames 3 4"]
    aligned_reference: Float32[np.ndarray, "frames 3 4"] | None
    rotation_error_deg: Float32[np.ndarray, " frames"] | None
    translation_error: Float32[np.ndarray, " frames"] | None
    relative_rotation_error_deg: Float32[np.ndarray, " frames"] | None
    frame_psnr: Float32[np.ndarray, " frames"]
    warp: WarpSnapshot | None
    field_version: int
    events: tuple[Event, ...] = field(default=())
    rate_factors: tuple[float, float] = (1.0, 1.0)
    undoable: int = 0
    redoable: int = 0
    frame_status: tuple[FrameStatus, ...] = ()
    planar: PlanarSnapshot | None = None
    mu_exponent: float = 0.0
    auto_lambda: bool = False
    matches: bool = False
    match_loss: float = float("nan")
    track_count: Int64[np.ndarray, " frames"] | None = None
    track_share: Float32[np.ndarray, " frames"] | None = None
    reprojection_px: Float32[np.ndarray, " frames"] | None = None
    verdict: Verdict | None = None
    doing: str = ""

    def frames_that_are(self, *statuses: FrameStatus) -> tuple[int, ...]:
        """Indices of the training frames (or patches) with one of these statuses."""
        return tuple(frame for frame, status in enumerate(self.frame_status) if status in statuses)
