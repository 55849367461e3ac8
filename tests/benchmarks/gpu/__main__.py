"""`python -m tests.benchmarks.gpu --output gpu.json`: all parts, within eight minutes.

It needs torch with CUDA and this repository; with `--device cpu --quick` it runs anywhere, and its numbers mean
nothing. Real scenes (`--scenes`, $L2G_SCENES, or ../shared/scenes) are used where they are, else those that ship; the
report says which. Run it first of all where a GPU can be had: everything that it finds is on disk within a second.
"""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.gpu.runner import Part, python, run_parts
from tests.benchmarks.support.command import REPOSITORY
from tests.benchmarks.support.machine import machine_line

PARTS = (
    Part("card", 30),
    Part("prepare", 33),
    Part("tests", 45),
    Part("steps", 54),
    Part("fern", 51),
    Part("lego", 82),
    Part("views", 42),
    Part("fox", 82),
    Part("longer", 330),
)
QUICK_SECONDS = 120.0  # of a part in a quick run: numbers mean nothing, and a slow machine shall get through


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints a summary, and returns 0 if every part is done."""
    parser = argparse.ArgumentParser(description="What a GPU has to show, in eight minutes.")
    parser.add_argument("--output", type=Path, required=True, help="JSON file for everything")
    parser.add_argument("--seconds", type=float, default=480.0, help="for everything; with 600 the last part has 300")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="few steps on shipped scenes, to check that it works")
    parser.add_argument("--parts", nargs="+", choices=[part.name for part in PARTS], help="only these")
    default = Path(os.environ.get("L2G_SCENES", REPOSITORY.parent / "shared" / "scenes"))
    parser.add_argument("--scenes", type=Path, default=default, help="folder of the real scenes")
    chosen = parser.parse_args(arguments)
    output = chosen.output.resolve()

    def command(part: Part, file: Path, seconds: float) -> list[str]:
        words = ["-m", "tests.benchmarks.gpu.parts", part.name, "--figures", str(file), "--seconds", f"{seconds:.1f}"]
        words += ["--device", chosen.device, "--scenes", str(chosen.scenes.resolve())]
        return python(*words, *(["--quick"] if chosen.quick else []))

    def stop(number: int, _: Any) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    parts = [part for part in PARTS if not chosen.parts or part.name in chosen.parts]
    if chosen.quick:
        parts = [Part(part.name, QUICK_SECONDS) for part in parts]
    heading = {"title": "GPU", "machine": machine_line(), "device": chosen.device, "quick": chosen.quick}
    begun = time.time() - psutil.Process().create_time()  # torch and the card take some seconds to start
    report = run_parts(parts, chosen.seconds - begun, output, command, heading)
    print(summarise(report))
    return 0 if all(entry["state"] == "done" for entry in report["parts"].values()) else 1


def summarise(report: dict[str, Any]) -> str:
    """The report as lines to read."""
    card = report["parts"].get("card", {}).get("figures", {}).get("name", report["device"])
    lines = [f"{card}; {report['machine']}; {report['seconds']} s, {report['state']}"]
    if report["quick"]:
        lines.append("quick: the numbers mean nothing")
    for name, entry in report["parts"].items():
        taken = f" ({entry['seconds']} of {entry['allowed']} s)" if "allowed" in entry else ""
        lines.append(f"{name}: {entry['state']}{taken}{', ' + entry['why'] if 'why' in entry else ''}")
        for key, value in entry.get("figures", {}).items():
            if value and isinstance(value, list) and all(isinstance(one, str) for one in value):
                value = ", ".join(value)
            if isinstance(value, int | float | str):
                lines.append(f"  {key}: {value:.4g}" if isinstance(value, float) else f"  {key}: {value}")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
