"""What a pixel sees: the one interface behind which the pixel grid and the neural image stand."""

from __future__ import annotations

from typing import Protocol

from jaxtyping import Float
from torch import Tensor

from engine.config.rows import PlanarStage


class ImageField(Protocol):
    """An image that is learned stage by stage. Points are of the plane of the image; see `engine.scenes.planar`.

    Gradients with respect to its own parameters are gathered when the loss is differentiated and used up by `step`.
    """

    def begin_stage(self, stage: PlanarStage) -> None:
        """Takes up the stage's resolution or band limit; what was learned is kept."""
        ...

    def progress(self, fraction: float) -> None:
        """Tells how far the run is, in [0, 1], for band limits that open continuously."""
        ...

    def colours(self, points: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
        """RGB at points of the plane, differentiable in them."""
        ...

    def step(self, fraction: float, factor: float = 1.0) -> None:
        """One optimiser step with the gathered gradients, which are cleared; see `engine.fields.field.Field`."""
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
