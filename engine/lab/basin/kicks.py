"""The kicks of a basin map: angles against distances, in directions that all cells of the map share."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from engine.lab.basin.options import BasinOptions, BasinRequest


def list_sizes(request: BasinRequest, options: BasinOptions) -> tuple[Float[Tensor, " side"], Float[Tensor, " side"]]:
    """Angles (degrees) and distances (scene units), evenly from none to the largest."""
    return torch.linspace(0, request.turn_deg, options.side), torch.linspace(0, request.shift, options.side)


def make_kicks(direction: int, request: BasinRequest, options: BasinOptions) -> Float[Tensor, "rows columns 6"]:
    """Twists in the camera's own axes, as `engine.messages.PerturbPose` has them: rows are distances, columns angles.

    Axis of the turn and direction of the shift are drawn evenly from all, by the seed and the number of the direction.
    """
    generator = torch.Generator().manual_seed(1000 * options.seed + direction)
    turn, shift = normalize(torch.randn(2, 3, generator=generator), dim=-1)
    angles, distances = list_sizes(request, options)
    rotation = (angles * math.pi / 180)[None, :, None] * turn
    translation = distances[:, None, None] * shift
    return torch.cat(torch.broadcast_tensors(rotation, translation), dim=-1)
