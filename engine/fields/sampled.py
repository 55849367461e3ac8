"""A base for fields that answer with a density and a colour at points: all else that training and the window ask."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from engine.config.rows import Stage
from engine.fields.field import Planes, Rendering
from engine.fields.module_field import ModuleField
from engine.fields.rendering import composite, transmittance_weights
from engine.fields.sampling import midpoints, uniform_edges
from engine.fields.spaces import ProjectiveSpace, Shape, Space
from engine.fields.voxel_grid.backends import choose_backend
from engine.geometry.numerics import make_constant
from engine.system.devices import upload
from engine.system.recorded_work import WorkKind, upload_made


@dataclass(frozen=True)
class Sampling:
    """How a sampled field is looked at.

    Attributes:
        proposal_floor: of the weight of a ray is spread evenly over its intervals, so that none is left without any
            sample.
        proposal_side: points along the longest side of the lattice of density that intervals are drawn from. More
            cost more at every renewal, fewer miss thin surfaces.
        renew_every: steps after which that lattice is made anew.
        samples_at_once: without gradients rays are rendered in pieces of so many samples; a whole picture would not
            fit into memory.
        opaque: density per spacing of a baked volume, at most: half floats hold it, and nothing shines through.
        baked_sizes: points along the longest side of baked volumes; each costs eight times the one before.
    """

    proposal_floor: float = 0.08
    proposal_side: int = 64
    renew_every: int = 24
    samples_at_once: int = 2**17
    opaque: float = 60.0
    baked_sizes: tuple[int, ...] = (32, 64, 128)


SAMPLING = Sampling()


class SampledField(ModuleField, ABC):
    """Rendering, Adam, checkpoints and baking around `query` (see `engine.fields.field.Field` and `Bakeable`).

    Points are those of the volume in which the scene's space lies: (x, y, z), each from 0 to 1 along its side. In
    projective space z is disparity: 0 is infinitely far, 1 is the plane Z = 1. Density counts per crossing of the
    volume: a medium of density 1 takes 63 % of the light along a side of a box, or on the way from Z = 1 to infinity.

    A subclass gives its parameters, as a module, to the constructor, and answers `query`. One that changes its
    parameters when a stage begins overrides `begin_stage` and calls `optimise`.

    Attributes:
        space: of the scene.
        background: behind everything, RGB.
    """

    def __init__(
        self,
        module: nn.Module,
        space: Space,
        background: tuple[float, float, float] | None,
        device: torch.device | str = "cpu",
    ) -> None:
        """`background` is that of the scene; None for grey behind photos of a whole view, black behind an object."""
        self.space = space
        self.device = torch.device(device)
        usual = (0.5,) * 3 if isinstance(space, ProjectiveSpace) else (0.0,) * 3
        self.background = torch.tensor(background or usual, device=self.device)
        self.skipped_steps, self.version = 0, 0
        self._coarse: Tensor | None = None
        self._renews = False
        self._age = 0
        self._backend = choose_backend(self.device)
        self.optimise(module)

    @abstractmethod
    def query(
        self, points: Float[Tensor, "*batch 3"], views: Float[Tensor, "*batch 3"] | None
    ) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch 3"]]:
        """Density (>= 0, per crossing of the volume) and RGB in [0, 1] at points of the volume, differentiable.

        `views` are unit directions in the world; None in stages in which colour does not depend on them.
        """

    def query_samples(
        self, points: Float[Tensor, "rays samples 3"], views: Float[Tensor, "rays samples 3"] | None
    ) -> tuple[Float[Tensor, "rays samples"], Float[Tensor, "rays samples 3"]]:
        """`query` along rays; a subclass may leave out samples of which it knows that there is nothing."""
        return self.query(points, views)

    def optimise(self, module: nn.Module) -> None:
        """Trains these parameters from now on, with an Adam that begins anew."""
        self.module = module.to(self.device)
        self.optimiser = torch.optim.Adam(self.module.parameters(), lr=0.0, betas=(0.9, 0.99), eps=1e-12)
        self._changed()

    def _changed(self) -> None:
        self.version += 1
        self._age = 0
        self._coarse, self._renews = None, False

    @property
    def projective(self) -> bool:
        """Whether the volume lies in projective space, else in a box."""
        return isinstance(self.space, ProjectiveSpace)

    def begin_stage(self, stage: Stage) -> None:
        self._stage = stage
        self._changed()

    # ------------------------------------------------------------------ rendering

    def render(
        self,
        origins: Float[Tensor, "rays 3"],
        directions: Float[Tensor, "rays 3"],
        generator: Generator | None = None,
    ) -> Rendering:
        rays, count = origins.shape[0], self.stage.samples
        if generator is None:
            jitter = torch.full((rays,), 0.5, device=self.device)
        else:
            jitter = upload_made(lambda: torch.rand(rays, generator=generator), self.device)
        if torch.is_grad_enabled():
            return self._render(origins, directions, jitter)
        size = max(SAMPLING.samples_at_once // count, 1)
        pieces = zip(origins.split(size), directions.split(size), jitter.split(size), strict=True)
        return Rendering(*map(torch.cat, zip(*(self._render(*piece) for piece in pieces), strict=True)))

    def _edges(self, origins: Tensor, directions: Tensor, jitter: Tensor) -> Float[Tensor, "rays edges"]:
        if not self.stage.proposals:
            return uniform_edges(len(origins), self.stage.samples, jitter, self.device)
        coarse = self._density_for_proposals()
        depth, height, width = coarse.shape
        lines = self.space.lines(origins, directions, (depth, height, width))
        return self._backend.edges(
            coarse, lines, self.space.closed, self.stage.samples, SAMPLING.proposal_floor, jitter
        )

    def _render(self, origins: Tensor, directions: Tensor, jitter: Tensor) -> Rendering:
        with torch.no_grad():
            edges = self._edges(origins, directions, jitter)
        lines = self.space.lines(origins, directions, (2, 2, 2))  # corners at 0 and 1
        length = torch.ones_like(lines.optical_length) if self.projective else lines.optical_length
        middles = midpoints(edges)
        points = lines.at(middles)
        views = None
        if self.stage.directional:
            views = torch.nn.functional.normalize(directions.detach(), dim=-1)[:, None].expand_as(points)
        density, colour = self.query_samples(points, views)
        lengths = edges.diff(dim=-1) * length[:, None]
        if lines.ends is not None:  # what is infinitely far ends every ray
            lengths = torch.cat([lengths[:, :-1], torch.full_like(lengths[:, -1:], torch.inf)], dim=-1)
        weights, _ = transmittance_weights(density, lengths)
        seen = composite(weights, colour, middles, self.background)
        depth = self.space.depth(seen.position, origins.detach(), directions.detach())
        return Rendering(seen.colour, seen.opacity, depth)

    # ------------------------------------------------------------------ training

    def step(self, fraction: float, factor: float = 1.0) -> None:
        super().step(fraction, factor)
        self._age += 1
        self._renews = self._renews or self._age % SAMPLING.renew_every == 0

    def make_step_kind(self, *values: object) -> WorkKind:
        """For `step_kind` of a subclass whose steps can be recorded; it says what its shapes and numbers follow from.

        The density that intervals are drawn from is renewed here, where that is due: before the step, not within it.
        """
        coarse = self._density_for_proposals() if self.stage.proposals else None
        return WorkKind(values, (*self.module.parameters(), coarse))

    def state(self) -> dict[str, Tensor]:
        state = {"age": torch.tensor(self._age)} | self.module_state()
        if self.stage.proposals:
            state["proposals"] = self._density_for_proposals().clone()
        return state

    def load_state(self, state: dict[str, Tensor]) -> None:
        self.load_module_state(state)
        self._changed()
        self._age = int(state["age"])
        if "proposals" in state:
            self._coarse = state["proposals"].to(self.device, copy=True)

    # ------------------------------------------------------------------ on a lattice

    @torch.no_grad()
    def _on_plane(
        self, shape: Shape, index: int
    ) -> tuple[Float[Tensor, "height width"], Float[Tensor, "height width 3"]]:
        """A plane of a lattice: density per spacing; RGB as seen along +z, or towards the middle of an object."""
        depth, height, width = shape
        y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
        points = upload(torch.stack([x, y, torch.full_like(x, index / (depth - 1))], dim=-1), self.device)
        views = None
        if self.stage.directional:
            views = make_constant([0.0, 0.0, 1.0], points).expand_as(points)
            if not self.projective:
                views = torch.nn.functional.normalize(0.5 - points, dim=-1)
        density, colour = self.query(points, views)
        return density / (depth if self.projective else depth - 1), colour

    def _density_for_proposals(self) -> Float[Tensor, "depth height width"]:
        if self._coarse is None or self._renews:
            shape = self.space.shape(self.stage.planes, SAMPLING.proposal_side)
            found = torch.stack([self._on_plane(shape, index)[0] for index in range(shape[0])]).contiguous()
            # A recorded step reads it where it lies.
            self._coarse = found if self._coarse is None else self._coarse.copy_(found)
            self._renews = False
        return self._coarse

    def volume(self, longest: int) -> Float[Tensor, "depth height width 4"]:
        """All planes of `volume_planes`."""
        return torch.stack(list(self.volume_planes(longest).planes))

    def volume_planes(self, longest: int) -> Planes:
        shape = self.space.shape(longest, longest)
        return Planes(shape, (self._raw_plane(shape, index) for index in range(shape[0])))

    def _raw_plane(self, shape: Shape, index: int) -> Float[Tensor, "height width 4"]:
        density, colour = self._on_plane(shape, index)
        density = density.clamp(1e-6, SAMPLING.opaque)
        raw = density + torch.log(-torch.expm1(-density))  # softplus gives the density back
        return torch.cat([raw[..., None], colour.logit(1e-3)], dim=-1)

    def block_pieces(self) -> None:
        """Its volume is dense."""

    def tint_planes(self, longest: int) -> None:
        """A baked volume looks alike from everywhere."""

    def proposal_density(self) -> Float[Tensor, "depth height width"] | None:
        return self._density_for_proposals() if self.stage.proposals else None

    def volume_sizes(self, longest: int) -> tuple[int, ...]:
        return tuple(size for size in SAMPLING.baked_sizes if size <= longest) or (longest,)
