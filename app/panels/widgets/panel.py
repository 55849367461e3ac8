"""What every panel of the window provides."""

from __future__ import annotations

from typing import Protocol

from app.model.state.state import State


class Panel(Protocol):
    """A docked part of the window.

    Attributes:
        title: of its docked window.
    """

    title: str

    def build(self, parent: int | str) -> None:
        """Makes the items once, inside the window `parent`; their callbacks write to the state or send commands."""
        ...

    def update(self, state: State) -> None:
        """Shows the state and its newest snapshot; called once per frame of the window, so it must be quick."""
        ...
