"""The two kinds of scenes: photos with cameras (`posed`), or patches of one image (`planar`).

The only place of the window's program that asks a scene for its class. Panels of the two kinds are chosen once, in
`app.window.panel_sets`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol

from engine.scenes import AnyScene, PlanarScene, Scene
from engine.scenes.formats.single_image import PLANAR_FILE
from engine.scenes.paths import is_image

SceneKind = Literal["posed", "planar"]


class HasScene(Protocol):
    """A run of which the scene is known once it has been read."""

    @property
    def scene(self) -> AnyScene | None: ...


def get_posed_scene(run: HasScene | None) -> Scene | None:
    """The scene of a run, if it has been read and has cameras."""
    return as_posed(run.scene) if run is not None else None


def get_planar_scene(run: HasScene | None) -> PlanarScene | None:
    """The scene of a run, if it has been read and is one image."""
    return as_planar(run.scene) if run is not None else None


def as_posed(scene: AnyScene | None) -> Scene | None:
    """The scene where it has cameras, else None."""
    return None if isinstance(scene, PlanarScene) else scene


def as_planar(scene: AnyScene | None) -> PlanarScene | None:
    """The scene where it is one image, else None."""
    return scene if isinstance(scene, PlanarScene) else None


def get_kind(run: HasScene | None, default: SceneKind = "posed") -> SceneKind:
    """The kind of a run's scene; the default while there is no run, or its scene has not been read yet."""
    if run is None or run.scene is None:
        return default
    return "posed" if as_planar(run.scene) is None else "planar"


def guess_kind(path: Path | None) -> SceneKind:
    """The kind that a path suggests, before its scene is read: the window then starts with the right panels."""
    if path is not None and (is_image(path) or (path / PLANAR_FILE).is_file()):
        return "planar"
    return "posed"
