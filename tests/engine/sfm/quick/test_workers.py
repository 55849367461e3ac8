"""Processes perform tasks, pass on failures, and end with the block."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from engine.errors import UserError
from engine.sfm.quick.workers import Workers


def count_up(number: int) -> Iterator[tuple[int, int]]:
    for step in range(number):
        yield step, os.getpid()


def fail(sentence: str | None) -> Iterator[int]:
    yield 1
    raise UserError(sentence) if sentence else ValueError("a defect")


def end_process() -> Iterator[int]:
    yield 1
    os._exit(3)


def test_items_of_all_tasks_arrive_from_other_processes() -> None:
    with Workers(2) as workers:
        for _ in range(2):  # they can be used again
            found = list(workers.run([(count_up, (number,)) for number in (3, 0, 2, 1)]))
            by_task = {task: [step for other, (step, _) in found if other == task] for task in range(4)}
            assert by_task == {0: [0, 1, 2], 1: [], 2: [0, 1], 3: [0]}
            assert os.getpid() not in {process for _, (_, process) in found}


def test_failures_arrive() -> None:
    with Workers(1) as workers, pytest.raises(UserError, match="too few photos"):
        list(workers.run([(fail, ("too few photos",))]))
    with Workers(1) as workers, pytest.raises(RuntimeError, match="ValueError: a defect"):
        list(workers.run([(fail, (None,))]))


def test_a_process_that_ends_is_reported_in_a_sentence() -> None:
    with Workers(1) as workers, pytest.raises(UserError, match="ended unexpectedly"):
        list(workers.run([(end_process, ())]))


def test_leaving_the_block_ends_a_task_under_way() -> None:
    with Workers(1) as workers:
        items = workers.run([(count_up, (10**9,))])
        process = next(items)[1][1]
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
