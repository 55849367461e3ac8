"""The network of the default preset: a small radiance MLP in the coordinates of the scene's volume.

Three things make it quick enough for two cores: bfloat16 products where the processor has them, bands that are closed
are not computed, and in the later stages a few intervals per ray are drawn from the network's own density.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor, autocast

from engine.config.methods import Bands
from engine.config.rows import Stage
from engine.config.settings import Settings
from engine.fields.mlp.encoding import band_weights, bands_open, count_open, encode_open
from engine.fields.mlp.network import ARCHITECTURES, RadianceNetwork
from engine.fields.sampled import SampledField
from engine.fields.spaces import ProjectiveSpace, Space, space_of
from engine.geometry.numerics import make_constant
from engine.scenes.scene import Scene
from engine.system.recorded_work import WorkKind, upload_made


@dataclass(frozen=True)
class Scales:
    """How the volume's coordinates and densities are scaled for the network.

    Attributes:
        density: of a raw value of 1, per crossing of the volume: a surface must become opaque within a few hundredths
            of the way.
        raw_density: at the start: thin enough for light to come through, dense enough for gradients.
        depth: what one unit of disparity is worth of the encoding's; less than 1, as photos say less of depth than of
            directions.
    """

    density: float = 24.0
    raw_density: float = -2.0
    depth: float = 0.5


SCALES = Scales()


class QuickMlpField(SampledField):
    """A radiance field in a small network (see `SampledField`).

    The bands of its encoding are opened by each stage (`Row.bands`) where the method opens them from coarse to fine.

    Attributes:
        open: bands of the positions' encoding that are open now.
        unit: disparity of the network, per disparity of the world; changes when the world grows.
    """

    def __init__(
        self,
        space: Space,
        background: tuple[float, float, float] | None,
        bands: Bands,
        generator: Generator,
        device: torch.device | str = "cpu",
    ) -> None:
        """Draws the network on the CPU, the same for every device.

        Args:
            space: of the scene.
            background: RGB behind an object; None for the usual one.
            bands: how the frequencies of the encoding open.
            generator: of the initial weights.
            device: where the network lives.
        """
        self.architecture = ARCHITECTURES["default"]
        self.network = RadianceNetwork(self.architecture, generator)
        with torch.no_grad():
            self.network.density.weight.mul_(0.1)
            self.network.density.bias.fill_(SCALES.raw_density)
            # Directions come in late: until they have learned something they must not disturb colours.
            self.network.colour_hidden.weight[:, self.architecture.width :] = 0.0
        super().__init__(self.network, space, background, device)
        self.low_precision = multiplies_bfloat16(self.device)
        self.bands = bands
        self.open, self.unit = 0.0, 1.0

    def begin_stage(self, stage: Stage) -> None:
        super().begin_stage(stage)
        self._open_bands(0.0)

    def _open_bands(self, fraction: float) -> None:
        first, last = self.stage.bands
        whole = self.architecture.position_bands
        gradually = self.bands == "coarse-to-fine"
        self.open = first + (last - first) * fraction if gradually else bands_open(self.bands, 0.0, whole)

    def step(self, fraction: float, factor: float = 1.0) -> None:
        super().step(fraction, factor)
        self._open_bands(fraction)

    def query(
        self, points: Float[Tensor, "*batch 3"], views: Float[Tensor, "*batch 3"] | None
    ) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch 3"]]:
        scale, shift = self._scale(points)
        position = encode_open(points * scale + shift, upload_made(self._position_weights, self.device))
        direction = points[..., :0]
        if views is not None:
            direction = encode_open(views, make_constant([1.0] * self.architecture.direction_bands, views))
        if self.low_precision:  # before the network, which would else concatenate in float32
            position, direction = position.bfloat16(), direction.bfloat16()
        with autocast(self.device.type, torch.bfloat16, enabled=self.low_precision):
            density, colour = self.network(position, direction)
        return density * SCALES.density * (self.unit if self.projective else 1.0), colour

    def _position_weights(self) -> Float[Tensor, " open"]:
        """Of the bands of the positions' encoding that are open at all."""
        bands = self.architecture.position_bands
        return band_weights(self.open, bands)[: count_open(self.open, bands)]

    def step_kind(self) -> WorkKind:
        return self.make_step_kind(count_open(self.open, self.architecture.position_bands), self.unit)

    def _scale(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Factor and offset from the volume's unit cube to what the network sees, about -1 to 1."""
        if not isinstance(self.space, ProjectiveSpace):
            return make_constant(2.0, like), make_constant(-1.0, like)
        wide, high = (side / max(self.space.extent) for side in self.space.extent)
        return (
            make_constant([2 * wide, 2 * high, 2 * SCALES.depth * self.unit], like),
            make_constant([-wide, -high, -SCALES.depth], like),
        )

    def grow(self, factor: float) -> bool:
        if not self.projective:
            return False
        self.unit *= factor
        self._changed()
        return True

    def state(self) -> dict[str, Tensor]:
        own = {name: torch.tensor(getattr(self, name), dtype=torch.float64) for name in ("open", "unit")}
        return super().state() | own

    def load_state(self, state: dict[str, Tensor]) -> None:
        self.open, self.unit = state["open"].item(), state["unit"].item()
        super().load_state(state)


def quick_network(scene: Scene, settings: Settings, generator: Generator, device: torch.device) -> QuickMlpField:
    """The network of a run with the default preset."""
    return QuickMlpField(space_of(scene), scene.background, settings.method_spec.bands, generator, device)


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 products are the quick ones there (AVX512-BF16 or AMX on a CPU)."""
    if device.type == "cpu":
        return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    # Before Ampere (8.0), as on the RTX 2080 Ti of the paper, it is emulated, and slower than single precision.
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)
