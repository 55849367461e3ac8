"""The arithmetic of the benchmarks; the measurements are commands, not tests."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.config.settings import Settings
from engine.messages import Snapshot
from engine.run.snapshots import starting_snapshot
from engine.scenes.scene import Scene
from tests.benchmarks import fern, kick, kick_all, lego, picture, reach, shipped_fern
from tests.benchmarks.support import curves
from tests.benchmarks.support.command import options, report
from tests.benchmarks.support.machine import machine_line
from tests.benchmarks.support.perturbations import errors_of
from tests.benchmarks.support.table import Measure, Target, as_json, markdown, number

HISTORY = [
    {"seconds": 1.0, "rotation_error_deg": 20.0, "translation_error": 0.1, "rotation_error_max_deg": 40.0},
    {"seconds": 30.0, "rotation_error_deg": 0.9, "translation_error": 0.006, "rotation_error_max_deg": 6.0},
    {"seconds": 50.0, "rotation_error_deg": 0.8, "translation_error": 0.004, "rotation_error_max_deg": 3.0},
    {"seconds": 400.0, "rotation_error_deg": 0.1, "translation_error": 0.001, "rotation_error_max_deg": 0.2},
]
ERRORS = {"mean": 0.1, "median": 0.1, "max": 0.2}
RESULT: dict[str, Any] = {
    "seconds": 400.0,
    "history": HISTORY,
    "pose": {"rotation_error_deg": ERRORS, "translation_error": ERRORS, "relative_rotation_error_deg": ERRORS},
    "test": {"psnr": 25.0, "ssim": 0.8, "frames": 2},
    "peak_memory_bytes": 2_000_000_000,
}
ERROR_KEYS = ("rotation_error_deg", "translation_error", "rotation_error_max_deg")
NOT_EVALUATED: dict[str, Any] = RESULT | {
    "history": [row | dict.fromkeys(ERROR_KEYS) for row in HISTORY],
    "pose": dict.fromkeys(RESULT["pose"]),
    "test": {"psnr": None, "ssim": None, "frames": 0},
    "peak_memory_bytes": None,
}


def values(measures: list[Measure]) -> dict[str, float | None]:
    return {measure.what: measure.values[0] for measure in measures}


def test_fern_s_rows_come_from_the_history() -> None:
    found = values(fern.measures([RESULT], gpu=False))
    assert found["fern: until rotation < 1.0° and translation < 0.005"] == 50.0
    assert found["fern: rotation after 5 min"] == 0.8
    assert found["fern: translation after 5 min"] == 0.004
    assert found["fern: held-out PSNR"] == 25.0
    assert found["fern: peak memory"] == 2.0
    late = values(fern.measures([RESULT | {"seconds": 910.0}], gpu=False))
    assert late["fern: held-out PSNR"] is None


def test_lego_s_rows_include_the_worst_frame() -> None:
    found = values(lego.measures([RESULT], gpu=False))
    assert found["lego: until mean rotation < 1° and no frame > 5°"] == 50.0
    assert found["lego: largest rotation after 3 min"] == 3.0
    assert found["lego: until mean rotation < 0.2°"] == 400.0
    assert found["lego, l2g: rotation, mean"] == 0.1


def test_reach_compares_photos_by_name_and_leaves_gaps_for_failed_runs() -> None:
    turns = torch.linalg.qr(torch.randn(5, 3, 3, dtype=torch.float64)).Q
    poses = torch.cat([turns * torch.linalg.det(turns)[:, None, None], torch.randn(5, 3, 1, dtype=torch.float64)], -1)
    reference = {f"{index}.jpg": pose for index, pose in enumerate(poses)}
    scaled = {name: torch.cat([pose[:, :3], 3 * pose[:, 3:]], dim=-1) for name, pose in reversed(reference.items())}
    errors = reach.measure_errors(scaled | {"other.jpg": poses[0]}, reference)
    assert errors["registered"] == 5
    assert errors["rotation"] < 1e-4
    assert errors["spread"] < 1e-4
    found = reach.measures("desk", [{"failure": "it failed"}], {"registered": 0, "seconds": 60.0})
    assert all(measure.values == [None] and not measure.met for measure in found)


def test_runs_without_errors_or_evaluation_leave_gaps() -> None:
    for measures in (fern.measures([NOT_EVALUATED], False), lego.measures([NOT_EVALUATED], True)):
        gaps = [measure for measure in measures if "seconds of" not in measure.what]
        assert all(measure.values == [None] for measure in gaps)
        assert all(measure.met is not True for measure in gaps)
    assert values(shipped_fern.measures([NOT_EVALUATED]))["scenes/fern: held-out PSNR"] is None


def test_every_set_of_pictures_has_rows_and_gaps_where_runs_failed() -> None:
    for name, case in picture.SETS.items():
        found = picture.measures(name, [RESULT, {"history": [], "failure": "it failed"}])
        assert all(measure.values[1] is None for measure in found)
        targets = [measure for measure in found if measure.target is not None]
        assert len(targets) == 2 + (case.rotation_deg is not None) + (case.translation is not None)


def test_a_failed_run_leaves_gaps_beside_the_others() -> None:
    results = [RESULT, {"history": [], "failure": "it failed"}]
    for found in (fern.measures(results, False), lego.measures(results, False), shipped_fern.measures(results)):
        assert all(measure.values[1] is None for measure in found)
        assert found[0].met is False
        assert "–" in markdown(found, ["seed 0", "seed 1"])


def test_curves() -> None:
    assert curves.time_until([], curves.below(rotation_error_deg=1)) is None
    assert curves.time_until(HISTORY, curves.below(rotation_error_deg=0.01)) is None
    assert curves.value_at(HISTORY, 0.5, "rotation_error_deg") is None
    assert curves.value_at(HISTORY, 30.0, "rotation_error_deg") == 0.9
    assert curves.nested(RESULT, "test.lpips") is None
    assert curves.nested(RESULT, "pose.translation_error.max") == 0.2


def test_a_target_is_met_if_every_seed_meets_it() -> None:
    target = Target("at most", 1.0)
    assert Measure("x", "s", [0.5, 1.0], target).met
    assert not Measure("x", "s", [0.5, 1.1], target).met
    assert not Measure("x", "s", [0.5, None], target).met
    assert Measure("x", "s", [0.5, None], target).mean is None
    assert Measure("x", "s", [0.5, 1.5]).met is None
    assert Measure("x", "dB", [26.0], Target("at least", 26.0)).met


def test_the_table_is_markdown() -> None:
    rows = [Measure("time", "s", [1.0, 2.0], Target("at most", 60)), Measure("PSNR", "dB", [None, 24.571])]
    lines = markdown(rows, ["seed 0", "seed 1"]).splitlines()
    assert lines[0] == "| what | target | mean | seed 0 | seed 1 | met |"
    assert lines[2] == "| time [s] | ≤ 60 | 1.5 | 1 | 2 | yes |"
    assert lines[3] == "| PSNR [dB] |  | – | – | 24.57 |  |"
    assert {line.count("|") for line in lines} == {7}
    assert as_json(rows)[0]["met"] is True


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.0013, "0.0013"), (60, "60"), (0, "0"), (100, "100"), (1234.5, "1234")]
)
def test_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


def test_report_writes_what_it_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "new" / "fern.json"
    chosen = options("", ["--seeds", "3", "4", "--quick", "--output", str(output)])
    assert chosen.seeds == (3,)
    report("Fern", chosen, fern.measures([RESULT], False), {"history": HISTORY})
    printed = capsys.readouterr().out
    assert "seed 3" in printed
    assert "the numbers mean nothing" in printed
    assert machine_line().split(", Python")[0] in printed
    content = json.loads(output.read_text(encoding="utf-8"))
    assert content["measures"][0]["values"] == [50.0]
    assert content["raw"]["history"] == HISTORY


def test_a_missing_scene_is_named(tmp_path: Path) -> None:
    chosen = options("", ["--scenes", str(tmp_path)])
    with pytest.raises(SystemExit, match="L2G_SCENES"):
        chosen.scene("llff/fern")


def snapshot(rotation: list[float], translation: list[float]) -> Snapshot:
    scene = Scene.__new__(Scene)
    object.__setattr__(scene, "training_frames", (0, 1, 2))
    object.__setattr__(scene, "initial_poses", torch.eye(3, 4).repeat(3, 1, 1))
    object.__setattr__(scene, "reference_poses", None)
    errors = {"rotation_error_deg": np.array(rotation), "translation_error": np.array(translation)}
    return dataclasses.replace(starting_snapshot(scene, Settings()), **errors)


def errors(rotation: list[float], translation: list[float]) -> np.ndarray:
    return errors_of(snapshot(rotation, translation))


def test_a_frame_has_recovered_when_its_errors_stay_small() -> None:
    before = snapshot([0.1, 0.2, 0.3], [0.01, 0.02, 0.03])
    curve = [
        (0.1, errors([0.1, 10.0, 0.3], [0.01, 0.5, 0.03])),
        (1.0, errors([0.1, 0.3, 0.3], [0.01, 0.03, 0.03])),
        (2.0, errors([0.1, 0.5, 0.3], [0.01, 0.03, 0.03])),
        (3.0, errors([0.1, 0.4, 0.3], [0.01, 0.04, 0.03])),
        (4.0, errors([0.1, 0.2, 0.6], [0.01, 0.02, 0.03])),
    ]
    found = kick.summarise(before, curve, frame=1)
    assert found["recovery_seconds"] == 3.0
    assert found["perturbed_to"] == [10.0, 0.5]
    rotation = kick.measures([found])[4]
    assert rotation.what == "others: mean rotation after / before"
    assert rotation.values == [pytest.approx(0.35 / 0.2)]
    assert rotation.met is False
    assert kick.summarise(before, curve[:3], frame=1)["recovery_seconds"] is None


def test_all_frames_have_recovered_when_their_mean_errors_stay_small() -> None:
    before = snapshot([0.1, 0.3], [0.01, 0.03])
    curve = [
        (0.1, errors([8.0, 12.0], [0.5, 0.5])),
        (1.0, errors([0.1, 0.2], [0.01, 0.02])),
        (2.0, errors([0.1, 0.2], [0.01, 0.2])),
        (3.0, errors([0.1, 0.4], [0.01, 0.03])),
    ]
    found = kick_all.summarise(before, curve)
    assert found["recovery_seconds"] == 3.0
    assert found["perturbed_to"] == [10.0, 0.5]
    assert found["worst"] == [0.4, 0.03]
    assert kick_all.summarise(before, curve[:3])["recovery_seconds"] is None
    assert kick_all.measures([found])[0].met


def test_the_perturbation_has_the_given_size() -> None:
    poses = torch.eye(3, 4).repeat(4, 1, 1)
    poses[:, :, 3] = torch.tensor([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
    before = dataclasses.replace(snapshot([0.0] * 4, [0.0] * 4), poses=poses.numpy())
    for seed in range(3):
        command = kick.make_perturbation(before, 2, seed)
        assert math.degrees(math.dist(command.rotation, (0, 0, 0))) == pytest.approx(10.0, rel=1e-5)
        assert math.dist(command.translation, (0, 0, 0)) == pytest.approx(0.2, rel=1e-5)
