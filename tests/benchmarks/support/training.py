"""One training in a process of its own, by the command `l2g-train`."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.run.checkpoint import load_checkpoint
from engine.run.checkpoint_writer import CHECKPOINT_FILE
from engine.run.history import History
from tests.benchmarks.support.command import REPOSITORY, Options

TRAIN = "from engine.cli.main import train; train()"
QUICK = ("--max-iterations", "30")


def train(chosen: Options, name: str, scene: Path, seed: int, *arguments: str) -> dict[str, Any]:
    """`l2g-train` on a scene, in a fresh process so that its peak memory is its own.

    Args:
        chosen: options of the benchmark.
        name: of the run folder; the seed is appended.
        scene: folder of the scene.
        seed: of the run and of the noise.
        arguments: further options of the command.
    Returns:
        `result.json`, with `wall_seconds` of the whole process; after a failure an empty `history`, and `failure`.
    """
    with run_folder(chosen, f"{name}-{seed}") as folder:
        command = [str(scene), "--seed", str(seed), "--device", chosen.device, "--output", str(folder), *arguments]
        if chosen.quick:
            command += QUICK
        print(f"l2g-train {' '.join(command)}", file=sys.stderr, flush=True)
        start = time.perf_counter()
        try:
            fresh_process("-c", TRAIN, *command, log=folder.with_suffix(".log"))
        except RuntimeError as error:  # the results of the other runs must not be lost
            print(error, file=sys.stderr, flush=True)
            return {"history": [], "failure": str(error)}
        result: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        add_largest_errors(result, load_checkpoint(folder / CHECKPOINT_FILE).history)
    return result | {"wall_seconds": time.perf_counter() - start}


def add_largest_errors(result: dict[str, Any], history: History) -> None:
    """Adds the largest rotation error over the frames, which only the checkpoint has, to the rows of a result."""
    errors = {row.iteration: row.rotation_error_deg for row in history.rows}
    for row in result["history"]:
        found = errors.get(row["iteration"])
        row["rotation_error_max_deg"] = None if found is None else float(found.max())


def fresh_process(*arguments: str, log: Path, environment: dict[str, str] | None = None) -> None:
    """Runs this Python in a new process, from the root of the repository, with its output in a log file.

    Raises:
        RuntimeError: it failed; the message ends with the last lines of its output.
    """
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=REPOSITORY, stdout=output, stderr=output, check=False, env=environment
        )
    if done.returncode != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}:\n" + "\n".join(lines[-20:]))


@contextlib.contextmanager
def run_folder(chosen: Options, name: str) -> Iterator[Path]:
    """The folder of a run: below `--runs`, or a temporary one."""
    if chosen.runs:
        chosen.runs.mkdir(parents=True, exist_ok=True)
        yield chosen.runs.resolve() / name
        return
    with tempfile.TemporaryDirectory() as temporary:
        yield Path(temporary) / name
