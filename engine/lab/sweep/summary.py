"""What the rows of a sweep say together: success rates, errors over noise and λ, the table of the papers."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.lab.sweep.rows import Row
from engine.lab.sweep.statistics import Interval, Success, bootstrap_interval, wilson_interval


@dataclass(frozen=True)
class Axis:
    """A number that differs between the runs of a sweep.

    Attributes:
        name: with its unit.
        value: of a row; None where the run has none.
        values: in ascending order.
        labels: the values as text.
    """

    name: str
    value: Callable[[Row], Hashable]
    values: tuple[Hashable, ...]
    labels: tuple[str, ...]

    def place(self, row: Row) -> int:
        """Which of the values a row has."""
        return self.values.index(self.value(row))

    @property
    def numbers(self) -> list[float]:
        """Where the values stand on a line; of pairs the first number."""
        return [float(value[0] if isinstance(value, tuple) else value) for value in self.values]  # type: ignore[arg-type]


@dataclass(frozen=True)
class Quantity:
    """A result of a run."""

    name: str
    value: Callable[[Row], float | None]
    digits: int
    better: str  # "less" or "more"


ERRORS = (
    Quantity("rotation, °", lambda row: row.rotation_mean_deg, 3, "less"),
    Quantity("translation, scene units", lambda row: row.translation_mean, 4, "less"),
    Quantity("corners, px", lambda row: row.corner_mean_px, 3, "less"),
)
PSNRS = (
    Quantity("held-out PSNR, dB", lambda row: row.test_psnr, 2, "more"),
    Quantity("training PSNR, dB", lambda row: row.train_psnr, 2, "more"),
)
_NUMBERS: tuple[tuple[str, str], ...] = (
    ("noise_h", "noise of homographies, sl(3)"),
    ("noise_t", "noise of translations, half sides"),
    ("noise_r", "noise of rotations, radians"),
    ("lambda_exponent", "λ = 10^x, x"),
)
_NAMES = (("method", ""), ("field", ""), ("assist", "assist "), ("init", "start "))


def find_axes(rows: Sequence[Row]) -> list[Axis]:
    """The numbers that differ between rows: noise first, λ last.

    Rotation and translation noise that differ together, one value of the one for one of the other, are one axis.
    """
    rotations = sorted({row.noise_rotation for row in rows})
    translations = sorted({row.noise_translation for row in rows})
    pairs = sorted({(row.noise_rotation, row.noise_translation) for row in rows})
    found = []
    if len(rotations) > 1 and len(pairs) == len(rotations) == len(translations):
        labels = tuple(f"{rotation:g} / {translation:g}" for rotation, translation in pairs)
        found.append(
            Axis(
                "noise, radians / scene units",
                lambda row: (row.noise_rotation, row.noise_translation),
                tuple(pairs),
                labels,
            )
        )
    else:
        if len(rotations) > 1:
            found.append(_axis("rotation noise, radians", "noise_rotation", rotations))
        if len(translations) > 1:
            found.append(_axis("translation noise, scene units", "noise_translation", translations))
    for name, words in _NUMBERS:
        values = sorted({value for row in rows if (value := getattr(row, name)) is not None})
        if len(values) > 1:
            found.append(_axis(words, name, values))
    return found


def _axis(words: str, name: str, values: Sequence[float]) -> Axis:
    return Axis(words, lambda row: getattr(row, name), tuple(values), tuple(f"{value:g}" for value in values))


def find_scenes(rows: Sequence[Row]) -> list[str]:
    """Names of the scenes, in the order of the rows."""
    return list(dict.fromkeys(row.scene_name for row in rows))


def sort_rows(rows: Sequence[Row]) -> list[Row]:
    """Rows with those beside each other that differ in less and less: scene, method, field, help, start, λ; values of
    each in the order in which they come first, λ ascending."""
    firsts = [list(dict.fromkeys(getattr(row, name) for row in rows)) for name, _ in (("scene", ""), *_NAMES)]
    names = ("scene", *(name for name, _ in _NAMES))

    def key(row: Row) -> list[float]:
        places = [first.index(getattr(row, name)) for first, name in zip(firsts, names, strict=True)]
        return [*places, row.lambda_exponent]

    return sorted(rows, key=key)


def make_naming(rows: Sequence[Row], but: Sequence[Axis] = ()) -> Callable[[Row], str]:
    """A function that says what a run is, in the words in which runs of this sweep differ: method, field, help,
    start, and λ unless it is one of the axes `but`."""
    used = [(name, word) for name, word in _NAMES if len({getattr(row, name) for row in rows}) > 1]
    exponents = {row.lambda_exponent for row in rows}
    warped = {row.method for row in rows if row.lambda_exponent != 2.0}  # in the others λ means nothing
    with_lambda = len(exponents) > 1 and not any(axis.name.startswith("λ") for axis in but)

    def name(row: Row) -> str:
        parts = [word + str(getattr(row, name)) for name, word in used] or [row.method]
        if with_lambda and row.method in warped:
            parts.append(f"λ = 10^{row.lambda_exponent:g}")
        return ", ".join(parts)

    return name


@dataclass(frozen=True)
class RateMap:
    """Success rates over one or two numbers.

    Attributes:
        title: of what.
        corner: what the rows and columns are.
        rows, columns: names.
        cells: rates with 95 % intervals, by row and column; None where there are no runs.
        counts: runs that succeeded and runs in all, likewise.
        runs: names of the runs, likewise.
    """

    title: str
    corner: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[Interval | None, ...], ...]
    counts: tuple[tuple[tuple[int, int], ...], ...]
    runs: tuple[tuple[tuple[str, ...], ...], ...]


def map_success(rows: Sequence[Row], success: Success) -> list[RateMap]:
    """Maps of success rates.

    For each scene one of what was compared (rows) over the first number that differs (columns); where two or more
    numbers differ also one of the first and each other one, for each of what was compared. Whatever else differs,
    seeds included, is counted together.
    """
    rows = sort_rows(rows)
    found, axes = [], find_axes(rows)
    for scene in find_scenes(rows):
        own = [row for row in rows if row.scene_name == scene]
        first = axes[0] if axes else None
        found.append(_map_one(f"{scene}", own, make_naming(rows, axes[:1]), "", first, success))
        for other in axes[1:]:
            name = make_naming(rows, (axes[0], other))
            for variant in dict.fromkeys(name(row) for row in own):
                some = [row for row in own if name(row) == variant]
                if len({other.value(row) for row in some}) < 2:
                    continue  # such as λ of a method that has none
                found.append(_map_one(f"{scene}: {variant}", *_lines_of(other, some), other.name, first, success))
    return found


def _lines_of(axis: Axis, rows: Sequence[Row]) -> tuple[list[Row], Callable[[Row], str]]:
    """Rows in the order of an axis, and a function that names the line of the map that a row belongs to."""
    return sorted(rows, key=axis.place), lambda row: axis.labels[axis.place(row)]


def _map_one(
    title: str, rows: Sequence[Row], name: Callable[[Row], str], what: str, axis: Axis | None, success: Success
) -> RateMap:
    """Rows of the map by `name`, columns by `axis`."""
    names = tuple(dict.fromkeys(name(row) for row in rows))
    values = axis.values if axis else (None,)
    counts, runs = [], []
    for one in names:
        groups = [[r for r in rows if name(r) == one and (axis is None or axis.value(r) == v)] for v in values]
        counts.append(tuple((sum(map(success, group)), len(group)) for group in groups))
        runs.append(tuple(tuple(row.run for row in group) for group in groups))
    corner = " \\ ".join(filter(None, (what, axis.name if axis else "")))
    return RateMap(
        title,
        corner,
        names,
        axis.labels if axis else ("success",),
        tuple(tuple(wilson_interval(*pair) if pair[1] else None for pair in line) for line in counts),
        tuple(counts),
        tuple(runs),
    )


@dataclass(frozen=True)
class Curve:
    """One quantity of what was compared, over a number; at each of its values the mean and the median over runs that
    finished, with 95 % intervals (NaN where there are none)."""

    scene: str
    quantity: Quantity
    axis: Axis
    name: str
    means: tuple[Interval, ...]
    medians: tuple[Interval, ...]
    counts: tuple[int, ...]


def draw_curves(rows: Sequence[Row]) -> list[Curve]:
    """Of each error and number that differs, for each scene; other numbers but λ are counted together."""
    rows = sort_rows(rows)
    found, axes = [], find_axes(rows)
    for scene in find_scenes(rows):
        own = [row for row in rows if row.scene_name == scene]
        for axis in axes:
            name = make_naming(rows, (axis,))
            for quantity in ERRORS:
                if all(quantity.value(row) is None for row in own):
                    continue
                for variant in dict.fromkeys(name(row) for row in own):
                    some = [row for row in own if name(row) == variant]
                    groups = [_finite(quantity, [r for r in some if axis.value(r) == v]) for v in axis.values]
                    if sum(bool(group) for group in groups) < 2:
                        continue
                    means = tuple(bootstrap_interval(group, np.mean) for group in groups)
                    medians = tuple(bootstrap_interval(group, np.median) for group in groups)
                    found.append(
                        Curve(scene, quantity, axis, variant, means, medians, tuple(len(group) for group in groups))
                    )
    return found


@dataclass(frozen=True)
class Mean:
    """A cell of a table.

    Attributes:
        words: the mean.
        best: whether none in its line is better.
        count: of how many runs it is.
    """

    words: str
    best: bool
    count: int


@dataclass(frozen=True)
class PaperTable:
    """Means of one quantity over the runs that finished, as the papers print them.

    Attributes:
        title: name of the quantity.
        columns: what was compared.
        rows: the name of a scene (and its noise), and a mean for each column.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Mean, ...]], ...]


