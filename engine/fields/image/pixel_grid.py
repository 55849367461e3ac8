"""The learned image as a grid of pixels with bilinear interpolation, the default field of planar scenes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from engine.config.rows import PlanarStage
from engine.fields.module_field import zero_what_is_not_finite
from engine.system.recorded_work import WorkKind

_INITIAL_COLOUR = 0.5  # of all pixels and channels, grey


class PixelGrid:
    """Colours of pixels that cover the image and a margin around it, where unregistered patches may lie."""

    def __init__(self, half_extent: tuple[float, float], device: torch.device) -> None:
        """`half_extent` are half width and half height of the image, units of the plane."""
        self._half = torch.tensor(half_extent, device=device)
        self._stage: PlanarStage | None = None
        self._pixels = torch.full((1, 3, 2, 2), _INITIAL_COLOUR, device=device)
        self._adam: torch.optim.Adam | None = None
        self.version = 0

    def begin_stage(self, stage: PlanarStage) -> None:
        """Resamples the pixels to the resolution of the stage."""
        self._stage = stage
        half = self._half * (1 + stage.margin)
        rows, columns = self._size(stage)
        resized = F.interpolate(self._pixels, (rows, columns), mode="bilinear", align_corners=False)
        self._pixels = resized.detach().clone().requires_grad_(True)
        self._adam = torch.optim.Adam([self._pixels], lr=stage.field_rate[0], betas=(0.9, 0.99), foreach=True)
        self._reach = half
        self.version += 1

    def _size(self, stage: PlanarStage) -> tuple[int, int]:
        """Rows and columns in a stage."""
        longer = float(self._half.max())
        columns, rows = (
            max(round(float(side) / longer * stage.pixels), 2) for side in self._half * (1 + stage.margin)
        )
        return rows, columns

    def at_stage(self, stage: PlanarStage, fraction: float) -> PixelGrid:
        """A copy, its pixels averaged to the resolution of a coarser stage."""
        half = (float(self._half[0]), float(self._half[1]))
        copied = PixelGrid(half, self._half.device)
        rows, columns = self._size(stage)
        coarser = rows < self._pixels.shape[2]
        pixels = self._pixels.detach()
        copied._pixels = F.interpolate(pixels, (rows, columns), mode="area") if coarser else pixels.clone()
        copied._stage, copied._reach = stage, self._reach
        return copied

    def progress(self, fraction: float) -> None:
        """Does nothing: the band limit is the resolution, which changes with the stage."""

    def step_kind(self) -> WorkKind:
        return WorkKind((), (self._pixels, self._reach))

    def colours(self, points: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
        """Bilinear colours; beyond the margin those of the nearest pixel."""
        flat = (points / self._reach).reshape(1, 1, -1, 2)
        found = F.grid_sample(self._pixels, flat, align_corners=False, padding_mode="border")
        return found[0, :, 0].T.reshape(*points.shape[:-1], 3)

    def step(self, fraction: float, factor: float = 1.0) -> None:
        assert self._adam is not None
        assert self._stage is not None
        first, last = self._stage.field_rate
        self._adam.param_groups[0]["lr"] = first * (last / first) ** fraction * factor
        zero_what_is_not_finite([self._pixels])
        self._adam.step()
        self.discard()
        self.version += 1

    def discard(self) -> None:
        self._pixels.grad = None

    def state(self) -> dict[str, Tensor]:
        assert self._adam is not None
        moments = {f"adam.{name}": value for name, value in self._adam.state[self._pixels].items()}
        return {"pixels": self._pixels.detach(), "version": torch.tensor(self.version)} | moments

    def load_state(self, state: dict[str, Tensor]) -> None:
        assert self._adam is not None
        with torch.no_grad():
            self._pixels.copy_(state["pixels"])
        moments = {name.removeprefix("adam."): value for name, value in state.items() if name.startswith("adam.")}
        if moments:
            moments["step"] = moments["step"].cpu()
            self._adam.state[self._pixels] = {name: value.clone() for name, value in moments.items()}
        self.version = int(state["version"])
