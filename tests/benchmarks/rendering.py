"""Pictures per second of the 3D views, with and without a training: `python -m tests.benchmarks.rendering`.

A field is trained with known poses and a shortened schedule until its last stage; then it is rendered while the
training is paused and while it goes on. At last a field in blocks, made by a formula, beside a dense one.
"""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from unittest import mock

import numpy as np
import torch

from app.model.common.pictures import CameraSet, CamerasPicture, NovelPicture
from app.render.renderer import Renderer
from app.render.studio import Studio
from engine.config.rows import Stage
from engine.config.settings import Settings
from engine.evaluation.views import View, image_points, render_view
from engine.fields.field import Bakeable
from engine.fields.stages import stages
from engine.geometry.camera_path import make_orbit, make_spiral, make_tour
from engine.geometry.view_camera import ViewCamera, pinhole
from engine.messages import Pause, Resume
from engine.run.feeds.volume import FieldVolume, VolumeFeed
from engine.run.session import Session
from engine.run.thread import Run
from engine.scenes import SceneOptions, load_scene
from engine.scenes.scene import Scene
from engine.system.devices import resolve_device
from engine.training import cameras as trainer_module
from tests.benchmarks.support.block_volume import make_dense, make_detailed
from tests.benchmarks.support.command import REPOSITORY, Options, options, report
from tests.benchmarks.support.table import Measure, Target

SCENES = {"fern": ("llff/fern", "fern"), "lego": ("blender/lego", "locomotive")}
DESK = REPOSITORY / "scenes" / "desk"  # bare photos of an unbounded scene, which ships
SIZES = ((640, 480), (1280, 720))
SHARE_OF_ITERATIONS = 0.12  # of the schedule's
MEASURED = 6.0  # seconds per measurement
FRAME_PERIOD = 1 / 30  # seconds between two frames of a window
FIELD_OF_VIEW = math.radians(45)

PictureOfStep = Callable[[int], NovelPicture]
LatestVolume = Callable[[], FieldVolume | None]


def shorten_schedule(scene: Scene, settings: Settings, factor: float) -> tuple[Stage, ...]:
    """The schedule with fewer iterations."""
    return tuple(replace(row, iterations=max(round(row.iterations * factor), 4)) for row in stages(scene, settings))


def train_to_last_stage(chosen: Options, name: str, seed: int) -> Run:
    """A run in its last stage, which goes on until it is stopped."""
    folder = DESK if name == "desk" else chosen.scene(*SCENES[name])
    scene = load_scene(folder, SceneOptions(downscale=4 if chosen.quick else None))
    settings = Settings(method="reference", seed=seed)
    assert isinstance(scene, Scene)
    if scene.reference_poses is None:  # bare photos: the poses that their matches gave
        scene = replace(scene, reference_poses=scene.initial_poses)
    scene = replace(scene, initial_poses=scene.reference_poses)
    rows = shorten_schedule(scene, settings, 0.01 if chosen.quick else SHARE_OF_ITERATIONS)
    with mock.patch.object(trainer_module, "stages", return_value=rows):
        run = Run(scene, settings, resolve_device(chosen.device), keep_going=True)
        run.start()
        last = sum(row.iterations for row in rows)
        while iteration(run) < last:
            time.sleep(0.5)
    return run


def iteration(run: Run) -> int:
    snapshot = run.latest()
    assert snapshot is not None
    if snapshot.status == "failed":
        raise SystemExit(snapshot.message)
    return snapshot.iteration


def measure_agreement(run: Run, feed: VolumeFeed) -> float:
    """PSNR in dB of the renderer's picture against the engine's, for the first training frame at full size."""
    volume = wait_for_volume(run, feed)
    frame = run.ask(lambda session: int(session.scene.training_frames[0])).result()
    view, pose = run.ask(lambda session: engine_view(session, frame)).result()
    intrinsics = run.ask(lambda session: session.scene.intrinsics).result()
    focal, centre = (values[frame].tolist() for values in (intrinsics.focal, intrinsics.centre))
    size = (intrinsics.width, intrinsics.height)
    camera = ViewCamera(pose, (focal[0], focal[1]), (centre[0], centre[1]), size)
    pixels = render_volume(NovelPicture(camera), volume)[..., :3]
    return -10 * math.log10(float(((pixels - view.colour.cpu().numpy()) ** 2).mean()))


def engine_view(session: Session, frame: int) -> tuple[View, np.ndarray]:
    assert session.trainer is not None
    pose = session.trainer.poses()[0]
    points = image_points(session.scene.intrinsics, frame).to(pose.device)
    return render_view(session.trainer.field, pose, points), pose.cpu().numpy().astype(np.float32)


