"""The picture of the 3D view, made from a run and the user's choices. No Dear PyGui, no OpenGL."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from PIL import Image

from app.model.cameras.colmap_alignment import SURFACE, PlacedModel, place_model
from app.model.cameras.contestants import colour_all, place_contestants
from app.model.cameras.drawn_reference import draw_reference
from app.model.cameras.replay import Moment, interpolate_moment, make_moment, make_trails
from app.model.cameras.scene_scale import SceneScale, measure_scene
from app.model.common.error_colours import (
    INITIAL,
    REFERENCE,
    ROTATION_DEG,
    ErrorScale,
    colour_frames,
    colour_residuals,
)
from app.model.common.kept import Kept
from app.model.common.pictures import CameraSet, CamerasPicture, Gizmo, GizmoPart, RayBundle, Surface, Thumbnails
from app.model.frame.frame_errors import choose_frame_errors
from app.model.state.scene_kinds import get_posed_scene
from app.model.state.state import State
from engine.geometry.view_camera import ViewCamera, centres
from engine.messages import FrameStatus, WarpSnapshot
from engine.run.history import History
from engine.scenes.scene import Scene

Poses = Float32[np.ndarray, "frames 3 4"]


@dataclass(frozen=True)
class CamerasLook:
    """Sizes of what the 3D view shows.

    Attributes:
        thumbnail_width: pixels of the photos in the frusta, about; they are reduced by whole factors.
        rays_across: points of the warp lattice along its longer side from which rays are drawn, at most.
        ray_length: of these rays, in depths of a frustum.
        gizmo_pixels: length of the gizmo's arrows on screen.
        earlier_volume_opacity: of the volume while an earlier moment is shown: the field is still the newest one.
    """

    thumbnail_width: int = 192
    rays_across: int = 10
    ray_length: float = 1.6
    gizmo_pixels: int = 92
    earlier_volume_opacity: float = 0.35


LOOK = CamerasLook()


@dataclass(frozen=True)
class Preview:
    """A frame that is being dragged, and its dragged pose, which is drawn before the engine confirms it."""

    frame: int
    pose: Float32[np.ndarray, "3 4"]


class CamerasPictures:
    """Makes the pictures of one view; what has not changed is the same object again, so that it is uploaded once."""

    def __init__(self) -> None:
        self._kept = Kept()
        self._last: CamerasPicture | None = None

    def scale(self, scene: Scene) -> SceneScale:
        """The sizes at which a scene is drawn."""
        return self._kept.get("scale", measure_scene, scene)

    def moment(self, state: State) -> Moment | None:
        """Poses and errors at the moment of the timeline; None while there is no snapshot."""
        run = state.run
        if run is None or run.snapshot is None:
            return None
        if state.timeline.seconds is not None and run.history is not None and run.history.rows:
            return self._kept.get("moment", _earlier, run.history, state.timeline.seconds)
        return self._kept.get("moment", make_moment, run.snapshot)

    def error_scale(self, state: State) -> ErrorScale:
        """The scale on which frusta are coloured at the moment that is shown."""
        moment = self.moment(state)
        errors = None if moment is None else choose_frame_errors(moment.rotation_error_deg, moment.reprojection_px)
        return ROTATION_DEG if errors is None else errors.scale

    def all_poses(self, state: State) -> list[Poses]:
        """Fitted, initial and drawn reference poses, shown or not: \"frame all\" brings them into view."""
        run, moment = state.run, self.moment(state)
        scene = get_posed_scene(run)
        if scene is None or moment is None:
            return []
        reference = _reference(scene, moment.poses, shown=True)
        return [moment.poses, _initial(scene).poses, *([reference.poses] if reference is not None else [])]

    def picture(self, state: State, size: tuple[int, int], preview: Preview | None = None) -> CamerasPicture | None:
        """The 3D view in (width, height) pixels; None while there is no snapshot of a scene with cameras."""
        run, moment = state.run, self.moment(state)
        scene = get_posed_scene(run)
        if run is None or scene is None or run.snapshot is None or moment is None:
            return None
        view, kept = state.cameras, self._kept
        layers, scale, live = view.layers, self.scale(scene), state.timeline.live
        poses = kept.get("poses", _with_preview, moment.poses, preview)
        selected = state.selected if state.selected < len(poses) else None
        depth = scale.frustum_depth * view.frustum_scale
        statuses = run.snapshot.frame_status if live else ()
        known = (moment.rotation_error_deg, moment.reprojection_px)
        if layers.contestants and run.contestant is not None and layers.fitted:
            colours = kept.get("colours", colour_all, len(poses), run.contestant.colour)
        else:
            colours = kept.get("colours", _fitted_colours, *known, len(poses), layers.fitted, statuses)
        dashed = kept.get("dashed", _find_dashed, statuses, len(poses))
        planes = kept.get("planes", find_image_planes, scene, len(poses))
        reference = None
        if layers.reference or layers.links:
            reference = kept.get("reference", _reference, scene, moment.poses, layers.reference)
        history = run.history if layers.trails else None
        until = state.timeline.seconds
        camera = kept.get("camera", lambda orbit, size: orbit.view(size), view.orbit, size)
        warp = run.snapshot.warp if layers.rays and live and preview is None else None
        if warp is not None and warp.frame != selected:
            warp = None
        gizmo = None
        if layers.gizmo and live and selected is not None:
            gizmo = kept.get("gizmo", _gizmo, poses, selected, camera, view.hovered_part)
        colmap = self._colmap(state, scene, poses) if layers.colmap else None
        return CamerasPicture(
            camera=camera,
            fitted=kept.get("fitted", CameraSet, poses, colours, dashed, planes),
            image_plane=scale.image_plane,
            frustum_depth=depth,
            initial=kept.get("initial", _initial, scene) if layers.initial else None,
            reference=reference,
            selected=selected,
            links=layers.links,
            trails=kept.get("trails", _trails, history, until, len(poses)),
            thumbnails=kept.get("thumbnails", make_thumbnails, scene) if layers.thumbnails and layers.fitted else None,
            rays=kept.get("rays", _rays, warp, LOOK.ray_length * depth),
            ground=scale.ground if layers.ground else None,
            gizmo=gizmo,
            volume_opacity=(1.0 if live else LOOK.earlier_volume_opacity) if layers.volume else 0.0,
            volume_reach=scale.reach,
            moving=view.moving,
            colmap=colmap.cameras if colmap is not None else None,
            points=colmap.points if colmap is not None else None,
            surface=self._surface(state, colmap),
            contestants=self._contestants(state, scene, poses) if layers.contestants and live else None,
            volume=run.key,
        )

    def _contestants(self, state: State, scene: Scene, poses: Poses) -> CameraSet | None:
        """The newest cameras of the other runs of a race."""
        others = [
            (other.snapshot.poses, other.contestant.colour)
            for other in state.runs
            if other is not state.run and other.snapshot is not None and other.contestant is not None
        ]
        if not others:
            return None
        reference = None if scene.reference_poses is None else scene.reference_poses[list(scene.training_frames)]
        return self._kept.get(
            "contestants",
            lambda poses, *snapshots: place_contestants(
                poses, others, None if reference is None else reference.numpy()
            ),
            poses,
            *(own for own, _ in others),
        )

    def _colmap(self, state: State, scene: Scene, poses: Poses) -> PlacedModel | None:
        """COLMAP's newest model of the same photos, in the world of the fitted cameras; None while there is none."""
        model = state.colmap.run.progress.model if state.colmap.run is not None else None
        if model is None:
            return None
        reference = None if scene.reference_poses is None else scene.reference_poses.numpy()
        return self._kept.get(
            "colmap",
            lambda model, poses, scene: place_model(model, scene.training_frames, poses, reference, scene.near),
            *(model, poses, scene),
        )

    def _surface(self, state: State, placed: PlacedModel | None) -> Surface | None:
        mesh = state.colmap.run.progress.mesh if state.colmap.run is not None else None
        if placed is None or mesh is None or not len(mesh.faces) or not state.colmap.mesh:
            return None
        return self._kept.get(
            "surface", lambda mesh, at: Surface(mesh.vertices, mesh.faces, at, SURFACE), mesh, placed.placing
        )


