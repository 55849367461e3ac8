"""The learned image as an MLP from positions to colours, with a coarse-to-fine positional encoding."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn
from torch.nn import functional

from engine.config.methods import Bands
from engine.config.rows import PlanarStage
from engine.config.settings import Preset
from engine.fields.mlp.encoding import band_weights, bands_open, encode, encoded_size
from engine.fields.mlp.layers import make_linear
from engine.fields.module_field import zero_what_is_not_finite
from engine.system.recorded_work import WorkKind, upload_made


@dataclass(frozen=True)
class ImageArchitecture:
    """Sizes of the network.

    Attributes:
        width: units of a hidden layer.
        layers: number of hidden layers.
        bands: frequencies of the encoding (L).
        opening: part of the run over which they open, as in the published code of the planar experiments.
    """

    width: int
    layers: int = 4
    bands: int = 8
    opening: tuple[float, float] = (0.0, 0.4)


ARCHITECTURES: dict[Preset, ImageArchitecture] = {
    "paper": ImageArchitecture(width=256),
    "default": ImageArchitecture(width=128),
}


class NeuralImage:
    """An MLP with ReLU and a sigmoid at its end (see `engine.fields.image.field.ImageField`).

    Reference:
        BARF (Lin et al., ICCV 2021), section 4.1; L2G-NeRF (Chen et al., CVPR 2023), section 4.1: 4 x 256, L = 8.
    """

    def __init__(self, bands: Bands, preset: Preset, generator: Generator, device: torch.device) -> None:
        """`bands` says how the frequencies of its encoding open."""
        self._bands = bands
        architecture = self._architecture = ARCHITECTURES[preset]
        sizes = [encoded_size(2, architecture.bands)] + [architecture.width] * architecture.layers + [3]
        layers = [make_linear(*pair, generator) for pair in pairwise(sizes)]
        if bands != "all":  # at first only the two coordinates are not zero: larger weights keep the variance
            with torch.no_grad():
                layers[0].weight.mul_((sizes[0] / 2) ** 0.5)
        self._layers = nn.ModuleList(layers).to(device)
        self._adam = torch.optim.Adam(self._layers.parameters(), lr=1e-3, foreach=True)
        self._stage: PlanarStage | None = None
        self._open = 0.0
        self.progress(0.0)
        self.version = 0

    def begin_stage(self, stage: PlanarStage) -> None:
        """Uses the learning rate of the stage; the band limit follows the run, not the stage."""
        self._stage = stage

    def at_stage(self, stage: PlanarStage, fraction: float) -> NeuralImage:
        """A copy, opened as far as the run had come in the stage."""
        copied = deepcopy(self)
        copied._stage = stage
        copied._layers.requires_grad_(False)
        if stage != self._stage:
            copied.progress(fraction)
        return copied

    def progress(self, fraction: float) -> None:
        self._open = bands_open(self._bands, fraction, self._architecture.bands, self._architecture.opening)

    def step_kind(self) -> WorkKind:
        return WorkKind((), tuple(self._layers.parameters()))

    def colours(self, points: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
        bands = self._architecture.bands
        value = encode(points, bands, upload_made(lambda: band_weights(self._open, bands), points.device))
        for layer in self._layers[:-1]:
            value = functional.relu(layer(value))
        return torch.sigmoid(self._layers[-1](value))

    def step(self, fraction: float, factor: float = 1.0) -> None:
        assert self._stage is not None
        first, last = self._stage.field_rate
        self._adam.param_groups[0]["lr"] = first * (last / first) ** fraction * factor
        zero_what_is_not_finite(self._layers.parameters())
        self._adam.step()
        self.discard()
        self.version += 1

    def discard(self) -> None:
        self._adam.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        state = {f"layers.{name}": value for name, value in self._layers.state_dict().items()}
        for index, parameter in enumerate(self._layers.parameters()):
            state |= {f"adam.{index}.{name}": value for name, value in self._adam.state[parameter].items()}
        return state | {"open": torch.tensor(self._open), "version": torch.tensor(self.version)}

    def load_state(self, state: dict[str, Tensor]) -> None:
        layers = {name.removeprefix("layers."): value for name, value in state.items() if name.startswith("layers.")}
        self._layers.load_state_dict(layers)
        for index, parameter in enumerate(self._layers.parameters()):
            if f"adam.{index}.step" in state:
                self._adam.state[parameter] = {
                    "step": state[f"adam.{index}.step"].cpu().clone(),
                    "exp_avg": state[f"adam.{index}.exp_avg"].clone(),
                    "exp_avg_sq": state[f"adam.{index}.exp_avg_sq"].clone(),
                }
        self._open, self.version = float(state["open"]), int(state["version"])
