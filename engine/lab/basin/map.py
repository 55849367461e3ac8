"""The basin map: which share of kicks of each size comes back, and in how many steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from engine.errors import UserError
from engine.geometry import se3
from engine.lab.basin.descent import Descent, Rates
from engine.lab.basin.kicks import list_sizes, make_kicks
from engine.lab.basin.options import DEFAULT, BasinOptions, BasinRequest
from engine.lab.frozen.camera import FrozenCamera, FrozenCameras, freeze_cameras
from engine.run.session import Session
from engine.system.arrays import frozen
from engine.training.cameras import CameraTrainer

NEVER = -1  # steps of a kick that did not come back


@dataclass(frozen=True)
class Tried:
    """The kicks of one direction of one frame. Rows are distances, columns angles.

    Attributes:
        frame: index among the training frames.
        kicks: twists in the camera's own axes, radians and scene units.
        steps: after which the pose was back for good; -1 where it is not (yet).
        angle_deg, distance: from where the pose is that was not kicked; degrees, scene units.
        ended: whether all steps are done.
    """

    frame: int
    kicks: Float[np.ndarray, "rows columns 6"]
    steps: Int[np.ndarray, "rows columns"]
    angle_deg: Float[np.ndarray, "rows columns"]
    distance: Float[np.ndarray, "rows columns"]
    ended: bool


@dataclass(frozen=True)
class Basin:
    """What is known of a basin so far. Rows are distances, columns angles.

    Attributes:
        request, options: what was asked for.
        turns_deg, shifts: angles of the columns, degrees; distances of the rows, scene units.
        tried: directions that have ended, and the one under way.
        planned: directions in all.
        stages: names of the stages whose band limits count, in turn.
        share: of the work that is done, in [0, 1].
    """

    request: BasinRequest
    options: BasinOptions
    turns_deg: Float[np.ndarray, " columns"]
    shifts: Float[np.ndarray, " rows"]
    tried: tuple[Tried, ...]
    planned: int
    stages: tuple[str, ...]
    share: float

    @property
    def counts(self) -> tuple[Int[np.ndarray, "rows columns"], Int[np.ndarray, "rows columns"]]:
        """How many kicks of each size have been decided, and how many came back.

        Those of the direction under way are decided as soon as they are back.
        """
        shape = (len(self.shifts), len(self.turns_deg))
        decided, back = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for one in self.tried:
            decided += one.ended | (one.steps != NEVER)
            back += one.steps != NEVER
        return decided, back

    @property
    def returned(self) -> Float[np.ndarray, "rows columns"]:
        """Share of the kicks of each size that came back, of those decided; NaN where none is."""
        decided, back = self.counts
        return np.where(decided > 0, back / np.maximum(decided, 1), np.nan)

    @property
    def median_steps(self) -> Float[np.ndarray, "rows columns"]:
        """Of those that came back; NaN where none did."""
        if not self.tried:
            return np.full((len(self.shifts), len(self.turns_deg)), np.nan)
        steps = np.stack([one.steps for one in self.tried]).astype(float)
        back = np.ma.masked_less(steps, 0.0)  # NEVER
        return np.ma.filled(np.ma.median(back, axis=0).astype(float), np.nan)


def measure_basin(
    request: BasinRequest, options: BasinOptions = DEFAULT
) -> Callable[[Session], Iterator[Basin | None]]:
    """The work of an `engine.lab.beside.Experiment` that tries kicks.

    Poses move by the rates of the run's own schedule, its first to its last, as they do where one stage has the whole
    way to go (`engine.config.schedule`), times the factor that the user has set; one twist per frame, whatever the
    run's method. No matches and no search help them.
    """

    def begin(session: Session) -> Iterator[Basin | None]:
        trainer = session.trainer
        if not isinstance(trainer, CameraTrainer):
            raise UserError("Basins are measured in scenes of photos with cameras, once the run trains.")
        first, last = trainer.stages[0].pose_rate[0], trainer.stages[-1].pose_rate[1]
        rates = Rates(first * trainer.rate_factors[1], last * trainer.rate_factors[1])
        return try_all(freeze_cameras(trainer), request, rates, options)

    return begin


def try_all(run: FrozenCameras, request: BasinRequest, rates: Rates, options: BasinOptions) -> Iterator[Basin | None]:
    """Blurs the copy to the band limits, looks at each frame under them, and tries the kicks."""
    frames = [request.frame] if request.frame is not None else range(len(run.frames))
    levels = []
    for stage in list_levels(run, request.stage):
        yield None
        levels.append((stage, run.at_stage(stage)))
    views = []
    for frame in frames:
        yield None
        views.append([run.look(frame, stage, options.pool, field) for stage, field in levels])
    yield from try_kicks(views, request, rates, options)


def list_levels(run: FrozenCameras, stage: int | None) -> list[int | None]:
    """The stages whose band limits poses see in turn: one, or all up to that of now; None is that of now."""
    if stage is not None:
        return [stage]
    return [*(index for index in range(run.stage_index) if run.stages[index] != run.field.stage), None]


def try_kicks(
    views: Sequence[Sequence[FrozenCamera]], request: BasinRequest, rates: Rates, options: BasinOptions
) -> Iterator[Basin | None]:
    """Tries one direction after the other, and yields what is known.

    Args:
        views: each frame under the band limits that its poses see in turn.
        request, options: which kicks.
        rates: of the optimiser.
    """
    planned = max(options.directions, len(views))
    angles, distances = list_sizes(request, options)
    about = (frozen(angles), frozen(distances))
    names = tuple(view.stage for view in views[0])
    tried: list[Tried] = []
    for number in range(planned):
        for now in try_direction(number, views[number % len(views)], request, rates, options):
            share = (number + now.share) / planned
            yield Basin(request, options, *about, (*tried, now.tried), planned, names, share)
        tried.append(now.tried)


@dataclass(frozen=True)
class _Now:
    tried: Tried
    share: float


def try_direction(
    number: int, views: Sequence[FrozenCamera], request: BasinRequest, rates: Rates, options: BasinOptions
) -> Iterator[_Now]:
    """Kicks of all sizes in one direction of one frame, with one pose that is not kicked, descend together."""
    pose, frame = views[0].pose, views[0].frame
    kicks = make_kicks(number, request, options)
    kicked = se3.compose(se3.exponential(kicks.reshape(-1, 6).to(pose)), pose)
    descent = Descent(torch.cat([kicked, pose[None]]), rates, options.steps, options.seed + number)
    since = torch.full((len(kicked),), NEVER)
    for step in range(options.steps):
        view = views[min(step * len(views) // options.steps, len(views) - 1)]
        descent.step(view, options.pixels, options.samples)
        last = step == options.steps - 1
        if step % options.every and not last:
            continue
        angle, distance = measure_way(descent.poses)
        back = (angle <= options.angle_deg) & (distance <= options.distance * request.spread)
        since = torch.where(back, torch.where(since == NEVER, step + 1, since), NEVER)
        shape = kicks.shape[:2]
        parts = (frozen(since.view(shape)), frozen(angle.view(shape)), frozen(distance.view(shape)))
        yield _Now(Tried(frame, frozen(kicks), *parts, last), (step + 1) / options.steps)


def measure_way(poses: Float[Tensor, "poses 3 4"]) -> tuple[Float[Tensor, " kicked"], Float[Tensor, " kicked"]]:
    """Angle (degrees) and distance of the centre (scene units) of all poses but the last from the last."""
    poses = poses.cpu()
    centres = se3.camera_centre(poses)
    turned = se3.rotation_angle(poses[:-1, :, :3] @ poses[-1, :, :3].mT)
    return torch.rad2deg(turned), (centres[:-1] - centres[-1]).norm(dim=-1)
