"""What the render thread is asked to draw: arrays in frozen dataclasses, made by the panels, read by GL code.

Poses are world-to-camera `[R|t]` with OpenCV axes (x right, y down, z forward), as everywhere; colours are RGBA in
[0, 1]. Arrays are never written to once a picture holds them. Large ones that seldom change (photos) carry a `key`:
equal keys mean equal content, so that a texture is uploaded once.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64, UInt8

from engine.geometry.view_camera import ViewCamera

Channel = Literal["colour", "depth", "opacity", "residual"]
GizmoPart = Literal["move x", "move y", "move z", "turn x", "turn y", "turn z"]


@dataclass(frozen=True)
class Photo:
    """One photo."""

    key: Hashable
    pixels: UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class SecondField:
    """Another field in the same picture: that of another contestant of a race.

    Attributes:
        camera: that it is seen with, in its own world; of the size of the picture.
        volume: its key in `Renderer.set_volumes`.
        begins: the fraction of the width, from the left, where it takes the place of the first field.
        apart: whether each field has a half of the picture to itself, in which the photo is repeated.
        depth_range: as in `NovelPicture`, in its own scene units.
    """

    camera: ViewCamera
    volume: Hashable
    begins: float
    apart: bool = False
    depth_range: tuple[float, float] = (1.0, 10.0)


@dataclass(frozen=True)
class NovelPicture:
    """The field seen from a camera.

    Attributes:
        camera: of the view; its size is that of the picture at full resolution.
        channel: what is shown of the field; `residual` is the difference to `photo`.
        photo: of the training frame whose pose the camera has, or None.
        wipe: the fraction of the width, from the left, over which the photo is shown instead; 0 for none.
        depth_range: (nearest, farthest) depth in scene units, the ends of the colour map.
        moving: whether the camera moves (drawn fast and coarse) or rests (drawn in full quality).
        volume: key of the field's volume in `Renderer.set_volumes`.
        second: the field that is shown to the right of this one, or None.
    """

    camera: ViewCamera
    channel: Channel = "colour"
    photo: Photo | None = None
    wipe: float = 0.0
    depth_range: tuple[float, float] = (1.0, 10.0)
    moving: bool = False
    volume: Hashable = None
    second: SecondField | None = None

    @property
    def volumes(self) -> tuple[Hashable, ...]:
        """Keys of the volumes that are seen, from the left."""
        return (self.volume,) if self.second is None else (self.volume, self.second.volume)


@dataclass(frozen=True)
class CameraSet:
    """Frusta of one kind.

    Attributes:
        poses: of the frames.
        colours: of each frustum's lines.
        dashed: whose lines are dashed; None for none.
        planes: half width and half height of each one's photo at depth 1; None where all have that of the picture.
    """

    poses: Float32[np.ndarray, "frames 3 4"]
    colours: Float32[np.ndarray, "frames 4"]
    dashed: Bool[np.ndarray, " frames"] | None = None
    planes: Float32[np.ndarray, "frames 2"] | None = None


@dataclass(frozen=True)
class Thumbnails:
    """Small photos for the image planes of the fitted frusta, in the order of the frames.

    All are stretched to one size; the planes give them their shape back.
    """

    key: Hashable
    pixels: UInt8[np.ndarray, "frames height width 3"]


@dataclass(frozen=True)
class PointCloud:
    """Points, drawn as dots of one size."""

    places: Float32[np.ndarray, "points 3"]
    colours: Float32[np.ndarray, "points 4"]


@dataclass(frozen=True)
class Surface:
    """A mesh.

    Attributes:
        vertices, faces: in a world of its own; the same array objects as long as it is the same mesh.
        placing: takes homogeneous points of that world to the scene's world.
        colour: of all of it.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int64[np.ndarray, "faces 3"]
    placing: Float32[np.ndarray, "4 4"]
    colour: tuple[float, float, float, float]


@dataclass(frozen=True)
class RayBundle:
    """Local rays of one frame, drawn from their origins, against those of the fitted global transform."""

    origins: Float32[np.ndarray, "rays 3"]
    directions: Float32[np.ndarray, "rays 3"]
    colours: Float32[np.ndarray, "rays 4"]
    length: float


@dataclass(frozen=True)
class Ground:
    """A grid of lines and the three axes.

    Attributes:
        origin: middle of the grid.
        up: unit normal.
        spacing: between lines, scene units.
        cells: from the middle to the border.
    """

    origin: tuple[float, float, float]
    up: tuple[float, float, float]
    spacing: float
    cells: int = 10


@dataclass(frozen=True)
class Gizmo:
    """Arrows and rings in the axes of one camera, to drag and turn it.

    Attributes:
        pose: of the camera.
        size: of the arrows, scene units.
        active: the part under the mouse or being dragged.
    """

    pose: Float32[np.ndarray, "3 4"]
    size: float
    active: GizmoPart | None = None


@dataclass(frozen=True)
class CamerasPicture:
    """The 3D view of the cameras. What is None is not drawn.

    Attributes:
        camera: of the view; its size is that of the picture.
        fitted, initial, reference: frusta; `reference` is aligned to the fitted ones.
        image_plane: half width and half height of the photos at depth 1 (their tangents), for the frusta's shape.
        frustum_depth: length of the frusta, scene units.
        selected: index of the frame that is drawn heavier.
        links: whether a line joins each fitted centre to its reference.
        trails: earlier centres of the fitted cameras, oldest first.
        volume_opacity: of the live volume among the frusta; 0 for none.
        volume_reach: forward-facing volumes are drawn to this depth, scene units.
        colmap, points, surface: COLMAP's cameras, sparse points and mesh, aligned to the fitted cameras.
        contestants: the cameras of the other runs of a race, aligned likewise.
        volume: key of the volume in `Renderer.set_volumes`.
    """

    camera: ViewCamera
    fitted: CameraSet
    image_plane: tuple[float, float]
    frustum_depth: float
    initial: CameraSet | None = None
    reference: CameraSet | None = None
    selected: int | None = None
    links: bool = True
    trails: Float32[np.ndarray, "frames moments 3"] | None = None
    thumbnails: Thumbnails | None = None
    rays: RayBundle | None = None
    ground: Ground | None = None
    gizmo: Gizmo | None = None
    volume_opacity: float = 1.0
    volume_reach: float = 8.0
    moving: bool = False
    colmap: CameraSet | None = None
    points: PointCloud | None = None
    surface: Surface | None = None
    contestants: CameraSet | None = None
    volume: Hashable = None

    @property
    def volumes(self) -> tuple[Hashable, ...]:
        """Key of the volume, as in `NovelPicture`."""
        return (self.volume,)


@dataclass(frozen=True)
class Drawn:
    """A finished picture.

    Attributes:
        pixels: RGBA in [0, 1], rows from the top.
        picture: what was asked for.
        seconds: that drawing it took.
        complete: False for one that was drawn coarser than asked for; a better one follows if nothing changes.
        serial: number of the picture among those of its view.
    """

    pixels: Float32[np.ndarray, "height width 4"]
    picture: NovelPicture | CamerasPicture
    seconds: float
    complete: bool
    serial: int = field(default=0)
