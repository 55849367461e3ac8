"""Scenes: readers turn a folder, an image or a video on disk into a frozen `Scene` or `PlanarScene`."""

from engine.scenes.load import AnyScene, load_scene
from engine.scenes.options import SceneOptions
from engine.scenes.planar import PlanarScene
from engine.scenes.scene import PoseNoise, Scene

__all__ = ["AnyScene", "PlanarScene", "PoseNoise", "Scene", "SceneOptions", "load_scene"]
