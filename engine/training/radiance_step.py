"""The rendering of one optimisation step: pixels are drawn, become rays, and are rendered."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from engine.config.schedule import Stage
from engine.fields.field import Field
from engine.registration.calibration import Calibration
from engine.registration.registration import Registration
from engine.scenes.pyramid import photo_level
from engine.scenes.pyramid.photo_level import PhotoLevel
from engine.scenes.pyramid.pixel_choice import PixelChoice


class RenderedPixels(NamedTuple):
    """Colours as the run has them, those of the photos, the alignment term of the rays, and which pixels count.

    `counts` is 0 for pixels that do not count, else what each weighs in the mean of its frame; None if all are alike.
    """

    rendered: Float[Tensor, "frames points 3"]
    colours: Float[Tensor, "frames points 3"]
    alignment: Float[Tensor, ""]
    counts: Float[Tensor, "frames points"] | None = None


def render_step(
    registration: Registration,
    field: Field,
    calibration: Calibration,
    data: PhotoLevel,
    stage: Stage,
    generator: Generator,
    rays_move: bool,
    choice: PixelChoice | None = None,
) -> RenderedPixels:
    """Draws pixels of all frames and renders them, differentiably.

    Args:
        registration: where rays come from.
        field: what they see.
        calibration: lens and exposures.
        data: the photos at the stage's scale, through the calibrated lens.
        stage: says how many rays, and in blocks of how many pixels they are drawn.
        generator: draws pixels and jitters samples.
        rays_move: whether gradients reach the registration.
        choice: draws the pixels; None to draw them evenly.
    """
    count, device = len(data.images), data.points.device
    per_frame = min(max(stage.rays // count, 1), data.pixels)
    frames = torch.arange(count, device=device)
    weights = None
    if choice is None:
        pixels = photo_level.draw_pixels(data, count, per_frame, stage.block, generator)
    else:
        pixels, weights = choice.draw(per_frame, stage.block, generator)
    points = calibration.points(data.plane(frames, pixels))
    with torch.set_grad_enabled(rays_move):
        warped = registration.rays(frames, points, stage.block**2)
    rendering = field.render(warped.origins.reshape(-1, 3), warped.directions.reshape(-1, 3), generator=generator)
    rendered = calibration.colours(rendering.colour.view(count, -1, 3))
    colours, counts = data.colours(frames, pixels), data.counts(frames, pixels)
    if choice is not None and weights is not None:
        counts = weights if counts is None else weights * counts
        choice.add((rendered.detach() - colours).square().mean(dim=-1) * (counts > 0))
    return RenderedPixels(rendered, colours, warped.alignment, counts)
