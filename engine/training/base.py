"""What every trainer does after it has a loss, and remembers between two steps, whatever its scene is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.config.rows import AnyStage
from engine.config.settings import Settings
from engine.messages import Event, EventKind
from engine.training.pose_optimiser import PoseOptimiser

ERROR_MEMORY = 0.95  # of the running error of each frame, per step


class AnyField(Protocol):
    """What all fields have; see `engine.fields.field.Field`."""

    def step(self, fraction: float, factor: float = 1.0) -> None: ...

    def discard(self) -> None: ...


class Learner:
    """The part of a run's state that does not depend on what is learned; knows nothing of threads, files or windows.

    Attributes:
        settings, device: of the run.
        generator: of everything random.
        iteration: steps so far.
        stage_index, stage_start: the stage under way, and the iteration at which it began.
        lambda_exponent: x of lambda = 10^x, the weight of the alignment term.
        rate_factors: on the schedule's learning rates of field and poses.
        skipped_steps: left out because something was not finite.
        events: what happened.
        until: iteration before which training does not end, whatever the schedule says.
    """

    def __init__(
        self, settings: Settings, device: torch.device | str, frames: int, stages: Sequence[AnyStage]
    ) -> None:
        self.settings, self.device = settings, torch.device(device)
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.lambda_exponent = settings.lambda_exponent
        self.rate_factors = (1.0, 1.0)
        self.iteration, self.stage_index, self.stage_start = 0, -1, 0
        self.skipped_steps, self._last_skipped = 0, -2
        self.events: list[Event] = []
        self.seconds = 0.0
        self.until = 0
        self._stages: Sequence[AnyStage] = stages
        self._error = torch.zeros(frames, device=self.device)
        self._error_weight = torch.zeros(frames, device=self.device)
        self._alignment = torch.zeros((), device=self.device)

    # ------------------------------------------------------------------ where the run stands

    @property
    def iterations(self) -> int:
        """Of the whole schedule, or `max_iterations`, which is never exceeded."""
        wanted = max(self._whole_schedule, self.until)
        return min(wanted, self.settings.max_iterations or wanted)

    @property
    def _whole_schedule(self) -> int:
        return sum(stage.iterations for stage in self._stages)

    @property
    def _fraction(self) -> float:
        """Of the stage that is done."""
        return min((self.iteration - self.stage_start) / self._stages[self.stage_index].iterations, 1.0)

    @property
    def _stage_over(self) -> bool:
        """Whether another stage is due."""
        over = self.iteration - self.stage_start >= self._stages[self.stage_index].iterations
        return over and self.stage_index + 1 < len(self._stages)

    def photometric(self) -> float:
        """Running mean of the photometric loss, over the frames of which it is known."""
        errors = self._error / self._error_weight.clamp(min=1e-9)
        return float(errors.sum() / (self._error_weight > 0).sum().clamp(min=1))

    def alignment(self) -> float:
        """The last alignment term, unweighted."""
        return float(self._alignment)

    def frame_psnr(self) -> Float[Tensor, " frames"]:
        """Running PSNR of each training frame, dB; NaN before the first step of a stage."""
        error = self._error / self._error_weight.clamp(min=1e-9)
        psnr = -10 * torch.log10(error.clamp(min=1e-10))
        return torch.where(self._error_weight > 0, psnr, torch.nan)

    # ------------------------------------------------------------------ the step

    def _learn(
        self,
        field: AnyField,
        optimiser: PoseOptimiser,
        error: Float[Tensor, " frames"],
        alignment: Float[Tensor, ""],
        kept: Float[Tensor, " frames"],
        *,
        poses_move: bool = True,
        calibrates: bool = True,
        strangers: Sequence[int] = (),
    ) -> None:
        """Differentiates the loss and steps both optimisers; a step that is not finite is left out.

        Args:
            field: has rendered.
            optimiser: of what is not the field.
            error: photometric, of every frame.
            alignment: the term that lambda weighs.
            kept: 1 for frames that train, 0 for those being looked for.
            poses_move, calibrates: whether poses, and what of the calibration is fitted, may move yet.
            strangers: frames that have no pose yet, whose errors say nothing.
        """
        loss = (error * kept).sum() / kept.sum().clamp(min=1) + 10**self.lambda_exponent * alignment
        looks = self.device.type == "cpu"  # elsewhere a look at the host would cost; what is not finite moves nothing
        optimiser.clear()
        loss.backward()
        if looks and not (bool(torch.isfinite(loss)) and optimiser.finite):
            self.skipped_steps += 1
            field.discard()
            if self.iteration > self._last_skipped + 1:  # a series of them is one event
                self._note("nan", f"step {self.iteration} left out: the loss or a gradient was not finite")
            self._last_skipped = self.iteration
            return
        self._error = ERROR_MEMORY * self._error + (1 - ERROR_MEMORY) * error.detach()
        self._error_weight = ERROR_MEMORY * self._error_weight + (1 - ERROR_MEMORY)
        if strangers:
            self._error[list(strangers)] = self._error_weight[list(strangers)] = 0.0
        self._alignment = alignment.detach()
        field_factor, pose_factor = self.rate_factors
        field.step(self._fraction, field_factor)
        if poses_move:
            first, last = self._stages[self.stage_index].pose_rate
            optimiser.step(first * (last / first) ** self._fraction * pose_factor, calibrates, not looks)

    def _extend_errors(self, count: int) -> None:
        """Takes in so many more frames, of whose errors nothing is known."""
        more = self._error.new_zeros(count)
        self._error, self._error_weight = torch.cat([self._error, more]), torch.cat([self._error_weight, more])

    def _forget_errors(self) -> None:
        """At the beginning of a stage, whose errors are others."""
        self._error_weight.zero_()
        self._error.zero_()

    # ------------------------------------------------------------------ what the user turns

    def set_lambda(self, exponent: float) -> None:
        """lambda = 10^exponent from the next step on."""
        self.lambda_exponent = exponent
        self._note("set-lambda", f"{exponent:g}")

    def set_rates(self, field: float, pose: float) -> None:
        """Multiplies the schedule's learning rates from the next step on."""
        self.rate_factors = (field, pose)
        self._note("set-rates", f"field x{field:g}, pose x{pose:g}")

    # ------------------------------------------------------------------ bookkeeping

    def _note(self, kind: EventKind, detail: str) -> None:
        self.events.append(Event(self.iteration, self.seconds, kind, detail))

    def _learner_state(
        self, registration: nn.Module, optimiser: PoseOptimiser
    ) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Its part of what a checkpoint holds, with registration and optimiser."""
        tensors = {f"registration.{name}": value for name, value in registration.state_dict().items()}
        tensors |= {f"optimiser.{name}": value for name, value in optimiser.state().items()}
        tensors["generator"] = self.generator.get_state()
        tensors["error"], tensors["error_weight"] = self._error, self._error_weight
        tensors["alignment"] = self._alignment
        return tensors, {
            "iteration": self.iteration,
            "stage_index": self.stage_index,
            "stage_start": self.stage_start,
            "lambda_exponent": self.lambda_exponent,
            "rate_factors": list(self.rate_factors),
            "skipped_steps": self.skipped_steps,
            "seconds": self.seconds,
            "until": self.until,
            "events": [asdict(event) for event in self.events],
        }

    def _load_learner_state(
        self,
        tensors: dict[str, Tensor],
        metadata: dict[str, Any],
        registration: nn.Module,
        optimiser: PoseOptimiser,
    ) -> None:
        """Takes up what `_learner_state` gave."""
        moved = {name: tensor.to(self.device) for name, tensor in tensors.items()}
        registration.load_state_dict(below("registration.", moved))
        optimiser.load_state(below("optimiser.", tensors))
        self.generator.set_state(tensors["generator"].cpu())
        self._error, self._error_weight = moved["error"].clone(), moved["error_weight"].clone()
        self._alignment = moved["alignment"].clone()
        self.iteration, self.stage_index = metadata["iteration"], metadata["stage_index"]
        self.stage_start = metadata["stage_start"]
        self.lambda_exponent, self.skipped_steps = metadata["lambda_exponent"], metadata["skipped_steps"]
        field_factor, pose_factor = metadata.get("rate_factors", (1.0, 1.0))
        self.rate_factors = (field_factor, pose_factor)
        self.seconds, self.until = metadata["seconds"], metadata.get("until", 0)
        self.events = [Event(**event) for event in metadata["events"]]


def below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with a prefix, by what follows it."""
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
