"""The coarse-to-fine stages of a planar run: patches and field share a band limit, as in `engine.config.schedule`."""

from __future__ import annotations

from dataclasses import replace

from engine.config.rows import PlanarRow, PlanarRows, PlanarStage
from engine.config.settings import Settings
from engine.scenes.planar import PlanarScene

COARSEST = 24  # pixels along the shorter side of the patches of the first stage, about
MARGIN = 0.1


def make_planar_stages(scene: PlanarScene, settings: Settings, rows: PlanarRows) -> tuple[PlanarStage, ...]:
    """The table for a scene's size, method and preset, made of the field's own rows.

    The last stage sees the patches as they are, each one before half of their size.
    """
    longer = max(scene.image_size)
    if settings.preset == "paper":
        return (_stage(rows.paper, 1, longer, "paper"),)
    doublings = 0
    while min(scene.patch_size) / 2 ** (doublings + 1) >= COARSEST:
        doublings += 1
    chosen = [rows.first, *[rows.between] * (doublings - 1), rows.last] if doublings else [rows.last]
    if not settings.assisted:
        chosen = [replace(row, adjust=0, polish=0) for row in chosen]
    table = tuple(
        _stage(row, 2**level, longer, f"1/{2**level}")
        for row, level in zip(chosen, range(doublings, -1, -1), strict=True)
    )
    return _finest(table, settings.assisted) if settings.method_spec.rows == "finest" else table


def _finest(table: tuple[PlanarStage, ...], assisted: bool) -> tuple[PlanarStage, ...]:
    """The finest band for as long as all stages together; with help in as many stages, each with its own help."""
    last = table[-1]
    if not assisted:
        return (replace(last, iterations=sum(stage.iterations for stage in table), pose_rate=table[0].pose_rate),)
    return tuple(
        replace(
            last,
            name=f"{last.name}·{index}" if len(table) > 1 else last.name,
            iterations=stage.iterations,
            pose_rate=stage.pose_rate,
            adjust=stage.adjust,
            polish=stage.polish,
        )
        for index, stage in enumerate(table, 1)
    )


def _stage(row: PlanarRow, downsample: int, longer: int, name: str) -> PlanarStage:
    pixels = max(longer // downsample, 2)
    return PlanarStage(**vars(row), name=name, downsample=downsample, pixels=pixels, margin=MARGIN)
