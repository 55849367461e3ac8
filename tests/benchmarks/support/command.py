"""The command line that all benchmarks share."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.support.machine import machine_line
from tests.benchmarks.support.table import Measure, as_json, markdown

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Options:
    """The options of a benchmark.

    Attributes:
        seeds: of the runs, one run each.
        scenes: folder of the real scenes.
        output: JSON file for the numbers, or None.
        runs: folder in which run folders are kept, or None for temporary ones.
        device: of the runs.
        quick: use a small shipped scene and few iterations, to check that the benchmark works.
        machine: description of the machine, made before the first run.
    """

    seeds: tuple[int, ...]
    scenes: Path
    output: Path | None
    runs: Path | None
    device: str
    quick: bool
    machine: str = field(default_factory=machine_line)

    def scene(self, real: str, shipped: str = "fern") -> Path:
        """The folder of a real scene such as `llff/fern`; under `--quick` that of a shipped one."""
        folder = REPOSITORY / "scenes" / shipped if self.quick else self.scenes / real
        if not folder.is_dir():
            raise SystemExit(f"There is no {folder}; give the folder of the real scenes with --scenes or $L2G_SCENES.")
        return folder

    @property
    def gpu(self) -> bool:
        """Whether the runs use a GPU, so that its targets hold."""
        import torch

        return self.device == "cuda" or (self.device == "auto" and torch.cuda.is_available())


def options(description: str, arguments: Sequence[str] | None = None) -> Options:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    default = Path(os.environ.get("L2G_SCENES", REPOSITORY.parent / "shared" / "scenes"))
    parser.add_argument("--scenes", type=Path, default=default, help="folder with llff/fern and blender/lego")
    parser.add_argument("--output", type=Path, help="JSON file for all numbers")
    parser.add_argument("--runs", type=Path, help="keep the run folders here")
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--quick", action="store_true", help="few steps on a small shipped scene, to check that the benchmark works"
    )
    given = parser.parse_args(arguments)
    seeds = tuple(given.seeds[:1] if given.quick else given.seeds)
    return Options(seeds, given.scenes, given.output, given.runs, given.device, given.quick)


def report(title: str, chosen: Options, measures: Sequence[Measure], raw: Any) -> None:
    """Prints the table; writes table and raw numbers to the output file."""
    columns = [f"seed {seed}" for seed in chosen.seeds]
    note = " (quick: the numbers mean nothing)" if chosen.quick else ""
    print(f"\n### {title}{note}\n\n{markdown(measures, columns)}\n\n{chosen.machine}\n")
    if chosen.output:
        chosen.output.parent.mkdir(parents=True, exist_ok=True)
        content = {"title": title, "machine": chosen.machine, "quick": chosen.quick, "seeds": chosen.seeds}
        content |= {"measures": as_json(measures), "raw": raw}
        chosen.output.write_text(json.dumps(content, indent=1), encoding="utf-8")
