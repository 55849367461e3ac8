"""`l2g-train --race` as a user types it, on the shipped scenes, tiny."""

from __future__ import annotations

import csv
import signal
from functools import partial
from pathlib import Path

import pytest
import torch
from PIL import Image

from engine.cli.race import command as race_command
from engine.cli.race.display import RaceDisplay
from engine.config.settings import Settings
from engine.errors import UserError
from engine.lab.race.runner import run_race
from engine.scenes import AnyScene
from engine.training.kinds import make_trainer
from engine.training.trainer import Trainer
from tests.support.in_process import Command, is_one_sentence
from tests.support.scenes.scenes_on_disk import REPOSITORY

FERN, CAT = REPOSITORY / "scenes" / "fern", REPOSITORY / "scenes" / "cat"
SMALL = ("--downscale", "8", "--device", "cpu", "--assist", "off", "--no-matches", "--output", "race")


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "race.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_race_writes_a_table_and_a_plot(command: Command, tmp_path: Path) -> None:
    contestants = ("l2g", "barf", "reference:init=reference")
    left = command("l2g-train", FERN, *SMALL, "--race", *contestants, "--max-iterations", "6")
    assert left.code == 0, left.errors
    found = {row["contestant"]: row for row in rows(tmp_path / "race")}
    assert list(found) == list(contestants)
    for name in contestants:
        assert (found[name]["state"], found[name]["iterations"]) == ("finished", "6")
    assert float(found["reference:init=reference"]["rotation_mean_deg"]) < 0.01
    assert float(found["barf"]["rotation_mean_deg"]) > 0.1
    assert sum(float(row["share"]) for row in found.values()) == pytest.approx(1)
    assert "rotation error, mean [°]" in left.output
    assert "units]" in left.output
    assert "[dB]" in left.output
    table = (tmp_path / "race" / "race.md").read_text(encoding="utf-8")
    assert table.count("\n| ") == 4
    with Image.open(tmp_path / "race" / "race.png") as plot:
        assert min(plot.size) > 500
    again = command("l2g-train", FERN, *SMALL, "--race", "l2g", "barf", "--max-iterations", "2")
    is_one_sentence(again, "race holds a race already", "--overwrite")


def test_an_interruption_saves_what_there_is(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RaceDisplay, "show", lambda *_: signal.raise_signal(signal.SIGTERM))
    left = command("l2g-train", CAT, "--race", "l2g", "barf", "--output", "race", "--device", "cpu")
    assert left.code == 128 + signal.SIGTERM
    assert [row["state"] for row in rows(tmp_path / "race")] == ["stopped", "stopped"]
    assert all(float(row["corner_mean_px"]) > 0 for row in rows(tmp_path / "race"))
    assert (tmp_path / "race" / "race.png").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--race",), "2 to 4 contestants, not 0"),
        (("--race", "l2g"), "2 to 4 contestants, not 1"),
        (("--race", "l2g", "braf"), "no method braf"),
        (("--race", "l2g", "no-encoding"), "no-encoding cannot race"),
        (("--race", "l2g", "l2g:lambda=x"), "is no exponent"),
        (("--race", "l2g", "barf", "--resume"), "--resume is for one run"),
        (("--race", "l2g", "barf", "--equal", "seconds"), "add --max-seconds"),
        (("--race", "l2g", "barf", "--max-seconds", "5"), "--equal seconds"),
        (("--equal", "seconds"), "--equal is for the runs of a --race"),
    ],
)
def test_wrong_words_are_told_in_one_sentence(command: Command, words: tuple[str, ...], said: str) -> None:
    is_one_sentence(command("l2g-train", FERN, *SMALL, *words), said)


def test_a_field_that_is_not_for_the_scene_is_refused_before_the_race(command: Command, tmp_path: Path) -> None:
    left = command("l2g-train", CAT, "--race", "l2g", "barf:field=hash", "--output", "race", "--device", "cpu")
    is_one_sentence(left, "barf:field=hash cannot race", "field=grid or field=mlp")
    assert not (tmp_path / "race").exists()


def test_what_fails_in_a_race_is_said_and_where_all_fail_the_command_does(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(scene: AnyScene, settings: Settings, device: torch.device) -> Trainer:
        if settings.method in failing:
            raise UserError("There is no memory left.")
        return make_trainer(scene, settings, device)

    monkeypatch.setattr(race_command, "run_race", partial(run_race, make_trainer=make))
    words = (CAT, "--device", "cpu", "--max-iterations", "2", "--race", "l2g", "barf", "--output", "race")
    failing = {"barf"}
    left = command("l2g-train", *words)
    assert left.code == 0, left.errors
    assert "barf failed: There is no memory left." in left.output
    assert [row["state"] for row in rows(tmp_path / "race")] == ["finished", "failed"]
    assert "failed: There is no memory left." in (tmp_path / "race" / "race.md").read_text(encoding="utf-8")
    failing.add("l2g")
    is_one_sentence(command("l2g-train", *words, "--overwrite"), "No contestant could be trained. There is no memory")
    assert [row["state"] for row in rows(tmp_path / "race")] == ["failed", "failed"]
