"""A 20 s 1080p video, made of a scene that ships, through one command: `python -m tests.benchmarks.video`.

The shipped fern is trained for a minute and a half with its exact poses, and the field is rendered along a path
through its cameras: the camera rests for the first seconds, and some frames are blurred. The poses fitted to this
video are compared with the path.

`--many 300` measures the start with many frames instead, of a walk round the desk that ships: seconds, CPU, memory.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image, ImageFilter

from engine.export.video import render_picture
from engine.geometry import so3
from engine.geometry.camera_path import interpolate_cameras
from engine.geometry.pose_errors import pose_errors
from engine.geometry.view_camera import ViewCamera
from engine.run.saved_run import open_saved_run
from engine.scenes import SceneOptions, load_scene
from engine.scenes.scene import Scene
from engine.system.video_writer import encode_video
from engine.training.radiance import RadianceTrainer
from tests.benchmarks.reach import read_reference
from tests.benchmarks.support.command import REPOSITORY
from tests.benchmarks.support.machine import machine_line

SECONDS, RATE, RESTING = 20, 24, 3  # of the video; frames per second; seconds without motion at its beginning
REPEATS = 2  # consecutive equal frames, so that half as many are rendered
BLURRED = range(240, 248)  # frames
RENDERED_SIZE = (480, 270)  # pixels, as many as the photos have; the frames of the video are interpolated
LOOKING, ZOOM = 0.1, 1.2  # of `write_walk`: radians between two places; of the lens
KEY_STEP = 3  # the path goes through every third camera


@dataclass(frozen=True)
class Film:
    """A video with known cameras.

    Attributes:
        file: the video.
        poses: world-to-camera of each frame.
        focal: relative to the width.
    """

    file: Path
    poses: torch.Tensor
    focal: float


def l2g(name: str, *arguments: str) -> None:
    """Runs one of the commands in a process of its own."""
    program = f"import sys; sys.argv[0] = 'l2g-{name}'; from engine.cli.main import {name} as act; act()"
    subprocess.run([sys.executable, "-c", program, *arguments], cwd=REPOSITORY, check=True)


def path(trainer: RadianceTrainer) -> list[ViewCamera]:
    """A camera per frame of the video: at rest, then along a closed path through cameras of the scene."""
    lens, width, height = trainer.scene.intrinsics, *RENDERED_SIZE
    focal = float(lens.focal[0, 0]) / lens.width * width
    poses = trainer.scene.initial_poses[::KEY_STEP].numpy()
    keys = [ViewCamera(pose, (focal, focal), (width / 2, height / 2), RENDERED_SIZE) for pose in poses]
    moving = interpolate_cameras(keys, (SECONDS - RESTING) * RATE // REPEATS, closed=True)
    resting = [moving[0]] * (RESTING * RATE // REPEATS)
    return [camera for camera in resting + moving for _ in range(REPEATS)]


def write_video(trainer: RadianceTrainer, file: Path, size: tuple[int, int]) -> Film:
    """Renders the field along the path and writes the video."""
    cameras = path(trainer)

    def pictures() -> Iterator[UInt8[np.ndarray, "height width 3"]]:
        last: tuple[ViewCamera, Image.Image] | None = None
        for number, camera in enumerate(cameras):
            if last is None or last[0] is not camera:
                drawn = Image.fromarray(render_picture(trainer, camera)).resize(size, Image.Resampling.BICUBIC)
                last = camera, drawn
            blur = ImageFilter.GaussianBlur(size[0] / 160)
            yield np.asarray(last[1].filter(blur) if number in BLURRED else last[1])

    encode_video(file, pictures(), len(cameras), RATE)
    poses = torch.from_numpy(np.stack([camera.world_to_camera for camera in cameras]))
    return Film(file, poses, cameras[0].focal[0] / RENDERED_SIZE[0])


def compare(film: Film, found: dict[str, Any]) -> str:
    """The errors of a run's `poses.json` against the path of the video, as a sentence."""
    numbers = [int(Path(frame["name"]).stem.rpartition("_")[2]) for frame in found["frames"]]
    poses = torch.tensor([frame["world_to_camera"] for frame in found["frames"]]).double()
    errors = pose_errors(poses, film.poses[numbers].double())
    focal = found["frames"][0]["focal"][0] / found["width"] / film.focal - 1
    return (
        f"rotation {errors.rotation_deg.mean():.2f}° (largest {errors.rotation_deg.max():.2f}°), alone "
        f"{errors.relative_rotation_deg.mean():.2f}°, translation {errors.translation.mean():.4f}, "
        f"focal length {100 * focal:+.1f} %, k1 {found['frames'][0]['distortion'][0]:.3f}"
    )


def write_walk(folder: Path, count: int) -> torch.Tensor:
    """Writes frames of a walk round the shipped desk, and returns their world-to-camera poses, which are exact.

    The desk was taken from 40 places: between two of them the camera looks about from one place, with a narrower lens.
    """
    scene = REPOSITORY / "scenes" / "desk"
    file = json.loads((scene / "reference.json").read_text(encoding="utf-8"))
    poses = read_reference(scene / "reference.json", scene / "images")
    found = []
    for number in range(count):
        place, share = divmod(number * len(file["frames"]) / count, 1.0)
        name = Path(file["frames"][int(place)]["file_path"]).name
        angles = torch.tensor([0.03 * math.sin(2 * math.pi * share), LOOKING * (share - 0.5), 0.0]).double()
        turn = so3.rotation_from_vector(angles)
        photo = Image.open(scene / "images" / name)
        look_about(photo, turn, file["fl_x"]).save(folder / f"frame_{number:05d}.jpg", quality=92)
        found.append(turn @ poses[name])
    return torch.stack(found)


