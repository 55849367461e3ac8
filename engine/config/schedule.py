"""The coarse-to-fine stages: one readable table per kind of scene.

Image and field share a band limit: a stage trains on images area-downsampled to `image_size` (longer side, pixels)
and on a voxel grid of matching resolution, upsampled from the stage before. This smooths the pose gradient as BARF's
encoding schedule does (arXiv 2104.06405, section 3.3), and coarse stages cost almost nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from engine.config import planar_schedule
from engine.config.planar_schedule import PlanarStage
from engine.config.settings import Settings
from engine.scenes.planar import PlanarScene
from engine.scenes.scene import Scene


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        planes: depth planes of a projective grid; voxels along an edge of a box.
        iterations: optimisation steps.
        rays: rays per step, over all frames.
        samples: intervals per ray.
        proposals: draw the intervals from the field's own density (else uniform).
        field_rate: Adam's rate for the field, first and last, exponential in between.
        pose_rate: Adam's rate for the registration, likewise.
        smoothness: weight, per voxel, of half the squared differences to its neighbours.
        settle: first iterations in which poses stand still, for the field to follow a jump.
        bundle: before the stage, refine poses by surface bundle adjustment on images this many times smaller
            than the scene's, one after the other; empty for none.
        directional: whether colour may depend on the direction.
        block: pixels are drawn in blocks of this many by this many: neighbours share voxels, and a volume that no
            cache holds is fetched less often.
    """

    planes: int
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
    block: int = 2


@dataclass(frozen=True, kw_only=True)
class Stage(Row):
    """A row, made for a scene.

    Attributes:
        name: what the progress bar shows.
        downsample: integer factor between the scene's images and the stage's.
        voxels: voxels along the longer side of the image (projective) or along an edge of the box.
    """

    name: str
    downsample: int
    voxels: int

    @property
    def cost(self) -> float:
        """Of a step, relative to those of other stages."""
        return float(self.rays * self.samples)


AnyStage = Stage | PlanarStage


MARGIN = 1.25  # a projective grid reaches this far beyond the first image's edges
BLOCKS = 45  # along the shorter side of an image, at least: on a coarse one a block is a good part of it
COARSEST = 32  # pixels along the longer side of the images of the first stage, about

# downsample is filled in from the image size: the last row sees the scene's own images, each row before half of it
_FORWARD_FACING = (
    #     planes, iterations, rays, samples, proposals, field rate, pose rate, smoothness
    Row(12, 300, 5000, 18, False, (5e-2, 1e-2), (1e-2, 5e-3), 3.5e-8),
    Row(16, 200, 5000, 24, False, (5e-2, 1e-2), (5e-3, 3e-3), 6e-9),
    Row(24, 150, 5000, 12, True, (5e-2, 1e-2), (1e-3, 5e-4), 1e-9, settle=60, bundle=(8, 4)),
    Row(32, 500, 6000, 12, True, (5e-2, 1e-2), (5e-4, 2e-4), 1e-9, settle=120, bundle=(4, 2)),
    Row(32, 5000, 12000, 16, True, (1e-1, 3e-3), (2e-4, 1e-5), 5e-10, settle=200, directional=True, block=4),
)
_OBJECT = (
    Row(24, 400, 6000, 36, False, (5e-2, 1e-2), (1e-2, 5e-3), 3.5e-8),
    Row(48, 300, 6000, 72, False, (5e-2, 1e-2), (5e-3, 3e-3), 4.5e-9),
    Row(80, 200, 6000, 24, True, (5e-2, 1e-2), (5e-4, 2e-4), 1e-9, settle=60, bundle=(8, 4)),
    Row(128, 300, 6000, 24, True, (5e-2, 1e-2), (2e-4, 1e-4), 1e-9, settle=100, bundle=(4, 2)),
    Row(192, 2500, 8000, 24, True, (5e-2, 2e-3), (1e-4, 1e-5), 1.5e-9, settle=200, bundle=(2,), directional=True),
)


