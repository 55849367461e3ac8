"""What both trainers share: where a run stands, the step after rendering, and what of it a checkpoint holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.config.rows import AnyStage
from engine.config.settings import Settings
from engine.config.smaller_steps import halve_rays
from engine.messages import Event, EventKind, FrameStatus
from engine.registration.recorded_follow import RecordedFollow
from engine.registration.warp_motion import LAMBDA_CHOICE, WarpMotion, WarpUnits, choose_lambda, find_motion
from engine.system.arrays import tensors_below
from engine.system.devices import DeviceMemoryError, describe_device, free_cached_memory, is_out_of_memory
from engine.system.recorded_work import make_recorded_work, upload_made
from engine.training.losses import LossWeights, MatchOutput, StepGradients, differentiate, total_loss
from engine.training.metrics import FrameErrors
from engine.training.pose_optimiser import PoseOptimiser
from engine.training.step_work import Learned, MatchWork, Moving, StepWork
from engine.training.tasks import Progress
from engine.training.trainer import TrainedField


class BaseTrainer:
    """The part of a run's state that does not depend on what is learned. Knows nothing of threads, files or windows.

    Attributes:
        settings, device: of the run.
        generator: of everything random.
        iteration: optimisation steps so far.
        stage_index, stage_start: the stage under way, and the iteration at which it began.
        lambda_exponent: λ = 10^lambda_exponent weighs the alignment term.
        auto_lambda: whether it follows the errors of the run; see `engine.registration.warp_motion.choose_lambda`.
        mu_exponent: μ = 10^mu_exponent weighs the matches.
        matches: whether they are in use.
        rate_factors: on the schedule's learning rates of field and poses.
        skipped_steps: steps that were left out because something was not finite.
        events: what happened, in order.
        train_until: iteration before which training does not end, whatever the schedule says.
        errors: of the frames, as they were rendered lately.
    """

    def __init__(
        self, settings: Settings, device: torch.device | str, frames: int, stages: Sequence[AnyStage]
    ) -> None:
        self.settings, self.device = settings, torch.device(device)
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.lambda_exponent, self.mu_exponent = settings.lambda_exponent, settings.mu_exponent
        self.auto_lambda = settings.auto_lambda
        self.matches = settings.uses_matches
        self._motion = find_motion(settings)
        self._lambda_moved = settings.auto_lambda
        self.rate_factors = (1.0, 1.0)
        self.iteration, self.stage_index, self.stage_start = 0, -1, 0
        self.skipped_steps, self._last_skipped = 0, -2
        self.events: list[Event] = []
        self.train_until = 0
        self.errors = FrameErrors(frames, self.device)
        self._stages: Sequence[AnyStage] = stages
        self._alignment = torch.zeros((), device=self.device)
        self._warp_units = WarpUnits(1.0, 1)
        self._match_loss: Tensor | None = None
        self._recorded, self._follow = make_recorded_work(self.device), RecordedFollow(self.device)

    # ------------------------------------------------------------------ where the run stands

    @property
    def iterations(self) -> int:
        """Of the whole schedule, or `max_iterations`, which is never exceeded."""
        wanted = max(self._scheduled_iterations, self.train_until)
        return min(wanted, self.settings.max_iterations or wanted)

    @property
    def _scheduled_iterations(self) -> int:
        return sum(stage.iterations for stage in self._stages)

    @property
    def _run_fraction(self) -> float:
        """Of the schedule that is done, in [0, 1]."""
        return min(self.iteration / self._scheduled_iterations, 1.0)

    @property
    def _stage_fraction(self) -> float:
        """Of the stage that is done, in [0, 1]."""
        return min((self.iteration - self.stage_start) / self._stages[self.stage_index].iterations, 1.0)

    def _next_stage_due(self) -> bool:
        """Whether the stage is over and another one follows, for which there is time."""
        over = self.iteration - self.stage_start >= self._stages[self.stage_index].iterations
        following = self._stages[self.stage_index + 1 : self.stage_index + 2]
        return over and any(stage.iterations > 0 for stage in following)

    @property
    def doing(self) -> str:
        """What the next step does in place of optimising, in a few words; empty where it optimises."""
        return ""

    def photometric(self) -> float:
        """Running mean of the squared error of colours, over the frames of which it is known."""
        return float(self.errors.mean())

    def alignment(self) -> float:
        """The last alignment term, unweighted."""
        return float(self._alignment)

    def match_loss(self) -> float:
        """The last term of the matches, unweighted; NaN without tracks, and until the first step after a resume."""
        return float("nan") if self._match_loss is None else float(self._match_loss)

    def frame_psnr(self) -> Float[Tensor, " frames"]:
        """Running PSNR of each training frame, dB; NaN before the first step of a stage."""
        return self.errors.psnr()

    # ------------------------------------------------------------------ the step

    def _learn(self, learned: Learned, work: StepWork, statuses: Sequence[FrameStatus]) -> None:
        """One step: gradients of the loss, then what they move. One that is not finite moves nothing."""
        found = self._find_gradients(learned, work)
        if self._checks and not (bool(torch.isfinite(found.loss)) and learned.optimiser.finite):
            learned.field.discard()
            self._skip_step()
            return
        self.errors.add(found.errors, work.unknown)
        self._alignment = found.alignment.clone()
        learned.field.step(self._stage_fraction, self.rate_factors[0])
        self._move_registration(learned, work.moving)
        if self.auto_lambda and (self._checks or self.iteration % LAMBDA_CHOICE.period == 0):
            self._follow_errors(statuses)

    @property
    def _checks(self) -> bool:
        """Whether steps are checked for values that are not finite. On a GPU the host would wait for the answer;
        there, gradients that are not finite move nothing."""
        return self.device.type == "cpu"

    def _find_gradients(self, learned: Learned, work: StepWork) -> StepGradients:
        """Of the rendering, recorded where a GPU plays it, and of the matches, which differ in number."""
        # Else λ acts by the implicit step at the end: Adam would carry the warp past the goal.
        steers = self._own_motion is None or self._moves_early

        def render() -> StepGradients:
            learned.optimiser.clear()
            exponent = upload_made(lambda: torch.tensor(self.lambda_exponent), self.device)
            return differentiate(work.render(), LossWeights(exponent, self.mu_exponent), steers)

        found: StepGradients = self._recorded.do(work.kind and work.kind.extended([steers]), render)
        return found if work.matches is None else self._add_matches(found, work.matches, work.moving)

    def _add_matches(self, found: StepGradients, matches: MatchWork, moving: Moving) -> StepGradients:
        """Adds the term of the matches to the loss, and its gradients to the others."""
        with torch.set_grad_enabled(moving.poses):
            gaps = matches.measure()
        weights = LossWeights(self.lambda_exponent, self.mu_exponent)
        weighted = total_loss(MatchOutput(gaps, matches.steps), weights)
        if weighted.requires_grad:
            weighted.backward()
        self._match_loss = gaps.detach()
        return found._replace(loss=found.loss + weighted.detach())

    def _move_registration(self, learned: Learned, moving: Moving) -> None:
        """Steps what is not the field: at the rate of the poses, and with a warp that moves by itself at its own."""
        registration, optimiser, motion = learned.registration, learned.optimiser, self._own_motion
        pose_rate = self._scheduled_pose_rate if moving.poses else 0.0
        guarded = not self._checks
        if motion is None or not (moving.poses or moving.warp):
            if moving.poses:
                optimiser.step(pose_rate, moving.calibration, guarded)
            return
        early = self._moves_early
        own_rate = 0.0 if early else motion.warp_rate(self.lambda_exponent) * self.rate_factors[1]
        warp_rate = max(own_rate, pose_rate)
        self._follow.begin(registration)
        if warp_rate > 0:
            optimiser.step(pose_rate, moving.calibration and moving.poses, guarded, warp_rate)
        share = pose_rate / warp_rate if warp_rate > 0 else 0.0
        self._follow.end(registration, motion.end_step(self.lambda_exponent, share, self._pixel, early))

    @property
    def _scheduled_pose_rate(self) -> float:
        """The poses' learning rate at this moment of the stage, where they move."""
        first, last = self._stages[self.stage_index].pose_rate
        return first * (last / first) ** self._stage_fraction * self.rate_factors[1]

    @property
    def _moves_early(self) -> bool:
        """Whether a warp with a motion of its own still moves as published: poses still find their way."""
        motion = self._own_motion
        return motion is not None and self._scheduled_pose_rate > motion.early

    @property
    def _own_motion(self) -> WarpMotion | None:
        """That of the warp apart from the poses; none before λ is moved, for stiffened warps find poses less well."""
        return self._motion if self._lambda_moved else None

    @property
    def _pixel(self) -> float:
        """Size of a pixel of the stage's photos, in the units of the plane that warps act on."""
        return self._warp_units.pixel * self._stages[self.stage_index].downsample

    def _follow_errors(self, statuses: Sequence[FrameStatus]) -> None:
        """Sets λ to what the errors of now ask for, of the frames that are registered."""
        registered = [frame for frame, status in enumerate(statuses) if status is FrameStatus.REGISTERED]
        if not registered:
            return
        found = choose_lambda(self.errors.median(registered), self._pixel, self._warp_units.numbers)
        if found is not None:
            self.lambda_exponent = found

    def _within_memory(self, work: Callable[[], Progress], field: TrainedField, optimiser: PoseOptimiser) -> Progress:
        """Does a piece of work. Where the device's memory was too small for it, what it left half done is thrown
        away, and steps have half as many rays from then on.

        Raises:
            DeviceMemoryError: they have few already.
        """
        try:
            return work()
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        # Only here, behind the handler, are the tensors free that the error held.
        field.discard()
        optimiser.clear()
        self.discard_half_done()
        for recorded in (self._recorded, self._follow):
            recorded.forget()
        free_cached_memory(self.device)
        stages = halve_rays(self._stages, self.stage_index)
        if stages is None:
            raise DeviceMemoryError(
                f"The memory of {describe_device(self.device)} is too small for this run, also with few rays per "
                "step: continue it on the CPU (--resume --device cpu), or begin one with smaller photos (--downscale)."
            )
        self._use_stages(stages)
        rays = getattr(stages[self.stage_index], "rays", 0)
        self._note("memory", f"that of {describe_device(self.device)} was full: {rays:,} rays per step from now on")
        return "complete"

    def _use_stages(self, stages: Any) -> None:
        """Goes on with other rows."""
        self._stages = stages

    def _skip_step(self) -> None:
        """Counts a step that is left out; a series of them is one event."""
        self.skipped_steps += 1
        if self.iteration > self._last_skipped + 1:
            self._note("nan", f"step {self.iteration} left out: the loss or a gradient was not finite")
        self._last_skipped = self.iteration

    def fit_to_time(self, seconds_left: float) -> None:
        """Does nothing: a schedule without stages of cameras is short, and keeps its steps."""

    def discard_half_done(self) -> None:
        """Where every task ends in one step there is nothing to take back."""

    # ------------------------------------------------------------------ what the user turns

    def set_scene(self, scene: Any) -> None:
        """Takes the same scene with other reference poses."""
        self.scene = scene

    def set_lambda(self, exponent: float) -> None:
        """λ = 10^exponent from the next step on; ends its being chosen."""
        self.lambda_exponent, self.auto_lambda, self._lambda_moved = exponent, False, True
        self._note("set-lambda", f"{exponent:g}")

    def choose_lambda(self, auto: bool) -> None:
        """Whether λ is chosen as the run goes, from the next step on; else it stays as it is."""
        self.auto_lambda, self._lambda_moved = auto, True
        self._note("auto-lambda", "on" if auto else "off")

    def set_mu(self, exponent: float) -> None:
        """μ = 10^exponent from the next step on."""
        self.mu_exponent = exponent
        self._note("set-mu", f"{exponent:g}")

    def use_matches(self, use: bool) -> None:
        """Whether the matches of the photos help from the next step on."""
        self.matches = use
        self._note("use-matches", "on" if use else "off")

    def set_rates(self, field: float, pose: float) -> None:
        """Multiplies the schedule's learning rates from the next step on."""
        self.rate_factors = (field, pose)
        self._note("set-rates", f"field x{field:g}, pose x{pose:g}")

    # ------------------------------------------------------------------ bookkeeping

    def _note(self, kind: EventKind, detail: str, frame: int | None = None) -> None:
        """Adds an event; the run puts the time on its own clock in."""
        self.events.append(Event(self.iteration, 0.0, kind, detail, frame))

    def _base_state(
        self, registration: nn.Module, optimiser: PoseOptimiser
    ) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """This class's part of what a checkpoint holds, with registration and optimiser."""
        tensors = {f"registration.{name}": value for name, value in registration.state_dict().items()}
        tensors |= {f"optimiser.{name}": value for name, value in optimiser.state().items()}
        tensors["generator"] = self.generator.get_state()
        tensors["error"], tensors["error_weight"] = self.errors.total, self.errors.weight
        tensors["alignment"] = self._alignment
        return tensors, {
            "iteration": self.iteration,
            "stage_index": self.stage_index,
            "stage_start": self.stage_start,
            "lambda_exponent": self.lambda_exponent,
            "auto_lambda": self.auto_lambda,
            "lambda_moved": self._lambda_moved,
            "mu_exponent": self.mu_exponent,
            "matches": self.matches,
            "rate_factors": list(self.rate_factors),
            "skipped_steps": self.skipped_steps,
            "train_until": self.train_until,
            "events": [asdict(event) for event in self.events],
        }

    def _load_base_state(
        self,
        tensors: dict[str, Tensor],
        metadata: dict[str, Any],
        registration: nn.Module,
        optimiser: PoseOptimiser,
    ) -> None:
        """Takes up what `_base_state` gave."""
        moved = {name: tensor.to(self.device) for name, tensor in tensors.items()}
        registration.load_state_dict(tensors_below("registration.", moved))
        optimiser.load_state(tensors_below("optimiser.", tensors))
        self.generator.set_state(tensors["generator"].cpu())
        self.errors.total, self.errors.weight = moved["error"].clone(), moved["error_weight"].clone()
        self._alignment = moved["alignment"].clone()
        self.iteration, self.stage_index = metadata["iteration"], metadata["stage_index"]
        self.stage_start = metadata["stage_start"]
        self.lambda_exponent, self.skipped_steps = metadata["lambda_exponent"], metadata["skipped_steps"]
        self.auto_lambda = metadata.get("auto_lambda", False)  # older files have neither of the two
        self._lambda_moved = metadata.get("lambda_moved", self.auto_lambda)
        self.mu_exponent, self.matches = metadata["mu_exponent"], metadata["matches"]
        field_factor, pose_factor = metadata["rate_factors"]
        self.rate_factors = (field_factor, pose_factor)
        self.train_until = metadata["train_until"]
        self.events = [Event(**event) for event in metadata["events"]]
