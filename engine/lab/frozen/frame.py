"""What experiments ask of a frame, be it a camera or a patch of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from jaxtyping import Float, Int
from torch import Generator, Tensor

from engine.config.rows import AnyStage
from engine.errors import UserError


class Axis(NamedTuple):
    """One direction in which a frame can be moved.

    Attributes:
        name: short, as in the perturb panel.
        label: what it does.
        unit: in which it is shown.
        inside: radians, scene units or shares per shown unit.
    """

    name: str
    label: str
    unit: str
    inside: float


class FrozenFrame(Protocol):
    """A frame with a copy of the field that it is seen in."""

    @property
    def frame(self) -> int:
        """Index among the training frames."""
        ...

    @property
    def axes(self) -> tuple[Axis, ...]:
        """In which it can be moved."""
        ...

    @property
    def stage(self) -> str:
        """The name of the stage whose band limit photo and field have."""
        ...

    @property
    def pixels(self) -> int:
        """Of the photo, that are compared."""
        ...

    @property
    def of(self) -> int:
        """Pixels that the photo has at this scale."""
        ...

    @property
    def samples(self) -> int:
        """What the rendering of one pixel takes: samples along its ray; 1 for an image."""
        ...

    @property
    def reference(self) -> tuple[float, ...] | None:
        """Offsets of the reference along the axes, as shown; None where there is none."""
        ...

    @property
    def placement(self) -> Float[Tensor, "rows columns"]:
        """Where it is: the pose of a camera (3 x 4, world-to-camera), the warp of a patch (3 x 3)."""
        ...

    @property
    def degrees(self) -> int:
        """Numbers that `move` it."""
        ...

    def move(
        self, placements: Float[Tensor, "poses rows columns"], vectors: Float[Tensor, "poses degrees"]
    ) -> Float[Tensor, "poses rows columns"]:
        """As a registration with one vector per frame moves it (the `direct` ones); differentiable."""
        ...

    def losses(
        self, offsets: Float[Tensor, "poses axes"], first: int = 0, last: int | None = None
    ) -> Float[Tensor, " poses"]:
        """The photometric term of the training's loss of this frame alone, for poses beside its own; differentiable.

        Args:
            offsets: along all axes at once, in radians, scene units or shares.
            first, last: the pixels that are compared, by number.
        """
        ...

    def losses_of(
        self,
        placements: Float[Tensor, "poses rows columns"],
        drawn: Int[Tensor, " drawn"],
        generator: Generator,
    ) -> Float[Tensor, " poses"]:
        """The same for placements and some of the pixels, by number, as a step of the training has it; differentiable.

        `generator` jitters samples along rays.
        """
        ...


class FrozenRun(Protocol):
    """All frames of a run with a copy of its field."""

    @property
    def stages(self) -> Sequence[AnyStage]:
        """Of the schedule."""
        ...

    @property
    def stage(self) -> AnyStage:
        """Whose band limit the copy has."""
        ...

    @property
    def stage_index(self) -> int:
        """Of the stage that the run is in."""
        ...

    @property
    def movable(self) -> Sequence[int]:
        """Training frames that registration moves."""
        ...

    def under(self, stage: int | None) -> FrozenRun:
        """With the copy under the band limit of a stage, an index into the schedule; as it is for None."""
        ...

    def look(self, frame: int, stage: int | None, pixels: int) -> FrozenFrame:
        """One frame; needs nothing of the run any more.

        Args:
            frame: index among the training frames.
            stage: whose band limit counts, an index into the schedule; None for that of the copy.
            pixels: of the photo that are compared, at most; drawn once, by the seed of the run.
        Raises:
            UserError: there is no such frame or stage.
        """
        ...


def check(frame: int, frames: int, stage: int | None, stages: Sequence[AnyStage]) -> None:
    """Raises `UserError` unless there is this frame, and this stage (None: that of now)."""
    if not 0 <= frame < frames:
        raise UserError(f"There is no training frame {frame}; there are {frames}, counted from 0.")
    if stage is not None and not 0 <= stage < len(stages):
        raise UserError(f"There is no stage {stage + 1}; the schedule has {len(stages)}.")


def fraction_at_end(stages: Sequence[AnyStage], index: int, iteration: int) -> float:
    """Of a run, how much is done at the end of a stage, in [0, 1]; no more than is done now."""
    total = max(sum(stage.iterations for stage in stages), 1)
    return min(sum(stage.iterations for stage in stages[: index + 1]), iteration, total) / total
