"""The basin map: which share of kicks of each size comes back, and in how many steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from engine.lab.basin.camera_kicks import CameraKicks
from engine.lab.basin.descent import Descent, Rates
from engine.lab.basin.kicks import Kicks, Sizes
from engine.lab.basin.options import DEFAULT, BasinOptions, BasinRequest
from engine.lab.basin.patch_kicks import PatchKicks
from engine.lab.frozen import FrozenCameras, FrozenFrame, FrozenPatches, FrozenRun, freeze
from engine.run.session import Session
from engine.system.arrays import frozen

NEVER = -1  # steps of a kick that did not come back


@dataclass(frozen=True)
class Tried:
    """The kicks of one direction of one frame, by their sizes.

    Attributes:
        frame: index among the training frames.
        kicks: see `CameraKicks` and `PatchKicks`.
        steps: after which the frame was back for good; -1 where it is not (yet).
        measured: how far it is from where it is without a kick, see `Basin.measures`.
        ended: whether all steps are done.
    """

    frame: int
    kicks: Float[np.ndarray, "rows columns numbers"]
    steps: Int[np.ndarray, "rows columns"]
    measured: Float[np.ndarray, "rows columns measures"]
    ended: bool


@dataclass(frozen=True)
class Basin:
    """What is known of a basin so far.

    Attributes:
        frame: that was kicked, index among the training frames; None for all of them.
        rows, columns: sizes of the kicks.
        numbers, measures: names of what `Tried.kicks` and `Tried.measured` hold.
        definition: when a kick has come back, in a sentence.
        tried: directions that have ended, and the one under way.
        planned: directions in all.
        stages: names of the stages whose band limits count, in turn.
        share: of the work that is done, in [0, 1].
    """

    frame: int | None
    rows: Sizes
    columns: Sizes
    numbers: tuple[str, ...]
    measures: tuple[str, ...]
    definition: str
    tried: tuple[Tried, ...]
    planned: int
    stages: tuple[str, ...]
    share: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the map."""
        return len(self.rows.values), len(self.columns.values)

    @property
    def counts(self) -> tuple[Int[np.ndarray, "rows columns"], Int[np.ndarray, "rows columns"]]:
        """How many kicks of each size have been decided, and how many came back.

        Those of the direction under way are decided as soon as they are back.
        """
        decided, back = np.zeros(self.shape, np.int64), np.zeros(self.shape, np.int64)
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
            return np.full(self.shape, np.nan)
        steps = np.stack([one.steps for one in self.tried]).astype(float)
        back = np.ma.masked_less(steps, 0.0)  # NEVER
        return np.ma.filled(np.ma.median(back, axis=0).astype(float), np.nan)


def measure_basin(
    request: BasinRequest, options: BasinOptions = DEFAULT
) -> Callable[[Session], Iterator[Basin | None]]:
    """The work of an `engine.lab.beside.Experiment` that tries kicks.

    Poses, and warps of patches, move by the rates of the run's own schedule, its first to its last, as they do where
    one stage has the whole way to go (`engine.config.schedule`), times the factor that the user has set; one vector
    per frame, whatever the run's method. No matches, no search and no steps of all patches together help them.
    """

    def begin(session: Session) -> Iterator[Basin | None]:
        run, trainer = freeze(session), session.trainer
        assert trainer is not None
        first, last = trainer.stages[0].pose_rate[0], trainer.stages[-1].pose_rate[1]
        rates = Rates(first * trainer.rate_factors[1], last * trainer.rate_factors[1])
        kicks = choose_kicks(run, request, options)
        return try_all(run, request, kicks, rates, options)

    return begin


def choose_kicks(run: FrozenCameras | FrozenPatches, request: BasinRequest, options: BasinOptions) -> Kicks:
    """Those of cameras, or of patches."""
    if isinstance(run, FrozenPatches):
        return PatchKicks(run.scene, request, options)
    return CameraKicks(request, options)


def try_all(
    run: FrozenRun, request: BasinRequest, kicks: Kicks, rates: Rates, options: BasinOptions
) -> Iterator[Basin | None]:
    """Blurs the copy to the band limits, looks at each frame under them, and tries the kicks."""
    frames = [request.frame] if request.frame is not None else run.movable
    levels = []
    for stage in list_levels(run, request.stage):
        yield None
        levels.append(run.under(stage))
    views = []
    for frame in frames:
        yield None
        views.append([level.look(frame, None, options.pool) for level in levels])
    yield from try_kicks(views, request.frame, kicks, rates, options)


def list_levels(run: FrozenRun, stage: int | None) -> list[int | None]:
    """The stages whose band limits poses see in turn: one, or all up to that of now; None is that of now."""
    if stage is not None:
        return [stage]
    return [*(index for index in range(run.stage_index) if run.stages[index] != run.stage), None]


def try_kicks(
    views: Sequence[Sequence[FrozenFrame]], frame: int | None, kicks: Kicks, rates: Rates, options: BasinOptions
) -> Iterator[Basin | None]:
    """Tries one direction after the other, and yields what is known.

    Args:
        views: each frame under the band limits that its poses see in turn.
        frame: that is kicked; None for all of them.
        kicks: which ones.
        rates, options: of the optimiser.
    """
    planned = max(options.directions, len(views))
    about = (kicks.rows, kicks.columns, kicks.numbers, kicks.measures, kicks.definition)
    names = tuple(view.stage for view in views[0])
    tried: list[Tried] = []
    for number in range(planned):
        for now in try_direction(number, views[number % len(views)], kicks, rates, options):
            share = (number + now.share) / planned
            yield Basin(frame, *about, (*tried, now.tried), planned, names, share)
        tried.append(now.tried)


@dataclass(frozen=True)
class _Now:
    tried: Tried
    share: float


def try_direction(
    number: int, views: Sequence[FrozenFrame], kicks: Kicks, rates: Rates, options: BasinOptions
) -> Iterator[_Now]:
    """Kicks of all sizes in one direction of one frame, and the frame without a kick, descend together."""
    view = views[0]
    drawn = kicks.draw(number, view)
    kicked = kicks.place(drawn, view).flatten(0, 1)
    descent = Descent(view, torch.cat([kicked, view.placement[None]]), rates, options.steps, options.seed + number)
    since = torch.full((len(kicked),), NEVER)
    for step in range(options.steps):
        descent.step(views[min(step * len(views) // options.steps, len(views) - 1)], kicks.pixels, options.samples)
        last = step == options.steps - 1
        if step % options.every and not last:
            continue
        measured = kicks.measure(descent.placements)
        since = torch.where(kicks.is_back(measured), torch.where(since == NEVER, step + 1, since), NEVER)
        known = (frozen(since.view(drawn.shape[:2])), frozen(measured.unflatten(0, drawn.shape[:2])))
        yield _Now(Tried(view.frame, frozen(drawn), *known, last), (step + 1) / options.steps)
