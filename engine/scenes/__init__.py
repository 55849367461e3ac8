"""Readers: a scene folder on disk -> `Scene`."""

from engine.scenes.load import load_scene
from engine.scenes.options import SceneOptions
from engine.scenes.scene import PoseNoise, Scene

__all__ = ["PoseNoise", "Scene", "SceneOptions", "load_scene"]
