"""Trains the contestants of a race in one thread, a step at a time in turn, so that their shares are equal."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from engine.errors import UserError
from engine.lab.race.definition import Contestant, Race
from engine.lab.race.memory import MemoryGuard
from engine.lab.race.photos import SharedPhotos
from engine.lab.race.warm_up import WarmUp
from engine.run.session import Session, TrainerFactory
from engine.run.turns import Standing, choose_next
from engine.scenes import AnyScene
from engine.training.kinds import make_trainer

NO_MEMORY = (
    "The runs of the race need more memory than there is, so that this one was ended; race fewer at a time, or on "
    "smaller photos (--downscale)."
)


@dataclass
class Entrant:
    """A contestant and its run.

    Attributes:
        session: its run, in the thread of the race.
        processor_seconds: that the process has spent on it, on all cores together.
    """

    contestant: Contestant
    session: Session
    processor_seconds: float = 0.0

    @property
    def standing(self) -> Standing:
        """What it has had."""
        trainer = self.session.trainer
        return Standing(0 if trainer is None else trainer.iteration, self.session.seconds)

    def act(self, act: Callable[[], object]) -> None:
        """Calls a function for the run, with its clock; an error makes the run fail and leaves the race going."""
        begun = time.process_time()
        try:
            act()
        except Exception as error:
            self.fail(error)
        self.session.state.clock.stop()
        self.processor_seconds += time.process_time() - begun

    def fail(self, error: Exception) -> None:
        """Ends its run."""
        self.session.fail(error)
        self.session.state.trainer = None  # its memory is of use to the others


def run_race(
    race: Race,
    scenes: Sequence[AnyScene],
    device: torch.device | str = "cpu",
    *,
    watch: Callable[[Sequence[Entrant]], object] = lambda entrants: None,
    stopped: Callable[[], bool] = lambda: False,
    make_trainer: TrainerFactory = make_trainer,
    memory: MemoryGuard | None = None,
) -> list[Entrant]:
    """Trains until all contestants have ended, or `stopped` says so.

    Args:
        race: who races, and by which rule.
        scenes: of each contestant.
        device: where all are trained.
        watch: called after each step.
        stopped: asked before each step.
        make_trainer: in place of `engine.training.kinds.make_trainer`.
        memory: when there is too much of it, the last contestant that still trains fails.
    Returns:
        the contestants, each with its history; one that failed has an error.
    """
    make_shared = SharedPhotos(make_trainer)
    entrants = [
        Entrant(
            contestant,
            Session(scene, contestant.settings, device, max_seconds=race.max_seconds, make_trainer=make_shared),
        )
        for contestant, scene in zip(race.contestants, scenes, strict=True)
    ]
    warm_up = WarmUp(make_trainer)
    for entrant in entrants:
        if not stopped():
            warm_up.run(entrant.session.scene, entrant.session.settings, torch.device(device))
    for entrant in entrants:
        if not stopped():
            entrant.act(entrant.session.begin)
    memory = memory or MemoryGuard()
    while not stopped():
        racing = [entrant for entrant in entrants if _races(entrant, race.max_seconds)]
        if not racing:
            break
        if memory.exceeded():
            racing[-1].fail(UserError(NO_MEMORY))
            continue
        chosen = racing[choose_next([entrant.standing for entrant in racing], race.equal)]
        chosen.act(chosen.session.advance)
        watch(entrants)
    for entrant in entrants:
        entrant.act(entrant.session.stop)
    return entrants


def _races(entrant: Entrant, max_seconds: float | None) -> bool:
    return entrant.session.busy and (max_seconds is None or entrant.session.seconds < max_seconds)
