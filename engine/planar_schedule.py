"""The coarse-to-fine stages of a planar run: patches and field share a band limit, as in `engine.schedule`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.scenes.planar import PlanarScene
from engine.settings import Settings


@dataclass(frozen=True)
class PlanarStage:
    """One row of the table.

    Attributes:
        name: what the progress bar shows.
        downsample: integer factor between the scene's patches and the stage's.
        pixels: of a grid, along the longer side of the image.
        margin: by how much of the image's size a grid reaches beyond it on each side.
        iterations: optimisation steps.
        batch: pixels per step, over all patches; 0 for all of them.
        field_rate: Adam's rate for the field, first and last, exponential in between.
        pose_rate: Adam's rate for the registration, likewise.
    """

    name: str
    downsample: int
    pixels: int
    margin: float
    iterations: int
    batch: int
    field_rate: tuple[float, float]
    pose_rate: tuple[float, float]

    @property
    def cost(self) -> float:
        """Of a step, relative to those of other stages."""
        return float(self.batch or self.pixels**2)


COARSEST = 24  # pixels along the shorter side of the patches of the first stage, about


def stages(scene: PlanarScene, settings: Settings) -> tuple[PlanarStage, ...]:
    """The table for a scene's size, method and preset."""
    longer = max(scene.image_size)
    if settings.preset == "paper":
        return (PlanarStage("paper", 1, longer, 0.0, 5000, 0, (1e-3, 1e-4), (1e-3, 1e-5)),)
    downsamples = [1]
    while min(scene.patch_size) / (downsamples[-1] * 2) >= COARSEST:
        downsamples.append(downsamples[-1] * 2)
    table = tuple(
        PlanarStage(
            name=f"1/{downsample}",
            downsample=downsample,
            pixels=max(longer // downsample, 2),
            margin=0.25,
            iterations=200 if downsample > 1 else 600,
            batch=8000,
            field_rate=(5e-2, 1e-2) if downsample > 1 else (3e-2, 3e-3),
            pose_rate=(5e-3, 2e-3) if downsample > 1 else (1e-3, 1e-5),
        )
        for downsample in reversed(downsamples)
    )
    if settings.method == "naive":
        return (replace(table[-1], iterations=sum(stage.iterations for stage in table)),)
    return table
