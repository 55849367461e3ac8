"""Choices of contestants, and what is said of them."""

from __future__ import annotations

import pytest

from app.model.lab.race import (
    NO_METHOD,
    ContestantChoice,
    RaceChoice,
    describe_contestant,
    make_chosen_race,
    make_first_choice,
    write_contestant,
)
from engine.config.settings import Settings
from engine.errors import UserError
from engine.lab.race.definition import make_race
from engine.scenes.options import SceneOptions
from tests.support.runs.history_rows import FRAMES, snapshot

SHOWN, READ = Settings(method="barf", assist=False, seed=4), SceneOptions(seed=4, init="identity")


def test_at_first_the_run_that_is_shown_races_against_another_method() -> None:
    choice = make_first_choice(SHOWN, READ)
    race = make_chosen_race(choice, SHOWN, READ, "forward-facing")
    assert [one.name for one in race.contestants] == ["barf", "l2g"]
    assert race.contestants[0].settings == SHOWN
    assert {one.options for one in race.contestants} == {READ}
    assert {one.settings.seed for one in race.contestants} == {4}


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (ContestantChoice("l2g", assist=False, init="identity"), "l2g"),
        (ContestantChoice("l2g", lambda_exponent=-1, init="identity"), "l2g:assist=on,lambda=-1"),
        (ContestantChoice("naive", lambda_exponent=-1, assist=False, init="identity"), "naive"),
        (ContestantChoice("naive", "mlp", assist=False, init="reference"), "naive:field=mlp,init=reference"),
    ],
)
def test_a_contestant_is_called_by_what_differs(choice: ContestantChoice, words: str) -> None:
    assert write_contestant(choice, SHOWN, READ) == words
    (made, _) = make_race((words, "barf"), SHOWN, READ).contestants
    assert made.settings.assist == choice.assist
    assert made.options.init == choice.init


def test_a_limit_is_one_of_equal_seconds() -> None:
    choice = make_first_choice(SHOWN, READ)
    choice.max_seconds = 30
    assert make_chosen_race(choice, SHOWN, READ, "object").max_seconds is None
    choice.equal = "seconds"
    race = make_chosen_race(choice, SHOWN, READ, "object")
    assert (race.equal, race.max_seconds) == ("seconds", 30.0)


def test_what_cannot_race_is_said_before() -> None:
    alone = RaceChoice([ContestantChoice("l2g"), ContestantChoice(NO_METHOD)])
    with pytest.raises(UserError, match="two contestants or more"):
        make_chosen_race(alone, SHOWN, READ, "object")
    wrong = RaceChoice([ContestantChoice("l2g"), ContestantChoice("no-encoding")])
    with pytest.raises(UserError, match=r"no-encoding.* cannot race: .* Give it field=mlp\."):
        make_chosen_race(wrong, SHOWN, READ, "object")


def test_the_words_of_a_line() -> None:
    (one, _) = make_race(("l2g", "barf"), SHOWN, READ).contestants
    shown = snapshot(20, rotation=[1.0] * FRAMES, translation=[0.01] * FRAMES)
    words = describe_contestant(one, shown, 4 * shown.seconds)
    assert words[0] == "20"
    assert words[2:5] == ("25 %", "1.000°", "0.0100")
    assert describe_contestant(one, None, 0.0)[-1] == "preparing"
