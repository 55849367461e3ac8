"""The tool tip of a frame in the 3D view."""

from __future__ import annotations

import math

from app.model.cameras.replay import Moment
from app.model.frame.frame_errors import describe_frame_verdict, describe_tracks
from app.model.frame.frame_words import STATUS_SENTENCES, WAITING_UNASSISTED, get_status
from app.model.state.viewed_run import ViewedRun
from engine.messages import FrameStatus


def describe_frame(run: ViewedRun | None, moment: Moment | None, frame: int) -> str:
    """Number, name, status and errors of a frame at the moment that is shown, in lines; empty where it is missing."""
    if run is None or run.scene is None or moment is None or not frame < len(moment.poses):
        return ""
    name = run.scene.names[run.scene.training_frames[frame]]
    lines = [f"Frame {frame + 1} of {len(moment.poses)}: {name}"]
    if run.snapshot is not None:
        status = get_status(run.snapshot.frame_status, frame)
        unassisted = status is FrameStatus.WAITING and not run.settings.assisted
        sentence = WAITING_UNASSISTED if unassisted else STATUS_SENTENCES[status]
        lines += [sentence] if sentence else []
    if moment.rotation_error_deg is not None and math.isfinite(moment.rotation_error_deg[frame]):
        lines.append(f"rotation error {moment.rotation_error_deg[frame]:.3f}°")
    if moment.translation_error is not None and math.isfinite(moment.translation_error[frame]):
        lines.append(f"translation error {moment.translation_error[frame]:.4f} units")
    snapshot = run.snapshot
    if snapshot is not None and snapshot.poses is moment.poses:  # not at an earlier moment
        lines += filter(None, (describe_tracks(snapshot, frame), describe_frame_verdict(snapshot, frame)))
    if snapshot is not None and frame < len(snapshot.frame_psnr) and math.isfinite(snapshot.frame_psnr[frame]):
        lines.append(f"PSNR {snapshot.frame_psnr[frame]:.1f} dB")
    return "\n".join(lines)
