"""The cameras of a run: where they stand, which of them train, and what the user does to them."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from engine.config.rows import Stage
from engine.config.settings import Settings
from engine.errors import UserError
from engine.evidence.triangulation import observations_of
from engine.evidence.verdict import Verdict
from engine.fields.field import Field
from engine.fields.stages import stages
from engine.geometry import se3
from engine.geometry.intrinsics import Intrinsics
from engine.messages import FrameStatus, Snapshot
from engine.registration.calibration import Calibration
from engine.registration.registration import Registration
from engine.registration.relocalisation.frame_statuses import FrameStatuses, first_statuses
from engine.registration.relocalisation.relocaliser import Relocaliser
from engine.registration.warp_motion import WarpUnits
from engine.scenes.pyramid import photo_level
from engine.scenes.pyramid.photo_pyramid import PhotoPyramid
from engine.scenes.scene import Scene
from engine.system import cores
from engine.training.base import BaseTrainer
from engine.training.build import build_field, build_registration, starting_poses
from engine.training.camera_adjustment import CameraAdjustment
from engine.training.camera_moves import camera_moves
from engine.training.camera_snapshot import warp_snapshot, with_evidence, with_poses
from engine.training.matches.guard import PoseGuard
from engine.training.matches.locating import locate_by_matches
from engine.training.matches.monitor import CameraEvidence, EvidenceMonitor
from engine.training.matches.start import TrackStart, is_sparse
from engine.training.matches.term import MatchTerm
from engine.training.pacing import Pacing
from engine.training.pose_optimiser import PoseOptimiser
from engine.training.radiance_options import RadianceOptions
from engine.training.tasks import Progress
from engine.training.trainer import Moves, Perturbation

FEWEST_FRAMES = 2  # that train; of one alone nothing can be learned


class CameraTrainer(BaseTrainer):
    """The part of a trainer's state that is about cameras; `engine.training.trainer` says what its methods do.

    Attributes:
        scene: trained on; it may get more frames.
        frames: the training frames; all other indices of frames count these.
    """

    thing = "camera"

    def __init__(
        self,
        scene: Scene,
        settings: Settings,
        device: torch.device | str = "cpu",
        options: RadianceOptions | None = None,
    ) -> None:
        self.stages = stages(scene, settings)
        super().__init__(settings, device, len(scene.training_frames), self.stages)
        self.scene, self.options = scene, options or RadianceOptions()
        self.frames = list(scene.training_frames)
        intrinsics = scene.intrinsics[torch.tensor(self.frames)].to(self.device)
        initial = starting_poses(scene, settings)[self.frames].to(self.device)
        self.registration: Registration = build_registration(
            settings, initial, photo_level.make_lattice(intrinsics), self.generator
        )
        self.field: Field = build_field(scene, settings, self.generator, self.device)
        cameras = scene.intrinsics.cameras_count
        self.calibration = Calibration(
            settings, len(self.frames), self.device, scene.lens_covariance, cameras, intrinsics
        )
        self._optimiser = PoseOptimiser(self.registration.module(), self.calibration)
        self._warp_units = WarpUnits(1 / float(intrinsics.focal.mean()), 6)  # a point and the centre, in space
        self.photos = PhotoPyramid(scene, self.frames, self.device)
        self._relocaliser = Relocaliser(first_statuses(scene, self.frames, settings), self.options.search)
        self._adjustment = CameraAdjustment(scene.kind)
        self._perturbed: list[int] = []  # frames that were moved by hand, once for each time
        uncertain = set(scene.uncertain_frames) & set(self.frames)
        self._guessed = {self.frames.index(frame) for frame in uncertain}  # frames whose initial pose is still a guess
        self._evidence_shown: CameraEvidence | None = None
        self._evidence_of: tuple[FrameStatus, ...] = ()  # the statuses that it was judged with
        self._track_start: TrackStart | None = None
        self._solved = self._weak = False  # whether the tracks have given poses; whether they are too weak for any
        self._set_tracks()
        self._settle_until = 0  # iteration before which poses stand still
        self._pacing: Pacing | None = None  # where the run has a limit of time

    def _set_tracks(self) -> None:
        """Makes what depends on the tracks of the scene."""
        scene, tracks = self.scene, None if self._weak else self.scene.tracks
        observations = None if tracks is None else observations_of(tracks, self.frames)
        self._tracks = None if tracks is None else tracks.select_frames(self.frames)
        self._matches = None if tracks is None else MatchTerm(tracks, self.frames, scene.intrinsics)
        self._monitor = EvidenceMonitor(observations, self._tracks)
        self._evidence_shown = None
        self._guard = None if observations is None else PoseGuard(observations)
        self._stages_of_known_poses = stages(replace(scene, poses_known=True), self.settings)

    # ------------------------------------------------------------------ where the cameras stand

    @property
    def stage(self) -> Stage:
        return self.stages[self.stage_index]

    @property
    def statuses(self) -> FrameStatuses:
        return self._relocaliser.statuses

    def frame_status(self) -> tuple[FrameStatus, ...]:
        return self.statuses.all()

    def poses(self) -> Float[Tensor, "frames 3 4"]:
        """Poses of the training frames as they stand, in the middle of an adjustment or a search too."""
        poses = self.registration.poses()
        if self._track_start is not None:
            return self._track_start.poses.to(poses)
        self._adjustment.show(poses)
        for search in self._relocaliser.searches:
            poses[search.frame] = search.pose
        return poses

    def discard_half_done(self) -> None:
        """Poses are again those before the adjustment under way: halfway they may fit worse than before and after."""
        self._adjustment.begin_anew()

    def measure(self, snapshot: Snapshot, selected: int | None) -> Snapshot:
        """The snapshot with poses, their errors, and the warp field of the selected frame."""
        snapshot = replace(snapshot, frame_status=self.frame_status())
        if selected is not None:
            snapshot = replace(snapshot, warp=warp_snapshot(self.registration.warp(selected), self.scene, selected))
        snapshot = with_poses(snapshot, self.scene, self.poses(), self.statuses.frames(FrameStatus.EXCLUDED))
        statuses = snapshot.frame_status
        if self._monitor.due(self.iteration) and self._track_start is None:
            with cores.leave_one_core_free():
                self._monitor.measure(self.poses(), self._intrinsics(), statuses, self.iteration)
            self._evidence_shown = None
        if self._evidence_shown is None or self._evidence_of != statuses:
            self._evidence_shown, self._evidence_of = self._evidence(), statuses
        snapshot = with_evidence(snapshot, self._evidence_shown)
        # before the tracks have placed the cameras there is nothing to judge
        return replace(snapshot, verdict=None) if self._track_start is not None else snapshot

    def verdict(self, held_out_psnr: float | None = None) -> Verdict:
        """On the run as it stands, measured anew; `held_out_psnr` is the mean over held-out photos, dB, if known."""
        state = (self.poses(), self._intrinsics(), self.frame_status())
        with cores.leave_one_core_free():
            self._monitor.measure(*state, self.iteration)
            if self._monitor.cameras_may_be_right:  # else nothing is left to ask, and it would take long
                self._monitor.check_focal(*state)
        return self._evidence(held_out_psnr).verdict

    def _evidence(self, held_out_psnr: float | None = None) -> CameraEvidence:
        names = [self.scene.names[frame] for frame in self.frames]
        # While the field has hardly learned, its pictures say nothing of the cameras.
        psnr = self.frame_psnr().tolist() if self._field_has_learned else [math.nan] * len(names)
        return self._monitor.evidence(names, self.frame_status(), psnr, held_out_psnr)

    # ------------------------------------------------------------------ poses that the tracks know

    def _intrinsics(self) -> Intrinsics:
        """Of the training frames, with what is fitted of the lens; on the CPU."""
        return self.calibration.intrinsics(self.scene.intrinsics)[torch.tensor(self.frames)].to("cpu")

    def _forget_best_poses(self) -> None:
        if self._guard is not None:
            self._guard.forget()

    def _guarded(self) -> bool:
        """Whether poses are compared with those before: while matches are in use, and no frame is searched for."""
        return self.matches and self._guard is not None and not self._relocaliser.searches

    def _take_back_what_is_worse(self) -> bool:
        """Takes poses back that fit the tracks significantly worse than the best so far; whether there were any."""
        assert self._guard is not None
        counted = self.statuses.trains() > 0
        with cores.leave_one_core_free():
            found = self._guard.check(self.registration.poses().cpu(), self._intrinsics(), counted)
        if found is None:
            return False
        at = torch.tensor(found.frames, device=self.device)
        self.registration.rebase(torch.arange(len(self.frames), device=self.device), found.poses.to(self.device))
        frame = found.frames[0] if len(at) == 1 else None
        self._note("taken-back", found.sentence, frame)
        return True

    def _begin_track_start(self) -> None:
        """Where a run has tracks: solves poses that are no better than a guess; asks what few tracks are worth."""
        scene, known = self.scene, self._poses_hold
        if scene.tracks is None or not (self.matches or known):
            return
        frames, observations = torch.tensor(self.frames), observations_of(scene.tracks, self.frames)
        if observations.tracks and (not known or is_sparse(observations, len(self.frames))):
            initial = self.registration.poses() if known else scene.initial_poses[frames]
            about = scene.intrinsics[frames], initial, scene.kind, scene.near
            self._track_start = TrackStart(observations, *about, poses_known=known)

    @property
    def _poses_hold(self) -> bool:
        """Whether poses are known from the beginning, or never fitted: tracks do not place these cameras."""
        return self.scene.poses_known or not self.settings.registers

    @property
    def awaits_tracks(self) -> bool:
        """Whether matches that come later shall place the cameras before the first step."""
        return self.iteration == 0 and self.matches and not self.scene.poses_known and self.scene.tracks is None

    def take_tracks(self, scene: Scene) -> None:
        """Takes the same scene with tracks, in a run that has begun without them: term, guard and verdict use them
        from the next step on, and before the first step poses that are a guess are solved from them."""
        self.scene = scene
        self._set_tracks()
        if scene.poses_known or self._solved:
            self._take_stages()  # where matches hold the poses, they are adjusted too
        if self.iteration == 0 or scene.poses_known:
            self._begin_track_start()
        assert self._tracks is not None
        self._note("matched", f"{self._tracks.count:,} tracks in {len(self.frames)} photos")

    def _solve_tracks(self) -> Progress:
        """Goes on with the start from the tracks; takes its poses over when it ends."""
        assert self._track_start is not None
        with cores.leave_one_core_free():
            found = self._track_start.advance()
        if found is None:
            return "under way"
        self._track_start = None
        if found.weak or not self._poses_hold:
            self._note("tracks", found.sentence)
        if found.weak:  # what pulls at wrong places harms more than it helps
            self._weak = True
            self._set_tracks()
        if found.accepted:
            self._solved = True
            self.registration.rebase(torch.arange(len(self.frames), device=self.device), found.poses.to(self.device))
            for frame in torch.nonzero(~found.known)[:, 0].tolist():
                self.statuses.wait(frame)
            self._take_stages()
            self._settle_until = self.iteration + self.stage.settle
        return "under way"

    def _locate_by_matches(self, frame: int) -> Float[Tensor, "3 4"] | None:
        """The pose of a frame by its matches with registered ones; None where too few fit, or none are in use."""
        if self._tracks is None or not self.matches or not self.settings.assisted:
            return None
        registered = self.statuses.frames(FrameStatus.REGISTERED)
        registered = [other for other in registered if other != frame and other not in self._guessed]
        located = locate_by_matches(self._tracks, frame, registered, self.poses().cpu(), self._intrinsics())
        return None if located is None else located.to(self.registration.poses())

    def _take_stages(self) -> None:
        """The schedule of poses that are known, once they are."""
        self.stages = self._stages = self._stages_of_known_poses
        self._pacing = None

    def fit_to_time(self, seconds_left: float) -> None:
        """Plans what is left of the schedule such that it ends when so many seconds have passed."""
        if self._pacing is None:
            self._pacing = Pacing(self.stages)
        done = self.iteration - self.stage_start
        planned = self._pacing.fit(self.stages, self.stage_index, done, self.iteration, seconds_left)
        self._use_stages(planned)

    def _use_stages(self, stages: tuple[Stage, ...]) -> None:
        self.stages = self._stages = stages

    @property
    def _field_shows(self) -> bool:
        """Whether the field shows enough for frames to be searched for in it; never without assistance."""
        return self._field_has_learned and self.settings.assisted

    @property
    def _field_has_learned(self) -> bool:
        """Whether the field shows the photos, at least coarsely."""
        return self.stage_index > 0 or self._stage_fraction > self.options.search_from

    def _name(self, frame: int) -> str:
        return self.scene.names[self.frames[frame]]

    # ------------------------------------------------------------------ perturbations by hand

    def moves(self, command: Perturbation) -> Moves:
        return camera_moves(self.scene, command)

    def placements(self) -> Float[Tensor, "frames 3 4"]:
        return self.poses()

    def perturb(self, frame: int, move: Float[Tensor, "6"]) -> None:
        """Moves a frame by a twist (rotation vector, then translation, camera axes), and has it searched for."""
        pose = self.poses()[frame]
        self._perturbed.append(frame)
        self._forget_best_poses()
        self._place(frame, se3.compose(se3.exponential(move.to(pose)), pose))
        self._note("perturb-pose", self._name(frame), frame)
        if self._field_shows and self.statuses[frame] is not FrameStatus.EXCLUDED:
            self._relocaliser.begin(frame, self.registration.poses(), self.iteration)

    def take_back(self, frame: int, placement: Float[Tensor, "3 4"]) -> None:
        """Undoes a `perturb`: puts a frame back where it was before it."""
        self._perturbed.remove(frame)
        self._relocaliser.cancel(frame)
        self.statuses.retry_rejected()
        self._place(frame, placement.to(self.device))
        self._note("undo-perturbation", self._name(frame), frame)

    def _place(self, frame: int, pose: Float[Tensor, "3 4"]) -> None:
        self._adjustment.place(frame, pose)
        self.registration.rebase(torch.tensor([frame], device=self.device), pose[None])

    def exclude(self, frame: int, exclude: bool) -> None:
        """Leaves a frame out of training and measuring; or brings it back, to be searched for from where it stands."""
        if exclude == (self.statuses[frame] is FrameStatus.EXCLUDED):
            return
        if exclude and len(self.frames) - len(self.statuses.frames(FrameStatus.EXCLUDED)) <= FEWEST_FRAMES:
            raise UserError(f"{self._name(frame)} cannot be excluded: a run needs {FEWEST_FRAMES} frames to train on.")
        self._relocaliser.cancel(frame)
        self._adjustment.begin_anew()
        self._forget_best_poses()
        if exclude:
            self.statuses.exclude(frame)
        else:
            self.statuses.bring_back(frame)
        self._note("exclude-frame", f"{self._name(frame)} {'excluded' if exclude else 'brought back'}", frame)
        if exclude or self._register_by_matches(frame):
            return
        if self._field_shows and self.statuses[frame] is FrameStatus.REGISTERED:
            self._relocaliser.begin(frame, self.registration.poses(), self.iteration)

    def _register_by_matches(self, frame: int) -> bool:
        """Registers a frame where its matches say that it stands; False where they are too few."""
        pose = self._locate_by_matches(frame)
        if pose is None:
            return False
        self._relocaliser.cancel(frame)
        self._place(frame, pose)
        self._guessed.discard(frame)
        self.statuses.register(frame)
        self._forget_best_poses()
        self._note("found", self._name(frame), frame)
        return True
