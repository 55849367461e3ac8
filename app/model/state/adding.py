"""Photos that the user adds to the run, and notices about them and about saving. No Dear PyGui here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.model.common.new_events import find_new_events
from app.model.state.state import State
from engine.errors import UserError
from engine.messages import AddFrames, Event, Snapshot
from engine.run.photo_queue import check_can_add


def can_grow(state: State) -> None:
    """Raises `UserError` where no photos can be added to the run that is shown."""
    run = state.run
    if run is None or run.scene is None:
        raise UserError("Open a scene first: photos are added to a run of it.")
    check_can_add(run.scene, run.settings.registers)


def add_photos(state: State, paths: Sequence[Path]) -> None:
    """Adds photos to the run that is shown, and to a second one beside it.

    Raises:
        UserError: no photos can be added to it. What is wrong with single photos becomes an event of the run.
    """
    can_grow(state)
    state.send_all(AddFrames(tuple(paths)))


class Notices:
    """Puts notices about added photos and checkpoints into the state; the window shows each for a few seconds."""

    def __init__(self) -> None:
        self._before: Snapshot | None = None

    def see(self, state: State) -> None:
        """Takes the newest snapshot; to be called once per frame of the window."""
        snapshot = state.run.snapshot if state.run is not None else None
        before, self._before = self._before, snapshot
        if snapshot is None or before is None or snapshot is before or not before.events:
            return
        for event in find_new_events(before, snapshot):
            words = describe_event(event)
            if words and words != snapshot.message:  # the message is in the banner already
                state.notice = words


def describe_event(event: Event) -> str:
    """The notice about an event; empty for most kinds."""
    match event.kind:
        case "add-frames":
            return f"Reading {event.detail}."
        case "added":
            return f"Added {event.detail}; searching for {'its pose' if ', ' not in event.detail else 'their poses'}."
        case "joined" | "note":
            return event.detail
        case "save-checkpoint":
            return f"Saved: {event.detail}"
    return ""
