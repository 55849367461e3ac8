"""A 20 s 1080p video, made of photos that ship, through one command: `python -m tests.benchmarks.video`.

Photos hang as planes at several depths, with holes in the nearer ones, and a camera without rotation moves past them:
what it sees is exact, quick to draw, and has parallax. It stands still for the first seconds, and shakes once.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tests.benchmarks.command import REPOSITORY
from tests.benchmarks.machine import machine_line

SECONDS, RATE, STILL = 20, 15, 3  # STILL: seconds at the beginning
FOCAL = 0.75  # of the width
DEPTHS = (3.0, 2.2, 1.6)
SHAKEN = range(150, 156)  # frames that are blurred


def layers(width: int) -> list[Image.Image]:
    """One picture per depth, from far to near; each twice as wide as what is seen of it from the middle."""
    photos = sorted((REPOSITORY / "scenes" / "fern" / "images").glob("*.jpg"))[:: 20 // len(DEPTHS)]
    made = []
    for number, photo in enumerate(photos[: len(DEPTHS)]):
        picture = Image.open(photo).convert("RGB").resize((2 * width, 2 * width * 9 // 16), Image.Resampling.LANCZOS)
        picture.putalpha(Image.new("L", picture.size, 255) if number == 0 else _holes(picture.size, number))
        made.append(picture)
    return made


def _holes(size: tuple[int, int], seed: int) -> Image.Image:
    """Where a nearer plane is there: blobs that leave most of it open."""
    rng, mask = np.random.default_rng(seed), Image.new("L", size, 0)
    draw = ImageDraw.Draw(mask)
    for _ in range(14):
        x, y = rng.uniform(0, size[0]), rng.uniform(0, size[1])
        radius = rng.uniform(0.03, 0.08) * size[0]
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return mask


def centre(seconds: float) -> tuple[float, float, float]:
    """Where the camera stands: an upright eight before the planes, after some seconds of rest."""
    turn = 2 * math.pi * max(seconds - STILL, 0) / (SECONDS - STILL)
    return 0.35 * math.sin(turn), 0.15 * math.sin(2 * turn), 0.15 * (1 - math.cos(turn))


def frame(pictures: Sequence[Image.Image], place: tuple[float, float, float], width: int, height: int) -> Image.Image:
    """The planes as a camera without rotation sees them, nearer ones over farther ones."""
    seen = Image.new("RGB", (width, height))
    for picture, depth in zip(pictures, DEPTHS, strict=True):
        # from pixels of the frame to the plane, and from there to pixels of its picture
        along = (depth - place[2]) / (FOCAL * width)
        scale = picture.width / (2 * depth / FOCAL)
        box = [
            ((side * size / 2) * along + offset) * scale + whole / 2
            for side in (-1, 1)
            for size, offset, whole in ((width, place[0], picture.width), (height, place[1], picture.height))
        ]
        cut = picture.resize((width, height), Image.Resampling.BILINEAR, box=tuple(box))
        seen.paste(cut, mask=cut.getchannel("A"))
    return seen


def write_video(path: Path, width: int = 1920, height: int = 1080) -> None:
    """The whole film."""
    pictures = layers(width)
    writer = imageio_ffmpeg.write_frames(str(path), (width, height), fps=RATE, quality=8, macro_block_size=8)
    writer.send(None)
    for number in range(SECONDS * RATE):
        picture = frame(pictures, centre(number / RATE), width, height)
        if number in SHAKEN:
            picture = picture.filter(ImageFilter.GaussianBlur(width / 160))
        writer.send(np.ascontiguousarray(picture).tobytes())
    writer.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the film, train on it, tell what came of it."""
    parser = argparse.ArgumentParser(description="A 20 s 1080p video through one command.")
    parser.add_argument("--seconds", default="300", help="of training")
    parser.add_argument("--width", type=int, default=1920)
    parser.add_argument("--keep", type=Path, help="put film and run here")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (chosen.keep or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        film, run = folder / "film.mp4", folder / "run"
        write_video(film, chosen.width, chosen.width * 9 // 16)
        command = f"from engine.cli import train; import sys; sys.argv = {['l2g-train', str(film)]!r}"
        command += f" + {['--max-seconds', chosen.seconds, '--output', str(run), '--overwrite']!r}; train()"
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", command], cwd=REPOSITORY, check=True)
        result = json.loads((run / "result.json").read_text(encoding="utf-8"))
        print(f"{time.perf_counter() - start:.0f} s in all, {result['seconds']:.0f} s of them training")
        print(f"{result['frames']} frames trained, {result['train_psnr']:.2f} dB")
        print("\n".join(result["notes"]), result["outliers"], machine_line(), sep="\n")


if __name__ == "__main__":
    main()
