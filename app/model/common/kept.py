"""Values that are made anew only when what they are made from has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from app.model.common.unchanged import Remembered

Value = TypeVar("Value")


class Kept:
    """The last value of each name, so that the render thread meets the same arrays while nothing is new."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[Remembered, Any]] = {}

    def get(self, name: str, build: Callable[..., Value], *inputs: Any) -> Value:
        """`build(*inputs)`, or what it gave for these inputs the last time; arrays are told apart by identity."""
        if name not in self._values:
            self._values[name] = (Remembered(), None)
        remembered, value = self._values[name]
        if remembered.changed(*inputs):
            value = build(*inputs)
            self._values[name] = (remembered, value)
        return value
