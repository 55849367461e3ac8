"""Whether two pictures would look the same: dataclasses of arrays, which Python's own `==` cannot compare."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from app.model.common.pictures import CamerasPicture, NovelPicture, Photo, Thumbnails
from engine.geometry.view_camera import ViewCamera

Picture = NovelPicture | CamerasPicture


def is_same(one: Any, other: Any, but: tuple[str, ...] = ()) -> bool:
    """Whether two are equal in every field except those named in `but`; photos are compared by their `key` alone."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if not is_dataclass(one):
        return bool(one == other)
    if isinstance(one, Photo | Thumbnails):
        return bool(one.key == other.key)
    names = [field.name for field in fields(one) if field.name not in but]
    return all(is_same(getattr(one, name), getattr(other, name)) for name in names)


def is_same_march(one: Picture, other: Picture) -> bool:
    """Whether the volume looks the same in both pictures, whatever is drawn around it."""
    if not is_same(one.camera, other.camera) or one.volumes != other.volumes:
        return False
    if isinstance(one, CamerasPicture) and isinstance(other, CamerasPicture):
        return (one.volume_opacity, one.volume_reach) == (other.volume_opacity, other.volume_reach)
    if isinstance(one, NovelPicture) and isinstance(other, NovelPicture):
        return is_same(one.second, other.second, but=("depth_range",))
    return False


def estimate_shift(one: ViewCamera, other: ViewCamera) -> float:
    """About how many pixels the content moves from one camera to the other; infinite if their sizes differ.

    The content is taken to lie at a depth of one scene unit.
    """
    if one.size != other.size:
        return math.inf
    turn = one.world_to_camera[:, :3] @ other.world_to_camera[:, :3].T
    angle = math.acos(min(max((float(np.trace(turn)) - 1) / 2, -1.0), 1.0))
    step = float(np.linalg.norm(one.world_to_camera[:, 3] - turn @ other.world_to_camera[:, 3]))
    zoom = abs(math.log(one.focal[0] / other.focal[0])) * one.size[0] / 2
    pan = math.dist(one.centre, other.centre)
    return (angle + step) * one.focal[0] + zoom + pan