def wait_for_volume(run: Run, feed: VolumeFeed) -> FieldVolume:
    """Pauses the run; the volume of its current field."""
    run.send(Pause())
    version, in_blocks = run.ask(describe_field).result()
    while True:
        volume = feed.latest()
        if volume is not None and volume.field_version == version and in_blocks == (volume.detail is not None):
            return volume
        time.sleep(0.05)


def describe_field(session: Session) -> tuple[int, bool]:
    """Its version, and whether it is stored in blocks."""
    assert session.trainer is not None
    field = session.trainer.field
    return field.version, isinstance(field, Bakeable) and field.block_pieces() is not None


def render_volume(picture: NovelPicture, volume: FieldVolume) -> np.ndarray:
    """A picture of a volume, made by a renderer of its own."""
    renderer = Renderer()
    renderer.start()
    try:
        renderer.set_volume(volume)
        return renderer.wait_for("novel", picture).pixels
    finally:
        renderer.close()


def measure_rate(renderer: Renderer, picture: PictureOfStep, seconds: float, latest: LatestVolume) -> float:
    """Pictures per second while a view moves in every frame of a window."""
    begun, first, step = time.monotonic(), renderer.latest("novel"), 0
    before = first.serial if first else 0
    while time.monotonic() - begun < seconds:
        renderer.set_volume(latest())
        renderer.request("novel", picture(step))
        step += 1
        time.sleep(FRAME_PERIOD)
    last = renderer.latest("novel")
    return ((last.serial if last else 0) - before) / (time.monotonic() - begun)


def make_flight(path: np.ndarray, size: tuple[int, int]) -> tuple[PictureOfStep, PictureOfStep]:
    """The pictures along a path: complete ones, and the coarser ones of a moving view."""
    still = [NovelPicture(pinhole(pose, FIELD_OF_VIEW, size)) for pose in path]
    moving = [replace(one, moving=True) for one in still]
    return lambda step: still[step % len(still)], lambda step: moving[step % len(moving)]


def note_rate(renderer: Renderer, moving: PictureOfStep, seconds: float, feed: VolumeFeed, found: list[float]) -> None:
    """Moves a view and appends its pictures per second to `found`."""
    found.append(measure_rate(renderer, moving, seconds, feed.latest))


def measure_complete(renderer: Renderer, picture: PictureOfStep, count: int) -> float:
    """Complete pictures per second, one after the other."""
    times = []
    for step in range(count):
        begun = time.perf_counter()
        renderer.wait_for("novel", picture(step))
        times.append(time.perf_counter() - begun)
    return 1 / statistics.median(times)


def measure_training(run: Run, seconds: float, during: Callable[[], object]) -> float:
    """Iterations per second while something is done."""
    begun, first = time.monotonic(), iteration(run)
    during()
    while time.monotonic() - begun < seconds:
        time.sleep(0.02)
        run.latest()
    run.latest()  # a snapshot is published only after this
    time.sleep(0.5)
    return (iteration(run) - first) / (time.monotonic() - begun)


def fly_through(scene: Scene, poses: np.ndarray) -> np.ndarray:
    """The path along which a scene is looked at."""
    if scene.kind == "unbounded":
        return make_tour(poses, 400)
    return (
        make_orbit(poses, scene.box_centre, 400) if scene.kind == "object" else make_spiral(poses, 2 * scene.near, 400)
    )


def measure(chosen: Options, name: str, seed: int) -> dict[str, float]:
    """All numbers of a scene."""
    seconds, sizes = (0.5, SIZES[:1]) if chosen.quick else (MEASURED, SIZES)
    run, renderer = train_to_last_stage(chosen, name, seed), Renderer()
    renderer.start()
    feed, figures = VolumeFeed(run), {}
    try:
        figures["agreement"] = measure_agreement(run, feed)
        renderer.set_volume(feed.latest())
        scene = run.ask(lambda session: session.scene).result()
        poses = scene.initial_poses[list(scene.training_frames)].numpy()
        path = fly_through(scene, poses)
        for size in sizes:
            label, one, other = f"{size[0]}x{size[1]}", *make_flight(path, size)
            figures[f"{label} complete"] = measure_complete(renderer, one, 3 if chosen.quick else 6)
            figures[f"{label} quick"] = measure_rate(renderer, other, seconds, feed.latest)
        run.send(Resume())
        figures["training alone"] = measure_training(run, seconds, lambda: None)
        for size in sizes:
            label, other = f"{size[0]}x{size[1]}", make_flight(path, size)[1]
            found: list[float] = []
            look = partial(note_rate, renderer, other, seconds, feed, found)
            figures[f"training, {label} moving"] = measure_training(run, seconds, look)
            figures[f"{label} quick, training"] = found[0]
        cameras = overview(poses, path[0])
        resting = NovelPicture(pinhole(path[0], FIELD_OF_VIEW, SIZES[0]))

        def rest() -> None:
            begun = time.monotonic()
            while time.monotonic() - begun < 2 * seconds:
                renderer.set_volume(feed.latest())
                renderer.request("novel", resting)
                renderer.request("cameras", cameras)
                time.sleep(FRAME_PERIOD)

        figures["training, two views resting"] = measure_training(run, 2 * seconds, rest)
    finally:
        renderer.close()
        run.stop()
        run.join(60)
    if renderer.error is not None:
        raise SystemExit(renderer.error)
    return figures


