"""The network of an MLP field: from encoded positions and directions to density and colour."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn
from torch.nn import functional

from engine.config.settings import Preset
from engine.fields.mlp.encoding import encoded_size


@dataclass(frozen=True)
class Architecture:
    """Sizes of the network.

    Attributes:
        layers: layers from the position to the features of the colour; density is computed before the last of them.
        width: units of each of these layers.
        skip: index of the layer whose input is concatenated with the encoded position.
        colour_width: units of the layer between features and colour, whose input includes the direction.
        position_bands: frequencies of the encoding of positions (L).
        direction_bands: frequencies of the encoding of directions.
    """

    layers: int
    width: int
    skip: int
    colour_width: int
    position_bands: int
    direction_bands: int


ARCHITECTURES: dict[Preset, Architecture] = {
    "paper": Architecture(layers=8, width=256, skip=4, colour_width=128, position_bands=10, direction_bands=4),
    "default": Architecture(layers=4, width=64, skip=2, colour_width=32, position_bands=8, direction_bands=2),
}


def _make_linear(inputs: int, outputs: int, generator: Generator, gain: float) -> nn.Linear:
    """A linear layer with Xavier-uniform weights and zero bias, as in BARF's code; drawn on the CPU."""
    layer = nn.utils.skip_init(nn.Linear, inputs, outputs)
    nn.init.xavier_uniform_(layer.weight, gain, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer


def _apply_to_first(layer: nn.Linear, inputs: Float[Tensor, "points inputs"]) -> Float[Tensor, "points outputs"]:
    """The layer, on inputs whose last ones are left out because they are zero."""
    return functional.linear(inputs, layer.weight[:, : inputs.shape[-1]], layer.bias)


class RadianceNetwork(nn.Module):
    """NeRF's MLP as BARF builds it: ReLU trunk, softplus density, sigmoid colour (arXiv 2003.08934, figure 7)."""

    def __init__(self, architecture: Architecture, generator: Generator) -> None:
        super().__init__()
        self.architecture = architecture
        position = encoded_size(3, architecture.position_bands)
        direction = encoded_size(3, architecture.direction_bands)
        gain = nn.init.calculate_gain("relu")
        self.trunk = nn.ModuleList()
        width = position
        for index in range(architecture.layers - 1):
            if index == architecture.skip:
                width += position
            self.trunk.append(_make_linear(width, architecture.width, generator, gain))
            width = architecture.width
        self.density = _make_linear(width, 1, generator, 1.0)
        self.features = _make_linear(width, width, generator, gain)
        self.colour_hidden = _make_linear(width + direction, architecture.colour_width, generator, gain)
        self.colour = _make_linear(architecture.colour_width, 3, generator, 1.0)

    def forward(
        self, position: Float[Tensor, "points position"], direction: Float[Tensor, "points direction"]
    ) -> tuple[Float[Tensor, " points"], Float[Tensor, "points 3"]]:
        """Density >= 0 per unit of the encoded positions, and RGB in [0, 1]; activations in float32.

        Encodings may be cut short where the rest of them is zero.
        """
        features = position
        for index, layer in enumerate(self.trunk):
            if index == self.architecture.skip:
                features = torch.cat([features, position], dim=-1)
            assert isinstance(layer, nn.Linear)
            features = functional.relu(_apply_to_first(layer, features))
        density = functional.softplus(self.density(features)[..., 0].float())
        features = functional.relu(self.features(features))
        hidden = functional.relu(_apply_to_first(self.colour_hidden, torch.cat([features, direction], dim=-1)))
        return density, torch.sigmoid(self.colour(hidden).float())
