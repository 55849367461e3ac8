"""Work that may run in another thread: the caller chooses how, the rest of the code sees only futures."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

Result = TypeVar("Result")


class Background(Protocol):
    """A function that runs work now or later, such as `ThreadPoolExecutor.submit`."""

    def __call__(self, act: Callable[[], Result], /) -> Future[Result]: ...


def at_once(act: Callable[[], Result]) -> Future[Result]:
    """Runs the work in the calling thread and returns a finished future, which holds the result or the exception."""
    future: Future[Result] = Future()
    try:
        future.set_result(act())
    except Exception as error:  # raised again by `future.result()`
        future.set_exception(error)
    return future
