"""A tiny scene, and a trainer that only walks about: all that a run does, at no cost."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from engine.config.settings import Settings
from engine.evidence.verdict import Verdict
from engine.geometry import se3
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.rays import rays_through
from engine.messages import Event, FrameStatus, Snapshot
from engine.registration.registration import WarpField
from engine.registration.relocalisation.frame_statuses import FrameStatuses
from engine.scenes.scene import Scene
from engine.training.camera_moves import camera_moves
from engine.training.camera_snapshot import warp_snapshot, with_poses
from engine.training.trainer import Moves, Perturbation
from tests.support.scenes.synthetic import forward_poses

STAGES = (SimpleNamespace(name="coarse"), SimpleNamespace(name="fine"))


def tiny_scene(frames: int = 5, reference: bool = True, seed: int = 0, path: Path = Path("tiny")) -> Scene:
    """Noise in 8 x 6 pixels; the last frame is held out, the others start at identity."""
    generator = torch.Generator().manual_seed(seed)
    poses = forward_poses(frames).float()
    return Scene(
        name=path.name,
        path=path,
        kind="forward-facing",
        names=tuple(f"photo {index}.png" for index in range(frames)),
        images=torch.randint(0, 256, (frames, 6, 8, 3), dtype=torch.uint8, generator=generator),
        intrinsics=Intrinsics(
            torch.full((frames, 2), 10.0), torch.tensor([[4.0, 3.0]]).repeat(frames, 1), torch.zeros(frames, 4), 8, 6
        ),
        initial_poses=se3.identity(frames),
        reference_poses=poses if reference else None,
        training_frames=tuple(range(frames - 1)),
        held_out_frames=(frames - 1,),
        near=1.0,
        far=float("inf"),
        background=None,
    )


class FakeTrainer:
    """Deterministic but for its generator, which a checkpoint must keep; fails on demand.

    Attributes:
        pace: seconds a step takes.
        fail_at: iteration whose step raises `error`.
        pieces: calls of `step` that make one.
        nan_at: iteration whose step is left out and reported, as a loss that is not finite is.
        threads: in which steps were made.
    """

    pace = 0.0
    fail_at: int | None = None
    nan_at: int | None = None
    pieces = 1
    error: Exception = ZeroDivisionError("something inside")
    thing = "camera"

    def __init__(self, scene: Scene, settings: Settings, device: torch.device) -> None:
        self.scene, self.settings, self.device = scene, settings, device
        self.stages = STAGES
        self.iterations = settings.max_iterations or 20
        self.iteration = self.skipped_steps = 0
        self.lambda_exponent, self.auto_lambda = settings.lambda_exponent, settings.auto_lambda
        self.mu_exponent, self.matches = settings.mu_exponent, settings.uses_matches
        self.rate_factors = (1.0, 1.0)
        self.events: list[Event] = [Event(0, 0.0, "stage", "coarse")]
        self.threads: set[str] = set()
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.field = SimpleNamespace(version=0)
        self.calibration = SimpleNamespace(
            intrinsics=lambda intrinsics: intrinsics, log_gain=torch.zeros(len(scene.training_frames), 3)
        )
        self.statuses = FrameStatuses(len(scene.training_frames))
        self._poses = scene.initial_poses[list(scene.training_frames)].clone()
        self._searched = self._done_pieces = 0

    @property
    def finished(self) -> bool:
        return self.iteration >= self.iterations and not self._searched

    @property
    def stage_index(self) -> int:
        return int(self.iteration >= self.iterations // 2)

    @property
    def stage(self) -> SimpleNamespace:
        return self.stages[self.stage_index]

    @property
    def under_way(self) -> bool:
        return self._done_pieces % self.pieces > 0

    def discard_half_done(self) -> None:
        """Every step is a whole one."""

    def step(self) -> None:
        time.sleep(self.pace)
        self.threads.add(threading.current_thread().name)
        if self.iteration == self.fail_at:
            raise self.error
        if self.iteration == self.nan_at:
            self.skipped_steps += 1
            self.events.append(Event(self.iteration, 0.0, "nan", "step left out"))
        self._done_pieces += 1
        if self.under_way:
            return
        self.iteration += 1
        self.field.version += 1
        self._searched = max(self._searched - 1, 0)
        self._poses[:, :, 3] += 0.01 * torch.randn(len(self._poses), 3, generator=self.generator)

    def photometric(self) -> float:
        return 0.1 / (1 + self.iteration)

    def alignment(self) -> float:
        return 0.01

    def frame_psnr(self) -> Tensor:
        return torch.full((len(self._poses),), 10.0 + self.iteration)

    def poses(self) -> Tensor:
        return self._poses

    def warp(self, frame: int) -> WarpField:
        points = torch.tensor([[0.1, 0.2], [-0.3, 0.1], [0.0, -0.2], [0.2, 0.2]])
        origins, directions = rays_through(self._poses[frame], points)
        return WarpField(points, origins, directions, origins, directions)

    def frame_status(self) -> tuple[FrameStatus, ...]:
        return self.statuses.all()

    def verdict(self) -> Verdict:
        return Verdict("doubtful", "Nothing is known of a trainer that learns nothing.", ())

    def measure(self, snapshot: Snapshot, selected: int | None) -> Snapshot:
        snapshot = replace(snapshot, frame_status=self.frame_status())
        if selected is not None:
            snapshot = replace(snapshot, warp=warp_snapshot(self.warp(selected), self.scene, selected))
        return with_poses(snapshot, self.scene, self.poses())

    def set_scene(self, scene: Scene) -> None:
        self.scene = scene

    def moves(self, command: Perturbation) -> Moves:
        return camera_moves(self.scene, command)

    def placements(self) -> Tensor:
        return self._poses

    def perturb(self, frame: int, twist: Tensor) -> None:
        self._poses[frame] = se3.compose(se3.exponential(twist), self._poses[frame])
        self.events.append(Event(self.iteration, 0.0, "perturb-pose", str(frame)))
        self._searched = 5

    def take_back(self, frame: int, placement: Tensor) -> None:
        self._poses[frame] = placement

    def set_lambda(self, exponent: float) -> None:
        self.lambda_exponent, self.auto_lambda = exponent, False

    def choose_lambda(self, auto: bool) -> None:
        self.auto_lambda = auto

    @property
    def doing(self) -> str:
        return ""

    def match_loss(self) -> float:
        return float("nan")

    def set_mu(self, exponent: float) -> None:
        self.mu_exponent = exponent

    def use_matches(self, use: bool) -> None:
        self.matches = use

    def exclude(self, frame: int, exclude: bool) -> None:
        (self.statuses.exclude if exclude else self.statuses.bring_back)(frame)

    def set_rates(self, field: float, pose: float) -> None:
        self.rate_factors = (field, pose)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        return {"poses": self._poses, "generator": self.generator.get_state()}, {"iteration": self.iteration}

    def load_state(self, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
        self._poses = tensors["poses"].clone()
        self.generator.set_state(tensors["generator"])
        self.iteration = metadata["iteration"]
