"""A radiance field in a multiresolution hash encoding, registered from coarse to fine.

Three things make it quick on two cores: compiled kernels for the encoding, whose closed levels are not computed;
bfloat16 products in the decoder where the processor has them; and samples in empty places are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Self

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor, autocast, nn
from torch.nn import functional

from engine.config.rows import Stage
from engine.config.settings import Settings
from engine.fields.hash import compiled as hash_compiled
from engine.fields.hash import reference as hash_reference
from engine.fields.hash.decoder import Decoder, spherical_harmonics
from engine.fields.hash.options import DEFAULT, HashOptions
from engine.fields.hash.tables import Size, make_levels, make_tables, restore, tensors_to_save
from engine.fields.mlp.quick import multiplies_bfloat16
from engine.fields.module_field import ModuleField
from engine.fields.sampled import SampledField
from engine.fields.spaces import ProjectiveSpace, Space, space_of
from engine.geometry.numerics import make_constant
from engine.scenes.scene import Scene

_MOST_OPAQUE = 0.998  # of a cell: its optical depth stays finite


class HashField(SampledField):
    """Features in tables, found by hashing, and a small decoder (see `SampledField`).

    Levels are opened by each stage (`Row.bands`); a level that is half open has half its weight.

    Attributes:
        options: sizes and rates.
        tables: the features.
        open: levels that are open now.
        unit: disparity of the lattices, per disparity of the world; changes when the world grows.
    """

    def __init__(
        self,
        space: Space,
        background: tuple[float, float, float] | None,
        pixels: int,
        generator: Generator,
        device: torch.device | str = "cpu",
        options: HashOptions = DEFAULT,
    ) -> None:
        """Draws features and decoder on the CPU, the same for every device.

        Args:
            space: of the scene.
            background: RGB behind an object; None for the usual one.
            pixels: longer side of the photos of the last stage, which the finest level follows.
            generator: of the initial values.
            device: where the field lives.
            options: sizes and rates.
        """
        self.options = options
        projective = isinstance(space, ProjectiveSpace)
        self.levels = make_levels(
            _finest(space, pixels, options),
            options.reach if projective else 1.0,
            options.levels,
            options.table,
            options.coarsest_planes if projective else 2,
        )
        self.tables = make_tables(self.levels, options.features, options.initial, generator, device)
        self.decoder = Decoder(
            options.levels * options.features, options.width, options.geometry, options.raw_density, generator
        )
        self.open, self.unit = 1.0, 1.0
        self._gathers = True
        super().__init__(self.decoder, space, background, device)
        self._encoding: ModuleType = hash_compiled if self.device.type == "cpu" else hash_reference
        self.low_precision = multiplies_bfloat16(self.device)

    def optimise(self, module: nn.Module) -> None:
        super().optimise(module)
        betas = (self.options.beta1, self.options.beta2)
        self.optimiser = torch.optim.Adam(self.module.parameters(), lr=0.0, betas=betas, eps=self.options.epsilon)

    @property
    def prepared(self) -> bool:
        return self._encoding is not hash_compiled or hash_compiled.are_loaded()

    def _changed(self) -> None:
        super()._changed()
        self._occupied: Bool[Tensor, "depth height width"] | None = None

    def begin_stage(self, stage: Stage) -> None:
        super().begin_stage(stage)
        self._open_levels(0.0)

    def at_stage(self, stage: Stage, fraction: float) -> Self:
        """A copy with the levels open that are open at the end of the stage, of those that are open now."""
        copied = super().at_stage(stage, fraction)
        if stage != self._stage:
            copied.open = min(self.open, max(stage.bands[1], 1.0))
        return copied

    def _open_levels(self, fraction: float) -> None:
        first, last = self.stage.bands
        self.open = min(max(first + (last - first) * fraction, 1.0), float(self.levels.count))

    def _weights(self) -> list[float]:
        """Of the levels that are open at all."""
        return [min(self.open - level, 1.0) for level in range(self.levels.count) if self.open > level]

    # ------------------------------------------------------------------ at points

    def _describe(self, points: Float[Tensor, "points 3"]) -> Float[Tensor, "points geometry"]:
        """What the first part of the decoder says of points of the volume."""
        if self.projective and self.unit != 1.0:
            points = points * points.new_tensor([1.0, 1.0, self.unit])
        gathers = self._gathers and torch.is_grad_enabled()
        if gathers and not points.requires_grad:  # autograd calls `backward` only if an input needs a gradient
            points = points.detach().requires_grad_()
        features = self._encoding.encode(points, self.tables, self._weights(), gathers)
        if self.low_precision:
            features = features.bfloat16()
        return self.decoder.describe(features)

    def _density(self, geometry: Float[Tensor, "points geometry"]) -> Float[Tensor, " points"]:
        """Per crossing of the volume; the exponential levels off smoothly, so that there is always a gradient."""
        raw = self.options.densest - functional.softplus(self.options.densest - geometry[:, 0].float())
        return raw.exp() * (self.unit if self.projective else 1.0)

    def query(
        self, points: Float[Tensor, "*batch 3"], views: Float[Tensor, "*batch 3"] | None
    ) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch 3"]]:
        batch = points.shape[:-1]
        harmonics = None if views is None else spherical_harmonics(views.reshape(-1, 3))
        density, colour = self._decode(points.reshape(-1, 3), harmonics)
        return density.reshape(batch), colour.reshape(*batch, 3)

    def _decode(
        self, points: Float[Tensor, "points 3"], harmonics: Float[Tensor, "points 15"] | None
    ) -> tuple[Float[Tensor, " points"], Float[Tensor, "points 3"]]:
        with autocast(self.device.type, torch.bfloat16, enabled=self.low_precision):
            geometry = self._describe(points)
            raw = self.decoder.paint(geometry, harmonics)
        return self._density(geometry), raw.float().sigmoid()

    def query_samples(
        self, points: Float[Tensor, "rays samples 3"], views: Float[Tensor, "rays samples 3"] | None
    ) -> tuple[Float[Tensor, "rays samples"], Float[Tensor, "rays samples 3"]]:
        """`query`, where there may be something; elsewhere density and colour are zero, and nothing is computed."""
        if not self.stage.proposals:
            return self.query(points, views)
        rays, samples, _ = points.shape
        kept = self._find_occupied(points.detach().reshape(-1, 3))
        harmonics = None
        if views is not None:  # alike for all samples of a ray
            harmonics = spherical_harmonics(views[:, 0])
            if self.low_precision:
                harmonics = harmonics.bfloat16()
            harmonics = harmonics[kept // samples]
        density, colour = self._decode(points.reshape(-1, 3)[kept], harmonics)
        empty = density.new_zeros(rays * samples)
        return (
            empty.index_copy(0, kept, density).reshape(rays, samples),
            empty.new_zeros(rays * samples, 3).index_copy(0, kept, colour).reshape(rays, samples, 3),
        )

    @torch.no_grad()
    def _find_occupied(self, points: Float[Tensor, "points 3"]) -> Tensor:
        """Numbers of the points where there may be something, and of those that are not finite, for them to be seen.

        The one place of a step where the host waits for a GPU: to leave most samples out is worth it.
        """
        if self._occupied is None:
            coarse = self._density_for_proposals()
            near = functional.max_pool3d(coarse[None, None], 3, 1, padding=1)[0, 0]
            self._occupied = near > self.options.empty
        depth, height, width = self._occupied.shape
        last = make_constant([width - 1.0, height - 1.0, depth - 1.0], points)
        place = torch.minimum((points * last).round().clamp(min=0), last)
        at = (place[:, 2] * height + place[:, 1]) * width + place[:, 0]  # exact: fewer than 2^24 cells
        finite = at.isfinite()
        return (self._occupied.reshape(-1)[torch.where(finite, at, 0.0).long()] | ~finite).nonzero()[:, 0]

    # ------------------------------------------------------------------ where intervals are drawn from

    @torch.no_grad()
    def _density_for_proposals(self) -> Float[Tensor, "depth height width"]:
        if self._coarse is None:
            shape = self.space.shape(self.stage.planes, self.options.proposal_side)
            looks = self.options.first_looks
            seeds = [[look * shape[0] + index for index in range(shape[0])] for look in range(looks)]
            found = [torch.stack([self._measure_plane(shape, seed) for seed in row]) for row in seeds]
            self._coarse = _optical_depth(torch.stack(found).mean(0))
        return self._coarse

    def _measure_plane(self, shape: tuple[int, int, int], seed: int) -> Float[Tensor, "height width"]:
        """Opacity of a spacing's length around the points of a plane of the lattice, at a random place of each cell.

        The plane is number `seed` modulo the number of planes.
        """
        depth, height, width = shape
        generator = torch.Generator().manual_seed(seed)
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        points = torch.stack([x, y, torch.full_like(x, seed % depth)], dim=-1).reshape(-1, 3)
        points = points + torch.rand(height * width, 3, generator=generator)
        points = ((points - 0.5) / torch.tensor([width - 1.0, height - 1.0, depth - 1.0])).clamp(0, 1)
        with autocast(self.device.type, torch.bfloat16, enabled=self.low_precision):
            density = self._density(self._describe(points.to(self.device)))
        return -torch.expm1(-density / (depth if self.projective else depth - 1)).reshape(height, width)

    @torch.no_grad()
    def _renew(self) -> None:
        """Measures a part of the planes anew; elsewhere densities stay."""
        if self._coarse is None:
            return
        shape = (self._coarse.shape[0], self._coarse.shape[1], self._coarse.shape[2])
        turn, parts = self._age // self.options.renew_every, self.options.renewed_parts
        for index in range(turn % parts, shape[0], parts):
            opacity = -torch.expm1(-self._coarse[index])
            found = self._measure_plane(shape, turn * shape[0] + index)
            self._coarse[index] = _optical_depth(torch.lerp(opacity, found, self.options.newest))
        self._occupied = None

    # ------------------------------------------------------------------ training

    @contextmanager
    def frozen(self) -> Iterator[None]:
        gathered, self._gathers = self._gathers, False
        try:
            with super().frozen():
                yield
        finally:
            self._gathers = gathered

    def step(self, fraction: float, factor: float = 1.0) -> None:
        skipped = self.skipped_steps
        ModuleField.step(self, fraction, factor * self.options.decoder_rate)
        if self.skipped_steps > skipped:  # whatever is not finite has passed through the decoder
            self.tables.gradient.zero_()
        else:
            first, last = self.stage.field_rate
            rate = first * (last / first) ** fraction * factor
            self._encoding.optimise(self.tables, rate, len(self._weights()), self.options)
        self._age += 1
        if self._age % self.options.renew_every == 0:
            self._renew()
        self._open_levels(fraction)

    def discard(self) -> None:
        super().discard()
        self.tables.gradient.zero_()

    def grow(self, factor: float) -> bool:
        if not self.projective or self.unit * factor > self.options.reach:
            return False
        self.unit *= factor
        self._changed()
        return True

    def state(self) -> dict[str, Tensor]:
        own = {name: torch.tensor(getattr(self, name), dtype=torch.float64) for name in ("open", "unit")}
        return (
            super().state() | own | {f"tables.{name}": value for name, value in tensors_to_save(self.tables).items()}
        )

    def load_state(self, state: dict[str, Tensor]) -> None:
        self.open, self.unit = state["open"].item(), state["unit"].item()
        restore(self.tables, {name[7:]: value for name, value in state.items() if name.startswith("tables.")})
        super().load_state(state)
        if self._coarse is not None:
            self._coarse = self._coarse.clone()


def _optical_depth(opacity: Tensor) -> Tensor:
    """Of the mean opacity of a cell's places: a mean of densities would be that of its densest place alone."""
    return -torch.log1p(-opacity.clamp(max=_MOST_OPAQUE))


def _finest(space: Space, pixels: int, options: HashOptions) -> Size:
    """Cells of the finest level along x, y and z."""
    cells = round(pixels * options.finest)
    if isinstance(space, ProjectiveSpace):
        _, high, wide = space.shape(options.planes, cells)
        return wide, high, options.planes
    return cells, cells, cells


def hash_field(scene: Scene, settings: Settings, generator: Generator, device: torch.device) -> HashField:
    """The field of a run."""
    pixels = max(scene.intrinsics.width, scene.intrinsics.height)
    return HashField(space_of(scene), scene.background, pixels, generator, device)
