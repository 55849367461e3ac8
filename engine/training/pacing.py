"""A schedule that ends when its time is over: how many steps each stage gets, from what steps are found to take."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from engine.config.rows import Stage


@dataclass(frozen=True)
class PacingOptions:
    """How a schedule is fitted to a time.

    Attributes:
        window: steps whose median is what a step takes; the first ones of a stage, in which kernels are compiled, and
            single ones that wait for a checkpoint do not count then.
        fewest: steps of a stage that have been timed before its number of steps changes.
        most: a stage before the last gets at most so many times its usual steps; what time is left goes to the last
            one, which sees the photos as they are.
        worth: share of its usual steps below which a stage is left out: it would end blurrier than the one before it,
            whose time it takes. The locomotive at 100 pixels ends at 25.2 dB held out after 60 s in its second stage,
            and at 23.6 dB where a fifth of the steps of each of three stages fit into them.
        returns: the same for a stage that has been left out already, so that plans do not go to and fro.
        least_steps: of a stage, however little time there is.
        reserve: seconds before the end at which the schedule shall be done: the last step must not come too late.
    """

    window: int = 25
    fewest: int = 5
    most: float = 1.0
    worth: float = 0.3
    returns: float = 0.5
    least_steps: int = 20
    reserve: float = 0.5


OPTIONS = PacingOptions()


class Pacing:
    """Fits what is left of a schedule to the time that is left, again and again while it runs.

    Until a stage has been timed its steps are estimated from those of another, in proportion to `Stage.cost`. All
    stages shrink alike where time is short, and the last ones are left out (no steps) where it is very short; where
    there is plenty the last one grows.
    """

    def __init__(self, usual: Sequence[Stage]) -> None:
        """`usual` is the schedule of a run without a limit."""
        self._usual = tuple(usual)
        self._timed: dict[int, deque[float]] = {}  # seconds of the last steps, by stage
        self._before: tuple[int, int, float] | None = None  # stage, iteration and seconds left at the last look

    def fit(self, stages: Sequence[Stage], index: int, done: int, iteration: int, left: float) -> tuple[Stage, ...]:
        """The schedule with as many steps as there is time for.

        Args:
            stages: as they were planned last; those before `index` stay.
            index: of the stage under way.
            done: its steps so far.
            iteration: steps of the run so far.
            left: seconds until the run is stopped.
        """
        if self._before is not None:
            stage, before, left_before = self._before
            if stage == index and iteration == before + 1:
                self._time_step(index, left_before - left)
        self._before = index, iteration, left
        if left <= 0 or stages[index].iterations == 0:  # the user lets it go on: there is no limit any more
            return self._usual
        if len(self._timed.get(index, ())) < OPTIONS.fewest:
            return tuple(stages)
        to_do = max(1 - done / stages[index].iterations, 0.0)  # share of the stage, by its last plan
        usual = [round(to_do * self._usual[index].iterations)]
        usual += [stage.iterations for stage in self._usual[index + 1 :]]
        seconds = [self._estimate(number) for number in range(index, len(stages))]
        left = max(left - OPTIONS.reserve, 0.0)
        kept = len(usual)
        while kept > 1 and not self._fits(usual[:kept], seconds, left, stages[index + kept - 1].iterations == 0):
            kept -= 1
        steps = spread_time(usual[:kept], seconds[:kept], left)
        steps[0] += done
        least = [min(OPTIONS.least_steps, stage.iterations) for stage in self._usual[index : index + kept]]
        planned = [max(pair) for pair in zip(steps, least, strict=True)] + [0] * (len(usual) - kept)
        earlier = list(stages[:index])
        if earlier:  # it may have ended a few steps after its last plan, or another one, where the run was resumed
            before_it = sum(stage.iterations for stage in earlier[:-1])
            earlier[-1] = replace(earlier[-1], iterations=iteration - done - before_it)
        return tuple(earlier) + tuple(
            replace(stage, iterations=count, settle=self._settle(number, count))
            for number, (stage, count) in enumerate(zip(stages[index:], planned, strict=True), index)
        )

    def _fits(self, usual: Sequence[int], seconds: Sequence[float], left: float, out: bool) -> bool:
        """Whether there is time enough for the last of these stages to be worth it; it may be out already."""
        wanted = sum(count * each for count, each in zip(usual, seconds, strict=False))
        return left >= (OPTIONS.returns if out else OPTIONS.worth) * wanted

    def _settle(self, number: int, count: int) -> int:
        """Steps of a stage of `count` in which poses stand still: as large a part as usual, but no more steps."""
        usual = self._usual[number]
        return usual.settle * min(count, usual.iterations) // usual.iterations

    def _time_step(self, index: int, seconds: float) -> None:
        self._timed.setdefault(index, deque(maxlen=OPTIONS.window)).append(max(seconds, 1e-6))

    def _estimate(self, index: int) -> float:
        """Seconds per step of a stage, from its own steps or else from those of the last stage that was timed."""
        known = index if index in self._timed else max(self._timed)
        return median(self._timed[known]) * self._usual[index].cost / self._usual[known].cost


def spread_time(usual: Sequence[int], seconds: Sequence[float], left: float) -> list[int]:
    """Steps of stages that take `left` seconds together.

    Args:
        usual: steps that are still to be done of each stage, without a limit.
        seconds: per step of each.
        left: seconds for all.
    Returns:
        the same share of the usual steps for each, but at most `PacingOptions.most` of it, and the rest to the last.
    """
    wanted = sum(count * each for count, each in zip(usual, seconds, strict=True))
    share = min(left / wanted, OPTIONS.most) if wanted > 0 else OPTIONS.most
    steps = [int(share * count) for count in usual]
    spent = sum(count * each for count, each in zip(steps[:-1], seconds[:-1], strict=True))
    steps[-1] = int(max(left - spent, 0.0) / seconds[-1])
    return steps


def describe_plan(stages: Sequence[Stage]) -> list[list[int]]:
    """What a time limit has changed in a schedule, for a checkpoint: iterations and settling steps of each stage."""
    return [[stage.iterations, stage.settle] for stage in stages]


def take_plan(usual: Sequence[Stage], plan: Sequence[Sequence[int]]) -> tuple[Stage, ...]:
    """The schedule with what `describe_plan` gave; the usual one where the plan is of another number of stages."""
    if len(plan) != len(usual):
        return tuple(usual)
    return tuple(
        replace(stage, iterations=count, settle=settle) for stage, (count, settle) in zip(usual, plan, strict=True)
    )
