"""Two kinds of scenes: photos with cameras (`posed`), or patches of one image (`planar`)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from app.model.state.viewed_run import ViewedRun
from engine.scenes import PlanarScene, Scene
from engine.scenes.formats.single_image import PLANAR_FILE
from engine.scenes.paths import is_image

SceneKind = Literal["posed", "planar"]


def posed_scene(run: ViewedRun | None) -> Scene | None:
    """The scene of a run, if it has been read and has cameras."""
    scene = run.scene if run is not None else None
    return None if isinstance(scene, PlanarScene) else scene


def planar_scene(run: ViewedRun | None) -> PlanarScene | None:
    """The scene of a run, if it has been read and is one image."""
    scene = run.scene if run is not None else None
    return scene if isinstance(scene, PlanarScene) else None


def kind_of(run: ViewedRun | None, before: SceneKind) -> SceneKind:
    """The kind of a run's scene; what it was before, while there is none or it is still being read."""
    if run is None or run.scene is None:
        return before
    return "planar" if planar_scene(run) is not None else "posed"


def likely_kind(path: Path | None) -> SceneKind:
    """By a look at the path alone, so that the window need not change its panels when the scene has been read."""
    if path is not None and (is_image(path) or (path / PLANAR_FILE).is_file()):
        return "planar"
    return "posed"
