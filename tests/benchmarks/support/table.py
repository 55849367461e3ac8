"""Measured values and their targets, as a Markdown table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Target:
    """A bound that a measure must not exceed (`at most`) or fall below (`at least`)."""

    kind: Literal["at most", "at least"]
    bound: float

    def met(self, value: float | None) -> bool:
        """Whether a value keeps the bound; a missing value does not."""
        if value is None:
            return False
        return value <= self.bound if self.kind == "at most" else value >= self.bound


@dataclass(frozen=True)
class Measure:
    """One row: a quantity, measured once per seed.

    Attributes:
        what: the quantity, with the conditions.
        unit: of the values.
        values: one per seed; None where there is none.
        target: of all values, or None.
    """

    what: str
    unit: str
    values: Sequence[float | None]
    target: Target | None = None

    @property
    def mean(self) -> float | None:
        """Over the seeds; None if one of them has no value."""
        known = [value for value in self.values if value is not None]
        return sum(known) / len(known) if known and len(known) == len(self.values) else None

    @property
    def met(self) -> bool | None:
        """Whether every seed keeps the target; None without one."""
        return None if self.target is None else all(self.target.met(value) for value in self.values)


def markdown(measures: Sequence[Measure], columns: Sequence[str]) -> str:
    """The table: what, target, mean, a column per seed, and whether every seed kept the target."""
    header = ["what", "target", "mean", *columns, "met"]
    rows = [header, ["---"] * len(header)]
    for measure in measures:
        sign = {"at most": "≤", "at least": "≥"}
        target = f"{sign[measure.target.kind]} {number(measure.target.bound)}" if measure.target else ""
        seeds = [number(value) for value in measure.values]
        seeds += [""] * (len(columns) - len(seeds))
        met = {None: "", True: "yes", False: "no"}[measure.met]
        unit = f" [{measure.unit}]" if measure.unit else ""
        rows.append([measure.what + unit, target, number(measure.mean), *seeds, met])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def as_json(measures: Sequence[Measure]) -> list[dict[str, Any]]:
    """The same rows as JSON objects."""
    return [asdict(measure) | {"mean": measure.mean, "met": measure.met} for measure in measures]


def number(value: float | None) -> str:
    """Three significant digits or more; a dash where there is no value."""
    if value is None:
        return "–"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:#.4g}".rstrip("0").rstrip(".")
