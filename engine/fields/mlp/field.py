"""The paper's neural radiance field behind the `Field` protocol: an MLP with a coarse-to-fine encoding."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Generator, Tensor, autocast

from engine.config.methods import Bands
from engine.config.rows import Stage
from engine.config.settings import Preset, Settings
from engine.fields.field import Planes, Rendering
from engine.fields.mlp.encoding import band_weights, bands_open, encode
from engine.fields.mlp.network import ARCHITECTURES, RadianceNetwork
from engine.fields.mlp.space import RaySpace
from engine.fields.module_field import ModuleField
from engine.fields.rendering import composite, transmittance_weights
from engine.fields.sampling import midpoints, uniform_edges
from engine.fields.spaces import NEAREST_SHARE, plane_extent
from engine.scenes.scene import Scene, SceneKind
from engine.system.recorded_work import WorkKind, upload_made

SAMPLES_AT_ONCE = 2**17  # without gradients rays go through in pieces, or a whole picture would not fit
OPAQUE = 60.0  # density per spacing of a baked volume is cut here: half floats hold it, and nothing shines through
BAKED_SIZES = (32, 64, 128)  # of volumes: each costs eight times the one before


class MlpField(ModuleField):
    """A radiance field in a network (see `engine.fields.field.Field`).

    The stage gives rays, samples, rates and whether colour may depend on the direction (in the paper's preset it
    always does); resolution and proposals mean nothing here. What band limits it is the encoding, opened by
    `progress`.
    """

    def __init__(
        self,
        scene_kind: SceneKind,
        near: float,
        far: float,
        background: tuple[float, float, float] | None,
        bands: Bands,
        preset: Preset,
        generator: Generator,
        device: torch.device | str = "cpu",
        box_centre: tuple[float, float, float] = (0.0, 0.0, 0.0),
        box_half_extent: float = 1.0,
        extent: tuple[float, float] = (1.0, 1.0),
        low_precision: bool = False,
    ) -> None:
        """Draws the network.

        Args:
            scene_kind: says how rays are sampled.
            near, far: depth range of an object in scene units, finite; near where unbounded rays begin.
            background: RGB behind an object; None for black.
            bands: how the frequencies of the encoding open.
            preset: size of the network.
            generator: of the initial weights, on the CPU.
            device: where the network lives.
            box_centre, box_half_extent: the cube of an object.
            extent: half width and half height at z = 1 of a forward-facing volume, for `volume`.
            low_precision: bfloat16 matrix products; many times faster on CPUs and GPUs that have them.
        """
        self.space = RaySpace(scene_kind, near, far, box_centre, box_half_extent)
        self.device = torch.device(device)
        self.background = None if background is None else torch.tensor(background, device=self.device)
        self.bands = bands
        self.always_directional = preset == "paper"
        self.extent = extent
        self.low_precision = low_precision
        self.network = self.module = RadianceNetwork(ARCHITECTURES[preset], generator).to(self.device)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=0.0)
        self.fraction = 0.0
        self.version = 0
        self.skipped_steps = 0

    def begin_stage(self, stage: Stage) -> None:
        self._stage = stage
        self.version += 1

    def progress(self, fraction: float) -> None:
        self.fraction = fraction

    def query(
        self, positions: Float[Tensor, "points 3"], directions: Float[Tensor, "points 3"]
    ) -> tuple[Float[Tensor, " points"], Float[Tensor, "points 3"]]:
        """Density per scene unit and RGB at points of the world, seen along unit directions."""
        sizes = self.network.architecture
        encoded = []
        for values, bands in (
            (self.space.inputs(positions), sizes.position_bands),
            (directions, sizes.direction_bands),
        ):
            encoded.append(encode(values, bands, self._band_weights(bands)))
        if not (self.always_directional or self.stage.directional):
            encoded[1] = torch.zeros_like(encoded[1])
        if self.low_precision:  # before the network, which would else concatenate in float32
            encoded = [values.bfloat16() for values in encoded]
        with autocast(self.device.type, torch.bfloat16, enabled=self.low_precision):
            density, colour = self.network(*encoded)
        return density * self.space.scale, colour

    def _band_weights(self, bands: int) -> Float[Tensor, " bands"]:
        """As the run has proceeded; the host says them anew where a step is played back."""
        return upload_made(lambda: band_weights(bands_open(self.bands, self.fraction, bands), bands), self.device)

    def step_kind(self) -> WorkKind:
        return WorkKind((), tuple(self.network.parameters()))

    def render(
        self,
        origins: Float[Tensor, "rays 3"],
        directions: Float[Tensor, "rays 3"],
        generator: Generator | None = None,
    ) -> Rendering:
        rays, count = origins.shape[0], self.stage.samples
        jitter = None
        if generator is not None:
            jitter = upload_made(lambda: torch.rand(rays, generator=generator), self.device)
        edges = uniform_edges(rays, count, jitter, self.device)
        if torch.is_grad_enabled():
            return self._render(origins, directions, edges)
        size = max(SAMPLES_AT_ONCE // count, 1)
        pieces = zip(origins.split(size), directions.split(size), edges.split(size), strict=True)
        return Rendering(*map(torch.cat, zip(*(self._render(*piece) for piece in pieces), strict=True)))

    def _render(self, origins: Tensor, directions: Tensor, edges: Tensor) -> Rendering:
        middles = midpoints(edges)
        positions = origins[:, None] + self.space.depth(middles)[..., None] * directions[:, None]
        length = torch.linalg.vector_norm(directions, dim=-1, keepdim=True)
        views = (directions / length)[:, None].expand_as(positions)
        density, colour = self.query(positions.flatten(0, 1), views.flatten(0, 1))
        lengths = self.space.depth(edges).diff(dim=-1) * length
        weights, _ = transmittance_weights(density.view_as(middles), lengths)
        seen = composite(weights, colour.view_as(positions), middles, self.background)
        return Rendering(seen.colour, seen.opacity, self.space.reported_depth(seen.position))

    def state(self) -> dict[str, Tensor]:
        return {"progress": torch.tensor(self.fraction, dtype=torch.float64)} | self.module_state()

    def load_state(self, state: dict[str, Tensor]) -> None:
        self.fraction = state["progress"].item()
        self.load_module_state(state)

    def volume(self, longest: int) -> Float[Tensor, "depth height width 4"]:
        return torch.stack(list(self.volume_planes(longest).planes))

    def volume_planes(self, longest: int) -> Planes:
        """The planes of `volume`, one after the other.

        As in a voxel grid density is per spacing of the lattice, raw values are inverse softplus and inverse sigmoid
        (what a shader undoes after interpolation), and plane 0 of a forward-facing volume lies infinitely far.
        Colours are those seen along +z by the mean camera of a forward-facing scene, and those of an object seen from
        outside towards the centre.
        """
        shape = self.space.lattice_shape(longest, self.extent)
        return Planes(shape, (self._plane(index, shape) for index in range(shape[0])))

    @torch.no_grad()
    def _plane(self, index: int, shape: tuple[int, int, int]) -> Float[Tensor, "height width 4"]:
        plane = self.space.lattice_plane(index, shape, self.extent, farthest=2.0 * self.stage.samples)
        positions, views, lengths = (tensor.to(self.device) for tensor in plane)
        density, colour = self.query(positions.flatten(0, 1), views.flatten(0, 1))
        opacity = (density.view_as(lengths) * lengths).clamp(1e-6, OPAQUE)
        raw = opacity + torch.log(-torch.expm1(-opacity))
        return torch.cat([raw[..., None], colour.view_as(positions).logit(1e-3)], dim=-1)

    def block_pieces(self) -> None:
        """Its volume is dense."""

    def tint_planes(self, longest: int) -> None:
        """A baked volume looks alike from everywhere."""

    def proposal_density(self) -> None:
        """Its intervals are even."""

    def volume_sizes(self, longest: int) -> tuple[int, ...]:
        return tuple(size for size in BAKED_SIZES if size <= longest) or (longest,)


def paper_network(scene: Scene, settings: Settings, generator: Generator, device: torch.device) -> MlpField:
    """The network of a run with the preset `paper`."""
    return MlpField(
        scene.kind,
        NEAREST_SHARE * scene.near if scene.kind == "unbounded" else scene.near,
        scene.far,
        scene.background,
        bands=settings.method_spec.bands,
        preset=settings.preset,
        generator=generator,
        device=device,
        box_centre=scene.box_centre,
        box_half_extent=scene.box_half_extent,
        extent=plane_extent(scene),
    )
