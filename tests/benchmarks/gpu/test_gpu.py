"""The frame of the benchmark; what it measures is a command, not a test."""

from __future__ import annotations

import importlib
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import psutil
import pytest
import torch

from engine.config.settings import Settings
from engine.errors import UserError
from engine.fields.baking import FieldVolume
from engine.fields.kernel_choice import say_kernels_are_absent
from engine.training import cameras as trainer_module
from engine.training.radiance import RadianceTrainer
from tests.benchmarks.gpu import card, gpu_tests, parts, runs
from tests.benchmarks.gpu.__main__ import PARTS, summarise
from tests.benchmarks.gpu.context import Context
from tests.benchmarks.gpu.figures import Figures, read_whole
from tests.benchmarks.gpu.gpu_tests import Noted
from tests.benchmarks.gpu.runner import Command, Limits, Part, run_parts
from tests.benchmarks.gpu.step_times import QUICK, list_operations, measure_stage
from tests.benchmarks.gpu.views import Renewed, describe, measure_views
from tests.benchmarks.support.command import REPOSITORY
from tests.support import simulated_march
from tests.support.runs.short_runs import stage
from tests.support.worlds import fields
from tests.support.worlds.analytic import cameras, photographed

LIMITS = Limits(least=0.5, ending=0.5, look=0.05)
NOTE = (  # renamed when whole, as the benchmark's own figures are
    "import pathlib, sys, time; file = pathlib.Path(sys.argv[1]); part = file.with_suffix('.part'); "
    "part.write_text('{\"found\": 7}'); part.rename(file); "
)
SCRIPTS = {
    "good": NOTE,
    "bad": NOTE + "print('a line of the log'); raise SystemExit(3)",
    "slow": NOTE + "time.sleep(60)",
}


def command(part: Part, file: Path, seconds: float) -> Sequence[str]:
    return [sys.executable, "-c", SCRIPTS[part.name], str(file)]


def run(tmp_path: Path, *parts: Part, seconds: float = 30.0, of: Command = command) -> dict:
    report = run_parts(
        parts, seconds, tmp_path / "gpu.json", of, {"device": "cpu", "machine": "?", "quick": True}, LIMITS
    )
    assert report == json.loads((tmp_path / "gpu.json").read_text())
    return report


def test_each_part_is_measured_whatever_becomes_of_the_others(tmp_path: Path) -> None:
    report = run(tmp_path, Part("bad", 9.0), Part("slow", 3.0), Part("good", 9.0))
    found = report["parts"]
    assert {name: entry["state"] for name, entry in found.items()} == {
        "bad": "failed",
        "slow": "out of time",
        "good": "done",
    }
    assert found["bad"]["code"] == 3
    assert found["bad"]["log"][-1] == "a line of the log"
    assert all(entry["figures"] == {"found": 7} for entry in found.values())
    assert report["state"] == "complete"
    assert re.search(r"slow: out of time \([\d.]+ of 3\.0 s\)\n  found: 7", summarise(report))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["gpu.bad.log", "gpu.json", "gpu.slow.log"]


def test_a_part_for_which_no_time_is_left_is_left_out(tmp_path: Path) -> None:
    report = run(tmp_path, Part("good", 9.0), Part("slow", 9.0), seconds=0.8)
    assert all(entry["state"] == "left out" for entry in report["parts"].values())


def test_what_was_found_is_on_disk_where_the_benchmark_itself_is_ended(tmp_path: Path) -> None:
    before = {child.pid for child in psutil.Process().children()}

    def ended(file: Path) -> bool:
        return read_whole(file).get("parts", {}).get("slow", {}).get("figures") == {"found": 7}

    with (
        mock.patch(
            "tests.benchmarks.gpu.runner.time.sleep",
            side_effect=lambda _: (_ for _ in ()).throw(SystemExit(143)) if ended(tmp_path / "gpu.json") else None,
        ),
        pytest.raises(SystemExit),
    ):
        run(tmp_path, Part("good", 9.0), Part("slow", 9.0))
    report = read_whole(tmp_path / "gpu.json")
    assert report["state"] == "cut off"
    assert report["parts"]["good"]["state"] == "done"
    assert report["parts"]["slow"] | {"seconds": 0.0, "allowed": 9.0} == {
        **{"state": "under way", "seconds": 0.0, "allowed": 9.0},
        "figures": {"found": 7},
    }
    assert {child.pid for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE} <= before


