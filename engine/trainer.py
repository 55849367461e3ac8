"""One optimisation step: rays from the registration, colours from the field, a loss, two optimisers."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine import cores, stage_data
from engine.build import build_field, build_registration
from engine.bundling import Bundling
from engine.calibration import Calibration
from engine.fields.field import Field
from engine.geometry import se3
from engine.learner import Learner, below
from engine.photos import Photos
from engine.pose_optimiser import PoseOptimiser
from engine.recovery import Recovery
from engine.registration.registration import Registration, WarpField
from engine.scenes.scene import Scene
from engine.schedule import Stage, stages
from engine.settings import Settings

LOOK_FOR_ASTRAY_EVERY = 150
LOOKS_PER_STEP = 4  # for frames that are lost, while the others train on
SEARCH_FROM = 0.5  # of the first stage: before, training itself brings a knocked frame back
ROOMY_DISPARITY = 0.85  # the nearest things of a forward-facing scene shall lie farther than this, of 1
CALIBRATE_FROM = 0.1  # of the schedule: focal length and exposures stand still before


class Trainer(Learner):
    """The state of a radiance run between two steps."""

    def __init__(self, scene: Scene, settings: Settings, device: torch.device | str = "cpu") -> None:
        self.stages = stages(scene, settings)
        super().__init__(settings, device, len(scene.training_frames), self.stages)
        self.scene = scene
        self.frames = list(scene.training_frames)
        intrinsics = scene.intrinsics[torch.tensor(self.frames)].to(self.device)
        initial = scene.initial_poses[self.frames].to(self.device)
        self.registration: Registration = build_registration(
            settings, initial, stage_data.lattice(intrinsics), self.generator
        )
        self.field: Field = build_field(scene, settings, self.generator, self.device)
        self.calibration = Calibration(settings, len(self.frames), self.device)
        self._optimiser = PoseOptimiser(self.registration.module(), self.calibration)
        self.photos = Photos(scene, self.frames, self.device)
        self._recovery = Recovery()
        self._bundling = Bundling()
        self._perturbations: list[tuple[int, Tensor]] = []
        self._settle_until, self._field_stage = 0, 0
        self._midway, self._looked = False, 0
        self._begin_stage(0)

    # ------------------------------------------------------------------ where the run stands

    @property
    def finished(self) -> bool:
        """Whether the schedule is done and no frame is being looked for; `step` goes on training all the same."""
        return self.iteration >= self.iterations and not self._recovery.searches and not self._bundling.pending

    @property
    def midway(self) -> bool:
        """Whether the next `step` only goes on with what the last one began."""
        return self._bundling.midway or self._midway

    @property
    def stage(self) -> Stage:
        return self.stages[self.stage_index]

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
        """One optimisation step, or something else that is due: a command waits for the one, not for both."""
        if self._look_for_lost():
            return
        if self._bundling.pending:
            self._advance_bundle()
            return
        if self._stage_over:
            self._begin_stage(self.stage_index + 1)
            self._midway = not self._bundling.pending
            return
        with cores.one_fewer(self.field.light):
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
        self._learn(
            self.field,
            self._optimiser,
            difference.square().mean(dim=(1, 2)),
            warped.alignment,
            self._kept(),
            poses_move=self.iteration >= self._settle_until,
            calibrates=self.iteration >= CALIBRATE_FROM * self._whole_schedule,  # a fog tells nothing about the lens
        )

    def _kept(self) -> Float[Tensor, " frames"]:
        """1 for frames that train, 0 for those being looked for."""
        kept = torch.ones(len(self.frames), device=self.device)
        for search in self._recovery.searches:
            kept[search.frame] = 0.0
        return kept

    # ------------------------------------------------------------------ stages and bundle adjustment

    def _begin_stage(self, index: int) -> None:
        self.stage_index, self.stage_start = index, self.iteration
        if index == 1 and self.settings.registers:  # the field shows by now what the others agree on
            for frame in set(self.scene.uncertain_frames) & set(self.frames):
                self._recovery.look_for(self.frames.index(frame), self.registration.poses(), self.iteration)
        if self.stage.bundle and self.settings.registers and self.iteration > 0:
            self._bundling.due = list(self.stage.bundle)
        else:
            self._enter_stage()

    def _enter_stage(self) -> None:
        self._settle_until = self.iteration + (self.stage.settle if self.iteration > 0 else 0)
        self.field.begin_stage(self.stage)
        self._field_stage = self.stage_index
        self._forget_errors()
        self._note("stage", self.stage.name)

    def _advance_bundle(self) -> None:
        seed = self.settings.seed * 7919 + self.iteration
        ended = self._bundling.advance(self.field, self.photos, self.calibration, self.registration.poses, seed)
        if ended is None:
            return
        everyone = torch.arange(len(self.frames), device=self.device)
        nearest = self._bundling.nearest_disparity()
        poses = self._bundling.close(self.calibration)
        factor = nearest / ROOMY_DISPARITY
        if self.scene.kind == "forward-facing" and factor > 1 and self.field.grow(factor):
            poses = torch.cat([poses[..., :3], poses[..., 3:] * factor], dim=-1)
            self._note("room", f"the world grew by {factor:.2f}: things stood nearer than the volume reaches")
        self.registration.rebase(everyone, poses)
        self._note("bundle", ended)
        if not self._bundling.pending:
            self._enter_stage()

    # ------------------------------------------------------------------ frames that lost their way

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

    def _look_for_lost(self) -> bool:
        """Goes on looking for lost frames, by turns with what the others do; whether it was its turn."""
        self._midway = False
        if not self._recovery.searches or self._looked >= LOOKS_PER_STEP:
            self._looked = 0
            return False
        usual = float(self._error.median() / self._error_weight.median().clamp(min=1e-9))
        field = (self.field, self.photos, self.calibration)
        for search in self._recovery.advance(*field, self.stage.downsample, self.poses(), usual, self.generator):
            self._put(search.frame, search.pose)
            self._note("found", self.scene.names[self.frames[search.frame]])
        # A lost frame would pull an adjustment along, and a few found ones would not hold the field: they wait.
        lost = len(self._recovery.searches)
        self._midway = not self._bundling.pending and 2 * lost <= len(self.frames)
        self._looked = self._looked + 1 if self._midway else 0
        return True

    def _help_astray(self) -> None:
        if not self.settings.registers:
            return
        for frame in self._recovery.astray(self._error, self.iteration):
            self._note("astray", self.scene.names[self.frames[frame]])
            self._recovery.look_for(frame, self.registration.poses(), self.iteration)

    # ------------------------------------------------------------------ bookkeeping

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and JSON-able metadata that make `load_state` continue as if never interrupted.

        A bundle adjustment or a search under way is not kept half done: it starts anew, and ends the same.
        """
        tensors = {f"field.{name}": tensor for name, tensor in self.field.state().items()}
        tensors |= {f"calibration.{name}": value for name, value in self.calibration.state_dict().items()}
        learned, metadata = self._learner_state(self.registration.module(), self._optimiser)
        if self._perturbations:
            tensors["perturbed_poses"] = torch.stack([pose for _, pose in self._perturbations])
        return tensors | learned, metadata | {
            "settle_until": self._settle_until,
            "field_stage": self._field_stage,
            "bundles_due": self._bundling.due,
            "searching": [search.frame for search in self._recovery.searches],
            "helped": [[frame, iteration] for frame, iteration in self._recovery.helped.items()],
            "perturbed": [frame for frame, _ in self._perturbations],
        }

    def load_state(self, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
        """Takes up what `state` gave, on a trainer of the same scene and settings."""
        moved = {name: tensor.to(self.device) for name, tensor in tensors.items()}
        self._field_stage = metadata["field_stage"]
        self.field.begin_stage(self.stages[self._field_stage])
        self.field.load_state(below("field.", moved))
        self.calibration.load_state_dict(below("calibration.", moved))
        self._load_learner_state(tensors, metadata, self.registration.module(), self._optimiser)
        self._settle_until = metadata["settle_until"]
        self._bundling = Bundling()
        self._bundling.due = list(metadata["bundles_due"])
        self._recovery = Recovery()
        self._perturbations = list(zip(metadata["perturbed"], moved.get("perturbed_poses", ()), strict=True))
        for frame in metadata["searching"]:
            self._recovery.look_for(frame, self.registration.poses(), self.iteration)
        self._recovery.helped = dict(metadata["helped"])
