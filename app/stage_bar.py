"""The coarse-to-fine schedule as a bar: where each stage lies, how far the run is, what a stage is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.schedule import Stage
from engine.settings import Settings

NARROWEST = 34.0  # pixels: the name of a stage must fit


@dataclass(frozen=True)
class Span:
    """A stage's place in the bar, pixels."""

    left: float
    right: float


def spans(iterations: Sequence[int], width: float, narrowest: float = NARROWEST) -> list[Span]:
    """Each stage's place: as wide as its share of the iterations, but never narrower than its name."""
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


def place(iterations: Sequence[int], found: Sequence[Span], iteration: int) -> float:
    """Where an iteration lies in the bar, pixels; past the schedule, at its end."""
    begin = 0
    for count, span in zip(iterations, found, strict=True):
        if iteration < begin + count:
            return span.left + (span.right - span.left) * max(iteration - begin, 0) / count
        begin += count
    return found[-1].right if found else 0.0


def described(stage: Stage, settings: Settings, image: tuple[int, int], forward_facing: bool) -> str:
    """A stage in four lines, for its tool tip; `image` is (width, height) of the scene's photos."""
    width, height = image[0] // stage.downsample, image[1] // stage.downsample
    lines = [f"Stage {stage.name}: {stage.iterations:,} iterations on photos of {width} x {height} px"]
    if settings.field == "grid":
        across = round(stage.voxels * height / max(width, 1)) if forward_facing else stage.voxels
        deep = stage.planes if forward_facing else stage.voxels
        lines.append(f"Voxel grid {stage.voxels} x {across} x {deep}")
    else:
        lines.append("Network; its encoding opens with the iterations")
    lines.append(f"{stage.rays:,} rays of {stage.samples} samples per step")
    if stage.bundle and settings.registers:
        sizes = ", ".join(f"1/{factor}" for factor in stage.bundle)
        lines.append(f"Begins with a bundle adjustment on photos at {sizes}")
    if stage.settle and settings.registers:
        lines.append(f"Poses stand still for its first {stage.settle} iterations")
    return "\n".join(lines)
