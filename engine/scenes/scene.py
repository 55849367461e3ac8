"""The scene as the engine sees it: frozen images, intrinsics, poses and split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from engine.evidence.tracks import Tracks
from engine.geometry.intrinsics import Intrinsics

SceneKind = Literal["forward-facing", "object", "unbounded"]


@dataclass(frozen=True)
class PoseNoise:
    """The seeded noise between reference and initial poses of an object scene; saved with the run.

    A frame's initial pose is `[exp(w) R | exp(w) t + n]` for its reference pose `[R|t]`.

    Attributes:
        rotation: rotation vectors w in the camera frame, radians.
        translation: n in the camera frame, scene units.
        seed: of the random numbers.
    """

    rotation: Float[Tensor, "frames 3"]
    translation: Float[Tensor, "frames 3"]
    seed: int


@dataclass(frozen=True)
class LeftOut:
    """A photo that was left out of the scene.

    Attributes:
        name: of the file.
        reason: in a few words.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class AddedFrames:
    """Photos that were added to a scene during training; they are its last frames, in this order.

    Attributes:
        names: names of the frames.
        images: RGB, at the scene's resolution, each in the top left corner of a canvas.
        nearest: for each added frame, the frame with the most similar image among those that the scene was read with.
            Its pose serves as the initial pose.
        intrinsics: of the images; None where those of the nearest frames are taken over, size included.
        masks: True where a pixel counts; None if all pixels of all these photos do.
        files: full-size upright copies of the photos, for exports; None where there is no copy.
    """

    names: tuple[str, ...]
    images: UInt8[Tensor, "added height width 3"]
    nearest: tuple[int, ...]
    files: tuple[Path | None, ...]
    intrinsics: Intrinsics | None = None
    masks: Bool[Tensor, "added height width"] | None = None


@dataclass(frozen=True)
class Scene:
    """A scene as read from disk.

    All poses are world-to-camera `[R|t]` with OpenCV axes (x right, y down, z forward), in scene units; pixel centres
    lie at +0.5. The world of a forward-facing scene is the frame of the average training camera, and its nearest depth
    is 1 / 0.75 scene units. The world and unit of an object scene are those of its files.

    Attributes:
        name: name of the folder, or of a video without its ending.
        path: the folder or the video.
        kind: `forward-facing`: the cameras look in similar directions; `object`: they stand around a bounded volume;
            `unbounded`: they stand anywhere, and what they see reaches from near them to the sky.
        names: one name per frame, all different: the image's file name without its folder, or, where two frames
            share one (`train/r_0.png`, `test/r_0.png`), its path inside `path`.
        images: RGB, already composited over `background` where the files have alpha; each frame's own picture lies in
            the top left corner (`intrinsics.sizes`), and what lies outside it does not count (`masks`).
        intrinsics: of the images at the resolution held here.
        initial_poses: poses from which registration starts.
        reference_poses: poses of the data set or of COLMAP, for measuring errors; None if there are none, NaN for
            single frames without one.
        training_frames: indices of the frames that are registered and trained on.
        held_out_frames: indices of the frames kept for evaluation (may be empty).
        near: nearest depth in scene units, > 0.
        far: farthest depth in scene units (may be infinite).
        background: RGB in [0, 1] that replaced transparent pixels; None if the images have no transparent pixels.
        box_centre: middle of the volume of an object scene, in scene units.
        box_half_extent: half the edge of that volume (a cube), scene units; unused for a forward-facing scene.
        file_scale: scene units per unit of the files (exports divide by it).
        noise: the noise of the initial poses, if any.
        left_out: photos of the folder that are not frames of the scene.
        notes: sentences about how the scene was read, for the user.
        focal_known: False if the focal length is a guess or a nominal value from EXIF, and has to be optimised.
        lens_covariance: for each camera, the covariance of (logarithm of the focal length, k1) of the lens in
            `intrinsics`; None if unknown.
        poses_known: True if the initial poses come from the files or from COLMAP, so that registration only refines
            them; False if registration has to find them.
        uncertain_frames: indices of frames whose initial pose is a guess, in a scene whose other poses are known.
        excluded_frames: indices of training frames that are left out of training and measuring until they are brought
            back.
        files: the image file of each frame, at its original size; empty if there are no such files.
        tracks: matches of the photos' features over all frames; None if there are none.
        masks: True where a pixel counts; None if all pixels of all frames do.
        added: the frames that were added after the scene was read; they are the last frames.
    """

    name: str
    path: Path
    kind: SceneKind
    names: tuple[str, ...]
    images: UInt8[Tensor, "frames height width 3"]
    intrinsics: Intrinsics
    initial_poses: Float[Tensor, "frames 3 4"]
    reference_poses: Float[Tensor, "frames 3 4"] | None
    training_frames: tuple[int, ...]
    held_out_frames: tuple[int, ...]
    near: float
    far: float
    background: tuple[float, float, float] | None
    box_centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    box_half_extent: float = 1.0
    file_scale: float = 1.0
    noise: PoseNoise | None = None
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    focal_known: bool = True
    lens_covariance: Float[Tensor, "cameras 2 2"] | None = None
    poses_known: bool = False
    uncertain_frames: tuple[int, ...] = ()
    excluded_frames: tuple[int, ...] = ()
    files: tuple[Path, ...] = ()
    tracks: Tracks | None = None
    masks: Bool[Tensor, "frames height width"] | None = None
    added: AddedFrames | None = None

    @property
    def frames_read(self) -> int:
        """Number of frames without those that were added later."""
        return len(self.names) - (len(self.added.names) if self.added is not None else 0)

    def picture(self, frame: int) -> UInt8[Tensor, "own_height own_width 3"]:
        """A frame's own picture, as a view."""
        width, height = self.intrinsics.own_size(frame)
        return self.images[frame, :height, :width]

    def mask(self, frame: int) -> Bool[Tensor, "own_height own_width"] | None:
        """True where a pixel of a frame's own picture counts; None if all do."""
        if self.masks is None:
            return None
        width, height = self.intrinsics.own_size(frame)
        own = self.masks[frame, :height, :width]
        return None if bool(own.all()) else own
