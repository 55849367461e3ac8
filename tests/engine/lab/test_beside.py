"""Work beside a run: it is done, can be given up, and says why it failed; the run goes on stepping meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from engine.config.settings import Settings
from engine.errors import UserError
from engine.lab.beside import ENDED, NEIGHBOURS, Experiment
from engine.run.session import Session
from engine.run.thread import Run
from tests.support.runs.fake_trainer import tiny_scene
from tests.support.runs.threads import patient

PATIENCE = 20.0


@pytest.fixture
def run() -> Iterator[Run]:
    """One that trains on and on."""
    made = Run(tiny_scene(), Settings(), make_trainer=patient(0.002), keep_going=True)
    made.start()
    yield made
    made.stop()
    made.join(PATIENCE)


def counting(to: int | None) -> Callable[[Session], Iterator[int | None]]:
    """Counts, slowly, to a number or for ever."""

    def begin(session: Session) -> Iterator[int | None]:
        count = 0
        while to is None or count < to:
            time.sleep(0.003)
            count += 1
            yield count if count % 2 else None

    return begin


def test_it_ends_with_what_was_yielded_last_and_the_run_has_gone_on(run: Run) -> None:
    experiment: Experiment[int] = Experiment(run, counting(41))
    before = run.ask(lambda session: session.trainer.iteration).result(PATIENCE)  # type: ignore[union-attr]
    experiment.start()
    experiment.join(PATIENCE)
    assert (experiment.newest, experiment.error, experiment.finished) == (41, "", True)
    after = run.ask(lambda session: session.trainer.iteration).result(PATIENCE)  # type: ignore[union-attr]
    assert after > before
    assert experiment.seconds > 0.1


def test_several_beside_one_run_share_what_one_would_have(run: Run) -> None:
    both: list[Experiment[int]] = [Experiment(run, counting(None)) for _ in range(2)]
    for one in both:
        one.start()
    end = time.monotonic() + PATIENCE
    while any(one.newest is None for one in both):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert NEIGHBOURS.count(run) == 2
    for one in both:
        one.cancel()
        one.join(PATIENCE)
    assert NEIGHBOURS.count(run) == 1


def test_it_can_be_given_up(run: Run) -> None:
    experiment: Experiment[int] = Experiment(run, counting(None))
    experiment.start()
    end = time.monotonic() + PATIENCE
    while experiment.newest is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    experiment.cancel()
    experiment.join(PATIENCE)
    assert experiment.finished
    assert experiment.error == ""


def test_what_cannot_be_measured_is_said_and_the_run_lives(run: Run) -> None:
    def refuse(session: Session) -> Iterator[int | None]:
        raise UserError("There is nothing to see.")

    experiment: Experiment[int] = Experiment(run, refuse)
    experiment.start()
    experiment.join(PATIENCE)
    assert experiment.error == "There is nothing to see."
    assert run.ask(lambda session: session.error).result(PATIENCE) is None


def test_where_the_run_has_ended_it_says_so() -> None:
    made = Run(tiny_scene(), Settings(), make_trainer=patient(0.0))
    made.start()
    made.stop()
    made.join(PATIENCE)
    experiment: Experiment[int] = Experiment(made, counting(3))
    experiment.start()
    experiment.join(PATIENCE)
    assert experiment.error == ENDED
