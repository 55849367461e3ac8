"""The coarse-to-fine stages of a planar run: patches and field share a band limit, as in `engine.config.schedule`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.config.settings import Settings
from engine.scenes.planar import PlanarScene


@dataclass(frozen=True)
class PlanarRow:
    """One row of the table.

    Attributes:
        iterations: optimisation steps.
        batch: pixels per step, over all patches; 0 for all of them.
        field_rate: Adam's rate for the field, first and last, exponential in between.
        network_rate: in its place where the field is a network.
        pose_rate: Adam's rate for the registration, likewise.
        adjust, polish: so many of the first and of the last iterations step the transforms of all patches together
            by Gauss-Newton (see `engine.registration.planar.adjustment`), in place of Adam.
    """

    iterations: int
    batch: int
    field_rate: tuple[float, float]
    network_rate: tuple[float, float]
    pose_rate: tuple[float, float]
    adjust: int = 0
    polish: int = 0


@dataclass(frozen=True, kw_only=True)
class PlanarStage(PlanarRow):
    """A row, made for a scene.

    Attributes:
        name: what the progress bar shows.
        downsample: integer factor between the scene's patches and the stage's.
        pixels: of a grid, along the longer side of the image.
        margin: by how much of the image's size a grid reaches beyond it on each side.
    """

    name: str
    downsample: int
    pixels: int
    margin: float

    @property
    def cost(self) -> float:
        """Of a step, relative to those of other stages."""
        return float(self.batch or self.pixels**2)


COARSEST = 24  # pixels along the shorter side of the patches of the first stage, about
MARGIN = 0.1


# The last stage sees the patches as they are, each one before half of their size.
_FIRST, _BETWEEN, _LAST = (
    #  iterations, batch, field rate, network rate, pose rate, adjust, polish
    PlanarRow(200, 4000, (5e-2, 1e-2), (3e-3, 2e-3), (5e-3, 2e-3), polish=15),
    PlanarRow(100, 6000, (5e-2, 1e-2), (2e-3, 1e-3), (5e-4, 2e-4), adjust=15),
    PlanarRow(300, 8000, (5e-2, 3e-3), (1e-3, 2e-4), (5e-5, 1e-5), adjust=30, polish=20),
)


def stages(scene: PlanarScene, settings: Settings) -> tuple[PlanarStage, ...]:
    """The table for a scene's size, method and preset."""
    longer = max(scene.image_size)
    if settings.preset == "paper":  # the official options: all pixels in every step, one stage
        return (_stage(PlanarRow(5000, 0, (1e-2, 1e-3), (1e-3, 1e-4), (1e-3, 1e-5)), 1, longer, "paper"),)
    doublings = 0
    while min(scene.patch_size) / 2 ** (doublings + 1) >= COARSEST:
        doublings += 1
    rows = [_FIRST, *[_BETWEEN] * (doublings - 1), _LAST] if doublings else [_LAST]
    if settings.method != "l2g":
        rows = [replace(row, adjust=0, polish=0) for row in rows]
    table = tuple(
        _stage(row, 2**level, longer, f"1/{2**level}")
        for row, level in zip(rows, range(doublings, -1, -1), strict=True)
    )
    if settings.method == "naive":
        return (replace(table[-1], iterations=sum(stage.iterations for stage in table), pose_rate=table[0].pose_rate),)
    return table


def _stage(row: PlanarRow, downsample: int, longer: int, name: str) -> PlanarStage:
    pixels = max(longer // downsample, 2)
    return PlanarStage(**vars(row), name=name, downsample=downsample, pixels=pixels, margin=MARGIN)
