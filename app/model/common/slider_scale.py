"""What logarithmic sliders show, and the marks that they snap to: pure functions of exponents."""

from __future__ import annotations

import math
from typing import NamedTuple

from engine.config.settings import Settings


class ExponentRange(NamedTuple):
    """The ends of a slider over exponents, and the exponent to which a double click sets it."""

    lowest: float
    highest: float
    default: float


LAMBDA = ExponentRange(-4.0, 6.0, 2.0)  # the default is the paper's
MU = ExponentRange(-4.0, 4.0, Settings.mu_exponent)
LOWEST_FACTOR, HIGHEST_FACTOR = 0.1, 10.0
SNAP = 0.06  # a slider that is dragged this near to a mark, in exponents, snaps to it


def format_value(exponent: float) -> str:
    """10^exponent with three digits, in positional notation where that is short: `100`, `0.0316`, `2.51e+05`."""
    value = 10.0**exponent
    if 1e-3 <= value < 99_999.5:
        decimals = max(2 - math.floor(math.log10(value) + 1e-9), 0)
        text = f"{value:.{decimals}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.2e}"


def snap_exponent(exponent: float, mark: float = LAMBDA.default, reach: float = SNAP) -> float:
    """The mark where the exponent is within `reach` of it, else the exponent rounded to two decimals."""
    return mark if abs(exponent - mark) < reach else round(exponent, 2)


def find_exponent(factor: float) -> float:
    """The exponent of a factor; factors beyond the ends of the slider are at its ends."""
    return math.log10(min(max(factor, LOWEST_FACTOR), HIGHEST_FACTOR))


def find_factor(exponent: float) -> float:
    """The factor of an exponent, rounded to three digits; exactly 1 near the middle of the slider."""
    value = 10.0 ** snap_exponent(exponent, 0.0, 0.02)
    return float(f"{min(max(value, LOWEST_FACTOR), HIGHEST_FACTOR):.3g}")


def find_fraction(value: float, lowest: float, highest: float) -> float:
    """The place of a value between two ends, 0 to 1."""
    return min(max((value - lowest) / (highest - lowest), 0.0), 1.0)
