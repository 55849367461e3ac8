"""How a contestant is written, and what is said of words that make no sense."""

from __future__ import annotations

import pytest

from engine.config.settings import Settings
from engine.errors import UserError
from engine.lab.race.definition import Race, check_race, make_race
from engine.scenes.options import SceneOptions


def race(*words: str) -> Race:
    return make_race(words, Settings(assist=False, seed=3), SceneOptions(seed=3))


def test_contestants_differ_from_the_base_only_in_what_they_say() -> None:
    first, second = race("barf", "l2g:assist=on,lambda=-1.5,field=mlp,init=identity").contestants
    assert first.settings == Settings(method="barf", assist=False, seed=3)
    assert first.options == SceneOptions(seed=3)
    assert second.settings == Settings(assist=True, lambda_exponent=-1.5, field="mlp", seed=3)
    assert second.options == SceneOptions(init="identity", seed=3)
    assert first.colour != second.colour


def test_names_are_unique() -> None:
    assert [one.name for one in race("l2g", "barf", "l2g").contestants] == ["l2g (1)", "barf", "l2g (2)"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("l2g",), "2 to 4 contestants, not 1"),
        (("l2g",) * 5, "2 to 4 contestants, not 5"),
        (("l2g", "braf"), "no method braf; choose one of l2g, barf"),
        (("l2g", "l2g:field=gird"), "no field gird"),
        (("l2g", "l2g:colour=red"), "'colour=red' is not known; give methods"),
        (("l2g", "l2g:assist"), "'assist' is not known"),
        (("l2g", "l2g:assist=yes"), "neither on nor off"),
        (("l2g", "l2g:lambda=much"), "'much' is no exponent"),
        (("l2g", "l2g:lambda=nan"), "'nan' is no exponent"),
        (("l2g", "l2g:init=noisy"), "no start 'noisy'; choose one of auto, identity"),
        (("l2g", "no-encoding"), "no-encoding cannot race: the method no-encoding needs the field mlp"),
        (("l2g", "no-encoding:field=hash"), "Give it field=mlp."),
    ],
)
def test_wrong_words_are_told_in_one_sentence(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UserError, match="") as failure:
        race(*words)
    assert said in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_field_that_cannot_live_in_the_scene_is_refused_before_the_race() -> None:
    contestants = race("l2g", "barf:field=hash")
    check_race(contestants, "object")
    with pytest.raises(UserError, match=r"barf:field=hash cannot race: .*is planar.* field=grid or field=mlp\."):
        check_race(contestants, "planar")