def test_every_part_has_a_function_and_all_fit_into_ten_minutes() -> None:
    assert [part.name for part in PARTS] == list(parts.PARTS)
    assert sum(part.seconds for part in PARTS[:-1]) + 60 < 480  # something is left for the last one
    assert PARTS[-1].name == "longer"


def test_each_part_is_a_function_that_its_module_has() -> None:
    for name in parts.PARTS.values():
        module, function = name.split(".")
        assert callable(getattr(importlib.import_module(f"tests.benchmarks.gpu.{module}"), function))


def test_the_card_says_which_packages_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrr", None)
    found = card.list_packages()
    assert found["numpy"] == np.__version__
    assert "pyrr" in found["pyrr"]
    assert "Error: " in found["pyrr"]


def test_what_fails_of_a_part_is_a_figure_and_the_part_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(context: Context) -> None:
        context.figures.attempt("graph", lambda: [][1])
        context.figures.attempt("rest", lambda: context.figures.note(found=7))

    monkeypatch.setattr("tests.benchmarks.gpu.step_times.measure_all", measure)
    file = tmp_path / "figures.json"
    words = ["steps", "--figures", str(file), "--seconds", "60", "--device", "cpu", "--scenes", str(tmp_path)]
    with pytest.raises(SystemExit, match="failed: graph"):
        parts.main(words)
    found = read_whole(file)
    assert found["found"] == 7
    assert found["graph failed"] == "IndexError: list index out of range"
    assert "Traceback" in capsys.readouterr().err


def test_figures_replace_those_before_as_a_whole(tmp_path: Path) -> None:
    figures = Figures(tmp_path / "below" / "figures.json")
    figures.note(one=1)
    figures.note(two=2.5, path=Path("x"))
    assert read_whole(figures.path) == {"one": 1, "two": 2.5, "path": "x"}
    assert [file.name for file in figures.path.parent.iterdir()] == ["figures.json"]


def test_a_stage_s_step_is_measured_with_its_parts() -> None:
    scene = photographed(cameras(3, spread=0.05), ())
    with mock.patch.object(trainer_module, "stages", return_value=(stage(4, 9, rays=60, samples=4),)):
        trainer = RadianceTrainer(scene, Settings(assist=False))
    found = measure_stage(trainer, QUICK)
    assert set(found) >= {"rays", "samples", "step_ms", "until_launched_ms"}
    assert set(found["parts_ms"]) == {"rays", "render", "backward", "step of the field", "step of the poses"}
    assert 0 < found["until_launched_ms"] <= found["step_ms"]
    assert trainer.iteration == QUICK.warm + QUICK.timed + QUICK.parted
    assert max(list_operations(trainer, QUICK).values()) > 0
    assert trainer.iteration == QUICK.warm + QUICK.timed + QUICK.parted + QUICK.profiled


def test_pictures_are_told_by_how_even_they_come() -> None:
    told = describe("moving", [0.01] * 98 + [0.02, 0.5])
    assert told["moving_per_second"] == pytest.approx(100 / 1.5)
    assert told["moving_ms_p50"] == pytest.approx(10)
    assert 20 <= told["moving_ms_p99"] < 30
    assert told["moving_ms_longest"] == pytest.approx(500)


def test_new_volumes_come_one_period_apart() -> None:
    shown: list[FieldVolume] = []
    volume = fields.even_volume("box", density=0.0)
    renewed = Renewed(SimpleNamespace(set_volume=shown.append), volume, 0.5)  # type: ignore[arg-type]
    start = time.perf_counter()
    with mock.patch("tests.benchmarks.gpu.views.time.perf_counter", side_effect=lambda: start + 0.1 * len(asked)):
        asked: list[int] = []
        for step in range(20):
            asked.append(step)
            renewed()
    assert len(shown) == renewed.count == 4
    assert len({one.version for one in shown}) == 4


