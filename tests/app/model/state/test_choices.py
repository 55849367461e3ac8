"""Starting anew: what goes with what, and when the scene must be read again."""

from __future__ import annotations

from dataclasses import replace

from app.model.state.choices import Choice, describe_assistance, describe_lambda, describe_mu
from engine.config.methods import METHODS
from engine.config.settings import Settings
from engine.fields import FIELDS
from engine.scenes.options import SceneOptions

CHOICE = Choice(Settings(), SceneOptions())


def test_only_no_encoding_on_a_grid_is_impossible_and_says_the_mend() -> None:
    obstacles = {
        (method, field): Choice(Settings(method=method, field=field), SceneOptions()).obstacle()
        for method in METHODS
        for field in FIELDS
    }
    assert [pair for pair, obstacle in obstacles.items() if obstacle] == [("no-encoding", "grid")]
    assert "mlp" in (obstacles["no-encoding", "grid"] or "")


def test_settings_alone_need_no_reading() -> None:
    other = replace(CHOICE, settings=Settings(method="barf", field="mlp"))
    assert not other.needs_reopening(SceneOptions())
    assert not CHOICE.with_seed(7).needs_reopening(SceneOptions())  # no noise: the seed moves no pose


def test_other_initial_poses_need_it() -> None:
    noisy = SceneOptions(init="noise", noise_rotation=0.1, seed=1)
    assert replace(CHOICE, options=noisy).needs_reopening(SceneOptions())
    assert Choice(Settings(), noisy).with_seed(2).needs_reopening(noisy)
    assert not Choice(Settings(method="barf"), noisy).needs_reopening(noisy)


def test_one_seed_for_the_run_and_its_noise() -> None:
    chosen = CHOICE.with_seed(5)
    assert (chosen.settings.seed, chosen.options.seed) == (5, 5)


def test_only_l2g_has_a_lambda() -> None:
    silent = [method for method in METHODS if "does nothing" in describe_lambda(Settings(method=method))]
    assert silent == [method for method in METHODS if method != "l2g"]


def test_the_window_says_whether_there_is_help() -> None:
    assert describe_assistance(Settings()) == "assisted"
    assert describe_assistance(Settings(assist=False)) == describe_assistance(Settings(preset="paper")) == "unassisted"
    assert describe_assistance(Settings(method="reference")) == ""


def test_mu_says_why_it_does_nothing() -> None:
    assert "meet" in describe_mu(Settings(), tracks=True)
    assert "no matches" in describe_mu(Settings(), tracks=False)
    assert "no pose" in describe_mu(Settings(method="reference"), tracks=True)
    assert "assistance" in describe_mu(Settings(assist=False), tracks=True)