def measure_blocks(quick: bool) -> dict[str, float]:
    """An object on a dense lattice, and in blocks on a finer one: pictures per second."""
    voxels, finer, seconds = (48, 75, 0.5) if quick else (256, 400, MEASURED)
    dense = make_dense(voxels)
    poses = np.stack([look_at_object(turn) for turn in np.linspace(0, 2 * np.pi, 60, endpoint=False)])
    still, moving = make_flight(poses, SIZES[0])
    figures = {}
    for name, held in ((f"dense, {voxels}", dense), (f"blocks, {finer}", make_detailed(dense, finer))):
        renderer = Renderer()
        renderer.start()
        try:
            renderer.set_volume(held)
            renderer.wait_for("novel", still(0))
            figures[f"{name} a side: 640x480 complete"] = measure_complete(renderer, still, 3 if quick else 12)
            rate = measure_rate(renderer, moving, seconds, partial(next, itertools.repeat(held)))
            figures[f"{name} a side: 640x480 quick"] = rate
        finally:
            renderer.close()
    return figures


def measure_uploads(quick: bool) -> dict[str, float]:
    """Processor milliseconds for a volume in place of one of the same shape, and for the longest piece of it: so long
    waits a picture of a moving view."""
    voxels, finer = (48, 75) if quick else (256, 400)
    dense = make_dense(voxels)
    facing = replace(dense, space="projective", proposal_density=None, proposals=False)
    figures = {}
    for name, held in ((f"blocks, {finer}", make_detailed(dense, finer)), (f"facing, {voxels}", facing)):
        studio = Studio()
        try:
            for _ in studio.upload(held):
                pass
            pieces, begun = [], time.thread_time()
            for _ in studio.upload(replace(held)):
                now = time.thread_time()
                pieces.append(now - begun)
                begun = now
        finally:
            studio.close()
        figures[f"{name} a side: upload"] = 1000 * sum(pieces)
        figures[f"{name} a side: longest piece of it"] = 1000 * max(pieces)
    return figures


def look_at_object(turn: float) -> np.ndarray:
    """A pose three units away from the middle, turned about the vertical axis (radians)."""
    cosine, sine = math.cos(turn), math.sin(turn)
    return np.array([[cosine, 0, -sine, 0], [0, 1, 0, 0], [sine, 0, cosine, 3]], np.float32)


def overview(poses: np.ndarray, pose: np.ndarray) -> CamerasPicture:
    """The 3D view of the cameras, from the pose of one."""
    colours = np.ones((len(poses), 4), np.float32)
    return CamerasPicture(pinhole(pose, FIELD_OF_VIEW, SIZES[0]), CameraSet(poses, colours), (0.6, 0.45), 0.2)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures a scene of each kind and reports."""
    chosen = options("Pictures per second of the 3D views.", arguments)
    rows, raw = [], {}
    for name in (*SCENES, "desk"):
        found = [measure(chosen, name, seed) for seed in chosen.seeds]
        raw[name] = found
        targets = {"agreement": Target("at least", 40.0)}
        if torch.cuda.is_available():
            targets["1280x720 quick"] = Target("at least", 28.0)  # as many as a window asks for
        else:
            targets["640x480 quick, training"] = Target("at least", 8.0)
        for key in found[0]:
            unit = "dB" if key == "agreement" else "it/s" if key.startswith("training") else "1/s"
            rows.append(Measure(f"{name}: {key}", unit, [one[key] for one in found], targets.get(key)))
    blocks = measure_blocks(chosen.quick)
    rows += [Measure(f"an object, {key}", "1/s", [value], None) for key, value in blocks.items()]
    uploads = measure_uploads(chosen.quick)
    rows += [Measure(f"an object, {key}", "ms", [value], None) for key, value in uploads.items()]
    raw["blocks"], raw["uploads"] = [blocks], [uploads]
    report("The 3D views", chosen, rows, raw)


if __name__ == "__main__":
    main()