def test_each_test_is_noted_as_it_ends(tmp_path: Path) -> None:
    file = tmp_path / "test_three.py"
    file.write_text(
        "import pytest\ndef test_good(): pass\ndef test_bad(): assert 1 == 2\n"
        "@pytest.mark.skip\ndef test_other(): pass\n@pytest.fixture\ndef none(): raise KeyError('no lens')\n"
        "def test_unready(none): pass\n"
    )
    other = tmp_path / "test_other.py"
    other.write_text("import no_such_package\ndef test_unread(): pass\n")
    noted = Noted(Figures(tmp_path / "figures.json"))
    words = ["-q", "-p", "no:cacheprovider", "--continue-on-collection-errors", f"--rootdir={tmp_path}"]
    code = pytest.main([*words, str(file), str(other)], plugins=[noted])
    found = read_whole(tmp_path / "figures.json")
    assert code == 1
    assert found["not_read"] == ["test_other.py"]
    assert "no_such_package" in found["why_failed"]["test_other.py"]
    assert (found["passed"], found["failed"], found["skipped"]) == (1, 2, 1)
    assert [name.split("::")[1] for name in found["which_failed"]] == ["test_bad", "test_unready"]
    assert ["1 == 2" in found["why_failed"][found["which_failed"][0]], "no lens" in str(found["why_failed"])] == [
        True
    ] * 2


def test_all_files_with_tests_for_a_gpu_are_run_and_no_others() -> None:
    found = {file.relative_to(REPOSITORY).as_posix() for file in gpu_tests.find_gpu_tests()}
    assert found >= {
        "tests/engine/run/test_cuda.py",
        "tests/engine/geometry/test_devices.py",
        "tests/engine/fields/hash/test_field.py",
        "tests/app/render/gl/test_cuda_transport.py",
    }
    assert len(found) < 20


def test_what_a_run_has_reached_is_on_disk_while_it_goes_on(tmp_path: Path) -> None:
    figures = Figures(tmp_path / "figures.json")
    snapshots = [
        SimpleNamespace(
            seconds=time, iteration=9, psnr=20.0, doing="", rotation_error_deg=np.array([1.0, np.nan, 3.0])
        )
        for time in (0.0, 0.4, 1.1)
    ]
    shown: list[object] = []

    def follow(run: object, stopped: object, seconds: float | None, show: Callable[[object], object]) -> str:
        for snapshot in snapshots:
            show(snapshot)
        return "session"

    with mock.patch("tests.benchmarks.gpu.runs.follow_run", follow):
        assert runs.Followed(figures)(None, lambda: False, 3.0, shown.append) == "session"  # type: ignore[arg-type]
    assert shown == snapshots
    seen = read_whole(figures.path)["seen"]
    assert [(row["seconds"], row["rotation_error_deg"]) for row in seen] == [(0.0, 2.0), (1.1, 2.0)]


def test_without_opengl_a_sentence_says_so_and_the_run_is_measured(tmp_path: Path) -> None:
    figures = Figures(tmp_path / "figures.json")
    with mock.patch("tests.benchmarks.gpu.views.Renderer.start", side_effect=UserError("There is no OpenGL.")):
        measure_views("cpu", figures, quick=True)
    assert figures.found["opengl"] == "There is no OpenGL."
    assert figures.found["training_alone_per_second"] > 0
    assert figures.found["confirmed_alone_ms_p50"] > 0
    assert not any(name.startswith("moving") for name in figures.found)


def test_the_card_says_which_kernels_are_not_used_and_why(tmp_path: Path) -> None:
    context = Context(Figures(tmp_path / "figures.json"), 9.0, "cuda", tmp_path, True)
    say_kernels_are_absent.cache_clear()
    with (
        mock.patch("torch.cuda.is_available", return_value=True),
        mock.patch("engine.fields.voxel_grid.backends.cuda_compiled", None),
        mock.patch("engine.fields.voxel_grid.backends.ABSENCE", "no part for CUDA"),
        mock.patch("engine.fields.hash.backends.cuda_compiled", mock.Mock()),
    ):
        card.describe_kernels(context, torch.device("cuda"))
    say_kernels_are_absent.cache_clear()
    assert "no part for CUDA" in context.figures.found["grid_kernels"]
    assert context.figures.found["hash_kernels"] == "used"


def test_all_that_the_tests_compare_with_is_compiled_before() -> None:
    names = [name for names in gpu_tests.COMPARED for name in names]
    assert sorted(names) == sorted([*simulated_march.PASSES, *simulated_march.OTHERS, gpu_tests.ENCODING])
