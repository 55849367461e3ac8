"""What a run asks of its trainer, whatever the scene is: cameras and a radiance field, or patches and an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from engine.config.rows import AnyStage
from engine.config.settings import Settings
from engine.evidence.verdict import Verdict
from engine.messages import Event, FrameStatus, PerturbAll, PerturbPatch, PerturbPose, Snapshot
from engine.scenes import AnyScene

Perturbation = PerturbPose | PerturbPatch | PerturbAll


class Moves(NamedTuple):
    """What a perturbation does.

    Attributes:
        frames: that it moves, among the training frames.
        moves: one for each of them, for `Trainer.perturb`: a twist of a camera, or a transform of a patch.
        detail: a sentence about it, for people to read.
    """

    frames: list[int]
    moves: Float[Tensor, "frames ..."]
    detail: str


class VersionedField(Protocol):
    """Of any field: grows whenever it changes."""

    @property
    def version(self) -> int: ...


class TrainedField(Protocol):
    """What the step needs of any field; see `engine.fields.field.Field`."""

    def step(self, fraction: float, factor: float = 1.0) -> None: ...

    def discard(self) -> None: ...


class Trainer(Protocol):
    """The state of a run between two steps.

    Attributes:
        thing: what is registered, in a word: "camera" or "patch".
        scene, settings, device, stages: of the run.
        iteration, stage_index: where it stands.
        events: what happened, in order.
        skipped_steps: steps that were left out because something was not finite.
        lambda_exponent, auto_lambda, mu_exponent, matches, rate_factors: as the user has set them.
    """

    thing: str
    settings: Settings
    device: torch.device
    iteration: int
    stage_index: int
    events: list[Event]
    skipped_steps: int
    lambda_exponent: float
    auto_lambda: bool
    mu_exponent: float
    matches: bool
    rate_factors: tuple[float, float]

    @property
    def scene(self) -> AnyScene: ...

    @property
    def field(self) -> VersionedField: ...

    @property
    def stages(self) -> Sequence[AnyStage]: ...

    @property
    def stage(self) -> AnyStage: ...

    @property
    def iterations(self) -> int:
        """Of the whole schedule."""
        ...

    @property
    def finished(self) -> bool:
        """Whether the schedule is done and no frame is being searched for; `step` goes on all the same."""
        ...

    @property
    def under_way(self) -> bool:
        """Whether the next `step` only goes on with what the last one began."""
        ...

    @property
    def doing(self) -> str:
        """What the next step does in place of optimising, in a few words; empty where it optimises."""
        ...

    def step(self) -> None:
        """Does a piece of work that is short enough for a command to wait for."""
        ...

    def discard_half_done(self) -> None:
        """Takes back what a task has begun and not ended, for nothing follows; checkpoints keep none of it either."""
        ...

    def fit_to_time(self, seconds_left: float) -> None:
        """Plans what is left of the schedule such that it ends when so many seconds have passed, where it can."""
        ...

    # what is known

    def frame_status(self) -> tuple[FrameStatus, ...]:
        """Of each training frame."""
        ...

    def photometric(self) -> float:
        """Running mean of the squared error of colours."""
        ...

    def alignment(self) -> float:
        """The last alignment term, unweighted."""
        ...

    def match_loss(self) -> float:
        """The last term of the matches, unweighted; NaN without tracks."""
        ...

    def frame_psnr(self) -> Float[Tensor, " frames"]:
        """Running PSNR of each training frame, dB; NaN where it is not known."""
        ...

    def verdict(self) -> Verdict:
        """On the run as it stands, measured anew, without any reference."""
        ...

    def measure(self, snapshot: Snapshot, selected: int | None) -> Snapshot:
        """The snapshot with what is particular to the kind of scene; the warp field is that of the selected frame."""
        ...

    # what the user does

    def set_lambda(self, exponent: float) -> None: ...

    def choose_lambda(self, auto: bool) -> None:
        """Whether λ is chosen as the run goes, from the next step on."""
        ...

    def set_mu(self, exponent: float) -> None: ...

    def use_matches(self, use: bool) -> None:
        """Whether the matches of the photos help from the next step on."""
        ...

    def exclude(self, frame: int, exclude: bool) -> None:
        """Leaves a frame out of training and measuring, or brings it back.

        Raises:
            UserError: it cannot be done: too few frames would be left, or this kind of scene needs all of them.
        """
        ...

    def set_rates(self, field: float, pose: float) -> None: ...

    def moves(self, command: Perturbation) -> Moves:
        """What a perturbation does to which frames; changes nothing.

        Raises:
            UserError: it makes no sense for this kind of scene.
        """
        ...

    def placements(self) -> Float[Tensor, "frames ..."]:
        """Where all frames stand: poses, or warps; for `take_back`."""
        ...

    def perturb(self, frame: int, move: Tensor) -> None:
        """Moves a frame, and has it searched for."""
        ...

    def take_back(self, frame: int, placement: Tensor) -> None:
        """Undoes a `perturb`: puts a frame back where it was before it."""
        ...

    def set_scene(self, scene: AnyScene) -> None:
        """Takes the same scene with other reference poses."""
        ...

    # checkpoints

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and JSON-able metadata that make `load_state` continue as if never interrupted."""
        ...

    def load_state(self, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
        """Takes up what `state` gave, on a trainer of the same scene and settings."""
        ...
