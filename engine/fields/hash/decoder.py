"""The decoder: from features and a direction to raw density and raw colour."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn
from torch.nn import functional

from engine.fields.mlp.layers import make_linear

HARMONICS = 15  # of degrees 1 to 3


def spherical_harmonics(directions: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 15"]:
    """Real spherical harmonics of degrees 1 to 3 of unit directions, without their constant factors.

    Degree 0 is left out: the decoder has biases. The factors only scale weights that are learned; these functions lie
    within -2 and 5.
    """
    x, y, z = directions.unbind(-1)
    xx, yy, zz = x * x, y * y, z * z
    return torch.stack(
        [
            *(x, y, z),
            *(x * y, y * z, 3 * zz - 1, x * z, xx - yy),
            *(y * (3 * xx - yy), x * y * z, y * (5 * zz - 1), z * (5 * zz - 3), x * (5 * zz - 1), z * (xx - yy)),
            x * (xx - 3 * yy),
        ],
        dim=-1,
    )


class Decoder(nn.Module):
    """Two small parts as in instant-ngp: density of features, then colour of what is handed on and the direction."""

    def __init__(self, features: int, width: int, geometry: int, raw_density: float, generator: Generator) -> None:
        super().__init__()
        self.hidden = make_linear(features, width, generator)
        self.geometry = make_linear(width, geometry, generator)
        self.colour_hidden = make_linear(geometry + HARMONICS, width, generator)
        self.colour = make_linear(width, 3, generator)
        with torch.no_grad():
            self.geometry.bias[0] = raw_density
            # Directions come in late: until they have learned something they must not disturb colours.
            self.colour_hidden.weight[:, geometry:] = 0.0

    def describe(self, features: Float[Tensor, "points open"]) -> Float[Tensor, "points geometry"]:
        """Raw density first. Features may be cut short: those of closed levels are zero."""
        hidden = functional.linear(features, self.hidden.weight[:, : features.shape[-1]], self.hidden.bias)
        return self.geometry(functional.relu(hidden, inplace=True))

    def paint(
        self, geometry: Float[Tensor, "points geometry"], harmonics: Float[Tensor, "points 15"] | None
    ) -> Float[Tensor, "points 3"]:
        """Raw colour; without directions their part is zero."""
        inputs = geometry if harmonics is None else torch.cat([geometry, harmonics.to(geometry.dtype)], dim=-1)
        layer = self.colour_hidden
        hidden = functional.linear(inputs, layer.weight[:, : inputs.shape[-1]], layer.bias)
        return self.colour(functional.relu(hidden, inplace=True))
