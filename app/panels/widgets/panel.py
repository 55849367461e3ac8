"""What every panel of the window is."""

from __future__ import annotations

from typing import Protocol

from app.model.state.state import State


class Panel(Protocol):
    """A part of the window, one file and one class each.

    Attributes:
        title: of its docked window.
    """

    title: str

    def build(self, parent: int | str) -> None:
        """Makes its items once, inside the window `parent`; callbacks write to the state or send commands."""
        ...

    def update(self, state: State) -> None:
        """Shows the state and the snapshot (`state.run.snapshot`) as they are now; once per frame, quickly."""
        ...
