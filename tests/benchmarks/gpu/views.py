"""Pictures per second of the novel view at 1280x720, through EGL where there is no display."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from app.render.renderer import Renderer
from engine.config.settings import Settings
from engine.run.session import Session
from engine.run.thread import Run
from engine.scenes import SceneOptions, load_scene
from engine.system.devices import resolve_device
from tests.benchmarks.gpu.figures import Figures
from tests.benchmarks.rendering import PictureOfStep, iteration, look_at_object, make_flight
from tests.benchmarks.support.block_volume import make_dense, make_detailed
from tests.benchmarks.support.command import REPOSITORY

SIZE = (1280, 720)


def measure_views(device: str, figures: Figures, quick: bool) -> None:
    """Notes pictures per second of an object in blocks, still (complete) and moving (coarser), one after another:
    alone, and while a run trains on the device; and the iterations per second of that run meanwhile and alone."""
    voxels, finer, seconds = (32, 40, 0.3) if quick else (256, 400, 3.0)
    size = (320, 180) if quick else SIZE
    poses = np.stack([look_at_object(turn) for turn in np.linspace(0, 2 * np.pi, 60, endpoint=False)])
    still, moving = make_flight(poses, size)
    renderer = Renderer()
    renderer.start()
    try:
        renderer.set_volume(make_detailed(make_dense(voxels), finer))
        renderer.wait_for("novel", still(0))
        figures.note(opengl=renderer.info, size=f"{size[0]}x{size[1]}", voxels_a_side=finer)
        figures.note(still_per_second=draw(renderer, still, seconds))
        figures.note(moving_per_second=move(renderer, moving, seconds))
        scene = load_scene(REPOSITORY / "scenes" / "fern", SceneOptions(downscale=8 if quick else None, matches=False))
        run = Run(scene, Settings(method="reference"), resolve_device(device), keep_going=True, checkpoint_period=None)
        run.start()
        try:
            while iteration(run) < 2:
                time.sleep(0.05)
            figures.note(training_alone_per_second=train_while(run, lambda: time.sleep(seconds)))
            drawn: list[float] = []
            rate = train_while(run, lambda: drawn.append(move(renderer, moving, seconds)))
            figures.note(moving_per_second_beside_training=drawn[0], training_beside_drawing_per_second=rate)
        finally:
            run.stop()
            run.join(60)
    finally:
        renderer.close()


def draw(renderer: Renderer, picture: PictureOfStep, seconds: float) -> float:
    """Complete pictures per second, each asked for when the one before is there: the inverse of the median time."""
    times, begun, step = [], time.perf_counter(), 0
    while time.perf_counter() - begun < seconds or not times:
        before = time.perf_counter()
        renderer.wait_for("novel", picture(step))
        times.append(time.perf_counter() - before)
        step += 1
    return 1 / statistics.median(times)


def move(renderer: Renderer, picture: PictureOfStep, seconds: float, longest: float = 10.0) -> float:
    """The same of the coarser pictures of a moving view, from all of the time; a picture that takes longer than
    `longest` seconds ends it."""
    begun, step = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds or step == 0:
        before, asked = renderer.latest("novel"), time.perf_counter()
        renderer.request("novel", picture(step))
        while renderer.latest("novel") is before:
            if time.perf_counter() - asked > longest:
                raise TimeoutError(f"Picture {step} of a moving view was not drawn within {longest:.0f} s.")
            time.sleep(0.0002)
        step += 1
    return step / (time.perf_counter() - begun)


def train_while(run: Run, during: Callable[[], object]) -> float:
    """Iterations per second of a run while something is done."""
    first, begun = run.ask(count_steps).result(), time.perf_counter()
    during()
    return (run.ask(count_steps).result() - first) / (time.perf_counter() - begun)


def count_steps(session: Session) -> int:
    """Iterations so far."""
    assert session.trainer is not None
    return session.trainer.iteration
