"""Leaving frames out of the run, and bringing them back. No Dear PyGui here."""

from __future__ import annotations

from app.model.state.scene_kinds import get_posed_scene
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from engine.messages import ExcludeFrame, FrameStatus


def is_excluded(run: ViewedRun | None, frame: int) -> bool:
    """Whether a training frame of the run is excluded now."""
    if run is None or run.snapshot is None:
        return False
    return frame in run.snapshot.frames_that_are(FrameStatus.EXCLUDED)


def toggle_exclusion(state: State, frame: int | None = None) -> None:
    """Excludes a frame of the active run, or brings it back; None is the selected one. Nothing for patches."""
    run = state.run
    frame = state.selected if frame is None else frame
    if run is None or run.snapshot is None or get_posed_scene(run) is None or not frame < len(run.snapshot.poses):
        return
    state.send_all(ExcludeFrame(frame, not is_excluded(run, frame)))


def describe_exclusion(run: ViewedRun | None, frame: int) -> str:
    """What a click on the button does, as its label."""
    return "Bring back" if is_excluded(run, frame) else "Exclude"


def list_excluded_names(run: ViewedRun) -> tuple[str, ...]:
    """Names of the training frames that are excluded now."""
    if run.snapshot is None or run.scene is None:
        return ()
    excluded = run.snapshot.frames_that_are(FrameStatus.EXCLUDED)
    return tuple(run.scene.names[run.scene.training_frames[frame]] for frame in excluded)
