"""A film of the novel view: its path, and in each of its pictures what the view shows. No GUI."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.model.common.pictures import NovelPicture
from app.model.novel.comparison import Comparison, find_divider, list_sides
from app.model.novel.novel_control import find_depth_range
from app.model.state.scene_kinds import get_posed_scene
from app.model.state.state import State
from engine.geometry.camera_path import interpolate_cameras, make_orbit, make_spiral, make_tour
from engine.geometry.view_camera import ViewCamera, pinhole
from engine.messages import Snapshot
from engine.scenes.scene import Scene

SIZE = (640, 480)  # of a film along a path that the program chooses, pixels


@dataclass(frozen=True)
class Caption:
    """A contestant's name in its part of a film.

    Attributes:
        words: its name.
        colour: such as `#56b4e9`.
        left: where it begins, as a fraction of the width; None puts it at the right edge.
    """

    words: str
    colour: str
    left: float | None


@dataclass(frozen=True)
class Film:
    """What is to be recorded.

    Attributes:
        pictures: all of one size.
        captions: names of the two contestants that are compared; none where one run is seen.
        runs: keys of the runs that are seen.
    """

    pictures: tuple[NovelPicture, ...]
    captions: tuple[Caption, ...]
    runs: tuple[int, ...]


def make_film(state: State, count: int) -> Film | None:
    """A film of what the novel view shows: of one run, or of two contestants under the wipe or side by side.

    Args:
        state: with the view, its keys, and who is compared.
        count: of its pictures.
    Returns:
        the film, whose cameras do not follow a frame; None where there is no scene with cameras yet.
    """
    run, scene = state.run, get_posed_scene(state.run)
    if run is None or scene is None or run.snapshot is None:
        return None
    apart = state.beside is not None and state.race.apart
    channel = "colour" if state.novel.channel == "residual" else state.novel.channel
    free = replace(state, novel=replace(state.novel, mode="orbit"))  # no frame is followed
    comparison, pictures = Comparison(), []
    for camera in _choose_path(state, scene, run.snapshot, count):
        picture = NovelPicture(
            camera=halve_width(camera) if apart else camera,
            channel=channel,
            depth_range=find_depth_range(scene),
            volume=run.key,
        )
        pictures.append(comparison.combine(free, picture, now=0.0))
    if pictures[0].second is None:
        return Film(tuple(pictures), (), (run.key,))
    sides = list_sides(state)
    places = (0.0, find_divider(state) if apart else None)
    captions = [
        Caption(side.contestant.name, side.contestant.colour, left)
        for side, left in zip(sides, places, strict=True)
        if side.contestant is not None
    ]
    return Film(tuple(pictures), tuple(captions), tuple(side.key for side in sides))


def halve_width(camera: ViewCamera) -> ViewCamera:
    """The middle half of what a camera sees."""
    (width, height), (x, y) = camera.size, camera.centre
    half = max(width // 2, 1)
    return replace(camera, size=(half, height), centre=(x - (width - half) / 2, y))


def _choose_path(state: State, scene: Scene, snapshot: Snapshot, count: int) -> list[ViewCamera]:
    """Cameras through the keys, or where there are none along a closed path that suits the scene."""
    if state.novel.keyframes:
        return interpolate_cameras(state.novel.keyframes, count)
    poses = snapshot.poses
    if scene.kind == "object":
        path = make_orbit(poses, scene.box_centre, count)
    elif scene.kind == "unbounded":
        path = make_tour(poses, count)
    else:
        path = make_spiral(poses, 1.6 * scene.near, count)
    field_of_view = float(np.radians(state.novel.field_of_view_deg))
    return [pinhole(pose, field_of_view, SIZE) for pose in path]
