"""The coarse-to-fine stages of a scene with cameras, made of the rows that its field brings along.

Image and field share a band limit: a stage trains on images area-downsampled to `image_size` (longer side, pixels)
and on a voxel grid of matching resolution, upsampled from the stage before. This smooths the pose gradient as BARF's
encoding schedule does (arXiv 2104.06405, section 3.3), and coarse stages cost almost nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from engine.config.rows import FieldRows, Row, Stage
from engine.config.settings import Settings
from engine.scenes.scene import Scene

MARGIN = 1.25  # a projective grid reaches this far beyond the first image's edges
BLOCKS = 45  # along the shorter side of an image, at least: on a coarse one a block is a good part of it
FEWEST_PLANES = 32  # of a projective grid, that no image is too small for
PIXELS_PER_PLANE = 7  # along the longer side of an image: more planes than that hold one ray's samples too far apart
FINEST = 1.5  # voxels along an edge per pixel of the longer side, at most, in a sparse stage: finer ones show no more
COARSEST_SPARSE = 128  # voxels along an edge in a sparse stage, at least: the rows before it have as many
SMALLEST_ADJUSTED = 40  # pixels along the longer side of images that cameras are adjusted on, at least: thin things
# are less than a pixel on smaller ones, and their cameras were lost
COARSEST = 32  # pixels along the longer side of the images of the first stage, about

# Poses that are known stand still until the field is worth following, and then follow it: an adjustment would jump
# farther than they are off. Pose rate and settle of the last rows; in the others poses stand still.
_KNOWN_POSES = (
    ((2e-4, 1e-4), 120),
    ((1e-4, 1e-5), 200),
)
# Where matches hold them, adjustments of all poses together move them, and gradient descent on colours hardly: over
# thousands of steps it walks away from what an adjustment found. With a tenth of these rates lego at noise went from
# 0.130 to 0.152 degrees in its last stage, and fountain's centres from 0.07 to 0.09 % of their spread; with a
# hundredth lego stayed at 0.130, and its held-out photos became 0.15 dB better.
_MATCHED_SHARE = 0.01  # of these rates


def make_stages(scene: Scene, settings: Settings, field_rows: FieldRows) -> tuple[Stage, ...]:
    """The table for a kind of scene, method, field and preset; never for a scene's name.

    Args:
        scene: of a kind that `field_rows` has rows for.
        settings: method, preset and assistance count.
        field_rows: of the field that is trained.
    """
    if settings.preset == "paper":
        return (_paper(scene, field_rows.paper[scene.kind]),)
    table = tuple(
        _stage(row, 2**level, scene) for level, row in reversed(list(enumerate(reversed(_fitting(scene, field_rows)))))
    )
    if not settings.registers:
        return tuple(replace(stage, settle=0, bundle=()) for stage in table)
    finest = settings.method_spec.rows == "finest"
    if finest and not settings.assisted:
        return _finest_alone(table)
    if scene.poses_known:
        table = _polishing(table, settings.refine_intrinsics, scene.tracks is not None and settings.uses_matches)
    if not settings.assisted:
        return tuple(replace(stage, bundle=()) for stage in table)
    return _finest_with_help(table) if finest else table


def _fitting(scene: Scene, field_rows: FieldRows) -> Sequence[Row]:
    """The rows that an image is large enough for, from coarse to fine."""
    rows = field_rows.default[scene.kind]
    longer = max(scene.intrinsics.width, scene.intrinsics.height)
    doublings = min(max(round(math.log2(longer / COARSEST)), 0), len(rows) - 1)
    coarsest, rows = rows[0], rows[len(rows) - 1 - doublings :]
    if scene.kind == "forward-facing":
        most = max(longer // PIXELS_PER_PLANE, FEWEST_PLANES)
        rows = tuple(replace(row, planes=min(row.planes, most)) for row in rows)
    # Small images skip coarse rows, but the first row that is left has the whole way to go, and from nothing: its
    # density is not worth drawing intervals from.
    first = replace(
        rows[0],
        iterations=coarsest.iterations,
        pose_rate=coarsest.pose_rate,
        bands=(coarsest.bands[0], rows[0].bands[1]),
        proposals=False,
        settle=coarsest.settle,
        bundle=(),
    )
    if rows[0].proposals:
        first = replace(first, samples=rows[0].planes * 3 // 2)
    return first, *rows[1:]


def _finest_alone(table: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """One stage at the finest band, for as long as all stages together.

    Its poses have as far to go as those of the others, so that it begins at the coarsest row's rate.
    """
    last, iterations = table[-1], sum(stage.iterations for stage in table)
    pose_rate = table[0].pose_rate[0], last.pose_rate[1]
    return (replace(last, iterations=iterations, pose_rate=pose_rate, settle=0, bundle=()),)


def _finest_with_help(table: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """As many stages, all at the finest band, with the pose rates and adjustments of the coarse-to-fine table."""
    last = table[-1]
    return tuple(
        replace(
            last,
            name=f"{last.name}·{index}" if len(table) > 1 else last.name,
            iterations=stage.iterations,
            pose_rate=stage.pose_rate,
            settle=stage.settle,
            bundle=stage.bundle,
        )
        for index, stage in enumerate(table, 1)
    )


def _polishing(table: tuple[Stage, ...], refines: bool, matched: bool) -> tuple[Stage, ...]:
    """The table for poses that are known: a coarse field would move them away, and knows less than they do.

    The adjustments of the rows in which poses move stay where the lens shall be refined too, which nothing else moves,
    and where matches see to it that an adjustment does not jump farther than poses are off: there the finest of a row
    alone, for matches know more than small photos.
    """
    still = tuple(replace(stage, settle=stage.iterations, bundle=()) for stage in table[: -len(_KNOWN_POSES)])
    moving = table[len(still) :]
    return still + tuple(
        replace(
            stage,
            pose_rate=_lower(rates) if matched else rates,
            settle=settle,
            bundle=stage.bundle[-1:] if matched else stage.bundle if refines else (),
        )
        for stage, (rates, settle) in zip(moving, _KNOWN_POSES[-len(moving) :], strict=True)
    )


def _lower(rates: tuple[float, float]) -> tuple[float, float]:
    """The rates of poses that matches hold."""
    first, last = rates
    return first * _MATCHED_SHARE, last * _MATCHED_SHARE


def _stage(row: Row, downsample: int, scene: Scene) -> Stage:
    shorter, longer = sorted((scene.intrinsics.width, scene.intrinsics.height))
    block = min(row.block, max(shorter // downsample // BLOCKS, 1))
    bundle = tuple(factor for factor in row.bundle if longer / factor >= SMALLEST_ADJUSTED)
    facing, planes = scene.kind == "forward-facing", row.planes
    if row.sparse and not facing:
        planes = min(planes, max(round(longer / downsample * FINEST / 8) * 8, COARSEST_SPARSE))
    return Stage(
        **vars(row) | {"block": block, "planes": planes, "bundle": bundle},
        name=f"1/{downsample}",
        downsample=downsample,
        voxels=round(longer / downsample * MARGIN) if facing else planes,
    )


def _paper(scene: Scene, row: Row) -> Stage:
    longer = max(scene.intrinsics.width, scene.intrinsics.height)
    return Stage(**vars(row), name="paper", downsample=1, voxels=longer)