def make_thumbnails(scene: Scene) -> Thumbnails:
    """The photos of the training frames, small."""
    frames = list(scene.training_frames)
    small = reduce_photos([scene.picture(frame).numpy() for frame in frames])
    return Thumbnails((str(scene.path), id(scene), len(frames)), small)


def reduce_photos(
    photos: Sequence[UInt8[np.ndarray, "height width 3"]],
) -> UInt8[np.ndarray, "photos rows columns 3"]:
    """Photos reduced to about `CamerasLook.thumbnail_width`; those of different shapes are stretched to one."""
    if len({photo.shape for photo in photos}) == 1:
        factor = max(math.ceil(photos[0].shape[1] / LOOK.thumbnail_width), 1)
        return np.stack([np.asarray(Image.fromarray(photo).reduce(factor)) for photo in photos])
    size = (LOOK.thumbnail_width, LOOK.thumbnail_width)
    return np.stack([np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.BOX)) for photo in photos])


def find_image_planes(scene: Scene, count: int) -> Float32[np.ndarray, "frames 2"] | None:
    """Half width and half height of the photos of the first training frames at depth 1; None where all are alike."""
    intrinsics = scene.intrinsics
    if intrinsics.sizes is None and intrinsics.cameras is None:
        return None
    planes = intrinsics.own_sizes / (2 * intrinsics.focal)
    return planes[list(scene.training_frames[:count])].numpy().astype(np.float32)


