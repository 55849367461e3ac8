"""Values that are computed again only when their inputs have changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from app.model.common.unchanged import Remembered

Value = TypeVar("Value")


class Kept:
    """The last value of each name: while inputs stay the same the render thread gets the same arrays."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[Remembered, Any]] = {}

    def get(self, name: str, build: Callable[..., Value], *inputs: Any) -> Value:
        """`build(*inputs)`, or its last value where the inputs are those of the last call.

        Arrays are compared by identity, other inputs by equality.
        """
        if name not in self._values:
            self._values[name] = (Remembered(), None)
        remembered, value = self._values[name]
        if remembered.changed(*inputs):
            value = build(*inputs)
            self._values[name] = (remembered, value)
        return value
