"""From the command line to settings."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_args, get_type_hints

import pytest
import tyro

from engine.cli.arguments import Device, TrainArguments
from engine.cli.settings import check_arguments, continued, options_of, settings_of
from engine.config.settings import Settings
from engine.errors import UserError
from engine.fields import FIELDS
from engine.scenes.options import BackgroundName, InitialPoses, SceneOptions, SpaceName
from engine.system.devices import DeviceName, resolve_device
from tests.engine.run.test_checkpoint import example


def parsed(*words: str) -> TrainArguments:
    return tyro.cli(TrainArguments, args=["scene", *words], config=(tyro.conf.FlagCreatePairsOff,))


def test_the_command_line_becomes_settings_and_options() -> None:
    arguments = parsed(
        *("--method", "barf", "--field", "mlp", "--lambda", "3", "--seed", "7", "--optimise-focal"),
        *("--max-iterations", "12", "--downscale", "2", "--noise-rotation", "0.07", "--background", "black"),
    )
    assert settings_of(arguments) == Settings("barf", "mlp", "default", 3.0, 7, True, False, 12)
    expected = SceneOptions(downscale=2, noise_rotation=0.07, seed=7, background="black", matches=True)
    assert options_of(arguments) == expected
    assert not options_of(parsed("--no-matches")).matches


def test_defaults_are_those_of_the_engine() -> None:
    assert settings_of(parsed()) == Settings()
    assert options_of(parsed()) == SceneOptions(matches=True)  # programs ask for the seconds that it takes


def test_choices_are_those_of_the_engine() -> None:
    # They are written out once more for the command line, so that --help need not import torch.
    hints = get_type_hints(TrainArguments, include_extras=False)
    assert hints["init"] == InitialPoses
    assert hints["space"] == SpaceName
    assert hints["background"] == BackgroundName
    assert get_args(Device) == get_args(DeviceName)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"max_seconds": -1.0}, "--max-seconds is -1.0"),
        ({"max_seconds": float("nan")}, "--max-seconds"),
        ({"max_iterations": 0}, "--max-iterations is 0; give 1 or more"),
        ({"seed": -1}, "--seed"),
        ({"checkpoint_every": -2.0}, "--checkpoint-every"),
        ({"lambda_exponent": float("nan")}, "--lambda"),
        ({"lambda_exponent": 99.0}, "--lambda"),
        ({"resume": True, "overwrite": True}, "give one of them"),
        ({"output": Path(__file__)}, "is a file"),
    ],
)
def test_numbers_out_of_range_are_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(UserError, match=named):
        check_arguments(dataclasses.replace(parsed(), **changes))


def test_a_run_continues_with_what_it_was_started_with() -> None:
    checkpoint = example()  # barf, lambda 10^1.5, at most 7 iterations, noise 0.07, black
    settings, options = continued(parsed(), checkpoint)
    assert settings == dataclasses.replace(checkpoint.settings, max_iterations=None)
    assert options == checkpoint.options
    again = parsed("--method", "barf", "--lambda", "1.5", "--max-iterations", "9", "--noise-rotation", "0.07")
    assert continued(again, checkpoint)[0].max_iterations == 9


@pytest.mark.parametrize(
    ("words", "named"), [(("--lambda", "3"), "--lambda 1.5, not 3"), (("--downscale", "4"), "None, not 4")]
)
def test_a_run_does_not_continue_with_other_settings(words: tuple[str, ...], named: str) -> None:
    with pytest.raises(UserError, match=named):
        continued(parsed(*words), example())


def test_lambda_may_be_chosen_by_the_run() -> None:
    arguments = parsed("--lambda", "auto")
    check_arguments(arguments)
    assert settings_of(arguments) == Settings(auto_lambda=True)
    with pytest.raises(UserError, match="means nothing to --method barf"):
        check_arguments(parsed("--lambda", "auto", "--method", "barf"))
    checkpoint = example()
    with pytest.raises(UserError, match=r"--lambda 1\.5, not auto"):
        continued(arguments, checkpoint)
    chosen = dataclasses.replace(checkpoint, settings=dataclasses.replace(checkpoint.settings, auto_lambda=True))
    assert continued(arguments, chosen)[0].auto_lambda
    with pytest.raises(UserError, match="--lambda auto, not 3"):
        continued(parsed("--lambda", "3"), chosen)


@pytest.mark.parametrize("name", ["cuda:99", "mps", "nonsense", "meta"])
def test_a_missing_device_is_one_sentence(name: str) -> None:
    import torch

    if name == "mps" and torch.backends.mps.is_available():
        pytest.skip("this machine has it")
    with pytest.raises(UserError, match=name):
        resolve_device(name)
    assert resolve_device("cpu").type == "cpu"
    assert resolve_device("auto").type in ("cpu", "cuda")


def test_assistance_is_on_but_for_the_paper_unless_it_is_chosen() -> None:
    assert settings_of(TrainArguments(scene=Path("x"))).assist is True
    assert settings_of(TrainArguments(scene=Path("x"), preset="paper")).assist is False
    assert settings_of(TrainArguments(scene=Path("x"), preset="paper", assist="on")).assist is True
    assert settings_of(TrainArguments(scene=Path("x"), assist="off")).assist is False


def test_a_run_continues_with_the_assistance_it_was_started_with() -> None:
    checkpoint = SimpleNamespace(settings=Settings(assist=False), options=SceneOptions())
    for words in ((), ("--assist", "off")):
        continued(parsed(*words), cast(Any, checkpoint))
    with pytest.raises(UserError, match="started with --assist off, not on"):
        continued(parsed("--assist", "on"), cast(Any, checkpoint))


def test_a_field_that_was_registered_before_the_command_line_is_parsed_can_be_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SystemExit):
        tyro.cli(TrainArguments, args=["x", "--field", "third"])
    monkeypatch.setitem(FIELDS, "third", FIELDS["grid"])
    assert tyro.cli(TrainArguments, args=["x", "--field", "third"]).field == "third"
