"""Failures in the window become a banner: a failing panel must not end the run."""

from __future__ import annotations

import logging
from collections.abc import Callable

from app.model.state.state import State
from engine.errors import UserError

log = logging.getLogger(__name__)


class Guard:
    """Calls functions that may fail."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._failed: set[str] = set()

    def call(self, act: Callable[[], None], what: str) -> None:
        """Calls `act`; a failure is shown in the banner as a failure of `what`.

        A failure that is no `UserError` is shown and logged once for each `what`: what is done in every frame would
        otherwise be reported thirty times a second.
        """
        try:
            act()
        except UserError as error:
            self._state.banner = str(error)
        except Exception as error:
            if what not in self._failed:
                self._failed.add(what)
                log.exception("%s failed", what)
                self._state.banner = f"{what} failed ({type(error).__name__}: {error}); the run goes on."
