"""The image that a planar run has learned, whole or some rows of it."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.homography import apply_homography
from engine.scenes.planar import plane_of_image
from engine.training.planar.trainer import PlanarTrainer

ROWS_AT_ONCE = 64  # of pixels, when the image is asked of the field


def learned_image(trainer: PlanarTrainer) -> Float[Tensor, "height width 3"]:
    """The field at every pixel of the image."""
    rows = [learned_rows(trainer, 1, top, ROWS_AT_ONCE) for top in range(0, trainer.scene.image_size[1], ROWS_AT_ONCE)]
    return torch.cat(rows)


@torch.no_grad()
def learned_rows(trainer: PlanarTrainer, downsample: int, top: int, count: int) -> Float[Tensor, "rows width 3"]:
    """Some rows of the learned image, downsampled by an integer factor."""
    width, height = (side // downsample for side in trainer.scene.image_size)
    axes = torch.arange(width) + 0.5, torch.arange(top, min(top + count, height)) + 0.5
    pixels = torch.stack(torch.meshgrid(*axes, indexing="xy"), dim=-1) * downsample
    plane = apply_homography(plane_of_image(trainer.scene).float(), pixels.reshape(-1, 2))
    return trainer.field.colours(plane.to(trainer.device)).clamp(0, 1).view(-1, width, 3)
