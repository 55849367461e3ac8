"""Furniture and things are lists of parts: meshes, each with its material."""

from dataclasses import replace

import numpy as np

from scenes.make import textures
from scenes.make.meshes import Mesh, rotation_about
from scenes.make.mitsuba_scene import coated, texture

Parts = list[tuple[Mesh, dict]]

OAK = ((0.80, 0.62, 0.42), (0.48, 0.31, 0.17))
WALNUT = ((0.50, 0.33, 0.21), (0.20, 0.11, 0.06))
PINE = ((0.88, 0.73, 0.50), (0.62, 0.42, 0.22))


def wooden(rng: np.random.Generator, tones: tuple, roughness: float = 0.4) -> dict:
    """Varnished wood of the given (light, dark) tones."""
    return coated(texture(textures.wood(rng, *tones)), roughness)


def placed(parts: Parts, offset: tuple[float, float, float], turn_deg: float = 0.0) -> Parts:
    """Turn parts about the vertical, then move them."""
    rotation = rotation_about("y", turn_deg)
    return [(mesh.turned(rotation).moved(offset), material) for mesh, material in parts]


def scaled(parts: Parts, factor: float) -> Parts:
    """Parts made larger or smaller about the origin."""
    return [(replace(mesh, positions=mesh.positions * factor), material) for mesh, material in parts]
