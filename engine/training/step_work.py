"""What one optimisation step is made of: what it renders, what it may move, what its matches say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor

from engine.registration.recorded_follow import FollowedRegistration
from engine.system.recorded_work import WorkKind
from engine.training.losses import StepOutput
from engine.training.pose_optimiser import PoseOptimiser
from engine.training.trainer import TrainedField


class Learned(NamedTuple):
    """What a run learns: the field, the registration, and the optimiser of all that is not the field."""

    field: TrainedField
    registration: FollowedRegistration
    optimiser: PoseOptimiser


class Moving(NamedTuple):
    """What may move in a step besides the field.

    Attributes:
        poses: the poses.
        warp: the local warp, where poses do not.
        calibration: what of the calibration is fitted, where poses move.
    """

    poses: bool = True
    warp: bool = True
    calibration: bool = True


class MatchWork(NamedTuple):
    """The matches of a step that has any: how far their rays are from meeting, and how many steps it stands for."""

    measure: Callable[[], Tensor]
    steps: float


class StepWork(NamedTuple):
    """One step.

    Attributes:
        render: renders it.
        kind: what `render` depends on; None where it must not be recorded.
        matches: None where this step has none.
        moving: what may move.
        unknown: frames that have no pose yet, whose errors say nothing.
    """

    render: Callable[[], StepOutput]
    kind: WorkKind | None = None
    matches: MatchWork | None = None
    moving: Moving = Moving()
    unknown: Sequence[int] = ()
