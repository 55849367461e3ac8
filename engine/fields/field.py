"""What a ray sees: the one interface behind which the voxel grid, the MLP and any third field stand."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from jaxtyping import Float
from torch import Generator, Tensor

from engine.schedule import Stage


class Rendering(NamedTuple):
    """What came back along each ray.

    `depth` is in multiples of the ray's direction: as directions have z = 1 in their camera, it is depth along the
    optical axis, in scene units. `opacity` is in [0, 1]; the background shows through the rest.
    """

    colour: Float[Tensor, "rays 3"]
    opacity: Float[Tensor, " rays"]
    depth: Float[Tensor, " rays"]


class Field(Protocol):
    """A radiance field that is trained stage by stage.

    Gradients with respect to a field's own parameters are gathered by the field when the loss is differentiated and
    used up by `step`, so that a field may keep them in whatever form is fastest.
    """

    def begin_stage(self, stage: Stage) -> None:
        """Takes up the stage's resolution or band limit; what was learned is kept (upsampled)."""
        ...

    def progress(self, fraction: float) -> None:
        """Tells how far the run is, in [0, 1], for band limits that open continuously."""
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

    def step(self, fraction: float) -> None:
        """One optimiser step with the gathered gradients, which are cleared; `fraction` of the stage is done."""
        ...

    def grow(self, factor: float) -> bool:
        """Follows a world whose unit is divided by `factor` (cameras and things move apart); False if it cannot."""
        ...

    def discard(self) -> None:
        """Throws the gathered gradients away instead of using them."""
        ...

    def at_resolution(self, voxels: int) -> Field:
        """The field blurred to about so many voxels along its longer edge, to be looked at only."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Everything a checkpoint needs, optimiser included: a flat dict of tensors."""
        ...

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Takes up what `state` gave; the stage must have been begun before."""
        ...

    def volume(self, longest: int) -> Float[Tensor, "depth height width 4"]:
        """Raw density and colour on a voxel lattice of at most `longest` voxels a side, for the window."""
        ...

    @property
    def version(self) -> int:
        """Grows whenever the field changes."""
        ...
