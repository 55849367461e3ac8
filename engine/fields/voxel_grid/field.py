"""The voxel grid: raw density and colour on a lattice, trained from coarse to fine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from engine.config.rows import Stage
from engine.fields.field import BlockPieces, Planes, Rendering
from engine.fields.sampling import uniform_edges
from engine.fields.spaces import ProjectiveSpace, Space
from engine.fields.voxel_grid import blocks as grid_blocks
from engine.fields.voxel_grid import compiled as grid_compiled
from engine.fields.voxel_grid import state as grid_state
from engine.fields.voxel_grid import volume as grid_volume
from engine.fields.voxel_grid.backends import choose_backend
from engine.fields.voxel_grid.options import FIELD as OPTIONS
from engine.fields.voxel_grid.space_options import choose_space_options
from engine.fields.voxel_grid.state import GridState
from engine.system.recorded_work import WorkKind, upload_made


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
        self._due: Stage | None = None  # begun, and its lattice is not made yet
        self._coarse: Tensor | None = None
        self._renews = False  # whether it is to be computed anew
        self._visible: Tensor | None = None  # cells of a dense lattice in which training rays have seen something
        self._seen: tuple[Tensor, tuple[int, int, int]] | None = None  # of the stage before, with its lattice's shape
        self._age = 0
        self._backend = choose_backend(self.device)

    @property
    def grid(self) -> GridState:
        """The tensors, once a stage has begun."""
        if self._due is not None:
            self._make_lattice(self._due)
        if self._state is None:
            raise RuntimeError("a voxel grid has no voxels before its first stage")
        return self._state

    @property
    def stage(self) -> Stage:
        if self._stage is None:
            raise RuntimeError("a voxel grid has no stage before its first")
        return self._stage

    def begin_stage(self, stage: Stage) -> None:
        if self._due is not None:
            self._make_lattice(self._due)
        self._stage = self._due = stage
        self._changed()
        if self._state is None:  # its noise comes before all other random numbers of the run
            self._make_lattice(stage)

    def _make_lattice(self, stage: Stage) -> None:
        """The lattice of a stage, when it is first needed: one that a checkpoint replaces is never made."""
        self._due = None
        shape = self.space.shape(stage.planes, stage.voxels)
        if self._visible is not None and bool(self._visible.any()):
            self._seen = self._visible, self.grid.shape
        before = self._state if self._state is not None else grid_state.make_state(self._initial_voxels(shape))
        visible = None
        if stage.sparse:
            made = self._store_in_blocks(before, shape)
        else:
            made = grid_state.make_state(self._resample(before, shape))
            visible = grid_blocks.make_visible_cells(shape, self.device)
        if stage.directional:
            fewer = [max(size // self._tint_spacing, 2) for size in made.shape]
            made.tint = grid_state.make_state(torch.zeros(*fewer, 9, device=self.device))
        # All or nothing: where a GPU has no memory for it, the run goes on with the lattice before.
        self._state, self._visible = made, visible

    def _initial_voxels(self, shape: tuple[int, int, int]) -> Tensor:
        """What a field begins with; coarser than asked for where that is large, for it is noise."""
        fewer = [min(size, OPTIONS.whole) for size in shape]
        voxels = torch.randn(*fewer, 4, generator=self.generator) * OPTIONS.initial_noise
        voxels[..., 0] = voxels[..., 0] * self.density_rate + self.initial_density
        return voxels.to(self.device)

    def _resample(self, before: GridState, shape: tuple[int, int, int]) -> Tensor:
        """The voxels of a dense lattice."""
        if before.table is None:
            return grid_state.resample(before.voxels, shape)
        if before.shape == shape:
            return torch.stack([grid_state.read_plane(before, index) for index in range(shape[0])])
        return grid_state.resample(self._dense_copy(before, OPTIONS.whole), shape)

    def _store_in_blocks(self, before: GridState, shape: tuple[int, int, int]) -> GridState:
        """The voxels where the stage before has seen something; all where nothing is known."""
        if before.table is not None and before.shape == shape:
            return grid_state.make_block_state(before.voxels, before.table, shape)
        seen = self._seen
        if seen is None:
            seen = grid_blocks.make_visible_cells(before.shape, self.device), before.shape
        shape, kept = grid_blocks.choose_blocks(*seen, shape, self.space.closed)
        return grid_blocks.make_blocks(before, shape, kept, self._backend.interpolate)

    def _dense_copy(self, state: GridState, longest: int) -> Tensor:
        """Raw values of a dense lattice of about so many voxels a side; density as it is in the blocks."""
        factor = 1
        while max(state.shape) // factor > longest and factor < grid_blocks.BLOCK:
            factor *= 2
        return grid_state.unweight(self._backend.average(state, factor))

    @property
    def light(self) -> bool:
        return self.grid.voxels[..., 0].numel() < OPTIONS.light_voxels

    @property
    def prepared(self) -> bool:
        return self._backend is not grid_compiled or grid_compiled.are_loaded(self.grid)

    def progress(self, fraction: float) -> None:
        """Renews what proposals are drawn from, if it is due; the band limit of a grid is its stage's resolution."""
        if self.stage.proposals:
            self._proposal_density()

    def step_kind(self) -> WorkKind:
        coarse = self._coarse if self.stage.proposals else None
        return WorkKind((), (self.grid, self.grid.tint, self._visible, coarse))

    def _changed(self) -> None:
        self.version += 1
        self._age = 0
        self._coarse, self._renews = None, False

    def _proposal_density(self) -> Float[Tensor, "depth height width"]:
        if self._coarse is None or self._renews:
            if self.grid.table is not None:
                found = self._backend.average(self.grid, OPTIONS.pooling)[..., 0].contiguous()
            else:
                factor = OPTIONS.pooling if self.grid.shape[1] >= OPTIONS.pooled_rows else 1
                less = min(factor, OPTIONS.pooling // 2)
                projective = isinstance(self.space, ProjectiveSpace)
                by = (1, factor, factor) if projective else (less, less, less)
                found = grid_state.pool_density(self.grid.voxels, by)
            # A recorded step reads it where it lies.
            self._coarse = found if self._coarse is None else self._coarse.copy_(found)
            self._renews = False
        return self._coarse

    def _edges(
        self, origins: Tensor, directions: Tensor, generator: Generator | None, samples: int, proposals: bool
    ) -> Tensor:
        rays = origins.shape[0]
        if generator is None:
            jitter = torch.full((rays,), 0.5, device=self.device)
        else:
            jitter = upload_made(lambda: torch.rand(rays, generator=generator), self.device)
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
            *(self.grid, lines, basis, edges, self.space.closed, self.background, gathers),
            self._visible if gathers else None,
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
        self._renews = self._renews or self._age % OPTIONS.proposal_period == 0

    def grow(self, factor: float) -> bool:
        if not isinstance(self.space, ProjectiveSpace) or self.grid.table is not None:
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
        shape = self.space.shape(self.grid.shape[0], voxels)
        return self if max(shape) >= max(self.grid.shape) else self._looked_at(self.stage, shape)

    def at_stage(self, stage: Stage, fraction: float) -> VoxelGrid:
        shape = self.space.shape(stage.planes, stage.voxels)
        return self._looked_at(stage, shape if max(shape) < max(self.grid.shape) else None)

    def _looked_at(self, stage: Stage, shape: tuple[int, int, int] | None) -> VoxelGrid:
        """A copy without gradients, blurred to a coarser lattice; as fine as it is if `shape` is None."""
        copy = VoxelGrid(self.space, None, self.generator, self.device)
        copy.background, copy._stage, copy._gathers = self.background, stage, False
        if shape is None:
            copy._state = grid_state.copy_values(self.grid)
            return copy
        gain = self.grid.shape[0] / shape[0]  # density counts per voxel along the first axis (a box's are all alike)
        raw = self.grid.voxels if self.grid.table is None else self._dense_copy(self.grid, max(shape))
        copy._state = grid_state.make_state(grid_state.blur(raw, shape, gain))
        return copy

    def state(self) -> dict[str, Tensor]:
        tensors = grid_state.tensors_to_save(self.grid)
        if self.grid.tint is not None:
            tensors |= {f"tint.{name}": value for name, value in grid_state.tensors_to_save(self.grid.tint).items()}
        tensors["age"] = torch.tensor(self._age)
        if self._visible is not None:
            tensors["visible"] = self._visible
        if self._seen is not None:
            tensors |= {"seen": self._seen[0], "seen.shape": torch.tensor(self._seen[1])}
        if self.stage.proposals:
            tensors["coarse"] = self._proposal_density()
        return tensors

    def load_state(self, state: dict[str, Tensor]) -> None:
        self._state = self._due = None
        self._state = grid_state.restore_state(state, self.device)
        if "tint.voxels" in state:
            tint = type(state)((name[5:], value) for name, value in state.items() if name.startswith("tint."))
            self._state.tint = grid_state.restore_state(tint, self.device)
        self._changed()
        self._visible = state["visible"].to(self.device).clone() if "visible" in state else None
        self._seen = None
        if "seen" in state:
            depth, height, width = state["seen.shape"].tolist()
            self._seen = state["seen"].to(self.device).clone(), (depth, height, width)
        self._age = int(state["age"])
        if "coarse" in state:
            self._coarse = state["coarse"].to(self.device).clone()

    def volume(self, longest: int) -> Float[Tensor, "depth height width 4"]:
        """A copy of the voxels if they fit, else of a coarser lattice."""
        return torch.stack(list(self.volume_planes(longest).planes))

    def volume_planes(self, longest: int) -> Planes:
        grid = self.grid  # a stage that begins meanwhile has another one
        shape = grid.shape
        if max(shape) <= longest:
            return Planes(shape, (grid_state.read_plane(grid, index) for index in range(shape[0])))
        fits = grid_volume.find_fitting_shape(shape, longest, cube=self.space.closed)
        edge = int(self.space.closed)  # density counts per spacing in a box, per plane in projective space
        gain = (shape[0] - edge) / (fits[0] - edge)
        voxels = grid.voxels if grid.table is None else self._dense_copy(grid, longest)
        return Planes(fits, grid_volume.make_coarser_planes(voxels, fits, gain))

    def block_pieces(self) -> BlockPieces | None:
        grid = self.grid
        if grid.table is None:
            return None
        return BlockPieces(grid.shape, grid.table, len(grid.voxels), grid_blocks.cut_pieces(grid))

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
        return (longest,) if self.grid.table is None else (min(longest, OPTIONS.whole),)
