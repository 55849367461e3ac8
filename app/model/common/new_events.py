"""What happened between two snapshots of a run."""

from __future__ import annotations

from engine.messages import Event, Snapshot


def find_new_events(before: Snapshot, now: Snapshot) -> list[Event]:
    """The events of `now` that `before` does not have, in their order.

    A snapshot carries only the newest events of a long run, so both are compared from their ends.
    """
    if not before.events:
        return list(now.events)
    last, found = before.events[-1], []
    for event in reversed(now.events):
        if event is last or event == last:
            break
        found.append(event)
    return found[::-1]