def look_about(photo: Image.Image, turn: torch.Tensor, focal: float) -> Image.Image:
    """What a camera sees that is turned in its place, of the same size and with a longer lens."""
    width, height = photo.size
    inner = torch.tensor([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]]).double()
    longer = inner.clone()
    longer[[0, 1], [0, 1]] *= ZOOM
    seen = inner @ turn.mT @ longer.inverse()  # a homography from pixels to pixels of the photo
    numbers = (seen / seen[2, 2]).flatten()[:8].tolist()
    return photo.transform(photo.size, Image.Transform.PERSPECTIVE, numbers, Image.Resampling.BICUBIC)


def measure_start(source: Path, count: int) -> tuple[dict[str, Any], float, float, float]:
    """Reads frames and registers them: names and poses of the scene, wall and CPU seconds, peak memory in GB.

    The memory is that of all processes together; what they share counts once.
    """
    with tempfile.TemporaryDirectory() as temporary:
        output = Path(temporary) / "scene.json"
        words = [sys.executable, "-m", "tests.benchmarks.video", "--start", str(source), str(output), str(count)]
        environment = {**os.environ, "XDG_CACHE_HOME": temporary}
        start, before, peak = time.perf_counter(), os.times(), 0
        with subprocess.Popen(words, cwd=REPOSITORY, env=environment) as process:
            while process.poll() is None:
                peak = max(peak, sum(map(measure_share, list_family(process.pid))))
                time.sleep(2.0)  # looking takes time of the processor too
        seconds, after = time.perf_counter() - start, os.times()
        if process.returncode:
            raise SystemExit(process.returncode)
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        return json.loads(output.read_text(encoding="utf-8")), seconds, cpu, peak / 1e6


def list_family(process: int) -> list[int]:
    """A process and all that it started."""
    found = [process]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            found += [one for child in (task / "children").read_text().split() for one in list_family(int(child))]
    return found


def measure_share(process: int) -> int:
    """Memory of a process in kB, where what several share is divided among them; 0 where it has ended."""
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8")
        return next(int(line.split()[1]) for line in words.splitlines() if line.startswith("Pss:"))
    return 0


def measure_many(count: int, folder: Path) -> None:
    """Registers `count` frames, as a folder and as a video, and prints what it took (Linux only)."""
    frames = folder / "frames"
    frames.mkdir()
    poses = write_walk(frames, count)
    film = folder / "walk.mp4"
    pictures = (np.asarray(Image.open(file)) for file in sorted(frames.iterdir()))
    encode_video(film, pictures, count, RATE)
    for source in (frames, film):
        found, seconds, cpu, memory = measure_start(source, count)
        numbers = [int(Path(name).stem.rpartition("_")[2]) for name in found["names"]]
        errors = pose_errors(torch.tensor(found["poses"]).double(), poses[numbers])
        print(
            f"{source.name}: {found['registered']} of {count} frames registered in {seconds:.0f} s ({cpu:.0f} s CPU), "
            f"at most {memory:.2f} GB; rotations alone {errors.relative_rotation_deg.mean():.3f}° (largest "
            f"{errors.relative_rotation_deg.max():.3f}°)",
            flush=True,
        )
    print(machine_line())


def start(source: Path, output: Path, count: int) -> None:
    """Reads `count` frames as the commands do, and writes names and initial poses."""
    scene = load_scene(source, SceneOptions(frames=count))
    assert isinstance(scene, Scene)
    found = {"names": scene.names, "poses": scene.initial_poses.tolist()}
    registered = len(scene.names) - len(scene.uncertain_frames)
    output.write_text(json.dumps(found | {"registered": registered}), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Makes the video, trains on it, exports, and prints the errors."""
    parser = argparse.ArgumentParser(description="A 20 s 1080p video through one command.")
    parser.add_argument("--seconds", default="300", help="of training on the video")
    parser.add_argument("--field-seconds", default="90", help="of training the field that is rendered")
    parser.add_argument("--width", type=int, default=1920)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--many", type=int, help="measure the start with so many frames instead")
    parser.add_argument("--keep", type=Path, help="keep video and runs here")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (chosen.keep or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if chosen.many:
            measure_many(chosen.many, folder)
            return
        file, field, run = folder / "film.mp4", folder / "field", folder / "run"
        start = time.perf_counter()
        fixed = ("--method", "reference", "--init", "reference", "--max-seconds", chosen.field_seconds)
        l2g("train", str(REPOSITORY / "scenes" / "fern"), *fixed, "--output", str(field), "--overwrite")
        film = write_video(open_saved_run(field).trainer, file, (chosen.width, chosen.width * 9 // 16))
        print(f"{time.perf_counter() - start:.0f} s to make the video", flush=True)
        start = time.perf_counter()
        limits = ("--max-seconds", chosen.seconds, "--seed", chosen.seed, "--export", "colmap", "ply")
        l2g("train", str(file), *limits, "--output", str(run), "--overwrite")
        result = json.loads((run / "result.json").read_text(encoding="utf-8"))
        print(
            f"{time.perf_counter() - start:.0f} s from the video to exports, {result['seconds']:.0f} s of it training"
        )
        print(f"{result['frames']} frames trained, {result['train_psnr']:.2f} dB")
        print(compare(film, json.loads((run / "poses.json").read_text(encoding="utf-8"))))
        print(*result["notes"], result["outliers"], machine_line(), sep="\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--start"]:
        start(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