# Poses that are known stand still until the field is worth following, and then follow it: an adjustment would jump
# farther than they are off. Pose rate and settle of the last rows; in the others poses stand still.
_KNOWN_POSES = (
    ((2e-4, 1e-4), 120),
    ((1e-4, 1e-5), 200),
)


def stages(scene: Scene, settings: Settings) -> tuple[Stage, ...]:
    """The table for a kind of scene, method, field and preset; never for a scene's name."""
    if settings.preset == "paper":
        return (_paper(scene),)
    rows: tuple[Row, ...] = _FORWARD_FACING if scene.kind == "forward-facing" else _OBJECT
    longer = max(scene.intrinsics.width, scene.intrinsics.height)
    doublings = min(max(round(math.log2(longer / COARSEST)), 0), len(rows) - 1)
    coarsest, rows = rows[0], rows[len(rows) - 1 - doublings :]
    # small images skip coarse rows, but whoever comes first has the same way to go
    fog = replace(rows[0], pose_rate=coarsest.pose_rate, proposals=False, samples=rows[0].planes * 3 // 2)
    rows = (replace(fog, iterations=coarsest.iterations, settle=0, bundle=()), *rows[1:])
    table = tuple(_stage(row, 2 ** (len(rows) - 1 - index), scene) for index, row in enumerate(rows))
    if settings.method == "naive":  # all bands from the start: the finest row, for as long as all rows together
        return (replace(table[-1], iterations=sum(stage.iterations for stage in table), settle=0, bundle=()),)
    if settings.method == "reference":
        return tuple(replace(stage, settle=0, bundle=()) for stage in table)
    return _polishing(table, settings.refine_intrinsics) if scene.poses_known else table


def stages_of(scene: Scene | PlanarScene, settings: Settings) -> tuple[AnyStage, ...]:
    """The table of any scene; see `stages` and `engine.config.planar_schedule.stages`."""
    return planar_schedule.stages(scene, settings) if isinstance(scene, PlanarScene) else stages(scene, settings)


def _polishing(table: tuple[Stage, ...], lens: bool) -> tuple[Stage, ...]:
    """The table for poses that are known: a coarse field would lead them astray, and knows less than they do.

    Where the `lens` shall be refined too the adjustments of the rows in which poses move stay: nothing else moves it.
    """
    still = tuple(replace(stage, settle=stage.iterations, bundle=()) for stage in table[: -len(_KNOWN_POSES)])
    moving = table[len(still) :]
    return still + tuple(
        replace(stage, pose_rate=rate, settle=settle, bundle=stage.bundle if lens else ())
        for stage, (rate, settle) in zip(moving, _KNOWN_POSES[-len(moving) :], strict=True)
    )


def _stage(row: Row, downsample: int, scene: Scene) -> Stage:
    shorter, longer = sorted((scene.intrinsics.width, scene.intrinsics.height))
    return Stage(
        **vars(row) | {"block": min(row.block, max(shorter // downsample // BLOCKS, 1))},
        name=f"1/{downsample}",
        downsample=downsample,
        voxels=row.planes if scene.kind == "object" else round(longer / downsample * MARGIN),
    )


def _paper(scene: Scene) -> Stage:
    """The official code's options, one stage on whole images (BARF's `options/barf_*.yaml`, L2G's likewise)."""
    forward = scene.kind == "forward-facing"
    return Stage(
        name="paper",
        downsample=1,
        planes=48,
        voxels=max(scene.intrinsics.width, scene.intrinsics.height),
        iterations=200_000,
        rays=2048 if forward else 1024,
        samples=128,
        proposals=False,
        field_rate=(1e-3, 1e-4) if forward else (5e-4, 1e-4),
        pose_rate=(3e-3, 1e-8) if forward else (1e-3, 1e-8),
        smoothness=0.0,
        directional=True,
        block=1,
    )
