"""The commands as a user types them, each in a process of its own, on the shipped fern at 63 x 47 pixels."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cli.arguments import TrainArguments
from engine.cli.train import train_scene
from engine.errors import UserError
from engine.run.checkpoint import load_checkpoint
from engine.scenes import load_scene
from tests.support.in_process import Command, commands, is_one_sentence
from tests.support.scenes.scenes_on_disk import REPOSITORY

pytestmark = pytest.mark.slow  # whole commands, some in processes of their own

FERN = str(REPOSITORY / "scenes" / "fern")
FILES = ["cameras.mp4", "checkpoint.safetensors", "errors.png", "poses.json", "result.json"]
SMALL = ("--downscale", "8", "--device", "cpu")
posix = pytest.mark.skipif(os.name == "nt", reason="signals and limits are POSIX's")


def command(name: str, *words: str) -> list[str]:
    program = f"import sys; sys.argv[0] = 'l2g-{name}'; from engine.cli.main import {name} as act; act()"
    if name == "eval":
        program = program.replace("import eval ", "import evaluate ")
    return [sys.executable, "-c", program, *words]


@pytest.fixture
def command_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Calls a command in this process, in the folder of the test."""
    return commands(tmp_path, monkeypatch, capsys)


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}


def called(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), capture_output=True, text=True, cwd=folder, env=environment(), timeout=300)


def interrupted(folder: Path, sent: signal.Signals, *words: str) -> tuple[int, str, str]:
    """Starts a command, sends it a signal once it has taken a step, and waits for its end."""
    log = folder / "log"
    program = command(*words)
    program[2] = "from engine.cli import progress; progress._LINE_PERIOD = 0.1; " + program[2]
    with (
        log.open("w") as output,
        subprocess.Popen(
            program, stdout=output, stderr=subprocess.PIPE, text=True, cwd=folder, env=environment()
        ) as process,
    ):
        end = time.monotonic() + 200
        while " dB" not in log.read_text() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.1)
        process.send_signal(sent)
        _, errors = process.communicate(timeout=200)
    return process.returncode, log.read_text(), errors


def test_help_needs_no_torch() -> None:
    program = "import sys; import engine.cli.main; print([name for name in ('torch', 'numba') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment())
    assert done.stdout.strip() == "[]"
    program = "import sys; from engine.cli.arguments import TrainArguments; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment())
    assert done.stdout.strip() == "False"
    done = called(REPOSITORY, "train", "--help")
    assert done.returncode == 0
    for word in ("--lambda", "--noise-rotation", "--resume", "--optimise-focal", "--checkpoint-every"):
        assert word in done.stdout


def test_a_run_from_start_to_evaluation(tmp_path: Path) -> None:
    exports = ("--export", "colmap", "llff")
    done = called(tmp_path, "train", FERN, *SMALL, "--max-iterations", "12", "--evaluate", *exports)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs" / "fern-l2g"
    assert set(FILES) <= set(os.listdir(folder))
    result = json.loads((folder / "result.json").read_text())
    assert (result["scene"], result["iterations"], result["frames"]) == ("fern", 12, 18)
    assert result["pose"]["rotation_error_deg"]["mean"] > 0
    assert result["test"]["frames"] == 2
    assert result["test"]["psnr"] > 3
    for word in ("rotation error", "held-out PSNR", "12 iterations", "Written: "):
        assert word in done.stdout
    assert len(load_scene(folder / "exports" / "colmap").names) == 20  # the evaluation has refined the other two
    assert (folder / "exports" / "llff" / "poses_bounds.npy").is_file()
    done = called(tmp_path, "eval", str(folder), "--limit", "1", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "result.json").read_text())["test"]["frames"] == 1


