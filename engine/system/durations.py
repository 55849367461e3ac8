"""Durations as text."""

from __future__ import annotations


def format_duration(seconds: float) -> str:
    """`m:ss`, or `h:mm:ss` from one hour on; `seconds` >= 0 is rounded to whole seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
