"""One optimisation step: rays from the registration, colours from the field, a loss, two optimisers.

INTERFACE (being filled in).
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.fields.field import Field
from engine.messages import Event
from engine.registration.registration import Registration
from engine.scenes.scene import Scene
from engine.schedule import Stage
from engine.settings import Settings


class Trainer:
    """A run's state between two steps; knows nothing of threads, files or windows."""

    scene: Scene
    settings: Settings
    device: torch.device
    stages: tuple[Stage, ...]
    field: Field
    registration: Registration
    iteration: int
    lambda_exponent: float
    skipped_steps: int
    events: list[Event]

    def __init__(self, scene: Scene, settings: Settings, device: torch.device | str = "cpu") -> None: ...

    @property
    def iterations(self) -> int:
        """Of the whole schedule (or `max_iterations`)."""
        ...

    @property
    def finished(self) -> bool: ...

    @property
    def stage(self) -> Stage: ...

    def step(self) -> None:
        """One optimisation step, or one pass of a bundle adjustment or rescue that is due."""
        ...

    def photometric(self) -> float:
        """Running mean of the photometric loss (syncs)."""
        ...

    def alignment(self) -> float:
        """The last alignment term (syncs)."""
        ...

    def frame_psnr(self) -> Float[Tensor, " frames"]:
        """Running PSNR of each training frame, dB (syncs)."""
        ...

    def poses(self) -> Float[Tensor, "frames 3 4"]:
        """Fitted poses of the training frames."""
        ...

    def perturb(self, frame: int, twist: Float[Tensor, "6"]) -> None:
        """Knocks a frame (rotation vector then translation, camera axes) and lets it find its way back."""
        ...

    def undo_perturbation(self) -> bool:
        """Takes the last perturbation back; False if there is none."""
        ...

    def set_lambda(self, exponent: float) -> None: ...

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and JSON-able metadata that make `load_state` continue as if never interrupted (RNG included)."""
        ...

    def load_state(self, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None: ...
