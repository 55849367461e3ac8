"""Something that takes a while, done in a thread; whatever goes wrong with it is a sentence for the banner."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from pathlib import Path

from engine.errors import UserError

log = logging.getLogger(__name__)


class BackgroundJob(ABC):
    """Makes a file or a folder.

    Attributes:
        output: what it makes.
        error: why it failed, or None.
        finished: whether it is over, one way or the other.
    """

    name = "background job"
    undone = "made"  # what was not done where it failed

    def __init__(self, output: Path) -> None:
        self.output = output
        self.error: str | None = None
        self.finished = self._stopping = False
        self._thread = threading.Thread(target=self._do, name=self.name, daemon=True)

    def stop(self) -> None:
        """Gives up, leaving nothing half written; `finished` tells when that is done."""
        self._stopping = True

    def join(self, timeout: float | None = None) -> None:
        """Waits for the end."""
        self._thread.join(timeout)

    @abstractmethod
    def work(self) -> None:
        """Does it, looking at `_stopping` now and then."""

    def _do(self) -> None:
        try:
            self.work()
        except UserError as error:
            self.error = str(error)
        except Exception as error:  # whatever it is, the window must live and say so
            log.exception("%s failed", self.name)
            self.error = f"{self.output} was not {self.undone} ({type(error).__name__}: {error})."
        finally:
            self.finished = True
