"""The voxel grid: raw density and colour on a lattice, trained from coarse to fine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from engine.config.rows import Stage
from engine.fields.field import BlockPieces, Planes, Rendering
from engine.fields.sampling import uniform_edges
from engine.fields.spaces import ProjectiveSpace, Space, UnboundedSpace
from engine.fields.voxel_grid import compiled as grid_compiled
from engine.fields.voxel_grid import reference as grid_dense
from engine.fields.voxel_grid import state as grid_state
from engine.fields.voxel_grid import volume as grid_volume
from engine.fields.voxel_grid.state import GridState


@dataclass(frozen=True)
class GridOptions:
    """How a voxel grid begins and how its rays are sampled.

    Attributes:
        initial_noise: standard deviation of the raw values at the start.
        proposal_floor: weight that proposals spread evenly over a ray, so that no part of it is never sampled.
        proposal_period: steps after which the density that proposals are drawn from is computed anew.
        pooled_rows: rows from which that density is pooled.
        pooling: largest block of voxels along an axis that is pooled in a projective volume; in a box half of it.
        light_voxels: a grid of fewer voxels is so fast that more threads do not help.
    """

    initial_noise: float = 0.01
    proposal_floor: float = 0.08
    proposal_period: int = 24
    pooled_rows: int = 64
    pooling: int = 4
    light_voxels: int = 100_000


@dataclass(frozen=True)
class SpaceOptions:
    """A voxel grid in one kind of space.

    Attributes:
        initial: raw density at the start.
        rate: learning rate of the density relative to that of the colours.
        tint_spacing: distance between the points of the directional coefficients, in spacings of the voxels.
    """

    initial: float
    rate: float
    tint_spacing: int = 2


OPTIONS = GridOptions()
IN_PROJECTIVE_SPACE = SpaceOptions(initial=-2.0, rate=1.0)
"""A thin medium everywhere: surfaces form where photos agree."""
IN_BOX = SpaceOptions(initial=-12.0, rate=4.0)
"""Almost empty, because most of a box stays empty; the rate makes up for the small slope of softplus there."""
IN_UNBOUNDED_SPACE = SpaceOptions(initial=-6.0, rate=2.0, tint_spacing=4)
"""Nearly empty, so that what few rays see stays quiet. The coefficients take memory that voxels need more."""


def choose_space_options(space: Space) -> SpaceOptions:
    """What holds in a kind of space."""
    if isinstance(space, ProjectiveSpace):
        return IN_PROJECTIVE_SPACE
    return IN_UNBOUNDED_SPACE if isinstance(space, UnboundedSpace) else IN_BOX


class VoxelGrid:
    """An explicit radiance field (see `engine.fields.field.Field`).

    Raw values are interpolated trilinearly; then density is their softplus and colour their sigmoid, as a shader does
    with a 3D texture.
    """

    def __init__(
        self,
        space: Space,
        background: tuple[float, float, float] | None,
        generator: Generator,
        device: torch.device | str = "cpu",
    ) -> None:
        self.space = space
        self.device = torch.device(device)
        self.background = torch.tensor(background or (0.5, 0.5, 0.5), device=self.device)
        chosen = choose_space_options(space)
        self.initial_density, self.density_rate = chosen.initial, chosen.rate
        self._tint_spacing = chosen.tint_spacing
        self.generator = generator
        self.version = 0
        self._gathers = True
        self._stage: Stage | None = None
        self._state: GridState | None = None
        self._coarse: Tensor | None = None
        self._age = 0
        self._backend: ModuleType = grid_compiled if self.device.type == "cpu" else grid_dense

    @property
    def grid(self) -> GridState:
        """The tensors, once a stage has begun."""
        if self._state is None:
            raise RuntimeError("a voxel grid has no voxels before its first stage")
        return self._state

    @property
    def stage(self) -> Stage:
        if self._stage is None:
            raise RuntimeError("a voxel grid has no stage before its first")
        return self._stage

    def begin_stage(self, stage: Stage) -> None:
        shape = self.space.shape(stage.planes, stage.voxels)
        if self._state is None:
            voxels = torch.randn(*shape, 4, generator=self.generator) * OPTIONS.initial_noise
            voxels[..., 0] = voxels[..., 0] * self.density_rate + self.initial_density
            voxels = voxels.to(self.device)
        else:
            voxels = grid_state.resample(self._state.voxels, shape)
        self._stage = stage
        self._state = grid_state.make_state(voxels)
        if stage.directional:
            fewer = [max(size // self._tint_spacing, 2) for size in shape]
            self._state.tint = grid_state.make_state(torch.zeros(*fewer, 9, device=self.device))
        self._changed()

    @property
    def light(self) -> bool:
        return math.prod(self.grid.shape) < OPTIONS.light_voxels

    @property
    def prepared(self) -> bool:
        return self._backend is not grid_compiled or grid_compiled.are_loaded()

    def progress(self, fraction: float) -> None:
        """Does nothing: the band limit of a grid is its resolution, which changes with the stage."""

    def _changed(self) -> None:
        self.version += 1
        self._age = 0
        self._coarse = None

    def _proposal_density(self) -> Float[Tensor, "depth height width"]:
        if self._coarse is None:
            height = self.grid.shape[1]
            factor = OPTIONS.pooling if height >= OPTIONS.pooled_rows else 1
            along = 1 if isinstance(self.space, ProjectiveSpace) else min(factor, OPTIONS.pooling // 2)
            across = factor if isinstance(self.space, ProjectiveSpace) else min(factor, OPTIONS.pooling // 2)
            self._coarse = grid_state.pool_density(self.grid.voxels, (along, across, across))
        return self._coarse

    def _edges(
        self, origins: Tensor, directions: Tensor, generator: Generator | None, samples: int, proposals: bool
    ) -> Tensor:
        rays = origins.shape[0]
        if generator is None:
            jitter = torch.full((rays,), 0.5, device=self.device)
        else:
            jitter = torch.rand(rays, generator=generator).to(self.device)
        if not proposals:
            return uniform_edges(rays, samples, jitter, self.device)
        coarse = self._proposal_density()
        depth, height, width = coarse.shape
        lines = self.space.lines(origins, directions, (depth, height, width))
        return self._backend.edges(coarse, lines, self.space.closed, samples, OPTIONS.proposal_floor, jitter)

    def render(
        self,
        origins: Float[Tensor, "rays 3"],
        directions: Float[Tensor, "rays 3"],
        generator: Generator | None = None,
    ) -> Rendering:
        with torch.no_grad():
            edges = self._edges(origins, directions, generator, self.stage.samples, self.stage.proposals)
        lines = self.space.lines(origins, directions, self.grid.shape)
        gathers = self._gathers and torch.is_grad_enabled()
        basis = torch.nn.functional.normalize(directions.detach(), dim=-1)
        colour, opacity, position = self._backend.march(
            self.grid, lines, basis, edges, self.space.closed, self.background, gathers
        )
        return Rendering(colour, opacity, self.space.depth(position, origins.detach(), directions.detach()))

    @contextmanager
    def frozen(self) -> Iterator[None]:
        gathered, self._gathers = self._gathers, False
        try:
            yield
        finally:
            self._gathers = gathered

    def step(self, fraction: float, factor: float = 1.0) -> None:
        first, last = self.stage.field_rate
        rate = first * (last / first) ** fraction * factor
        self._backend.optimise(self.grid, rate, self.stage.smoothness, self.density_rate)
        self.version += 1
        self._age += 1
        if self._age % OPTIONS.proposal_period == 0:
            self._coarse = None

    def grow(self, factor: float) -> bool:
        if not isinstance(self.space, ProjectiveSpace):
            return False
        self._state = grid_state.make_state(grid_state.push_back(self.grid.voxels, factor, 2 * self.initial_density))
        self._changed()
        return True

    def discard(self) -> None:
        for state in (self.grid, self.grid.tint):
            if state is not None:
                state.gradient.zero_()
                state.touched.zero_()
                for values in (state.voxels, state.first, state.second):
                    values.nan_to_num_(0.0, 0.0, 0.0)  # one that is not finite would spread to every later step

    def at_resolution(self, voxels: int) -> VoxelGrid:
        """A blurred copy of at most so many voxels along an edge, which poses converge to from farther away."""
        depth = self.grid.shape[0]
        shape = self.space.shape(depth, voxels)
        if max(shape) >= max(self.grid.shape):
            return self
        copy = VoxelGrid(self.space, None, self.generator, self.device)
        copy.background = self.background
        copy._stage = self._stage
        gain = depth / shape[0]  # density counts per voxel along the first axis (all axes of a box are alike)
        copy._state = grid_state.make_state(grid_state.blur(self.grid.voxels, shape, gain))
        copy._gathers = False
        return copy

    def state(self) -> dict[str, Tensor]:
        tensors = grid_state.tensors_to_save(self.grid)
        if self.grid.tint is not None:
            tensors |= {f"tint.{name}": value for name, value in grid_state.tensors_to_save(self.grid.tint).items()}
        tensors["age"] = torch.tensor(self._age)
        if self.stage.proposals:
            tensors["coarse"] = self._proposal_density()
        return tensors

    def load_state(self, state: dict[str, Tensor]) -> None:
        self._state = grid_state.restore_state(state, self.device)
        if "tint.voxels" in state:
            tint = {name[5:]: value for name, value in state.items() if name.startswith("tint.")}
            self._state.tint = grid_state.restore_state(tint, self.device)
        self._changed()
        self._age = int(state["age"])
        if "coarse" in state:
            self._coarse = state["coarse"].to(self.device)

    def volume(self, longest: int) -> Float[Tensor, "depth height width 4"]:
        """A copy of the voxels if they fit, else of a coarser lattice."""
        return torch.stack(list(self.volume_planes(longest).planes))

    def volume_planes(self, longest: int) -> Planes:
        shape = self.grid.shape
        if max(shape) <= longest:
            return Planes(shape, iter(self.grid.voxels))
        fits = grid_volume.find_fitting_shape(shape, longest, cube=self.space.closed)
        edge = int(self.space.closed)  # density counts per spacing in a box, per plane in projective space
        gain = (shape[0] - edge) / (fits[0] - edge)
        return Planes(fits, grid_volume.make_coarser_planes(self.grid.voxels, fits, gain))

    def block_pieces(self) -> BlockPieces | None:
        """None: its voxels are dense."""
        return None

    def tint_planes(self, longest: int) -> Planes | None:
        tint = self.grid.tint
        if tint is None:
            return None
        if max(tint.shape) <= longest:
            return Planes(tint.shape, iter(tint.voxels))
        fits = grid_volume.find_fitting_shape(tint.shape, longest, cube=self.space.closed)
        return Planes(fits, iter(grid_state.resample(tint.voxels, fits)))

    def proposal_density(self) -> Float[Tensor, "depth height width"] | None:
        return self._proposal_density() if self.stage.proposals else None

    def volume_sizes(self, longest: int) -> tuple[int, ...]:
        return (longest,)
