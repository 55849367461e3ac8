"""The trainer of scenes with cameras: rays from the registration, colours from the field, a loss, two optimisers."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from engine.config.settings import Settings
from engine.messages import FrameStatus
from engine.registration.relocalisation.relocaliser import Relocaliser, RunView
from engine.registration.relocalisation.search import Search
from engine.scenes.pyramid import photo_level
from engine.scenes.pyramid.photo_pyramid import PhotoPyramid
from engine.scenes.pyramid.pixel_choice import PixelChoice
from engine.scenes.scene import Scene
from engine.system import cores
from engine.system.arrays import tensors_below
from engine.training.camera_adjustment import CameraAdjustment, scale_world
from engine.training.cameras import CameraTrainer
from engine.training.pacing import Pacing, describe_plan, take_plan
from engine.training.pose_optimiser import PoseOptimiser
from engine.training.radiance_options import RadianceOptions
from engine.training.radiance_step import describe_step, render_step
from engine.training.step_work import Learned, MatchWork, Moving, StepWork
from engine.training.tasks import Progress, Task, perform_first_due


class RadianceTrainer(CameraTrainer):
    """The state of a run with cameras between two steps; `engine.training.trainer` says what its methods do.

    `CameraTrainer` has its cameras; here are the tasks of a step, and what a checkpoint holds.
    """

    def __init__(
        self,
        scene: Scene,
        settings: Settings,
        device: torch.device | str = "cpu",
        options: RadianceOptions | None = None,
    ) -> None:
        super().__init__(scene, settings, device, options)
        self._field_stage = 0  # stage whose resolution the field has: while cameras are adjusted, the one before
        self._search_steps = 0  # since the last optimisation step
        self._progress: Progress = "complete"
        self._choice: PixelChoice | None = None  # of the pixels of a step, in the last stage; None draws them evenly
        self.tasks = (
            Task("solve poses from the tracks", lambda: self._track_start is not None, self._solve_tracks),
            Task("relocalise", self._relocalisation_due, self._relocalise),
            Task("adjust cameras", lambda: self._adjustment.pending, self._adjust_cameras),
            Task("begin the next stage", self._next_stage_due, self._begin_next_stage),
            Task("optimise", lambda: True, self._optimise),
        )
        self._begin_stage(0)
        self._begin_track_start()

    # ------------------------------------------------------------------ where the run stands

    @property
    def finished(self) -> bool:
        """Whether the schedule is done and no frame is being searched for; `step` goes on training all the same."""
        searched = self.statuses.frames(FrameStatus.SEARCHING, FrameStatus.WAITING)
        return self.iteration >= self.iterations and not searched and not self._adjustment.pending

    @property
    def under_way(self) -> bool:
        """Whether the next `step` only goes on with what the last one began."""
        return self._adjustment.within_step or self._progress == "under way"

    @property
    def doing(self) -> str:
        """As `Trainer.doing`: by the tasks that come before the optimisation."""
        if self._track_start is not None:
            return "placing cameras by their matches"
        if not self.field.prepared:
            return "compiling kernels, once (about 20 s)"
        if self._next_stage_due() and not self._relocalisation_due() and not self._adjustment.pending:
            return f"beginning the stage {self.stages[self.stage_index + 1].name}"
        searched = len(self._relocaliser.searches)
        if 2 * searched > len(self.frames):  # nothing trains until some are found
            return f"searching for {searched} frames"
        return self._adjustment.doing if self._adjustment.pending else ""

    # ------------------------------------------------------------------ the step

    def step(self) -> None:
        """Performs one task: the first of the table that is due."""
        self._begin_waiting_searches()
        self._progress = self._within_memory(lambda: perform_first_due(self.tasks), self.field, self._optimiser)

    def _optimise(self) -> Progress:
        self._search_steps = 0
        with cores.leave_one_core_free(self.field.light):
            self._render_and_learn()
        self.iteration += 1
        if self.settings.assisted and self.stage_index > 0 and self.iteration % self.options.outlier_period == 0:
            self._search_outliers()
        self._check_poses()
        return "complete"

    def _render_and_learn(self) -> None:
        data = self.calibration.adjusted(self.photos.level(self.stage.downsample))
        self.field.progress(self._run_fraction)
        moving = self._moving()
        rays_move = moving.poses or moving.warp
        parts = (self.registration, self.field, self.calibration, data, self.stage)
        render = partial(render_step, *parts, self.generator, rays_move, self.statuses.trains, self._choice)
        kind = describe_step(*parts, rays_move, self._choice)
        work = StepWork(render, kind, self._match_work(moving.poses), moving, self.statuses.unknown())
        self._learn(Learned(self.field, self.registration, self._optimiser), work, self.frame_status())

    def _moving(self) -> Moving:
        """What may move in this step: poses once they have settled, the calibration late in the schedule."""
        motion = self._own_motion
        return Moving(
            poses=self.iteration >= self._settle_until,
            warp=motion is not None and self.iteration % motion.still_period == 0,
            calibration=self.iteration >= self.options.calibrate_from * self._scheduled_iterations,
        )

    def _match_work(self, poses_move: bool) -> MatchWork | None:
        """The matches of this step; they are measured in one of several steps, which stands for all of them."""
        term, steps = self._matches, self.options.match_steps if poses_move else self.options.match_period
        if term is None or not self.matches or self.iteration % steps != 0:
            return None
        seed = self.settings.seed * 6151 + self.iteration
        return MatchWork(partial(term.loss, self.registration, self.calibration, self.statuses.trains(), seed), steps)

    def _check_poses(self) -> None:
        """Now and then, while poses move, and at the end: those that fit the tracks worse than before are taken back.

        The field goes on for a while with the poses held, for it has followed them.
        """
        ends = self.iteration == self.iterations
        due = self.iteration % self.options.check_period == 0 and self.iteration >= self._settle_until
        if self._guarded() and self.settings.registers and (due or ends) and self._take_back_what_is_worse():
            self._settle_until = self.iteration + self.options.hold
            if ends:
                self.train_until = self.iteration + self.options.hold

    # ------------------------------------------------------------------ stages and bundle adjustment

    def _begin_next_stage(self) -> Progress:
        self._search_steps = 0
        self._begin_stage(self.stage_index + 1)
        return "complete" if self._adjustment.pending else "under way"

    def _begin_stage(self, index: int) -> None:
        self.stage_index, self.stage_start = index, self.iteration
        if index > 0:
            self.statuses.retry_rejected()
        if index == 0 and self.matches:  # before anything is learned from a guess
            for frame in sorted(self._doubtful_frames()):
                self._register_by_matches(frame)
        if index == 1 and self.settings.assisted:
            for frame in sorted(self._doubtful_frames()):
                self._relocaliser.begin(frame, self.registration.poses(), self.iteration)
        if self.stage.bundle and self.settings.assisted and self.iteration > 0:
            self._adjustment.request(list(self.stage.bundle))
        else:
            self._enter_stage()

    def _doubtful_frames(self) -> set[int]:
        """Frames to search for once the field shows what the others agree on: those whose initial pose is a guess
        and, where known poses stood still until now, those that were moved by hand meanwhile."""
        doubtful = self._guessed | (set(self._perturbed) if self.scene.poses_known else set())
        return doubtful - set(self.statuses.frames(FrameStatus.EXCLUDED))

    def _enter_stage(self) -> None:
        """Gives the field the stage's resolution, after the adjustments that the stage begins with."""
        self._settle_until = self.iteration + self.stage.settle
        self.field.begin_stage(self.stage)
        self._field_stage = self.stage_index
        self.errors.forget()
        self._choose_by_error()
        self._note("stage", self.stage.name)

    def _choose_by_error(self) -> None:
        """From now on pixels are drawn where the error is, in the last stage; else evenly."""
        last = self.stage_index == len(self.stages) - 1 and self.settings.preset != "paper"
        self._choice = PixelChoice(self.photos.level(self.stage.downsample)) if last else None

    def _adjust_cameras(self) -> Progress:
        """Goes on with the bundle adjustment; takes its poses over when it ends."""
        self._search_steps = 0
        known, seed = (self.field, self.photos, self.calibration), self.settings.seed * 7919 + self.iteration
        among = self.statuses.ever_registered()
        tracks = self._tracks if self.matches else None
        ended = self._adjustment.advance(*known, among, self.registration.poses, seed, tracks)
        if ended is None:
            return "complete"
        poses, scale = ended.poses, ended.nearest_disparity / self.options.nearest_disparity
        if self.scene.kind == "forward-facing" and scale > 1 and self.field.grow(scale):
            poses = scale_world(poses, scale)
            self._note("scale", f"the world was scaled up by {scale:.2f}: things stood nearer than the volume reaches")
        self.registration.rebase(torch.arange(len(self.frames), device=self.device), poses)
        self._note("bundle", ended.sentence)
        if self._guarded():
            self._take_back_what_is_worse()
        if self._adjustment.pending:
            return "complete"
        if self._field_stage == self.stage_index and self.iteration > self.stage_start:
            self._settle_until = self.iteration + self.stage.settle  # for an added frame, in the middle of a stage
        else:
            self._enter_stage()
        return "complete"

    # ------------------------------------------------------------------ searches for frames

    def _relocalisation_due(self) -> bool:
        """Searches take turns with the rest: so many steps of theirs for one of the others."""
        return bool(self._relocaliser.searches) and self._search_steps < self.options.search_steps

    def _relocalise(self) -> Progress:
        usual = self.errors.median(self.statuses.ever_registered())
        view = (self.field, self.photos, self.calibration, self.stage.downsample, self.poses(), usual)
        for search in self._relocaliser.advance(RunView(*view, self.generator)):
            self._end_search(search)
        # A wrong pose would spoil an adjustment, and too few registered frames would not hold the field: they wait.
        searched = len(self._relocaliser.searches)
        others_train = not self._adjustment.pending and 2 * searched <= len(self.frames)
        self._search_steps = self._search_steps + 1 if others_train else 0
        return "under way" if others_train else "complete"

    def _end_search(self, search: Search) -> None:
        frame = search.frame
        if not search.fits:
            self.statuses.reject(frame)
            self._note("rejected", self._name(frame), frame)
            return
        self._place(frame, search.pose)
        self._note("found", self._name(frame), frame)
        first_time = frame in self.statuses.never_registered
        self._guessed.discard(frame)
        self.statuses.register(frame)
        if first_time:
            self._train_on()

    def _train_on(self) -> None:
        """For a frame that was registered for the first time, in a field that had not seen it."""
        self.train_until = self.iteration + self.options.train_on
        if self.stage.bundle and not self._adjustment.pending:
            self._adjustment.request([self.stage.bundle[-1]])

    def _search_outliers(self) -> None:
        for frame in self._without_support(self._relocaliser.outliers(self.errors.total, self.iteration)):
            self._note("outlier", self._name(frame), frame)
            self._relocaliser.begin(frame, self.registration.poses(), self.iteration)

    def _without_support(self, outliers: list[int]) -> list[int]:
        """Those of the outliers whose poses no matches support: the others stand right, and only look different."""
        if not outliers or not self.matches or self._matches is None:
            return outliers
        self._monitor.measure(self.poses(), self._intrinsics(), self.frame_status(), self.iteration)
        supported = self._monitor.supported()
        return outliers if supported is None else [frame for frame in outliers if not supported[frame]]

    def _begin_waiting_searches(self) -> None:
        """Begins to search for frames that wait, once the field shows what the others agree on."""
        if not (self.settings.assisted and self.statuses.frames(FrameStatus.WAITING)):
            return
        if self._field_shows or self.iteration >= min(self.iterations, self.options.search_from_iteration):
            found = [frame for frame in self.statuses.frames(FrameStatus.WAITING) if self._register_by_matches(frame)]
            if found:
                self._train_on()
            images = self.photos.level(self.stages[0].downsample).stretched()
            self._relocaliser.begin_waiting(images, self.poses(), self.iteration)

    # ------------------------------------------------------------------ added frames

    def add_frames(self, scene: Scene) -> None:
        """Takes in the frames that the scene has got; they are left out of the loss until they are registered.

        What is known of the others stays as it is, bit for bit; a bundle adjustment under way begins anew.
        """
        assert scene.added is not None
        new = list(scene.training_frames[len(self.frames) :])
        like = torch.tensor([self.frames.index(frame) for frame in scene.added.nearest[-len(new) :]])
        poses = self.poses()[like]
        self._adjustment.begin_anew()
        self.scene, self.frames = scene, list(scene.training_frames)
        lattice = photo_level.make_lattice(scene.intrinsics[torch.tensor(new)].to(self.device))
        self.registration.extend(poses, lattice, like.to(self.device))
        every = scene.intrinsics[torch.tensor(self.frames)]
        self.calibration.extend(len(new), every, scene.lens_covariance)
        self._optimiser = self._optimiser.followed_by(PoseOptimiser(self.registration.module(), self.calibration))
        self.photos = PhotoPyramid(scene, self.frames, self.device)
        self.errors.extend(len(new))
        self._choose_by_error()
        self.statuses.add(len(new), FrameStatus.WAITING if self.settings.assisted else FrameStatus.REGISTERED)
        self._note("added", ", ".join(scene.names[frame] for frame in new))

    # ------------------------------------------------------------------ checkpoints

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and JSON-able metadata that make `load_state` continue as if never interrupted.

        A bundle adjustment or a search under way is not kept half done: it starts anew, and ends the same.
        """
        tensors = {f"field.{name}": tensor for name, tensor in self.field.state().items()}
        tensors |= {f"calibration.{name}": value for name, value in self.calibration.state_dict().items()}
        learned, metadata = self._base_state(self.registration.module(), self._optimiser)
        if self._guard is not None and self._guard.best is not None:
            tensors["guard"] = self._guard.best
        if self._choice is not None:
            tensors |= {f"choice.{name}": value for name, value in self._choice.state().items()}
        return tensors | learned, metadata | {
            "settle_until": self._settle_until,
            "field_stage": self._field_stage,
            "bundles_due": self._adjustment.due,
            "relocalisation": self._relocaliser.state(),
            "perturbed": self._perturbed,
            "guessed": sorted(self._guessed),
            "solved": self._solved,
            "weak_tracks": self._weak,
            "planned": None if self._pacing is None else describe_plan(self.stages),
        }

    def load_state(self, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
        """Takes up what `state` gave, on a trainer of the same scene and settings."""
        moved = {name: tensor.to(self.device) for name, tensor in tensors.items()}
        self._track_start, self._solved, self._weak = None, metadata["solved"], metadata.get("weak_tracks", False)
        if self._weak:
            self._set_tracks()
        if self._solved:
            self._take_stages()
        if metadata.get("planned"):  # where there was a limit of time; older checkpoints have no plan
            self._pacing = Pacing(self.stages)
            self.stages = self._stages = take_plan(self.stages, metadata["planned"])
        self._field_stage = metadata["field_stage"]
        self.field.begin_stage(self.stages[self._field_stage])
        self.field.load_state(tensors_below("field.", tensors if self.device.type == "cpu" else moved))
        calibration = tensors_below("calibration.", moved)  # runs of before had one lens, without a dimension
        self.calibration.load_state_dict({name: torch.atleast_1d(value) for name, value in calibration.items()})
        self._load_base_state(tensors, metadata, self.registration.module(), self._optimiser)
        if self._guard is not None:
            self._guard.best = tensors.get("guard")
        self._settle_until = metadata["settle_until"]
        self._choose_by_error()
        if self._choice is not None:
            self._choice.load_state(tensors_below("choice.", moved))
        self._adjustment = CameraAdjustment(self.scene.kind, metadata["bundles_due"])
        self._perturbed = list(metadata["perturbed"])
        self._guessed = set(metadata.get("guessed", self._guessed))  # older checkpoints have none
        self._relocaliser = Relocaliser.from_state(
            metadata["relocalisation"], self.registration.poses(), self.iteration, self.options.search
        )
