"""What a ray sees: what training asks of a field, and what the window and exports ask besides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from copy import deepcopy
from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple, Protocol, Self, TypeVar, runtime_checkable

from jaxtyping import Float, Int32
from torch import Generator, Tensor

from engine.config.rows import Stage
from engine.system.recorded_work import WorkKind


class Rendering(NamedTuple):
    """What came back along each ray.

    `depth` is in multiples of the ray's direction: as directions have z = 1 in their camera, it is depth along the
    optical axis, in scene units. `opacity` is in [0, 1]; the background shows through the rest.
    """

    colour: Float[Tensor, "rays 3"]
    opacity: Float[Tensor, " rays"]
    depth: Float[Tensor, " rays"]


class Planes(NamedTuple):
    """A volume that is made one plane after the other, where there is no time for all at once.

    `shape` is (depth, height, width); `planes` yields `depth` tensors (height width channels), from the first to the
    last, on the field's device. Between two of them the field may learn on: a plane is as the field is when it is
    asked for.
    """

    shape: tuple[int, int, int]
    planes: Iterator[Tensor]


@dataclass(frozen=True, eq=False)
class BlockPieces:
    """A volume that is stored only where something may be, in blocks of 8 x 8 x 8 voxels, made piece by piece.

    Values and spacings are those of `engine.fields.baking.FieldVolume`, on a lattice of its own. A sample whose cell's
    first corner (the floor of its coordinates) lies in a block that is missing is empty. `table` and `pieces` belong
    together whatever the field does meanwhile; the values are as the field is when a piece is asked for.

    Attributes:
        shape: (depth, height, width) of the lattice, voxels.
        table: for each block of the lattice, in which every eighth voxel begins one, which stored block it is; 0 for
            one that is missing.
        count: number of stored blocks; block 0, which stands for all that are missing, is one of them.
        pieces: some blocks at a time, in order, `count` in all; each with the first voxels of its neighbours, so that
            it can be interpolated on its own. Raw density and colour, on the field's device.
    """

    shape: tuple[int, int, int]
    table: Int32[Tensor, "table_depth table_height table_width"]
    count: int
    pieces: Iterator[Float[Tensor, "piece 9 9 9 4"]]


class Field(Protocol):
    """A radiance field that is trained stage by stage: all that training, relocalisation and evaluation ask of it.

    Gradients with respect to a field's own parameters are gathered by the field when the loss is differentiated and
    used up by `step`, so that a field may keep them in whatever form is fastest. `FieldDefaults` answers what a simple
    field need not care for; `engine.fields.sampled.SampledField` answers nearly all.
    """

    @property
    def stage(self) -> Stage:
        """The one begun last."""
        ...

    def begin_stage(self, stage: Stage) -> None:
        """Takes up the stage's resolution or band limit; what was learned is kept (upsampled)."""
        ...

    def progress(self, fraction: float) -> None:
        """Before each step: how far the run is, in [0, 1], for band limits that open continuously; and the time to
        renew what several steps share."""
        ...

    def render(
        self,
        origins: Float[Tensor, "rays 3"],
        directions: Float[Tensor, "rays 3"],
        generator: Generator | None = None,
    ) -> Rendering:
        """Renders rays, differentiably; samples are jittered when a generator is given, else centred.

        Under `frozen`, gradients reach the rays and not the field.
        """
        ...

    def frozen(self) -> AbstractContextManager[None]:
        """While this context is open the field gathers no gradients of its own."""
        ...

    def step_kind(self) -> WorkKind | None:
        """What rendering for the next step depends on, for a GPU that records steps (`engine.system.recorded_work`).

        Its values are what shapes and numbers follow from besides the stage, such as how many bands are open. Its
        memory is what is read and what gradients are gathered in: parameters, and tensors that stay in their places.
        While both are the same, a step that was recorded is played in place of being done. Whatever else changes from
        step to step, random numbers or weights, has to be handed over by `upload_made`. None where steps cannot be
        recorded, for shapes depend on what the device has computed.
        """
        ...

    def step(self, fraction: float, factor: float = 1.0) -> None:
        """One optimiser step with the gathered gradients, which are cleared.

        `fraction` of the stage is done; `factor` multiplies the stage's learning rate.
        """
        ...

    def discard(self) -> None:
        """Throws the gathered gradients away instead of using them."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Everything a checkpoint needs, optimiser included: a flat dict of tensors."""
        ...

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Takes up what `state` gave; the stage must have been begun before."""
        ...

    @property
    def version(self) -> int:
        """Grows whenever the field changes."""
        ...

    @property
    def light(self) -> bool:
        """Whether its steps are so little work that it would hardly be done sooner by many cores."""
        ...

    @property
    def prepared(self) -> bool:
        """Whether what its first step has to prepare, which may take many seconds, is done: compiled kernels."""
        ...

    def grow(self, factor: float) -> bool:
        """Follows a world whose unit is divided by `factor` (cameras and things move apart); False if it cannot."""
        ...

    def at_resolution(self, voxels: int) -> Field:
        """The field blurred to about so many voxels along its longer edge, to be looked at only."""
        ...

    def at_stage(self, stage: Stage, fraction: float) -> Field:
        """A copy under the band limit of a stage, to be looked at only, whatever becomes of this field meanwhile.

        Nothing is finer than it was learned: a stage that is still to come only samples as it says.

        Args:
            stage: of the run's schedule.
            fraction: of the run, for band limits that open continuously; at most what is done of it.
        """
        ...


class FieldDefaults:
    """Answers to those members of `Field` that a simple field need not care for."""

    @property
    def light(self) -> bool:
        """False: it uses all cores."""
        return False

    @property
    def prepared(self) -> bool:
        """True: it has nothing to prepare."""
        return True

    def progress(self, fraction: float) -> None:
        """Nothing opens as the run proceeds: the stages are all the band limit there is."""

    def step_kind(self) -> WorkKind | None:
        """None: its steps are not recorded."""
        return None

    def grow(self, factor: float) -> bool:
        """False: it cannot follow a world that grows, so things nearer than its volume stay outside."""
        return False

    def at_resolution(self, voxels: int) -> Self:
        """Itself: there is no blurred copy, and frames far from their places are looked for in the sharp field."""
        return self

    def at_stage(self, stage: Stage, fraction: float) -> Self:
        """A copy as it is: its stages limit no band."""
        return copy_parameters(self)


Copied = TypeVar("Copied")


def copy_parameters(field: Copied) -> Copied:
    """A copy of all that a field consists of but for the modules of functions that it calls."""
    shared = {id(value): value for value in vars(field).values() if isinstance(value, ModuleType)}
    return deepcopy(field, shared)


@runtime_checkable
class Bakeable(Protocol):
    """A field that can be written onto a lattice: what the window's texture, its overview and exports ask for.

    A field without these members trains all the same; the window shows no volume of it. Values and spacings are those
    of `engine.fields.baking.FieldVolume`.
    """

    @property
    def stage(self) -> Stage:
        """The one begun last."""
        ...

    @property
    def version(self) -> int:
        """Grows whenever the field changes."""
        ...

    @property
    def background(self) -> Float[Tensor, "3"] | None:
        """Behind everything; None for black."""
        ...

    def volume_sizes(self, longest: int) -> tuple[int, ...]:
        """What to ask of `volume_planes`, coarse to fine, to see something soon: one size where none is quicker."""
        ...

    def volume_planes(self, longest: int) -> Planes:
        """Raw density and colour (4 channels) on a lattice of at most `longest` points a side, plane by plane."""
        ...

    def block_pieces(self) -> BlockPieces | None:
        """The field at its full resolution if it is stored in blocks; None where `volume_planes` is all there is."""
        ...

    def tint_planes(self, longest: int) -> Planes | None:
        """What the viewing direction adds to the raw colour of the volume, 9 channels; None for nothing.

        Channels 3c to 3c + 2 are dotted with the unit direction of the ray, in the axes of the world, for colour c.
        """
        ...

    def proposal_density(self) -> Float[Tensor, "depth height width"] | None:
        """The density pooled over blocks from which `render` draws its intervals; None where they are even."""
        ...
