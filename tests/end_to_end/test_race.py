"""`l2g-train --race` as a user types it, on the shipped scenes, tiny."""

from __future__ import annotations

import csv
import signal
from pathlib import Path

import pytest
from PIL import Image

from engine.cli.race.display import RaceDisplay
from tests.support.in_process import Command, is_one_sentence
from tests.support.scenes.scenes_on_disk import REPOSITORY

FERN, CAT = REPOSITORY / "scenes" / "fern", REPOSITORY / "scenes" / "cat"
SMALL = ("--downscale", "8", "--device", "cpu", "--assist", "off", "--no-matches", "--output", "race")


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "race.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_race_writes_a_table_and_a_plot(command: Command, tmp_path: Path) -> None:
    contestants = ("l2g", "barf", "no-encoding", "reference:init=reference")
    left = command("l2g-train", FERN, *SMALL, "--race", *contestants, "--max-iterations", "6")
    assert left.code == 0, left.errors
    found = {row["contestant"]: row for row in rows(tmp_path / "race")}
    assert list(found) == list(contestants)
    assert found["no-encoding"]["state"] == "failed"
    assert "positional encoding" in found["no-encoding"]["reason"]
    for name in ("l2g", "barf", "reference:init=reference"):
        assert (found[name]["state"], found[name]["iterations"]) == ("finished", "6")
    assert float(found["reference:init=reference"]["rotation_mean_deg"]) < 0.01
    assert float(found["barf"]["rotation_mean_deg"]) > 0.1
    assert sum(float(row["share"]) for row in found.values()) == pytest.approx(1)
    assert "no-encoding failed: --method no-encoding needs" in left.output
    table = (tmp_path / "race" / "race.md").read_text(encoding="utf-8")
    assert table.count("\n| ") == 5
    assert "failed: --method no-encoding" in table
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
        (("--race", "l2g", "l2g:lambda=x"), "is no exponent"),
        (("--race", "l2g", "barf", "--resume"), "--resume is for one run"),
        (("--race", "l2g", "barf", "--equal", "seconds"), "add --max-seconds"),
        (("--race", "l2g", "barf", "--max-seconds", "5"), "--equal seconds"),
        (("--equal", "seconds"), "--equal is for the runs of a --race"),
    ],
)
def test_wrong_words_are_told_in_one_sentence(command: Command, words: tuple[str, ...], said: str) -> None:
    is_one_sentence(command("l2g-train", FERN, *SMALL, *words), said)


def test_where_all_fail_the_command_does(command: Command, tmp_path: Path) -> None:
    left = command("l2g-train", FERN, *SMALL, "--race", "no-encoding", "no-encoding:lambda=1")
    is_one_sentence(left, "No contestant could be trained. --method no-encoding needs")
    assert [row["state"] for row in rows(tmp_path / "race")] == ["failed", "failed"]
