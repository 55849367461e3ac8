"""The coarse-to-fine stages: one readable table per kind of scene.

Image and field share a band limit: a stage trains on images area-downsampled to `image_size` (longer side, pixels)
and on a voxel grid of matching resolution, upsampled from the stage before. This smooths the pose gradient as BARF's
encoding schedule does (arXiv 2104.06405, section 3.3), and coarse stages cost almost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.scenes.scene import Scene, SceneKind
from engine.settings import Settings


@dataclass(frozen=True)
class Stage:
    """One row of the table.

    Attributes:
        name: what the progress bar shows.
        downsample: integer factor between the scene's images and the stage's.
        planes: depth planes of a projective grid; unused by a box.
        voxels: voxels along the longer side of the image (projective) or along an edge of the box.
        iterations: optimisation steps.
        rays: rays per step, over all frames.
        samples: intervals per ray.
        proposals: draw the intervals from the field's own density (else uniform).
        field_rate: Adam's rate for the field, first and last, exponential in between.
        pose_rate: Adam's rate for the registration, likewise.
        smoothness: weight of the squared differences between neighbouring voxels.
        settle: first iterations in which poses stand still, for the field to follow a jump.
        bundle: before the stage, refine poses by surface bundle adjustment on images this many times smaller
            than the scene's, one after the other; empty for none.
        directional: whether colour may depend on the direction.
    """

    name: str
    downsample: int
    planes: int
    voxels: int
    iterations: int
    rays: int
    samples: int
    proposals: bool
    field_rate: tuple[float, float]
    pose_rate: tuple[float, float]
    smoothness: float
    settle: int = 0
    bundle: tuple[int, ...] = ()
    directional: bool = False


def stages(scene: Scene, settings: Settings) -> tuple[Stage, ...]:
    """The table for a kind of scene, method, field and preset; never for a scene's name."""
    raise NotImplementedError
