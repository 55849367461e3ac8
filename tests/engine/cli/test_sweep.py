"""`l2g-sweep`: its arguments, its TOML file, the time that is left, and whole sweeps in this process."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cli import main as cli
from engine.cli.arguments import TrainArguments
from engine.cli.sweep import define_sweep, success_of
from engine.cli.sweep_arguments import SweepArguments, parse_sweep
from engine.cli.sweep_display import estimate_seconds_left
from engine.cli.sweep_run import train_run
from engine.cli.sweep_values import train_arguments
from engine.errors import UserError
from engine.lab.sweep.definition import SweptRun
from engine.lab.sweep.worker import CutShortError
from tests.support.runs.swept_runs import CAT, SMALL_CAT, InThisThread, swept_row

FERN = str(CAT.parent / "fern")


def test_the_words_of_the_command_line() -> None:
    words = f"{FERN} --methods l2g barf naive --assist on off --noise-rotation 0 0.05 0.1 0.2 --seeds 20 --output x"
    arguments = parse_sweep(words.split())
    runs = define_sweep(arguments).runs()
    assert len(runs) == 3 * 2 * 4 * 20
    assert arguments.output == Path("x")
    assert {run.values["noise_rotation"] for run in runs} == {0.0, 0.05, 0.1, 0.2}


def test_pairs_of_noise_are_no_product() -> None:
    words = [FERN, "--noise-pairs", "0.07/0.5", "0.14/1.0", "--noise-rotation", "0"]
    runs = define_sweep(parse_sweep(words)).runs()
    assert [(run.values["noise_rotation"], run.values["noise_translation"]) for run in runs] == [
        (0.07, 0.5),
        (0.14, 1),
    ]


def test_a_toml_file_has_the_same_names_and_the_command_line_wins(tmp_path: Path) -> None:
    file = tmp_path / "lego.toml"
    file.write_text(
        f'scenes = ["{FERN}"]\nmethods = ["l2g", "naive"]\nassist = "off"\nlambda = [1, 2.5]\nnoise-rotation = 0.1\n'
        "max_iterations = 20\nmatches = false\nevaluate = true\nseeds = 4\n"
    )
    found = parse_sweep([str(file), "--seeds", "7"])
    words = "--methods l2g naive --assist off --lambda 1 2.5 --noise-rotation 0.1 --max-iterations 20 --no-matches"
    expected = parse_sweep([FERN, *words.split(), "--evaluate", "--seeds", "7", "--output", "sweeps/lego"])
    assert found == expected
    assert parse_sweep([str(file), "--output", "x"]).output == Path("x")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("methods = ['x']", "methods = .* does not fit"),
        ("seeds = [1, 2]", "seeds = .* does not fit"),
        ("foo = 1", "has foo, which l2g-sweep does not know"),
        ("evaluate = 1", "give true or false"),
        ("seeds", "cannot be read"),
    ],
)
def test_a_toml_file_that_does_not_fit_is_a_sentence(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "a.toml").write_text(content)
    with pytest.raises(UserError, match=rf"a\.toml .*{words}"):
        parse_sweep([str(tmp_path / "a.toml")])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scenes": ()}, "nothing to sweep"),
        ({"methods": ("no-encoding",)}, "--method no-encoding needs --field mlp"),
        ({"scenes": (Path("nowhere"),)}, "There is no scene nowhere"),
        ({"methods": ()}, "--methods has no values"),
        ({"seeds": 0}, "--seeds is 0"),
        ({"max_seconds": 0.0}, "--max-seconds is 0"),
        ({"lambda_exponents": (99.0,)}, "--lambda is 99"),
        ({"noise_rotation": (-1.0,)}, "--noise-rotation is -1"),
        ({"noise_pairs": ("0.1",)}, "--noise-pairs has 0.1"),
        ({"noise_pairs": ("0.1/1",), "noise_rotation": (0.1,)}, "one or the other"),
        ({"success_rotation": 0.0}, "rotation deg of success is 0"),
    ],
)
def test_arguments_that_make_no_sense_are_a_sentence(changes: dict, words: str) -> None:
    arguments = replace(SweepArguments((CAT,)), **changes)
    with pytest.raises(UserError, match=words):
        success_of(arguments), define_sweep(arguments).runs()


def test_the_values_of_a_run_are_the_words_of_l2g_train() -> None:
    (run,) = define_sweep(parse_sweep([FERN, "--assist", "off", "--lambda", "1", "--first-seed", "3"])).runs()
    assert train_arguments(run.values, Path("x")) == TrainArguments(
        Path(FERN), assist="off", lambda_exponent=1.0, seed=3, output=Path("x"), overwrite=True,
        checkpoint_every=float("inf"),
    )  # fmt: skip


def test_time_left_knows_what_a_method_takes() -> None:
    waiting = [SweptRun("", vars(swept_row(method=method))) for method in ("l2g", "naive", "naive")]
    ended = [swept_row(method="naive", seconds=10.0), swept_row(method="l2g", seconds=100.0)]
    assert estimate_seconds_left(ended, [], waiting, workers=1, elapsed=220.0) == pytest.approx(240.0)
    assert estimate_seconds_left(ended[:1], ended[1:], waiting, workers=1, elapsed=20.0) == pytest.approx(240.0)
    assert estimate_seconds_left([], ended, waiting, workers=1, elapsed=20.0) is None
    two = estimate_seconds_left(ended[1:] * 4, ended[:1], waiting * 50, workers=2, elapsed=200.0)
    assert two == pytest.approx(6000 / 2, rel=0.1)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Runs are trained in this process, without a cluster."""

    class Pool(InThisThread):
        workers = 1

    @contextlib.contextmanager
    def pool(*_: object) -> Iterator[Pool]:
        yield Pool()

    monkeypatch.setattr("engine.cli.sweep._open_pool", pool)
    monkeypatch.chdir(tmp_path)


