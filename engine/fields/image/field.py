"""The protocol of learned images, for planar scenes."""

from __future__ import annotations

from typing import Protocol

from jaxtyping import Float
from torch import Tensor

from engine.config.rows import PlanarStage
from engine.system.recorded_work import WorkKind


class ImageField(Protocol):
    """An image that is learned stage by stage. Points are of the plane of the image; see `engine.scenes.planar`.

    Differentiating the loss accumulates gradients of its own parameters, which `step` uses and clears.
    """

    def begin_stage(self, stage: PlanarStage) -> None:
        """Changes to the resolution or the rates of a stage and keeps what has been learned."""
        ...

    def progress(self, fraction: float) -> None:
        """Sets how much of the run is done, in [0, 1], for band limits that change continuously."""
        ...

    def step_kind(self) -> WorkKind | None:
        """What `colours` depends on in the next step; see `engine.fields.field.Field`."""
        ...

    def colours(self, points: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
        """RGB at points of the plane, differentiable in them."""
        ...

    def step(self, fraction: float, factor: float = 1.0) -> None:
        """One optimiser step with the accumulated gradients, which are cleared; see `engine.fields.field.Field`."""
        ...

    def discard(self) -> None:
        """Clears the accumulated gradients without a step."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Everything a checkpoint needs, optimiser included: a flat dict of tensors."""
        ...

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Restores what `state` gave; the stage must have begun before."""
        ...

    def at_stage(self, stage: PlanarStage, fraction: float) -> ImageField:
        """A copy under the band limit of a stage, to be looked at only; see `engine.fields.field.Field`."""
        ...

    @property
    def version(self) -> int:
        """A number that grows whenever the field changes."""
        ...
