"""Work that takes a while, in a thread of its own; what goes wrong becomes a sentence for the banner."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from pathlib import Path

from engine.errors import UserError

log = logging.getLogger(__name__)


class BackgroundJob(ABC):
    """Makes a file or a folder in a thread of its own.

    Attributes:
        output: path of what is made.
        error: why it failed, or None.
        finished: whether it has ended, with or without success.
    """

    name = "background job"
    verb = "made"  # for the message of a failure: "... was not made"

    def __init__(self, output: Path) -> None:
        self.output = output
        self.error: str | None = None
        self.finished = self._stopping = False
        self._thread = threading.Thread(target=self._do, name=self.name, daemon=True)

    def stop(self) -> None:
        """Asks it to give up and leave nothing half written; `finished` becomes true when it has."""
        self._stopping = True

    def join(self, timeout: float | None = None) -> None:
        """Waits for the end, at most `timeout` seconds."""
        self._thread.join(timeout)

    @abstractmethod
    def work(self) -> None:
        """Does the work; ends early once `_stopping` is true."""

    def _do(self) -> None:
        try:
            self.work()
        except UserError as error:
            self.error = str(error)
        except Exception as error:  # the window must go on and show any failure
            log.exception("%s failed", self.name)
            self.error = f"{self.output} was not {self.verb} ({type(error).__name__}: {error})."
        finally:
            self.finished = True