def make_paper_tables(rows: Sequence[Row]) -> list[PaperTable]:
    """Rotation, translation (or corners) and PSNR, per scene and noise, of each of what was compared."""
    rows = sort_rows(rows)
    name = make_naming(rows)
    variants = tuple(dict.fromkeys(name(row) for row in rows))
    noises = [axis for axis in find_axes(rows) if not axis.name.startswith("λ")]
    levels: dict[tuple[str, ...], list[Row]] = {}
    for row in sorted(rows, key=lambda row: [axis.place(row) for axis in noises]):
        levels.setdefault((row.scene_name, *(axis.labels[axis.place(row)] for axis in noises)), []).append(row)
    order = {scene: place for place, scene in enumerate(find_scenes(rows))}
    keys = sorted(levels, key=lambda key: order[key[0]])  # stable: noise stays in ascending order
    found = []
    for quantity in (*ERRORS, *PSNRS):
        lines = []
        for key in keys:
            groups = [_finite(quantity, [row for row in levels[key] if name(row) == variant]) for variant in variants]
            if any(groups):
                label = key[0] + (f", noise {', '.join(key[1:])}" if key[1:] else "")
                lines.append((label, _means(quantity, groups)))
        if lines:
            found.append(PaperTable(quantity.name, variants, tuple(lines)))
    return found


def _means(quantity: Quantity, groups: Sequence[Sequence[float]]) -> tuple[Mean, ...]:
    means = [float(np.mean(group)) if group else math.nan for group in groups]
    known = [mean for mean in means if math.isfinite(mean)]
    best = (min if quantity.better == "less" else max)(known, default=math.nan)
    return tuple(
        Mean(f"{mean:.{quantity.digits}f}" if group else "–", mean == best and len(known) > 1, len(group))
        for mean, group in zip(means, groups, strict=True)
    )


def _finite(quantity: Quantity, rows: Sequence[Row]) -> list[float]:
    """The quantity of those rows that finished and have it."""
    values = [quantity.value(row) for row in rows if row.state == "finished"]
    return [value for value in values if value is not None and math.isfinite(value)]