@posix
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_an_interrupted_run_is_saved_and_continues(
    command_here: Command, tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    words = ("train", FERN, *SMALL, "--output", "run", "--noise-rotation", "0.01")
    found, _, errors = interrupted(tmp_path, sent, *words)
    assert found == code, errors
    assert "Traceback" not in errors
    assert sorted(os.listdir(tmp_path / "run")) == FILES
    before = json.loads((tmp_path / "run" / "result.json").read_text())
    assert before["iterations"] > 0
    assert load_checkpoint(tmp_path / "run" / "checkpoint.safetensors").trainer[1]["iteration"] == before["iterations"]

    if sent == signal.SIGINT:
        is_one_sentence(command_here("l2g-train", *words[1:]), "run holds a run already (l2g on fern)")
        return
    limit = before["iterations"] + 5
    done = called(tmp_path, "train", FERN, "--output", "run", "--resume", "--max-iterations", str(limit))
    assert done.returncode == 0, done.stderr
    after = json.loads((tmp_path / "run" / "result.json").read_text())
    assert after["iterations"] == limit
    assert after["seconds"] > before["seconds"]
    assert after["history"][: len(before["history"])] == before["history"]
    assert "continue" in [event["kind"] for event in after["events"]]


@pytest.mark.usefixtures("short_video")
def test_a_time_limit_ends_a_run(tmp_path: Path) -> None:
    arguments = TrainArguments(Path(FERN), downscale=8, device="cpu", output=tmp_path / "run", max_seconds=1.0)
    assert train_scene(arguments) == 0
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert 0.3 < result["seconds"] < 30  # the whole schedule takes minutes
    assert result["iterations"] < 1000


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("train", "nowhere"), "nowhere"),
        (("train", FERN, *SMALL, "--method", "no-encoding"), "--field mlp"),
        (("train", FERN, "--device", "mps"), "There is no device 'mps'"),
        (("train", FERN, "--max-iterations", "0"), "--max-iterations is 0"),
        (("train", FERN, "--resume"), "holds no run to continue"),
        (("eval", "nowhere"), "There is no checkpoint"),
        (("eval", "nowhere", "--limit", "0"), "--limit is 0"),
    ],
)
def test_user_errors_are_one_sentence(command_here: Command, words: tuple[str, ...], sentence: str) -> None:
    is_one_sentence(command_here(f"l2g-{words[0]}", *words[1:]), sentence)


@pytest.mark.usefixtures("short_video")
def test_a_checkpoint_of_another_scene_is_refused(tmp_path: Path) -> None:
    arguments = TrainArguments(Path(FERN), downscale=8, device="cpu", output=tmp_path / "run", max_iterations=2)
    assert train_scene(arguments) == 0
    other = REPOSITORY / "scenes" / "locomotive"
    with pytest.raises(UserError, match=r"a checkpoint of another scene \(fern, .*number of frames 20 there"):
        train_scene(replace(arguments, scene=other, resume=True))
    assert sorted(os.listdir(tmp_path / "run")) == FILES


@posix
def test_a_full_disk_at_the_end_is_one_sentence_per_file(tmp_path: Path) -> None:
    warm_up = f"""
import resource
from pathlib import Path
from engine.cli.arguments import TrainArguments
from engine.cli.train import train_scene
from tests.support.runs.short_video import shorten_video
with shorten_video():
    train_scene(TrainArguments(Path({FERN!r}), downscale=8, output=Path("warm"), max_iterations=2))  # compiles
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
"""
    program = command("train", FERN, *SMALL, "--output", "run", "--max-iterations", "2")
    program[2] = warm_up + program[2]
    done = subprocess.run(program, capture_output=True, text=True, cwd=tmp_path, env=environment(), timeout=300)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for name in ("checkpoint.safetensors", "errors.png", "cameras.mp4"):
        assert f"{name} was not written" in done.stderr
    assert sorted(os.listdir(tmp_path / "run")) == ["poses.json", "result.json"]


@posix
def test_the_second_signal_ends_at_once() -> None:
    program = """
import os, signal, time
from engine.system.interruption import Interruption
with Interruption() as interruption:
    os.kill(os.getpid(), signal.SIGINT)
    assert interruption.exit_code == 130
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment())
    assert done.returncode == 143
    assert done.stderr.split("\n")[1:4] == ["Saving the run; once more to abort.", "", "Aborted."]
