"""COLMAP's pipeline as the engine runs it, and plain pycolmap, on the same photos: `python -m tests.benchmarks.sfm`.

The engine's reports all its events. Both run in turns, each in a process of its own, without a mesh (plain pycolmap
makes none). Processor time is measured too: it depends less on other programs than wall time.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.support.command import Options, options, report
from tests.benchmarks.support.table import Measure, Target
from tests.benchmarks.support.training import fresh_process

MOST_OVERHEAD = 1.1  # times the seconds of plain pycolmap


def run_pycolmap(photos: Path, output: Path) -> int:
    """Runs pycolmap with its defaults; returns the number of registered photos."""
    import pycolmap

    database = output / "database.db"
    pycolmap.extract_features(database, photos, camera_mode=pycolmap.CameraMode.SINGLE)
    pycolmap.match_exhaustive(database)
    models = pycolmap.incremental_mapping(database, photos, output)
    return max((model.num_reg_images() for model in models.values()), default=0)


def run_engine(photos: Path, output: Path) -> int:
    """Runs the engine's pipeline and reads all its events; returns the number of registered photos."""
    from engine.sfm.events import Finished
    from engine.sfm.options import SfmOptions
    from engine.sfm.pipeline import run_sfm

    names = tuple(sorted(entry.name for entry in photos.iterdir()))
    for event in run_sfm(photos, names, output, SfmOptions(mesh=False)):
        if isinstance(event, Finished):
            return len(event.registered)
    return 0


def measure(which: str, photos: Path) -> dict[str, float]:
    """Wall seconds, processor seconds and the number of registered photos."""
    with tempfile.TemporaryDirectory() as output:
        start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        registered = {"plain": run_pycolmap, "ours": run_engine}[which](photos, Path(output))
        after = resource.getrusage(resource.RUSAGE_SELF)
        processor = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
        return {"seconds": time.perf_counter() - start, "processor": processor, "registered": registered}


def measures(results: Sequence[dict[str, dict[str, float]]]) -> list[Measure]:
    """A row per quantity; a column per repetition."""
    rows = [
        Measure(f"{name}: {key}", "" if key == "registered" else "s", [result[which][key] for result in results])
        for which, name in (("plain", "plain pycolmap"), ("ours", "l2g-sfm"))
        for key in ("seconds", "processor", "registered")
    ]
    for key in ("seconds", "processor"):
        ratios = [result["ours"][key] / result["plain"][key] for result in results]
        rows.append(Measure(f"l2g-sfm / plain: {key}", "", ratios, Target("at most", MOST_OVERHEAD)))
    return rows


def measure_both(chosen: Options, photos: Path) -> dict[str, dict[str, Any]]:
    """Measures both, one after the other."""
    found = {}
    for which in ("plain", "ours"):
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "result.json"
            words = ("-m", "tests.benchmarks.sfm", "--one", which, str(photos.resolve()), str(output))
            fresh_process(*words, log=Path(folder) / "log")
            found[which] = json.loads(output.read_text(encoding="utf-8"))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures once per seed (nothing is random, but times vary) and reports."""
    chosen = options("COLMAP's pipeline with all its events, beside plain pycolmap.", arguments)
    scene = chosen.scene("llff/fern")
    photos = scene / ("images" if chosen.quick else "images_4")
    results = [measure_both(chosen, photos) for _ in chosen.seeds]
    report("COLMAP's pipeline on fern's photos", chosen, measures(results), results)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        Path(sys.argv[4]).write_text(json.dumps(measure(sys.argv[2], Path(sys.argv[3]))), encoding="utf-8")
    else:
        main()
