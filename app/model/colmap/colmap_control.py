"""What the user does with COLMAP's pipeline, and which pair of photos is shown. No Dear PyGui here."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np

from app.model.cameras.colmap_alignment import find_gauge_of_model
from app.model.cameras.drawn_reference import move_poses
from app.model.state.colmap_run import ColmapRun
from app.model.state.scene_kinds import get_posed_scene
from app.model.state.state import State
from engine.errors import UserError
from engine.run.reference import FEWEST_CAMERAS
from engine.scenes.load import has_poses

NEIGHBOURS = 10  # following photos that each photo is matched with, where it is not matched with all
FEWEST = 3  # photos


def find_obstacle(state: State) -> str:
    """Why the pipeline cannot be started, in a sentence; empty where it can."""
    if state.run is None or state.run.opened is None:
        return "Open a scene first."
    scene = get_posed_scene(state.run)
    if scene is None:
        return "COLMAP needs photos from several places; this scene is one image."
    if len(scene.names) < FEWEST:
        return f"COLMAP needs at least {FEWEST} photos that overlap; this scene has {len(scene.names)}."
    return ""


def start_colmap(state: State) -> None:
    """Starts the pipeline on all photos of the open scene, in the folder of its run; a running one is stopped."""
    run, view, scene = state.run, state.colmap, get_posed_scene(state.run)
    if find_obstacle(state) or run is None or run.opened is None or scene is None:
        return
    if view.run is not None:
        view.run.stop()
    view.chosen = view.pair = None
    view.run = ColmapRun(scene, run.opened.folder, NEIGHBOURS if view.neighbours else None)


def stop_colmap(state: State) -> None:
    """Stops the pipeline; what it has found stays visible."""
    if state.colmap.run is not None:
        state.colmap.run.stop()


def find_reference_obstacle(state: State) -> str:
    """Why errors cannot be measured against COLMAP's poses, in a sentence; empty where they can."""
    run = state.colmap.run
    model = run.progress.model if run is not None else None
    if run is None or run.status != "finished" or model is None:
        return "COLMAP's pipeline has not finished."
    if len(set(run.scene.training_frames) & set(model.frames)) < FEWEST_CAMERAS:
        return f"COLMAP registered fewer than {FEWEST_CAMERAS} of the training photos: too few to align its world."
    return ""


def use_as_reference(state: State) -> None:
    """Measures errors against COLMAP's poses from now on, scaled to the scene's reference or nearest depth."""
    colmap, run = state.colmap.run, state.run
    model = colmap.progress.model if colmap is not None else None
    scene = get_posed_scene(run)
    if find_reference_obstacle(state) or model is None or run is None or run.snapshot is None or scene is None:
        return
    known = None if scene.reference_poses is None else scene.reference_poses.numpy()
    gauge = find_gauge_of_model(model, scene.training_frames, run.snapshot.poses, known, scene.near)
    if gauge is not None:
        poses = np.full((len(scene.names), 3, 4), np.nan, np.float32)
        poses[list(model.frames)] = move_poses(model.poses, gauge)
        for one in state.runs:
            one.use_reference(poses, "COLMAP")


def can_start_from(state: State) -> bool:
    """Whether the scene can be read again to start at COLMAP's poses: not where its files bring poses of their own."""
    scene = get_posed_scene(state.run)
    if scene is None or state.hooks.reopen is None:
        return False
    return not has_poses(scene.path)


def start_from_colmap(state: State) -> None:
    """Starts the run again at COLMAP's poses."""
    run, colmap = state.run, state.colmap.run
    if run is not None and colmap is not None and state.hooks.reopen is not None:
        with contextlib.suppress(UserError):  # what cannot be stored is computed again
            colmap.keep()
        state.hooks.reopen(run.settings, replace(run.options, init="sfm", reference="sfm"))


def refresh_colmap(state: State) -> None:
    """Takes new events of the pipeline; ends the pipeline of another scene. Once per frame of the window."""
    view = state.colmap
    if view.run is None:
        return
    view.run.refresh()
    scene = state.run.scene if state.run is not None else None
    names = view.run.scene.names
    if scene is not None and (scene.path != view.run.scene.path or scene.names[: len(names)] != names):
        view.leave()
