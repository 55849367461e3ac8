"""Two contestants of a race in one picture of the novel view, seen from the same place. No GUI."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from app.model.cameras.contestants import find_gauge_between
from app.model.cameras.drawn_reference import Gauge, move_poses
from app.model.common.photo_sizes import make_frame_camera
from app.model.common.pictures import NovelPicture, SecondField
from app.model.state.scene_kinds import get_posed_scene
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from engine.geometry.view_camera import ViewCamera
from engine.scenes.scene import Scene


@dataclass(frozen=True)
class ComparisonTiming:
    """Attributes:
    period: seconds for which the alignment of the two worlds is kept: with a new one for each snapshot, the picture of
        a view at rest would be made anew all the time.
    """

    period: float = 0.5


TIMING = ComparisonTiming()


class Side(NamedTuple):
    """What is seen of one contestant."""

    place: int
    run: ViewedRun
    camera: ViewCamera
    depth_range: tuple[float, float]


class Comparison:
    """Puts another contestant's field beside the one that is shown.

    Each run has a world of its own: the camera is brought into the other's by the similarity in which both have their
    cameras at the same places, as in the 3D view. While a frame is followed, each is seen from its own fitted pose.
    The contestant that comes first in the race is on the left.
    """

    def __init__(self) -> None:
        self._gauge: Gauge | None = None
        self._found_at = -math.inf
        self._of: tuple[int, int] | None = None

    def combine(self, state: State, picture: NovelPicture, now: float) -> NovelPicture:
        """The picture with the other contestant's field in it; as it is where none is compared.

        Args:
            state: says who is compared, and how.
            picture: of the run that is shown, `measure_view` large.
            now: seconds of a steady clock.
        """
        run, other, race = state.run, state.beside, state.race
        scene = get_posed_scene(run)
        if run is None or other is None or scene is None or other.snapshot is None or race.beside is None:
            return picture
        mine = Side(state.active, run, picture.camera, picture.depth_range)
        left, right = sorted((mine, self._look_from(state, other, scene, picture, now)), key=lambda side: side.place)
        cameras = (left.camera, right.camera)
        if race.apart:
            cameras = (widen_camera(left.camera, 0), widen_camera(right.camera, 1))
        second = SecondField(
            camera=cameras[1],
            volume=right.run.key,
            begins=find_divider(state),
            apart=race.apart,
            depth_range=right.depth_range,
        )
        return replace(
            picture,
            camera=cameras[0],
            volume=left.run.key,
            depth_range=left.depth_range,
            wipe=0.0,
            second=second,
        )

    def _look_from(self, state: State, other: ViewedRun, scene: Scene, picture: NovelPicture, now: float) -> Side:
        """The other contestant seen from the place of a picture of the run that is shown."""
        run, place = state.run, state.race.beside
        assert run is not None
        assert place is not None
        assert other.snapshot is not None
        gauge = self._find_gauge(run, other, scene, now)
        scale = 1.0 if gauge is None else gauge.scale
        camera, poses = picture.camera, other.snapshot.poses
        if state.novel.mode == "follow" and state.selected < len(poses):
            frame = scene.training_frames[state.selected]
            camera = make_frame_camera(scene.intrinsics, frame, poses[state.selected], camera.size)
        elif gauge is not None:
            camera = replace(camera, world_to_camera=move_poses(camera.world_to_camera[None], gauge)[0])
        near, far = picture.depth_range
        return Side(place, other, camera, (scale * near, scale * far))

    def _find_gauge(self, run: ViewedRun, other: ViewedRun, scene: Scene, now: float) -> Gauge | None:
        """From the world of the run that is shown to the other's, as it was found last; None while there is none."""
        of = (run.key, other.key)
        if of != self._of or now - self._found_at >= TIMING.period:
            self._of, self._found_at, self._gauge = of, now, _align(run, other, scene)
        return self._gauge


def list_sides(state: State) -> tuple[ViewedRun, ...]:
    """The two contestants that are compared, the one on the left first; none where there are not two."""
    run, other, place = state.run, state.beside, state.race.beside
    if run is None or other is None or place is None:
        return ()
    return (run, other) if state.active < place else (other, run)


def measure_view(state: State, size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) in pixels that one contestant has in a view of this size."""
    return (max(size[0] // 2, 1), size[1]) if state.beside is not None and state.race.apart else size


def find_divider(state: State) -> float:
    """The fraction of the width, from the left, where the second contestant begins."""
    return 0.5 if state.race.apart else state.race.divider


def widen_camera(camera: ViewCamera, place: int) -> ViewCamera:
    """The camera of a picture twice as wide, whose left (`place` 0) or right (1) half is what this camera sees."""
    (width, height), (x, y) = camera.size, camera.centre
    return replace(camera, size=(2 * width, height), centre=(x + place * width, y))


def _align(run: ViewedRun, other: ViewedRun, scene: Scene) -> Gauge | None:
    if run.snapshot is None or other.snapshot is None or run.snapshot.poses.shape != other.snapshot.poses.shape:
        return None
    reference = scene.reference_poses
    of_frames = None if reference is None else reference[list(scene.training_frames)].numpy()
    return find_gauge_between(run.snapshot.poses, other.snapshot.poses, of_frames)
