"""A trainer's units of work. Each trainer has one table of tasks, in the order in which they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

Progress = Literal["complete", "under way"]
"""Whether a run that is stepped singly may pause here, or more of the same step follows."""


class Task(NamedTuple):
    """One kind of work.

    Attributes:
        name: for people.
        due: whether there is something to do; changes nothing.
        perform: does a piece that is short enough for a command to wait for (at most about 0.1 s).
    """

    name: str
    due: Callable[[], bool]
    perform: Callable[[], Progress]


def perform_first_due(tasks: Sequence[Task]) -> Progress:
    """Performs the first task that is due; the last one of a table is always due."""
    return next(task for task in tasks if task.due()).perform()


def perform_all_due(tasks: Sequence[Task]) -> None:
    """Performs every task of a table whose tasks are always complete, in order, if it is due by then."""
    for task in tasks:
        if task.due():
            task.perform()
