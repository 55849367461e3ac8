"""Starting anew: what goes with what, and when the scene must be read again."""

from __future__ import annotations

from dataclasses import replace

from app.model.state.choices import Choice, describe_assistance, describe_lambda, describe_mu, describe_start
from engine.config.methods import METHODS
from engine.config.settings import Settings
from engine.fields import FIELDS
from engine.scenes.options import SceneOptions

CHOICE = Choice(Settings(), SceneOptions())


def test_only_no_encoding_on_a_lattice_is_impossible_and_says_the_mend() -> None:
    obstacles = {
        (method, field): Choice(Settings(method=method, field=field), SceneOptions()).obstacle()
        for method in METHODS
        for field in FIELDS
    }
    refused = [pair for pair, obstacle in obstacles.items() if obstacle]
    assert refused == [("no-encoding", "grid"), ("no-encoding", "hash")]
    assert all("mlp" in (obstacles[pair] or "") for pair in refused)


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


def test_only_starts_and_spaces_that_apply_can_be_started() -> None:
    posed = Choice(Settings(), SceneOptions(), "object", poses=True, spaces=("object", "unbounded"))
    bare = Choice(Settings(), SceneOptions(), "unbounded", poses=False, spaces=("object", "unbounded"))
    assert set(posed.starts) == {"auto", "identity", "reference", "noise"}
    assert set(bare.starts) == {"auto", "identity", "sfm"}
    for choice in (posed, bare):
        for init in ("auto", "identity", "reference", "noise", "sfm"):
            found = replace(choice, options=SceneOptions(init=init)).obstacle()  # type: ignore[arg-type]
            assert (found is None) == (init in choice.starts), (init, found)
    assert "no poses" in (replace(bare, options=SceneOptions(init="noise")).obstacle() or "")
    assert replace(posed, options=SceneOptions(space="unbounded")).obstacle() is None
    assert "forward-facing" in (replace(posed, options=SceneOptions(space="forward-facing")).obstacle() or "")


def test_another_space_and_other_photos_need_reading() -> None:
    assert replace(CHOICE, options=SceneOptions(space="unbounded")).needs_reopening(SceneOptions())
    assert replace(CHOICE, options=SceneOptions(exclude=("a.jpg",))).needs_reopening(SceneOptions())
    assert not replace(CHOICE, options=SceneOptions(exclude=("a", "b"))).needs_reopening(
        SceneOptions(exclude=("b", "a"))
    )


def test_every_start_is_explained() -> None:
    said = {describe_start(init, poses, "object") for poses in (True, False) for init in ("auto", "identity")}
    assert len(said) == 3  # the identity is the same for both
    assert "paper" in describe_start("identity", False, None)
    assert "paper" in describe_start("auto", True, "forward-facing")
    assert "quick reconstruction" in describe_start("auto", False, None)
