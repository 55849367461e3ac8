"""Verdicts on short runs of which is known whether they are right: `python -m tests.benchmarks.verdicts [--quick]`.

Each run is `l2g-train` on small copies of photos, for few iterations, called in this process. Afterwards its poses are
compared with the reference: a run that was made wrong and ends right counts as right, and the reverse. A verdict that
is right counts 1, "doubtful" counts half. A run that is refused with a sentence has failed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from engine.cli import main as cli
from tests.benchmarks.reach import Poses, measure_errors
from tests.benchmarks.support.command import Options, options
from tests.benchmarks.support.verdict_cases import ALTERED_CASES, CASES, Case
from tests.benchmarks.support.verdict_inputs import Made

ITERATIONS = {False: 40, True: 4}  # of a run; by --quick
QUICK_CASES = 3  # the first so many of either kind


@dataclass(frozen=True)
class Truth:
    """From when on poses are wrong.

    Attributes:
        rotation_deg: mean rotation error, rotations aligned by themselves.
        spread_percent: mean distance of the centres, in per cent of their r.m.s. spread.
    """

    rotation_deg: float = 2.0
    spread_percent: float = 6.0


TRUTH = Truth()


@dataclass(frozen=True)
class Judged:
    """What became of a case.

    Attributes:
        name: of the case.
        declared: what it was made to be.
        right: whether it is right, by the reference.
        rotation_deg, spread_percent: errors; None without a reference.
        state, reason: of the verdict.
        points: 1, 0.5 or 0.
        seconds: of processor time.
    """

    name: str
    declared: str
    right: bool
    rotation_deg: float | None
    spread_percent: float | None
    state: str
    reason: str
    points: float
    seconds: float


def points_for(right: bool, state: str) -> float:
    """What a verdict counts."""
    if state == "doubtful":
        return 0.5
    return float(right == (state == "registered"))


def is_right(case: Case, errors: dict[str, float] | None) -> bool:
    """Whether a run is right: by the errors of its poses, where they tell."""
    if not case.measured or errors is None or "alone" not in errors:
        return case.declared == "right"
    return errors["alone"] < TRUTH.rotation_deg and errors["spread"] < TRUTH.spread_percent


def judge_case(case: Case, chosen: Options, folder: Path) -> Judged:
    """Makes the input, runs the program on it, and compares its verdict with the truth."""
    begun = sum(os.times()[:4])
    (folder / "scene").mkdir(parents=True)
    made = case.make(folder / "scene", chosen.scenes)
    code, said = call_train(made, folder / "run", chosen)
    errors: dict[str, float] | None = None
    if code == 0:
        result: dict[str, Any] = json.loads((folder / "run" / "result.json").read_text(encoding="utf-8"))
        state, reason = result["verdict"]["state"], result["verdict"]["reason"]
        if made.reference is not None:
            errors = measure_errors(read_poses(folder / "run"), made.reference)
    else:
        state, reason = ("failed", said) if code == 2 else ("crashed", said)
    right = is_right(case, errors) if code == 0 else case.declared == "right"
    return Judged(
        name=case.name,
        declared=case.declared,
        right=right,
        rotation_deg=None if errors is None else errors.get("alone"),
        spread_percent=None if errors is None else errors.get("spread"),
        state=state,
        reason=reason,
        points=0.0 if state == "crashed" else points_for(right, state),
        seconds=sum(os.times()[:4]) - begun,
    )


def read_poses(run: Path) -> Poses:
    """The fitted poses of a run folder by the names of the frames."""
    written = json.loads((run / "poses.json").read_text(encoding="utf-8"))
    return {frame["name"]: torch.tensor(frame["world_to_camera"], dtype=torch.float64) for frame in written["frames"]}


def call_train(made: Made, output: Path, chosen: Options) -> tuple[int, str]:
    """`l2g-train`: its exit code, and the end of what it wrote to standard error."""
    words = [*made.words, "--output", str(output), "--device", chosen.device]
    words += ["--max-iterations", str(ITERATIONS[chosen.quick])]
    errors = io.StringIO()
    with (
        patch.object(sys, "argv", ["l2g-train", *words]),
        patch("engine.results.convergence_video.write_video"),  # seconds of which the verdict knows nothing
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(errors),
    ):
        try:
            cli.train()
        except SystemExit as left:
            return int(left.code or 0), errors.getvalue().strip()[-400:]
    return 0, ""


@contextlib.contextmanager
def own_cache(folder: Path) -> Iterator[None]:
    """Matches are not taken from earlier runs."""
    with patch("platformdirs.user_cache_dir", lambda name: str(folder / name)):
        yield


def table(judged: Sequence[Judged]) -> str:
    """As Markdown, with the sums."""
    lines = ["| run | made | is | rotations alone, centres | verdict | reason | |", "|---|---|---|---|---|---|---|"]
    for one in judged:
        errors = ""
        if one.rotation_deg is not None and one.spread_percent is not None:
            errors = f"{one.rotation_deg:.2f}°, {one.spread_percent:.1f} %"
        truth = "right" if one.right else "wrong"
        reason = one.reason.replace("\n", " ").replace("|", "/")
        lines.append(f"| {one.name} | {one.declared} | {truth} | {errors} | {one.state} | {reason} | {one.points:g} |")
    for truth in (True, False):
        some = [one for one in judged if one.right is truth]
        lines.append(
            f"\n{len(some)} {'right' if truth else 'wrong'} runs: {sum(one.points for one in some):g} points; "
            + ", ".join(f"{sum(one.state == state for one in some)} {state}" for state in STATES)
        )
    worst = [one.name for one in judged if not one.right and one.state == "registered"]
    lines.append(f"\nWrong and registered: {', '.join(worst) or 'none'}.")
    return "\n".join(lines)


STATES = ("registered", "doubtful", "failed", "crashed")


def choose_cases(named: Sequence[str], quick: bool) -> list[Case]:
    """Those whose name contains one of the words; the first few under `--quick`."""
    found = [case for case in [*CASES, *ALTERED_CASES] if any(word in case.name for word in named)] if named else CASES
    if not quick:
        return found
    return [
        case for kind in ("right", "wrong") for case in [case for case in found if case.declared == kind][:QUICK_CASES]
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the cases one after the other, a line for each as it ends, and the table."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--cases", nargs="+", default=[], help="words of the names")
    given, rest = parser.parse_known_args(arguments)
    chosen = options("Verdicts on right and on wrong runs (--cases WORD ...).", rest)
    judged = list[Judged]()
    for number, case in enumerate(choose_cases(given.cases, chosen.quick)):
        with tempfile.TemporaryDirectory() as temporary, own_cache(Path(temporary) / "cache"):
            one = judge_case(case, chosen, Path(temporary))
        judged.append(one)
        errors = f"{one.rotation_deg or math.nan:.2f}° {one.spread_percent or math.nan:.1f}%"
        print(
            f"{number + 1:3d} {one.points:3g} {'right' if one.right else 'wrong'} {one.state:10} {one.name} "
            f"[{errors}; {one.seconds:.0f} s] {one.reason}",
            file=sys.stderr,
            flush=True,
        )
    print(table(judged))
    print(f"\n{chosen.machine}")
    if chosen.output:
        chosen.output.write_text(json.dumps([asdict(one) for one in judged], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
