"""Work that somebody else does meanwhile: whoever hands it out says how, and the rest sees only futures."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

Made = TypeVar("Made")


class Background(Protocol):
    """Has work done, now or later; `ThreadPoolExecutor.submit` is one."""

    def __call__(self, act: Callable[[], Made], /) -> Future[Made]: ...


def at_once(act: Callable[[], Made]) -> Future[Made]:
    """No background at all: the future is done."""
    future: Future[Made] = Future()
    try:
        future.set_result(act())
    except Exception as error:  # it belongs to whoever asks the future
        future.set_exception(error)
    return future
