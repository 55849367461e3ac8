"""A world that is a coloured sphere: analytic pictures of it, and neural fields to learn them."""

import math

import torch
from torch.nn import functional

from engine.config.methods import METHODS
from engine.config.rows import Stage
from engine.config.settings import Preset
from engine.fields.mlp.field import MlpField

STAGE = Stage(2, 100, 64, 24, False, (3e-3, 1e-3), (1e-3, 1e-4), 0.0, name="all", downsample=1, voxels=2)
WHITE = torch.ones(3)


def sphere_field(seed: int = 0, size: float = 1.0, method: str = "reference", preset: Preset = "default", **more):
    """Around the unit sphere, seen from a distance of 4; `size` scales the world."""
    made = MlpField(
        "object",
        2.5 * size,
        5.5 * size,
        (1.0, 1.0, 1.0),
        METHODS[method].bands,
        preset,
        torch.Generator().manual_seed(seed),
        box_half_extent=1.45 * size,
        **more,
    )
    made.begin_stage(STAGE)
    return made


def facing_field(**more):
    made = MlpField(
        "forward-facing",
        1.3,
        math.inf,
        None,
        METHODS["barf"].bands,
        "default",
        torch.Generator().manual_seed(0),
        **more,
    )
    made.begin_stage(STAGE)
    return made


def unbounded_field(**more):
    made = MlpField(
        "unbounded",
        0.4,
        math.inf,
        None,
        METHODS["reference"].bands,
        "default",
        torch.Generator().manual_seed(0),
        box_centre=(0.2, 0.0, -0.1),
        box_half_extent=1.45,
        **more,
    )
    made.begin_stage(STAGE)
    return made


def camera_rays(seed: int, count: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """From random places at a distance of 4 towards the origin, z = 1 in the camera."""
    generator = torch.Generator().manual_seed(seed)
    forward = functional.normalize(torch.randn(count, 3, generator=generator), dim=-1)
    right = functional.normalize(torch.linalg.cross(forward, torch.tensor([[0.0, 1, 0]])), dim=-1)
    plane = (torch.rand(count, 2, generator=generator) - 0.5) * 0.8
    return -4 * forward, forward + plane[:, :1] * right + plane[:, 1:] * torch.linalg.cross(forward, right)


def sphere_colours(origins: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
    """The unit sphere, coloured by its normal, before white."""
    a, b, c = (directions**2).sum(-1), (origins * directions).sum(-1), (origins**2).sum(-1) - 1
    discriminant = b * b - a * c
    normal = origins + ((-b - discriminant.clamp(min=0).sqrt()) / a)[:, None] * directions
    return torch.where(discriminant[:, None] > 0, 0.5 + 0.5 * normal, WHITE)


def train(made: MlpField, steps: range, of: int, rays: int = 64, start: float = 0.0, end: float = 1.0) -> None:
    """The part of a run from `start` to `end`, in `of` steps."""
    for iteration in steps:
        origins, directions = camera_rays(iteration, rays)
        made.progress(start + (end - start) * iteration / of)
        seen = made.render(origins, directions, torch.Generator().manual_seed(iteration))
        functional.mse_loss(seen.colour, sphere_colours(origins, directions)).backward()
        made.step(iteration / of)


def decibels(colour: torch.Tensor, expected: torch.Tensor) -> float:
    return -10 * math.log10(functional.mse_loss(colour, expected).item())
