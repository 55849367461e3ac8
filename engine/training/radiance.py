"""One optimisation step: rays from the registration, colours from the field, a loss, two optimisers."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.config.rows import Stage
from engine.config.settings import Settings
from engine.fields.field import Field
from engine.fields.stages import stages
from engine.geometry import se3
from engine.registration.bundle.sequence import AdjustmentSequence
from engine.registration.calibration import Calibration
from engine.registration.registration import Registration, WarpField
from engine.registration.relocalisation.added_frames import Newcomers
from engine.registration.relocalisation.search import Recovery, Search
from engine.scenes.pyramid import photo_level
from engine.scenes.pyramid.photo_pyramid import PhotoPyramid
from engine.scenes.scene import Scene
from engine.system import cores
from engine.training.base import Learner, below
from engine.training.build import build_field, build_registration, starting_poses
from engine.training.pose_optimiser import PoseOptimiser

LOOK_FOR_ASTRAY_EVERY = 150
LOOKS_PER_STEP = 4  # for frames that are lost, while the others train on
SEARCH_FROM = 0.5  # of the first stage: before, training itself brings a knocked frame back
ROOMY_DISPARITY = 0.85  # the nearest things of a forward-facing scene shall lie farther than this, of 1
FIELD_SHOWS = 1000  # iterations after which a newcomer may be looked for, however long the first stage is
TOGETHER = 300  # iterations, at least, that a run goes on after newcomers were found
CALIBRATE_FROM = 0.1  # of the schedule: focal length and exposures stand still before


class Trainer(Learner):
    """The state of a radiance run between two steps."""

    def __init__(self, scene: Scene, settings: Settings, device: torch.device | str = "cpu") -> None:
        self.stages = stages(scene, settings)
        super().__init__(settings, device, len(scene.training_frames), self.stages)
        self.scene = scene
        self.frames = list(scene.training_frames)
        intrinsics = scene.intrinsics[torch.tensor(self.frames)].to(self.device)
        initial = starting_poses(scene, settings)[self.frames].to(self.device)
        self.registration: Registration = build_registration(
            settings, initial, photo_level.make_lattice(intrinsics), self.generator
        )
        self.field: Field = build_field(scene, settings, self.generator, self.device)
        self.calibration = Calibration(settings, len(self.frames), self.device, scene.lens_covariance)
        self._optimiser = PoseOptimiser(self.registration.module(), self.calibration)
        self.photos = PhotoPyramid(scene, self.frames, self.device)
        self._recovery = Recovery()
        self._bundling = AdjustmentSequence()
        self._bundled: list[int] = []
        self._newcomers = Newcomers(index for index, frame in enumerate(self.frames) if self._must_be_found(frame))
        self._perturbations: list[tuple[int, Tensor]] = []
        self._settle_until, self._field_stage = 0, 0
        self._midway, self._looked = False, 0
        self._begin_stage(0)

    # ------------------------------------------------------------------ where the run stands

    @property
    def finished(self) -> bool:
        """Whether the schedule is done and no frame is being looked for; `step` goes on training all the same."""
        return self.iteration >= self.iterations and not self.lost and not self._bundling.pending

    @property
    def midway(self) -> bool:
        """Whether the next `step` only goes on with what the last one began."""
        return self._bundling.midway or self._midway

    @property
    def stage(self) -> Stage:
        return self.stages[self.stage_index]

    @property
    def lost(self) -> tuple[int, ...]:
        """Frames that are being looked for, or will be once the field shows something; they are out of the loss."""
        searched = {search.frame for search in self._recovery.searches}
        return tuple(sorted(searched | (set(self._newcomers.waiting) if self.settings.assisted else set())))

    @property
    def strangers(self) -> tuple[int, ...]:
        """Frames that joined late and were not found so far: out of the loss, without a pose of their own; those that
        are not being looked for fit nowhere."""
        return tuple(sorted(self._newcomers.unjoined))

    def poses(self) -> Float[Tensor, "frames 3 4"]:
        """Poses of the training frames as they stand, in the middle of an adjustment or a search too."""
        poses = self.registration.poses()
        if self._bundling.under_way is not None:
            poses[self._bundled] = self._bundling.under_way.poses
        for search in self._recovery.searches:
            poses[search.frame] = search.pose
        return poses

    def warp(self, frame: int) -> WarpField:
        """The warp field of a training frame."""
        return self.registration.warp(frame)

    # ------------------------------------------------------------------ the step

    def step(self) -> None:
        """One optimisation step, or something else that is due: a command waits for the one, not for both."""
        self._seek_newcomers()
        if self._look_for_lost():
            return
        if self._bundling.pending:
            self._advance_bundle()
            return
        if self._stage_over:
            self._begin_stage(self.stage_index + 1)
            self._midway = not self._bundling.pending
            return
        with cores.leave_one_core_free(self.field.light):
            self._optimise()
        self.iteration += 1
        if self.stage_index > 0 and self.iteration % LOOK_FOR_ASTRAY_EVERY == 0:
            self._help_astray()

    def _optimise(self) -> None:
        data = self.calibration.adjusted(self.photos.level(self.stage.downsample))
        count = len(self.frames)
        per_frame = min(max(self.stage.rays // count, 1), data.pixels)
        frames = torch.arange(count, device=self.device)
        pixels = photo_level.draw_pixels(data, count, per_frame, self.stage.block, self.generator)
        points = self.calibration.points(data.plane(frames, pixels))
        moving = self.iteration >= self._settle_until
        with torch.set_grad_enabled(moving):
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
            poses_move=moving,
            calibrates=self.iteration >= CALIBRATE_FROM * self._whole_schedule,  # a fog tells nothing about the lens
            strangers=self.strangers,
        )

    def _kept(self) -> Float[Tensor, " frames"]:
        """1 for frames that train, 0 for those that are lost or fit nowhere."""
        kept = torch.ones(len(self.frames), device=self.device)
        if away := sorted({*self.lost, *self.strangers}):
            kept[away] = 0.0
        return kept

    # ------------------------------------------------------------------ stages and bundle adjustment

    def _begin_stage(self, index: int) -> None:
        self.stage_index, self.stage_start = index, self.iteration
        if index > 0:
            self._newcomers.look_again(self.lost)
        if index == 1 and self.settings.assisted:  # the field shows by now what the others agree on
            lost = {self.frames.index(frame) for frame in set(self.scene.uncertain_frames) & set(self.frames)}
            if self.scene.poses_known:  # which stood still: nothing has brought back who was knocked off meanwhile
                lost |= {frame for frame, _ in self._perturbations}
            for frame in sorted(lost):
                self._recovery.look_for(frame, self.registration.poses(), self.iteration)
        if self.stage.bundle and self.settings.assisted and self.iteration > 0:
            self._bundling.due = list(self.stage.bundle)
        else:
            self._enter_stage()

    def _enter_stage(self) -> None:
        self._settle_until = self.iteration + self.stage.settle
        self.field.begin_stage(self.stage)
        self._field_stage = self.stage_index
        self._forget_errors()
        self._note("stage", self.stage.name)

    def _advance_bundle(self) -> None:
        if not self._bundling.begun:
            self._bundled = self._at_home()
        among, seed = self._bundled, self.settings.seed * 7919 + self.iteration
        known = (self.field, self.photos.of(among), self.calibration)
        ended = self._bundling.advance(*known, lambda: self.registration.poses()[among], seed)
        if ended is None:
            return
        nearest = self._bundling.nearest_disparity()
        poses = self._bundling.close(self.calibration)
        factor = nearest / ROOMY_DISPARITY
        everywhere = self.registration.poses()
        everywhere[among] = poses
        if self.scene.kind == "forward-facing" and factor > 1 and self.field.grow(factor):
            everywhere = torch.cat([everywhere[..., :3], everywhere[..., 3:] * factor], dim=-1)
            self._note("scale", f"the world grew by {factor:.2f}: things stood nearer than the volume reaches")
        self.registration.rebase(torch.arange(len(self.frames), device=self.device), everywhere)
        self._note("bundle", ended)
        if self._bundling.pending:
            return
        if self._field_stage == self.stage_index and self.iteration > self.stage_start:  # for newcomers, on the way
            self._settle_until = self.iteration + self.stage.settle
        else:
            self._enter_stage()

    # ------------------------------------------------------------------ frames that lost their way

    def perturb(self, frame: int, twist: Float[Tensor, "6"]) -> None:
        """Knocks a frame (rotation vector then translation, camera axes) and lets it find its way back."""
        pose = self.poses()[frame]
        self._perturbations.append((frame, pose))
        self._put(frame, se3.compose(se3.exponential(twist.to(pose)), pose))
        self._note("perturb-pose", self._name(frame))
        if self.settings.assist and (self.stage_index > 0 or self._fraction > SEARCH_FROM):
            self._newcomers.seek(frame)
            self._recovery.look_for(frame, self.registration.poses(), self.iteration)

    def undo_perturbation(self) -> bool:
        """Takes the last perturbation back; False if there is none."""
        if not self._perturbations:
            return False
        frame, pose = self._perturbations.pop()
        self._recovery.forget(frame)
        self._newcomers.look_again(self.lost)
        self._put(frame, pose)
        self._note("undo-perturbation", self._name(frame))
        return True

    def _put(self, frame: int, pose: Float[Tensor, "3 4"]) -> None:
        if self._bundling.under_way is not None and frame in self._bundled:
            self._bundling.under_way.poses[self._bundled.index(frame)] = pose
        self._bundling.interrupt()
        self.registration.rebase(torch.tensor([frame], device=self.device), pose[None])

    def _look_for_lost(self) -> bool:
        """Goes on looking for lost frames, by turns with what the others do; whether it was its turn."""
        self._midway = False
        if not self._recovery.searches or self._looked >= LOOKS_PER_STEP:
            self._looked = 0
            return False
        home = self._at_home()
        usual = float(self._error[home].median() / self._error_weight[home].median().clamp(min=1e-9))
        known = (self.field, self.photos, self.calibration, self.stage.downsample, self.poses(), usual)
        for search in self._recovery.advance(*known, self.generator, self._newcomers.unjoined):
            self._end_search(search)
        # A lost frame would pull an adjustment along, and a few found ones would not hold the field: they wait.
        lost = len(self._recovery.searches)
        self._midway = not self._bundling.pending and 2 * lost <= len(self.frames)
        self._looked = self._looked + 1 if self._midway else 0
        return True

    def _end_search(self, search: Search) -> None:
        if not search.fits:
            self._note("rejected", self._name(search.frame))
            return
        self._put(search.frame, search.pose)
        self._note("found", self._name(search.frame))
        if search.frame in self._newcomers.unjoined:
            self._newcomers.found(search.frame)
            self.until = self.iteration + TOGETHER
            if self.stage.bundle and not self._bundling.pending:  # found in a field that had not seen them
                self._bundling.due = [self.stage.bundle[-1]]

    def _help_astray(self) -> None:
        if not self.settings.assisted:
            return
        for frame in self._recovery.astray(self._error, self.iteration, self.strangers):
            self._note("outlier", self._name(frame))
            self._recovery.look_for(frame, self.registration.poses(), self.iteration)

    # ------------------------------------------------------------------ frames that join

    def grow(self, scene: Scene) -> None:
        """Takes in the frames that the scene has got (`engine.scenes.added_frames`); they are out of
        the loss until found.

        What is known of the others stays as it is, bit for bit; a bundle adjustment under way begins anew.
        """
        assert scene.added is not None
        first, new = len(self.frames), list(scene.training_frames[len(self.frames) :])
        like = torch.tensor([self.frames.index(frame) for frame in scene.added.nearest[-len(new) :]])
        poses = self.poses()[like]
        self._bundling.begin_anew()
        self.scene, self.frames = scene, list(scene.training_frames)
        lattice = photo_level.make_lattice(scene.intrinsics[torch.tensor(new)].to(self.device))
        self.registration.extend(poses, lattice, like.to(self.device))
        self.calibration.extend(len(new))
        self._optimiser = self._optimiser.followed_by(PoseOptimiser(self.registration.module(), self.calibration))
        self.photos = PhotoPyramid(scene, self.frames, self.device)
        self._extend_errors(len(new))
        if self.settings.assist:  # else they train at once from there
            self._newcomers.add(range(first, len(self.frames)))
        self._note("added", ", ".join(scene.names[frame] for frame in new))

    def _seek_newcomers(self) -> None:
        """Begins to look for those that wait, once the field shows what the others agree on."""
        shows = self.stage_index > 0 or self._fraction > SEARCH_FROM
        shows |= self.iteration >= min(self.iterations, FIELD_SHOWS)
        if shows and self._newcomers.waiting and self.settings.assisted:
            images = self.photos.level(self.stages[0].downsample).images
            self._newcomers.look_for(self._recovery, images, self.poses(), self.iteration)

    def _must_be_found(self, frame: int) -> bool:
        """Whether nothing says where a frame is, so that it must not train before it is found."""
        if frame >= self.scene.frames_read:
            return bool(self.settings.assist)
        reference = self.scene.reference_poses
        return not self.settings.registers and reference is not None and not bool(se3.is_finite(reference[frame]))

    def _at_home(self) -> list[int]:
        """Frames that have ever been found."""
        return [frame for frame in range(len(self.frames)) if frame not in self._newcomers.unjoined]

    def _name(self, frame: int) -> str:
        return self.scene.names[self.frames[frame]]

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
            "newcomers": self._newcomers.state(),
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
        self._bundling = AdjustmentSequence()
        self._bundling.due = list(metadata["bundles_due"])
        self._recovery = Recovery()
        self._perturbations = list(zip(metadata["perturbed"], moved.get("perturbed_poses", ()), strict=True))
        self._newcomers = Newcomers.restored(metadata.get("newcomers"), metadata["searching"])
        for frame in metadata["searching"]:
            if frame in self._newcomers.unjoined:
                continue
            self._recovery.look_for(frame, self.registration.poses(), self.iteration)
        self._recovery.helped = dict(metadata["helped"])
