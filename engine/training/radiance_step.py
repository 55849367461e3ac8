"""The rendering of one optimisation step: pixels are drawn, become rays, and are rendered."""

from __future__ import annotations

from collections.abc import Callable

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
from engine.system.recorded_work import WorkKind, tensors_of, upload_made
from engine.training.losses import StepOutput


def render_step(
    registration: Registration,
    field: Field,
    calibration: Calibration,
    data: PhotoLevel,
    stage: Stage,
    generator: Generator,
    rays_move: bool,
    trains: Callable[[], Float[Tensor, " frames"]],
    choice: PixelChoice | None = None,
) -> StepOutput:
    """Draws pixels of all frames and renders them, differentiably.

    Args:
        registration: where rays come from.
        field: what they see.
        calibration: lens and exposures.
        data: the photos at the stage's scale, through the calibrated lens.
        stage: says how many rays, and in blocks of how many pixels they are drawn.
        generator: draws pixels and jitters samples.
        rays_move: whether gradients reach the registration.
        trains: says on the CPU which frames train: 1 for those, 0 for the others.
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
    return StepOutput(rendered, colours, warped.alignment, upload_made(trains, device), counts)


def describe_step(
    registration: Registration,
    field: Field,
    calibration: Calibration,
    data: PhotoLevel,
    stage: Stage,
    rays_move: bool,
    choice: PixelChoice | None,
) -> WorkKind | None:
    """What `render_step` depends on, so that it may be recorded; None where its shapes depend on values.

    Of the calibration it is whether it is fitted, and where; the photos are others after each of its adjustments.
    """
    kind = field.step_kind()
    parts = tensors_of(registration.module(), calibration)
    return kind and kind.extended((stage, rays_move), (*parts, data, choice))