def decimate_lattice(warp: WarpSnapshot, across: int = LOOK.rays_across) -> Float32[np.ndarray, " rays"]:
    """Indices of a coarser lattice within the lattice of a warp field; the outermost points are kept."""
    wanted = []
    for coordinate in warp.points.T:
        values, place = np.unique(coordinate.round(5), return_inverse=True)
        kept = np.unique(np.linspace(0, len(values) - 1, min(across, len(values))).round().astype(int))
        wanted.append(np.isin(place, kept))
    return np.flatnonzero(wanted[0] & wanted[1])


def _earlier(history: History, seconds: float) -> Moment | None:
    return interpolate_moment(history.rows, seconds)


def _with_preview(poses: Poses, preview: Preview | None) -> Poses:
    if preview is None or preview.frame >= len(poses):
        return poses
    changed = poses.copy()
    changed[preview.frame] = preview.pose
    return changed


def _fitted_colours(
    error_deg: Float32[np.ndarray, " frames"] | None,
    reprojection_px: Float32[np.ndarray, " frames"] | None,
    frames: int,
    shown: bool,
    statuses: tuple[FrameStatus, ...],
) -> Float32[np.ndarray, "frames 4"]:
    errors = choose_frame_errors(error_deg, reprojection_px)
    if errors is None:
        colours = colour_frames(None, frames, statuses)
    else:
        colours = colour_frames(errors.values, frames, statuses, errors.scale)
    if not shown:
        colours[:, 3] = 0.0
    return colours


def _find_dashed(statuses: tuple[FrameStatus, ...], frames: int) -> Bool[np.ndarray, " frames"] | None:
    """Which frames are excluded; None where none is."""
    excluded = [status is FrameStatus.EXCLUDED for status in statuses[:frames]]
    return np.array(excluded + [False] * (frames - len(excluded))) if any(excluded) else None


def _reference(scene: Scene, fitted: Poses, shown: bool) -> CameraSet | None:
    """The reference cameras; transparent where they are not shown, as links to them still may be."""
    if scene.reference_poses is None:
        return None
    frames = scene.training_frames[: len(fitted)]  # at an earlier moment some had not been added yet
    poses = draw_reference(scene.reference_poses[list(frames)].numpy(), fitted)
    colour = (*REFERENCE[:3], REFERENCE[3] if shown else 0.0)
    planes = find_image_planes(scene, len(poses))
    return CameraSet(poses, np.tile(np.array(colour, np.float32), (len(poses), 1)), planes=planes)


def _initial(scene: Scene) -> CameraSet:
    """The initial cameras, equal poses once: many faint frusta in one place would add up to a bright one."""
    poses = scene.initial_poses[list(scene.training_frames)].numpy().astype(np.float32)
    poses = np.unique(poses.round(6), axis=0)
    return CameraSet(poses, np.tile(np.array(INITIAL, np.float32), (len(poses), 1)))


def _trails(
    history: History | None, until: float | None, frames: int
) -> Float32[np.ndarray, "frames moments 3"] | None:
    """Trails of exactly `frames` frames: the history may know fewer or more, as it is read at another moment."""
    found = make_trails(history.rows, until) if history is not None else None
    if found is None or len(found) == frames:
        return found
    missing = np.full((max(frames - len(found), 0), *found.shape[1:]), np.nan, np.float32)
    return np.concatenate([found[:frames], missing])


def _rays(warp: WarpSnapshot | None, length: float) -> RayBundle | None:
    if warp is None:
        return None
    chosen = decimate_lattice(warp)
    colours = colour_residuals(warp.residual_px[chosen])
    return RayBundle(warp.local_origins[chosen], warp.local_directions[chosen], colours, length)


def _gizmo(poses: Poses, selected: int, camera: ViewCamera, active: GizmoPart | None) -> Gizmo | None:
    """The gizmo of a frame, of constant size on screen."""
    pose = poses[selected]
    if not np.isfinite(pose).all():
        return None
    view = camera.world_to_camera.astype(np.float64)
    depth = float(view[2, :3] @ centres(pose[None])[0] + view[2, 3])
    return Gizmo(pose, max(depth, 1e-3) * LOOK.gizmo_pixels / camera.focal[1], active)
