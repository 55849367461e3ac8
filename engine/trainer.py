"""One optimisation step: rays from the registration, colours from the field, a loss, two optimisers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine import stage_data
from engine.build import build_field, build_registration
from engine.bundling import Bundling
from engine.calibration import Calibration
from engine.fields.field import Field
from engine.geometry import se3
from engine.messages import Event
from engine.photos import Photos
from engine.pose_optimiser import PoseOptimiser
from engine.recovery import Recovery
from engine.registration.registration import Registration, WarpField
from engine.scenes.scene import Scene
from engine.schedule import Stage, stages
from engine.settings import Settings

ERROR_MEMORY = 0.95  # of the running error of each frame, per step
LOOK_FOR_ASTRAY_EVERY = 150
SEARCH_FROM = 0.5  # of the first stage: before, training itself brings a knocked frame back
ROOMY_DISPARITY = 0.85  # the nearest things of a forward-facing scene shall lie farther than this, of 1
CALIBRATE_FROM = 0.1  # of the schedule: focal length and exposures stand still before


class Trainer:
    """A run's state between two steps; knows nothing of threads, files or windows."""

    def __init__(self, scene: Scene, settings: Settings, device: torch.device | str = "cpu") -> None:
        self.scene, self.settings, self.device = scene, settings, torch.device(device)
        self.frames = list(scene.training_frames)
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.stages = stages(scene, settings)
        intrinsics = scene.intrinsics[torch.tensor(self.frames)].to(self.device)
        initial = scene.initial_poses[self.frames].to(self.device)
        self.registration: Registration = build_registration(
            settings, initial, stage_data.lattice(intrinsics), self.generator
        )
        self.field: Field = build_field(scene, settings, self.generator, self.device)
        self.calibration = Calibration(settings, len(self.frames), self.device)
        self.lambda_exponent = settings.lambda_exponent
        self.rate_factors = (1.0, 1.0)  # on the schedule's learning rates of field and poses
        self.iteration, self.stage_index, self.stage_start = 0, -1, 0
        self.skipped_steps, self._last_skipped = 0, -2
        self.events: list[Event] = []
        self.seconds = 0.0
        self._optimiser = PoseOptimiser(self.registration.module(), self.calibration)
        self._error = torch.zeros(len(self.frames), device=self.device)
        self._error_weight = torch.zeros(len(self.frames), device=self.device)
        self._alignment = torch.zeros((), device=self.device)
        self.photos = Photos(scene, self.frames, self.device)
        self._recovery = Recovery()
        self._bundling = Bundling()
        self._perturbations: list[tuple[int, Tensor]] = []
        self._settle_until, self._field_stage = 0, 0
        self._begin_stage(0)

    # ------------------------------------------------------------------ where the run stands

    @property
    def iterations(self) -> int:
        """Of the whole schedule (or `max_iterations`)."""
        return min(self._whole_schedule, self.settings.max_iterations or self._whole_schedule)

    @property
    def _whole_schedule(self) -> int:
        return sum(stage.iterations for stage in self.stages)

    @property
    def finished(self) -> bool:
        """Whether the schedule is done and no frame is being looked for; `step` goes on training all the same."""
        return self.iteration >= self.iterations and not self._recovery.searches and not self._bundling.pending

    @property
    def midway(self) -> bool:
        """Whether the next `step` only goes on with what the last one began."""
        return self._bundling.midway

    @property
    def stage(self) -> Stage:
        return self.stages[self.stage_index]

    @property
    def _fraction(self) -> float:
        return min((self.iteration - self.stage_start) / self.stage.iterations, 1.0)

    def photometric(self) -> float:
        """Running mean of the photometric loss."""
        return float((self._error / self._error_weight.clamp(min=1e-9)).mean())

    def alignment(self) -> float:
        """The last alignment term, unweighted."""
        return float(self._alignment)

    def frame_psnr(self) -> Float[Tensor, " frames"]:
        """Running PSNR of each training frame, dB."""
        error = self._error / self._error_weight.clamp(min=1e-9)
        return -10 * torch.log10(error.clamp(min=1e-10))

    def poses(self) -> Float[Tensor, "frames 3 4"]:
        """Poses of the training frames as they stand, in the middle of an adjustment or a search too."""
        bundle = self._bundling.under_way
        poses = self.registration.poses() if bundle is None else bundle.poses.clone()
        for search in self._recovery.searches:
            poses[search.frame] = search.pose
        return poses

    def warp(self, frame: int) -> WarpField:
        """The warp field of a training frame."""
        return self.registration.warp(frame)

    # ------------------------------------------------------------------ the step

    def step(self) -> None:
        """One optimisation step, or a piece of a bundle adjustment that is due."""
        if self._recovery.searches:
            self._advance_searches()
            if self._bundling.pending:  # waits: a lost frame would pull all the others along
                return
        if self._bundling.pending:
            self._advance_bundle()
            return
        if self.iteration - self.stage_start >= self.stage.iterations and self.stage_index + 1 < len(self.stages):
            self._begin_stage(self.stage_index + 1)
            if self._bundling.pending:
                return
        self._optimise()
        self.iteration += 1
        if self.stage_index > 0 and self.iteration % LOOK_FOR_ASTRAY_EVERY == 0:
            self._help_astray()

    def _optimise(self) -> None:
        data = self.photos.level(self.stage.downsample)
        count = len(self.frames)
        per_frame = min(max(self.stage.rays // count, 1), data.pixels)
        frames = torch.arange(count, device=self.device)
        pixels = stage_data.draw_pixels(data, count, per_frame, self.stage.block, self.generator)
        points = self.calibration.points(data.plane(frames, pixels))
        warped = self.registration.rays(frames, points, self.stage.block**2)
        self.field.progress(min(self.iteration / self._whole_schedule, 1.0))
        rendering = self.field.render(
            warped.origins.reshape(-1, 3), warped.directions.reshape(-1, 3), generator=self.generator
        )
        rendered = self.calibration.colours(rendering.colour.view(count, -1, 3))
        difference = rendered - data.colours(frames, pixels)
        error = difference.square().mean(dim=(1, 2))
        kept = self._kept()
        loss = (error * kept).sum() / kept.sum().clamp(min=1) + 10**self.lambda_exponent * warped.alignment
        self._learn(loss, error.detach(), warped.alignment.detach())

    def _learn(self, loss: Tensor, error: Tensor, alignment: Tensor) -> None:
        """Differentiates and steps both optimisers; a step whose loss or gradients are not finite is left out."""
        looks = self.device.type == "cpu"  # elsewhere a look at the host would cost; what is not finite moves nothing
        self._optimiser.clear()
        loss.backward()
        if looks and not (bool(torch.isfinite(loss)) and self._optimiser.finite):
            self.skipped_steps += 1
            self.field.discard()
            if self.iteration > self._last_skipped + 1:  # a series of them is one event
                self._note("nan", f"step {self.iteration} left out: the loss or a gradient was not finite")
            self._last_skipped = self.iteration
            return
        self._error = ERROR_MEMORY * self._error + (1 - ERROR_MEMORY) * error
        self._error_weight = ERROR_MEMORY * self._error_weight + (1 - ERROR_MEMORY)
        self._alignment = alignment
        field_factor, pose_factor = self.rate_factors
        self.field.step(self._fraction, field_factor)
        if self.iteration >= self._settle_until:
            first, last = self.stage.pose_rate
            calibrates = self.iteration >= CALIBRATE_FROM * self._whole_schedule  # a fog tells nothing about the lens
            self._optimiser.step(first * (last / first) ** self._fraction * pose_factor, calibrates, not looks)

    def _kept(self) -> Float[Tensor, " frames"]:
        """1 for frames that train, 0 for those being looked for."""
        kept = torch.ones(len(self.frames), device=self.device)
        for search in self._recovery.searches:
            kept[search.frame] = 0.0
        return kept

    # ------------------------------------------------------------------ stages and bundle adjustment

    def _begin_stage(self, index: int) -> None:
        self.stage_index, self.stage_start = index, self.iteration
        if self.stage.bundle and self.settings.registers and self.iteration > 0:
            self._bundling.due = list(self.stage.bundle)
        else:
            self._enter_stage()

    def _enter_stage(self) -> None:
        self._settle_until = self.iteration + (self.stage.settle if self.iteration > 0 else 0)
        self.field.begin_stage(self.stage)
        self._field_stage = self.stage_index
        self._error_weight.zero_()
        self._error.zero_()
        self._note("stage", self.stage.name)

    def _advance_bundle(self) -> None:
        seed = self.settings.seed * 7919 + self.iteration
        ended = self._bundling.advance(self.field, self.photos, self.calibration, self.registration.poses, seed)
        if ended is None:
            return
        everyone = torch.arange(len(self.frames), device=self.device)
        nearest = self._bundling.nearest_disparity()
        poses = self._bundling.close()
        factor = nearest / ROOMY_DISPARITY
        if self.scene.kind == "forward-facing" and factor > 1 and self.field.grow(factor):
            poses = torch.cat([poses[..., :3], poses[..., 3:] * factor], dim=-1)
            self._note("room", f"the world grew by {factor:.2f}: things stood nearer than the volume reaches")
        self.registration.rebase(everyone, poses)
        self._note("bundle", ended)
        if not self._bundling.pending:
            self._enter_stage()

    # ------------------------------------------------------------------ frames that lost their way

    def set_lambda(self, exponent: float) -> None:
        """lambda = 10^exponent from the next step on."""
        self.lambda_exponent = exponent
        self._note("lambda", f"{exponent:g}")

    def set_rates(self, field: float, pose: float) -> None:
        """Multiplies the schedule's learning rates from the next step on."""
        self.rate_factors = (field, pose)
        self._note("rates", f"field x{field:g}, pose x{pose:g}")

    def perturb(self, frame: int, twist: Float[Tensor, "6"]) -> None:
        """Knocks a frame (rotation vector then translation, camera axes) and lets it find its way back."""
        pose = self.poses()[frame]
        self._perturbations.append((frame, pose))
        self._put(frame, se3.compose(se3.exponential(twist.to(pose)), pose))
        self._note("perturb", self.scene.names[self.frames[frame]])
        if self.stage_index > 0 or self._fraction > SEARCH_FROM:
            self._recovery.look_for(frame, self.registration.poses(), self.iteration)

    def undo_perturbation(self) -> bool:
        """Takes the last perturbation back; False if there is none."""
        if not self._perturbations:
            return False
        frame, pose = self._perturbations.pop()
        self._recovery.forget(frame)
        self._put(frame, pose)
        self._note("undo", self.scene.names[self.frames[frame]])
        return True

    def _put(self, frame: int, pose: Float[Tensor, "3 4"]) -> None:
        if self._bundling.under_way is not None:
            self._bundling.under_way.poses[frame] = pose
        self._bundling.interrupt()
        self.registration.rebase(torch.tensor([frame], device=self.device), pose[None])

    def _advance_searches(self) -> None:
        finest = self.stage.downsample
        for search in self._recovery.advance(self.field, self.photos, self.calibration, finest, self.generator):
            self._put(search.frame, search.pose)
            self._note("found", self.scene.names[self.frames[search.frame]])

    def _help_astray(self) -> None:
        if not self.settings.registers:
            return
        for frame in self._recovery.astray(self._error, self.iteration):
            self._note("astray", self.scene.names[self.frames[frame]])
            self._recovery.look_for(frame, self.registration.poses(), self.iteration)

    # ------------------------------------------------------------------ bookkeeping

    def _note(self, kind: str, detail: str) -> None:
        self.events.append(Event(self.iteration, self.seconds, kind, detail))

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and JSON-able metadata that make `load_state` continue as if never interrupted.

        A bundle adjustment or a search under way is not kept half done: it starts anew, and ends the same.
        """
        tensors = {f"field.{name}": tensor for name, tensor in self.field.state().items()}
        tensors |= {f"registration.{name}": value for name, value in self.registration.module().state_dict().items()}
        tensors |= {f"calibration.{name}": value for name, value in self.calibration.state_dict().items()}
        tensors |= {f"optimiser.{name}": value for name, value in self._optimiser.state().items()}
        tensors["generator"] = self.generator.get_state()
        tensors["error"], tensors["error_weight"] = self._error, self._error_weight
        tensors["alignment"] = self._alignment
        if self._perturbations:
            tensors["perturbed_poses"] = torch.stack([pose for _, pose in self._perturbations])
        metadata = {
            "iteration": self.iteration,
            "stage_index": self.stage_index,
            "stage_start": self.stage_start,
            "settle_until": self._settle_until,
            "field_stage": self._field_stage,
            "bundles_due": self._bundling.due,
            "lambda_exponent": self.lambda_exponent,
            "rate_factors": list(self.rate_factors),
            "skipped_steps": self.skipped_steps,
            "seconds": self.seconds,
            "searching": [search.frame for search in self._recovery.searches],
            "helped": [[frame, iteration] for frame, iteration in self._recovery.helped.items()],
            "perturbed": [frame for frame, _ in self._perturbations],
            "events": [asdict(event) for event in self.events],
        }
        return tensors, metadata

    def load_state(self, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
        """Takes up what `state` gave, on a trainer of the same scene and settings."""
        moved = {name: tensor.to(self.device) for name, tensor in tensors.items()}
        self._field_stage = metadata["field_stage"]
        self.field.begin_stage(self.stages[self._field_stage])
        self.field.load_state(_under("field.", moved))
        self.registration.module().load_state_dict(_under("registration.", moved))
        self.calibration.load_state_dict(_under("calibration.", moved))
        self._optimiser.load_state(_under("optimiser.", tensors))
        self.generator.set_state(tensors["generator"].cpu())
        self._error, self._error_weight = moved["error"].clone(), moved["error_weight"].clone()
        self._alignment = moved["alignment"].clone()
        self.iteration, self.stage_index = metadata["iteration"], metadata["stage_index"]
        self.stage_start, self._settle_until = metadata["stage_start"], metadata["settle_until"]
        self._bundling = Bundling()
        self._bundling.due = list(metadata["bundles_due"])
        self.lambda_exponent, self.skipped_steps = metadata["lambda_exponent"], metadata["skipped_steps"]
        field_factor, pose_factor = metadata.get("rate_factors", (1.0, 1.0))
        self.rate_factors = (field_factor, pose_factor)
        self.seconds = metadata["seconds"]
        self._recovery = Recovery()
        self._perturbations = list(zip(metadata["perturbed"], moved.get("perturbed_poses", ()), strict=True))
        self.events = [Event(**event) for event in metadata["events"]]
        for frame in metadata["searching"]:
            self._recovery.look_for(frame, self.registration.poses(), self.iteration)
        self._recovery.helped = dict(metadata["helped"])


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
