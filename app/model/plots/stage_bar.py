"""The coarse-to-fine schedule as a bar: the place of each stage, the progress of the run, a stage in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.model.state.scene_kinds import as_planar, as_posed
from engine.config.rows import AnyStage, PlanarStage, Stage
from engine.config.settings import Settings
from engine.fields import find_field
from engine.scenes import AnyScene, Scene

NARROWEST = 34.0  # pixels of a stage in the bar, so that its name fits
ENCODED = "Network; its encoding opens with the iterations"


@dataclass(frozen=True)
class Span:
    """A stage's place in the bar, pixels."""

    left: float
    right: float


def lay_out_stages(iterations: Sequence[int], width: float, narrowest: float = NARROWEST) -> list[Span]:
    """The stages' places in a bar: wide as their share of the iterations, but at least `narrowest` pixels."""
    if not iterations:
        return []
    floor = min(narrowest, width / len(iterations))
    rest, total = width - floor * len(iterations), max(sum(iterations), 1)
    found, left = [], 0.0
    for count in iterations:
        right = left + floor + rest * count / total
        found.append(Span(left, right))
        left = right
    return found


def find_place(iterations: Sequence[int], found: Sequence[Span], iteration: int) -> float:
    """The place of an iteration in the bar, pixels; the end of the bar after the schedule has ended."""
    begin = 0
    for count, span in zip(iterations, found, strict=True):
        if iteration < begin + count:
            return span.left + (span.right - span.left) * max(iteration - begin, 0) / count
        begin += count
    return found[-1].right if found else 0.0


def describe_stage(stage: AnyStage, settings: Settings, scene: AnyScene) -> str:
    """A stage in a few lines, for its tool tip."""
    planar, posed = as_planar(scene), as_posed(scene)
    if planar is not None and isinstance(stage, PlanarStage):
        return _planar(stage, settings, planar.patch_size)
    if posed is not None and isinstance(stage, Stage):
        return _posed(stage, settings, posed)
    return ""


def _planar(stage: PlanarStage, settings: Settings, patch: tuple[int, int]) -> str:
    width, height = (length // stage.downsample for length in patch)
    lines = [f"Stage {stage.name}: {stage.iterations:,} iterations on patches of {width} x {height} px"]
    if find_field(settings.field).encodes:
        lines.append(ENCODED)
    else:
        lines.append(f"Image of {stage.pixels} px along its longer side")
    lines.append(f"{stage.batch:,} pixels per step" if stage.batch else "All pixels in every step")
    return "\n".join(lines)


def _posed(stage: Stage, settings: Settings, scene: Scene) -> str:
    forward_facing = scene.kind == "forward-facing"
    width, height = scene.intrinsics.width // stage.downsample, scene.intrinsics.height // stage.downsample
    lines = [f"Stage {stage.name}: {stage.iterations:,} iterations on photos of {width} x {height} px"]
    if find_field(settings.field).encodes:
        lines.append(ENCODED)
    else:
        across = round(stage.voxels * height / max(width, 1)) if forward_facing else stage.voxels
        deep = stage.planes if forward_facing else stage.voxels
        lines.append(f"Voxel grid {stage.voxels} x {across} x {deep}")
    lines.append(f"{stage.rays:,} rays of {stage.samples} samples per step")
    if stage.bundle and settings.assisted:
        sizes = ", ".join(f"1/{factor}" for factor in stage.bundle)
        lines.append(f"Begins with a bundle adjustment on photos at {sizes}")
    if stage.settle and settings.registers:
        whole = stage.settle >= stage.iterations
        lines.append("Poses are fixed" if whole else f"Poses are fixed for its first {stage.settle} iterations")
    return "\n".join(lines)
