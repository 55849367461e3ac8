"""How long reading large photos takes beside decoding them alone: `python -m tests.benchmarks.reading [--photos 300]`.

A folder in nerfstudio's layout is made of so many JPEGs; then, each in a process of its own, all are decoded by as
many threads as there are cores, and `load_scene` reads them. Times and peak memory are printed as one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.scenes.synthetic import object_poses, opengl_camera_to_world, write_json

DISTINCT = 5  # different photos; the others are links to them, since only their decoding counts


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--size", type=int, nargs=2, default=(4000, 3000), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--measure", choices=("decode", "read"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.measure:
        print(json.dumps(measure(given.measure, given.folder)))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_photos(Path(folder), given.photos, tuple(given.size))
        found = {what: run(what, Path(folder)) for what in ("decode", "read")}
    print(json.dumps({"photos": given.photos, "size": given.size, "load": os.getloadavg()[0], **found}))


def run(what: str, folder: Path) -> dict[str, float]:
    """The measurement in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.reading", "--measure", what, "--folder", str(folder)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(what: str, folder: Path) -> dict[str, float]:
    """Seconds and megabytes of decoding the photos alone, or of reading the scene."""
    from engine.scenes import load_scene

    files = sorted((folder / "images").iterdir())
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    if what == "decode":
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(decode, files))
    else:
        assert len(load_scene(folder).names) == len(files)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": round(wall, 2), "processor_s": round(processor, 2), "peak_mb": after.ru_maxrss // 1024}


def decode(file: Path) -> None:
    """Decodes a photo at full size and forgets it."""
    with Image.open(file) as image:
        image.load()


def write_photos(folder: Path, count: int, size: tuple[int, int]) -> None:
    """`transforms.json` and photos with details of several sizes, of which a few are different."""
    (folder / "images").mkdir()
    files = [folder / "images" / f"{index:04d}.jpg" for index in range(count)]
    for index, file in enumerate(files):
        if index >= DISTINCT:
            os.link(files[index % DISTINCT], file)
            continue
        numbers = np.random.default_rng(index)
        picture = np.zeros((size[1], size[0], 3), dtype=np.float32)
        for side in (8, 60, 500):
            layer = Image.fromarray(numbers.integers(0, 256, (side * 3 // 4, side, 3), dtype=np.uint8))
            picture += np.asarray(layer.resize(size, Image.Resampling.BICUBIC), dtype=np.float32) / 3
        Image.fromarray(picture.astype(np.uint8)).save(file, quality=92)
    frames = [
        {"file_path": f"images/{file.name}", "transform_matrix": matrix.tolist()}
        for file, matrix in zip(files, opengl_camera_to_world(object_poses(count)), strict=True)
    ]
    write_json(folder / "transforms.json", {"fl_x": 0.8 * size[0], "w": size[0], "h": size[1], "frames": frames})


if __name__ == "__main__":
    main()
