"""What a reader hands to the engine: frozen photos, intrinsics, poses and split of one scene."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jaxtyping import Float, UInt8
from torch import Tensor

from engine.geometry.intrinsics import Intrinsics

SceneKind = Literal["forward-facing", "object"]


@dataclass(frozen=True)
class PoseNoise:
    """The seeded perturbation that made the initial poses of an object scene; saved with the run.

    A frame's initial pose is `exp(rotation) * reference`, the translation being added in the camera frame.
    """

    rotation: Float[Tensor, "frames 3"]
    translation: Float[Tensor, "frames 3"]
    seed: int


@dataclass(frozen=True)
class LeftOut:
    """A photo that is no part of the scene, and why, in a few words."""

    name: str
    reason: str


@dataclass(frozen=True)
class AddedFrames:
    """Photos that joined a scene after it had been read; its last frames, in this order.

    Attributes:
        names: of the frames.
        images: RGB, at the scene's resolution.
        nearest: of the frames that the scene was read with, those whose pictures are most alike. Their intrinsics are
            taken over, and their poses until there are better ones.
        files: copies of the photos as they are to be seen, larger than the scene holds them; None where there is none.
    """

    names: tuple[str, ...]
    images: UInt8[Tensor, "added height width 3"]
    nearest: tuple[int, ...]
    files: tuple[Path | None, ...]


@dataclass(frozen=True)
class Scene:
    """A scene, read. All poses are world-to-camera `[R|t]` with OpenCV axes (x right, y down, z forward).

    Attributes:
        name: the folder's name.
        path: the folder.
        kind: forward-facing scenes are held in projective space, objects in a box.
        names: one name per frame, all different: the image's file name without its folder, or, where two frames
            share one (`train/r_0.png`, `test/r_0.png`), its path inside `path`.
        images: RGB, already composited over `background` where the files have alpha.
        intrinsics: of the images at the resolution held here.
        initial_poses: where registration starts.
        reference_poses: what the data set or COLMAP says, or None; NaN for single frames of which nothing is known.
        training_frames: indices of the frames that are registered and trained on.
        held_out_frames: indices of the frames kept for evaluation (may be empty).
        near: nearest depth in scene units, > 0.
        far: farthest depth in scene units (may be infinite).
        background: RGB in [0, 1] behind the object, or None where the whole image is scene.
        box_centre: middle of the volume of an object scene, in scene units.
        box_half_extent: half the edge of that volume (a cube); for a forward-facing scene unused.
        file_scale: scene units per unit of the files (exports divide by it).
        noise: the perturbation of the initial poses, if there was one.
        left_out: photos of the folder that are no frames.
        notes: sentences on how the scene was read, for the user.
        focal_known: False where the focal length is a guess, or a lens's nominal one, and shall be optimised.
        lens_covariance: how far the lens may be from what `intrinsics` say where the focal length is not known: of the
            logarithm of the focal length, and k1; None where nobody can say.
        poses_known: True where initial poses were measured, by whoever made the files or by COLMAP, and want polishing
            only; False where registration has to find them.
        uncertain_frames: indices of frames whose initial pose is only a guess while others' are not.
        files: the image of each frame as it lies on disk, at its own size; empty where there is none.
        added: the last of the frames, where some have joined since the scene was read.
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
    lens_covariance: Float[Tensor, "2 2"] | None = None
    poses_known: bool = False
    uncertain_frames: tuple[int, ...] = ()
    files: tuple[Path, ...] = ()
    added: AddedFrames | None = None

    @property
    def frames_read(self) -> int:
        """How many frames the scene was read with."""
        return len(self.names) - (len(self.added.names) if self.added is not None else 0)
