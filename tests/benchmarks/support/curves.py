"""Numbers from the curves of a run, as `result.json` has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


def time_until(history: Sequence[Row], reached: Callable[[Row], bool]) -> float | None:
    """Seconds of the first row of a history that fulfils a condition; None without one."""
    return next((float(row["seconds"]) for row in history if reached(row)), None)


def below(**bounds: float) -> Callable[[Row], bool]:
    """The condition that all these keys of a row are known and below their bounds."""

    def reached(row: Row) -> bool:
        return all(row.get(key) is not None and row[key] < bound for key, bound in bounds.items())

    return reached


def at(history: Sequence[Row], seconds: float) -> Row | None:
    """The last row within so many seconds; None if there is none."""
    within = [row for row in history if row["seconds"] <= seconds]
    return within[-1] if within else None


def value_at(history: Sequence[Row], seconds: float, key: str) -> float | None:
    """The value of a key in the last row within so many seconds; None if there is none."""
    row = at(history, seconds)
    return None if row is None or row.get(key) is None else float(row[key])


def nested(result: Row, path: str) -> float | None:
    """The number under a path such as `pose.rotation_error_deg.mean`; None if it is missing."""
    value: Any = result
    for key in path.split("."):
        if not isinstance(value, Mapping) or value.get(key) is None:
            return None
        value = value[key]
    return float(value)
