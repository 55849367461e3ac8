"""`l2g-train` on a folder of photos: no poses are known, outliers are named, and the run can be continued."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from engine.results.outliers import find_outliers
from tests.support.in_process import commands
from tests.support.scenes.photos_on_disk import turn_over, write_black, write_photos


def test_a_run_names_its_outliers_learns_its_lens_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train = partial(commands(tmp_path, monkeypatch, capsys), "l2g-train")
    files = write_photos(tmp_path / "desk", [0, 1, 2, 3, 4, 5, 2], width=200)
    write_black(tmp_path / "desk" / "dark.jpg", files[0])
    turn_over(files[3])
    left = train("desk", "--output", "run", "--max-iterations", "3", "--evaluate")
    assert left.code == 0, left
    for words in (
        "IMG_7.jpg (repeats IMG_3.jpg)",
        "dark.jpg (black)",
        "Upside down",
        "IMG_4.jpg",
        "Matches register 6",
    ):
        assert words in left.output
    result = json.loads((tmp_path / "run" / "result.json").read_text(encoding="utf-8"))
    assert {photo["name"] for photo in result["outliers"]} >= {"IMG_7.jpg", "dark.jpg"}
    assert result["pose"]["rotation_error_deg"]["mean"] is None
    assert result["test"]["frames"] == 1
    assert len(result["notes"]) == 3
    poses = json.loads((tmp_path / "run" / "poses.json").read_text(encoding="utf-8"))
    assert len(poses["frames"]) == 5
    assert train("desk", "--output", "run", "--resume", "--max-iterations", "5").code == 0
    again = json.loads((tmp_path / "run" / "result.json").read_text(encoding="utf-8"))
    assert again["iterations"] == 5


def test_frames_whose_error_stands_out_are_found() -> None:
    assert find_outliers([25.0, 24.0, 26.0, 12.0, 25.5]) == [3]
    assert find_outliers([25.0, 24.0, 26.0]) == []
    assert find_outliers([np.nan, 25.0]) == []
    assert find_outliers([np.nan]) == []
