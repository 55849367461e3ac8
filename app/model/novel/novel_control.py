"""The camera of the novel view: its start, what mouse and keys do, and the picture that is to be drawn. No GUI."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from app.model.common.kept import Kept
from app.model.common.orbit import FlyCamera, OrbitCamera
from app.model.common.photo_sizes import make_frame_camera
from app.model.common.pictures import NovelPicture, Photo
from app.model.novel.comparison import Comparison, measure_view
from app.model.state.scene_kinds import get_posed_scene
from app.model.state.state import NovelMode, NovelView, State
from app.model.state.viewed_run import ViewedRun
from engine.geometry.view_camera import ViewCamera, centres, find_mean_up, pinhole, unit
from engine.messages import Snapshot
from engine.scenes.scene import Scene


@dataclass(frozen=True)
class NovelGestures:
    """How the novel view follows mouse and keys.

    Attributes:
        turn_per_height: radians that an orbit turns when the mouse is dragged over the height of the view.
        look_per_height: the same while flying: about the field of view, so that the scene follows the mouse.
        settled: seconds after the last movement until the view counts as resting and is drawn in full quality.
        stride: distance that is flown per second, as a share of the distance to the middle of the scene.
        notch: seconds of flight for one notch of the wheel.
        farthest: end of the depth scale of a scene without a far end, in nearest depths.
    """

    turn_per_height: float = math.radians(120.0)
    look_per_height: float = math.radians(50.0)
    settled: float = 0.25
    stride: float = 0.35
    notch: float = 0.15
    farthest: float = 6.0


GESTURES = NovelGestures()
MOVES: dict[str, tuple[float, float, float]] = {
    "W": (0, 0, 1),
    "S": (0, 0, -1),
    "A": (-1, 0, 0),
    "D": (1, 0, 0),
    "Q": (0, 1, 0),
    "E": (0, -1, 0),
}


class NovelControl:
    """Turns mouse and keys into the cameras of `state.novel`."""

    def __init__(self) -> None:
        self._moved_at = -math.inf
        self._photo: Photo | None = None
        self._kept = Kept()
        self._comparison = Comparison()
        self._choices: tuple[object, ...] = ()

    def place(self, view: NovelView, scene: Scene, snapshot: Snapshot) -> None:
        """Puts the orbiting and the flying camera to the first view of a scene."""
        poses = snapshot.poses
        places, up = centres(poses), find_mean_up(poses)
        field_of_view = 2 * math.atan(0.5 * scene.intrinsics.own_size(0)[1] / float(scene.intrinsics.focal[0, 1]))
        view.field_of_view_deg = math.degrees(field_of_view)
        if scene.kind != "forward-facing":  # the object, or the near part of an unbounded scene
            target = np.array(scene.box_centre, np.float64)
            start = places[0]
        else:
            start = places.mean(axis=0)
            ahead = unit(poses[:, 2, :3].astype(np.float64).mean(axis=0))
            target = start + 1.6 * scene.near * ahead
        view.orbit = make_orbit(start, target, up, field_of_view)
        view.fly = FlyCamera(view.orbit.pose, (float(up[0]), float(up[1]), float(up[2])), field_of_view)
        view.framed = True

    def turn(self, view: NovelView, across: float, down: float, height: int, now: float) -> None:
        """Turns the view after a drag of (`across`, `down`) pixels: round the target, or on the spot while flying."""
        per_pixel = (GESTURES.look_per_height if view.mode == "fly" else GESTURES.turn_per_height) / height
        if view.mode == "fly":
            view.fly = view.fly.turned(-across * per_pixel, -down * per_pixel)
        else:
            self.leave_frame(view)
            view.orbit = view.orbit.turned(across * per_pixel, down * per_pixel)
        self._moved_at = now

    def pan(self, view: NovelView, across: float, down: float, height: int, now: float) -> None:
        """Moves an orbit sideways, in the plane of the picture, after a drag of (`across`, `down`) pixels."""
        if view.mode != "fly":
            self.leave_frame(view)
            view.orbit = view.orbit.panned(across, down, height)
            self._moved_at = now

    def zoom(self, view: NovelView, notches: float, now: float) -> None:
        """Moves nearer to the target, or forward while flying, by notches of the wheel."""
        if view.mode == "fly":
            view.fly = view.fly.moved(0, 0, GESTURES.notch * notches * view.orbit.distance * GESTURES.stride)
        else:
            self.leave_frame(view)
            view.orbit = view.orbit.zoomed(notches)
        self._moved_at = now

    def fly(self, view: NovelView, keys: Collection[str], seconds: float, now: float) -> None:
        """Flies on for `seconds` in the directions of the keys that are held."""
        moves = [MOVES[key] for key in keys if key in MOVES]
        if not moves or view.mode != "fly":
            return
        step = np.sum(moves, axis=0) * GESTURES.stride * view.orbit.distance * seconds
        view.fly = view.fly.moved(float(step[0]), float(step[1]), float(step[2]))
        self._moved_at = now

    def touch(self, now: float) -> None:
        """Notes that something else changed the picture: the wipe, the field of view."""
        self._moved_at = now

    def leave_frame(self, view: NovelView) -> None:
        """Begins to orbit from the pose of the frame that is followed."""
        if view.mode == "follow":
            change_mode(view, "orbit")

    def picture(self, state: State, size: tuple[int, int], now: float) -> NovelPicture | None:
        """The picture of (width, height) pixels that is to be drawn; None while there is no snapshot."""
        view, run = state.novel, state.run
        scene = get_posed_scene(run)
        if run is None or scene is None or run.snapshot is None:
            return None
        if not view.framed:
            self.place(view, scene, run.snapshot)
        choices = (view.channel, state.race.beside, state.race.apart)
        if choices != self._choices:  # the user waits for the picture, as for one of a moving view
            self._choices = choices
            self.touch(now)
        view.moving = now - self._moved_at < GESTURES.settled
        following = view.mode == "follow"
        picture = NovelPicture(
            camera=self.camera(state, run, scene, measure_view(state, size)),
            channel=view.channel if view.channel != "residual" or following else "colour",
            photo=self._photo_of(scene, state.selected) if following else None,
            wipe=view.wipe if following else 0.0,
            depth_range=find_depth_range(scene),
            moving=view.moving,
            volume=run.key,
        )
        return self._comparison.combine(state, picture, now)

    def camera(self, state: State, run: ViewedRun, scene: Scene, size: tuple[int, int]) -> ViewCamera:
        """The camera of the run that is shown, for (width, height) pixels at most."""
        view, snapshot = state.novel, run.snapshot
        field_of_view = math.radians(view.field_of_view_deg)
        if view.mode == "fly":
            return replace(view.fly, field_of_view=field_of_view).view(size)
        if view.mode == "orbit" or snapshot is None or state.selected >= len(snapshot.poses):
            return self._kept.get("orbit", _orbiting, view.orbit, field_of_view, size)
        frame, pose = scene.training_frames[state.selected], snapshot.poses[state.selected]
        shown = fit_frame_size(scene, frame, size)
        followed = pinhole(pose, field_of_view, shown)
        view.orbit = replace(make_orbit_from_pose(pose, view.orbit), field_of_view=view.orbit.field_of_view)
        view.fly = replace(view.fly, pose=followed.world_to_camera)
        return make_frame_camera(scene.intrinsics, frame, pose, shown)

    def _photo_of(self, scene: Scene, selected: int) -> Photo:
        frame = scene.training_frames[selected]
        key = (id(scene), frame)
        if self._photo is None or self._photo.key != key:
            self._photo = Photo(key, np.ascontiguousarray(scene.picture(frame).numpy()))
        return self._photo


def _orbiting(orbit: OrbitCamera, field_of_view: float, size: tuple[int, int]) -> ViewCamera:
    return replace(orbit, field_of_view=field_of_view).view(size)


def change_mode(view: NovelView, mode: NovelMode) -> None:
    """Changes the mode of the view; the camera keeps its pose."""
    if view.mode == mode:
        return
    if mode == "fly":
        view.fly = replace(view.fly, pose=view.orbit.pose, up=view.orbit.up)
    elif mode == "orbit" and view.mode == "fly":
        view.orbit = make_orbit_from_pose(view.fly.pose, view.orbit)
    view.mode = mode


def make_orbit(position: np.ndarray, target: np.ndarray, up: np.ndarray, field_of_view: float) -> OrbitCamera:
    """The orbiting camera at a position that looks at a target; `field_of_view` in radians."""
    offset = target - position
    distance = max(float(np.linalg.norm(offset)), 1e-3)
    direction, up = unit(offset), unit(up)
    elevation = -math.asin(min(max(float(direction @ up), -1.0), 1.0))
    level = direction - (direction @ up) * up
    ahead = unit(level) if np.linalg.norm(level) > 1e-6 else unit(np.cross(up, np.eye(3)[np.argmin(np.abs(up))]))
    return OrbitCamera(
        target=(float(target[0]), float(target[1]), float(target[2])),
        distance=distance,
        azimuth=0.0,
        elevation=elevation,
        up=(float(up[0]), float(up[1]), float(up[2])),
        ahead=(float(ahead[0]), float(ahead[1]), float(ahead[2])),
        field_of_view=field_of_view,
    )


def make_orbit_from_pose(pose: np.ndarray, before: OrbitCamera) -> OrbitCamera:
    """The orbiting camera at a pose (world-to-camera), with the distance to its target that `before` has."""
    position = centres(pose[None])[0]
    target = position + before.distance * pose[2, :3].astype(np.float64)
    return make_orbit(position, target, np.array(before.up), before.field_of_view)


def fit_frame_size(scene: Scene, frame: int, size: tuple[int, int]) -> tuple[int, int]:
    """The largest (width, height) with the aspect ratio of a frame's photo within a view."""
    width, height = scene.intrinsics.own_size(frame)
    scale = min(size[0] / width, size[1] / height)
    return max(round(width * scale), 1), max(round(height * scale), 1)


def find_depth_range(scene: Scene) -> tuple[float, float]:
    """The ends of the depth scale, scene units."""
    far = scene.far if math.isfinite(scene.far) else GESTURES.farthest * scene.near
    return scene.near, far if scene.kind == "object" else min(far, GESTURES.farthest * scene.near)
