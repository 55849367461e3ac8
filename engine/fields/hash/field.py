"""A radiance field in a multiresolution hash encoding, registered from coarse to fine.

Three things make it quick on two cores: compiled kernels for the encoding, whose closed levels are not computed;
bfloat16 products in the decoder where the processor has them; and samples in empty places are left out. A GPU computes
all samples, so that nothing waits for it, and steps can be recorded (`HashField.query_samples`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Self

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor, autocast, nn
from torch.nn import functional

from engine.config.rows import Stage
from engine.config.settings import Settings
from engine.fields.hash import compiled as hash_compiled
from engine.fields.hash.backends import choose_backend
from engine.fields.hash.decoder import Decoder, spherical_harmonics
from engine.fields.hash.options import DEFAULT, HashOptions
from engine.fields.hash.tables import Size, make_levels, make_tables, restore, tensors_to_save
from engine.fields.mlp.quick import multiplies_bfloat16
from engine.fields.module_field import ModuleField
from engine.fields.sampled import SAMPLING, SampledField
from engine.fields.spaces import ProjectiveSpace, Shape, Space, space_of
from engine.geometry.numerics import make_constant
from engine.scenes.scene import Scene
from engine.system.devices import upload
from engine.system.recorded_work import WorkKind, upload_made

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
        self._encoding = choose_backend(self.device)
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
            points = points * make_constant([1.0, 1.0, self.unit], points)
        gathers = self._gathers and torch.is_grad_enabled()
        weights = upload_made(lambda: torch.tensor(self._weights()), self.device)
        features = self._encoding.encode(points, self.tables, weights, gathers)
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
        """`query`, where there may be something; elsewhere density and colour are zero, and nothing learns.

        A CPU computes only these samples. To list them on a GPU the host would wait for it, and as their number
        changes, no step could be recorded. There all are computed, which takes memory and little time, and those
        elsewhere are set to zero: nothing comes back from them, neither to the decoder nor to the tables.
        """
        if not self.stage.proposals:
            return self.query(points, views)
        rays, samples, _ = points.shape
        points = points.reshape(-1, 3)
        harmonics = None
        if views is not None:  # alike for all samples of a ray
            harmonics = spherical_harmonics(views[:, 0])
            if self.low_precision:
                harmonics = harmonics.bfloat16()
        occupied = self._are_occupied(points.detach())
        if self.device.type != "cpu":
            if harmonics is not None:
                harmonics = harmonics[:, None].expand(-1, samples, -1).flatten(0, 1)
            density, colour = self._decode(points, harmonics)
            density, colour = torch.where(occupied, density, 0.0), torch.where(occupied[:, None], colour, 0.0)
            return density.view(rays, samples), colour.view(rays, samples, 3)
        kept = occupied.nonzero()[:, 0]
        if harmonics is not None:
            harmonics = harmonics[kept // samples]
        density, colour = self._decode(points[kept], harmonics)
        empty = density.new_zeros(rays * samples)
        return (
            empty.index_copy(0, kept, density).reshape(rays, samples),
            empty.new_zeros(rays * samples, 3).index_copy(0, kept, colour).reshape(rays, samples, 3),
        )

    @torch.no_grad()
    def _are_occupied(self, points: Float[Tensor, "points 3"]) -> Bool[Tensor, " points"]:
        """Whether there may be something at points; true where they are not finite, for them to be seen."""
        occupied = self._occupied_cells()
        depth, height, width = occupied.shape
        last = make_constant([width - 1.0, height - 1.0, depth - 1.0], points)
        place = torch.minimum((points * last).round().clamp(min=0), last)
        at = (place[:, 2] * height + place[:, 1]) * width + place[:, 0]  # exact: fewer than 2^24 cells
        finite = at.isfinite()
        return occupied.reshape(-1)[torch.where(finite, at, 0.0).long()] | ~finite

    @torch.no_grad()
    def _occupied_cells(self) -> Bool[Tensor, "depth height width"]:
        if self._occupied is None:
            self._occupied = self._find_occupied()
        return self._occupied

    def _find_occupied(self) -> Bool[Tensor, "depth height width"]:
        coarse = self._density_for_proposals()
        return functional.max_pool3d(coarse[None, None], 3, 1, padding=1)[0, 0] > self.options.empty

    # ------------------------------------------------------------------ where intervals are drawn from

    @torch.no_grad()
    def _density_for_proposals(self) -> Float[Tensor, "depth height width"]:
        if self._coarse is None:
            shape = self.space.shape(self.stage.planes, self.options.proposal_side)
            found = [
                self._measure_planes(shape, range(look * shape[0], (look + 1) * shape[0]))
                for look in range(self.options.first_looks)
            ]
            self._coarse = _optical_depth(torch.stack(found).mean(0))
        return self._coarse

    def _measure_planes(self, shape: Shape, seeds: Sequence[int]) -> Float[Tensor, "planes height width"]:
        """Opacity of a spacing's length around the points of planes of the lattice, at a random place of each cell.

        A plane is number `seed` modulo the number of planes. A CPU measures one at a time, which stays in its cache.
        """
        depth, height, width = shape
        draws = [torch.rand(height * width, 3, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        z = upload(torch.tensor([seed % depth for seed in seeds]), self.device)
        y, x = torch.arange(height, device=self.device), torch.arange(width, device=self.device)
        z, y, x = torch.meshgrid(z, y, x, indexing="ij")
        places = torch.stack([x, y, z], dim=-1).view(-1, 3) + upload(torch.cat(draws), self.device)
        last = make_constant([width - 1.0, height - 1.0, depth - 1.0], places)
        places = ((places - 0.5) / last).clamp(0, 1)
        at_once = 1 if self.device.type == "cpu" else max(SAMPLING.samples_at_once // (height * width), 1)
        opacities = []
        for points in places.split(at_once * height * width):
            with autocast(self.device.type, torch.bfloat16, enabled=self.low_precision):
                density = self._density(self._describe(points))
            opacities.append(-torch.expm1(-density / (depth if self.projective else depth - 1)))
        return torch.cat(opacities).view(-1, height, width)

    @torch.no_grad()
    def _renew(self) -> None:
        """Measures a part of the planes anew, in place; elsewhere densities stay."""
        if self._coarse is None:
            return
        depth, height, width = self._coarse.shape
        turn, parts = self._age // self.options.renew_every, min(self.options.renewed_parts, depth)
        renewed = range(turn % parts, depth, parts)
        measured = self._measure_planes((depth, height, width), [turn * depth + index for index in renewed])
        for index, found in zip(renewed, measured, strict=True):
            opacity = -torch.expm1(-self._coarse[index])
            self._coarse[index] = _optical_depth(torch.lerp(opacity, found, self.options.newest))
        if self._occupied is not None:
            self._occupied.copy_(self._find_occupied())

    # ------------------------------------------------------------------ training

    def step_kind(self) -> WorkKind:
        kind = self.make_step_kind(len(self._weights()), self.unit)
        occupied = self._occupied_cells() if self.stage.proposals else None
        return replace(kind, memory=(*kind.memory, self.tables, occupied))

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