def called(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["l2g-sweep", *words])
    with pytest.raises(SystemExit) as left:
        cli.sweep()
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.mark.usefixtures("in_this_process")
def test_a_whole_sweep(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(CAT), "--methods", "l2g", "barf", "--patches", "2", "--crop", "32", "--max-iterations", "1"]
    assert called(monkeypatch, *words) == 0
    first = capsys.readouterr().out
    assert "2/2  cat-barf-grid-seed_0: corners" in first
    assert "0/1  0 % (0–79)" in first
    folder = Path("sweeps/cat/runs/cat-l2g-grid-seed_0")
    assert json.loads((folder / "result.json").read_text())["iterations"] == 1
    assert sorted(file.name for file in folder.iterdir()) == [
        *("attempts.json", "config.json", "errors.png", "result.json", "row.json", "transforms.json")
    ]
    assert called(monkeypatch, *words, "--success-corners", "1000", "--seeds", "2") == 0
    second = capsys.readouterr().out
    assert "2 of its 4 runs are new" in second
    assert "2 of 4 runs have ended before" in second
    assert "2/2  100 %" in second
    assert "2 of 2" in Path("sweeps/cat/report.html").read_text()
    assert called(monkeypatch, *words, "--patches", "3") == 2
    error = capsys.readouterr().err
    assert error.startswith("l2g-sweep: The sweep in sweeps/cat was made with patches 2, not 3")
    assert error.count("\n") == 1


@pytest.mark.usefixtures("in_this_process")
def test_runs_that_fail_are_told_with_their_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(monkeypatch, str(CAT), "--noise-rotation", "0.1", "--seeds", "2") == 0
    found = " ".join(capsys.readouterr().out.split())
    assert "Failed, 2 of 2 runs: --init is for scenes of photos with cameras" in found


def test_a_run_that_is_told_to_end_is_no_result(tmp_path: Path) -> None:
    values = {"scene": str(CAT), **SMALL_CAT, "max_iterations": 100}
    with pytest.raises(CutShortError):
        train_run(values, tmp_path, lambda: True)
    assert not (tmp_path / "result.json").exists()
