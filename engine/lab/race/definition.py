"""Who races: each contestant is one run, described by how it differs from what all have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from engine.config.methods import find_method
from engine.config.settings import Settings, is_exponent
from engine.errors import UserError
from engine.fields import FIELDS, check_settings, find_field
from engine.run.turns import Equal
from engine.scenes.options import InitialPoses, SceneOptions

FEWEST, MOST = 2, 4
COLOURS = ("#56b4e9", "#e8711c", "#2fbf71", "#d07bd0")
"""Of the contestants, in order: after Okabe and Ito, for colour-blind people too, on a dark window and on paper."""


@dataclass(frozen=True)
class Contestant:
    """One run of a race.

    Attributes:
        name: what differs from the others, in a few words; unique within the race.
        colour: in plots and views, such as `#56b4e9`.
        settings: of the run.
        options: how its scene is read; only its start may differ from that of the others.
    """

    name: str
    colour: str
    settings: Settings
    options: SceneOptions


@dataclass(frozen=True)
class Race:
    """Contestants, and what is equal for them.

    Attributes:
        contestants: `FEWEST` to `MOST`.
        equal: at any moment all have had equally many iterations, or equally many seconds.
        max_seconds: of each, with equal seconds: its schedule is fitted to them. None for the whole schedule.
    """

    contestants: tuple[Contestant, ...]
    equal: Equal = "iterations"
    max_seconds: float | None = None


Base = tuple[Settings, SceneOptions]


def make_race(
    words: Sequence[str],
    settings: Settings,
    options: SceneOptions,
    equal: Equal = "iterations",
    max_seconds: float | None = None,
) -> Race:
    """A race of contestants that differ from a base as `describe_syntax` says.

    Args:
        words: one for each, such as `barf` or `l2g:assist=off,lambda=3`.
        settings, options: the base, which holds for all that a contestant does not say.
        equal, max_seconds: see `Race`.
    Raises:
        UserError: too few or too many, words that make no sense, or a method and a field that do not go together.
    """
    if not FEWEST <= len(words) <= MOST:
        raise UserError(f"A race has {FEWEST} to {MOST} contestants, not {len(words)}; {describe_syntax()}.")
    bases = [parse_contestant(word, settings, options) for word in words]
    names = _choose_names([word.strip() for word in words])
    contestants = (Contestant(name, colour, *base) for name, colour, base in zip(names, COLOURS, bases, strict=False))
    race = Race(tuple(contestants), equal, max_seconds)
    check_race(race)
    return race


def check_race(race: Race, kind: str | None = None) -> None:
    """Each contestant's method and field go together, and can be trained in a kind of scene, where one is given.

    Args:
        race: that is to be started.
        kind: of its scene, such as `object` or `planar`.
    Raises:
        UserError: one of them cannot be trained; the message says which, why, and with which fields it could.
    """
    for contestant in race.contestants:
        try:
            check_settings(contestant.settings, kind)
        except UserError as error:
            fields = [name for name in FIELDS if _can_train(replace(contestant.settings, field=name), kind)]
            reason = str(error).replace("--method ", "the method ").replace("--field ", "the field ")
            mend = f" Give it field={' or field='.join(fields)}." if fields else ""
            raise UserError(f"{contestant.name} cannot race: {reason}{mend}") from error


def _can_train(settings: Settings, kind: str | None) -> bool:
    try:
        check_settings(settings, kind)
    except UserError:
        return False
    return True


def parse_contestant(word: str, settings: Settings, options: SceneOptions) -> Base:
    """Settings and options of one contestant.

    Raises:
        UserError: there is no such method, or no such difference.
    """
    method, _, rest = word.strip().partition(":")
    find_method(method)
    found: Base = replace(settings, method=method), options
    for part in filter(None, rest.split(",")):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if key not in DIFFERENCES or not equals:
            raise UserError(f"{word} is no contestant of a race: {part.strip()!r} is not known; {describe_syntax()}.")
        found = DIFFERENCES[key](found, value, word)
    return found


def describe_syntax() -> str:
    """How a contestant is written."""
    return f"give methods, each with its differences, such as l2g:assist=off,lambda=3 ({', '.join(DIFFERENCES)})"


def _choose_names(words: Sequence[str]) -> list[str]:
    """As they were written; equal ones are numbered."""
    return [
        word if words.count(word) == 1 else f"{word} ({words[: place + 1].count(word)})"
        for place, word in enumerate(words)
    ]


def _set_field(base: Base, value: str, word: str) -> Base:
    find_field(value)
    return replace(base[0], field=value), base[1]


def _set_lambda(base: Base, value: str, word: str) -> Base:
    return replace(base[0], lambda_exponent=_read_exponent(value, word)), base[1]


def _set_mu(base: Base, value: str, word: str) -> Base:
    return replace(base[0], mu_exponent=_read_exponent(value, word)), base[1]


def _set_assist(base: Base, value: str, word: str) -> Base:
    return replace(base[0], assist=_read_switch(value, word)), base[1]


def _set_matches(base: Base, value: str, word: str) -> Base:
    return replace(base[0], matches=_read_switch(value, word)), base[1]


def _set_start(base: Base, value: str, word: str) -> Base:
    for init in get_args(InitialPoses):
        if value == init:
            return base[0], replace(base[1], init=init)
    raise UserError(f"{word}: there is no start {value!r}; choose one of {', '.join(get_args(InitialPoses))}.")


def _read_exponent(value: str, word: str) -> float:
    try:
        exponent = float(value)
    except ValueError:
        exponent = float("nan")
    if not is_exponent(exponent):
        raise UserError(f"{word}: {value!r} is no exponent; give a number between -30 and 30.")
    return exponent


def _read_switch(value: str, word: str) -> bool:
    if value not in ("on", "off"):
        raise UserError(f"{word}: {value!r} is neither on nor off.")
    return value == "on"


DIFFERENCES: Mapping[str, Callable[[Base, str, str], Base]] = {
    "field": _set_field,
    "assist": _set_assist,
    "matches": _set_matches,
    "lambda": _set_lambda,
    "mu": _set_mu,
    "init": _set_start,
}
"""What a contestant may have of its own beside its method: from the base, the value and the whole word to a base."""
