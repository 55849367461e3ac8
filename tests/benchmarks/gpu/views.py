"""Pictures per second of the novel view at 1280x720, through EGL where there is no display, and how even they come."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from app.render.renderer import Renderer
from engine.config.settings import Settings
from engine.errors import UserError
from engine.fields.baking import FieldVolume, Values
from engine.messages import SetLambda
from engine.run.feeds.volume import VolumeFeed
from engine.run.session import Session
from engine.run.thread import Run
from engine.scenes import SceneOptions, load_scene
from engine.system.devices import resolve_device
from tests.benchmarks.gpu.context import Context
from tests.benchmarks.gpu.figures import Figures
from tests.benchmarks.rendering import PictureOfStep, iteration, look_at_object, make_flight
from tests.benchmarks.support.block_volume import make_dense, make_detailed
from tests.benchmarks.support.command import REPOSITORY

SIZE = (1280, 720)
LONGEST = 10.0  # seconds for one picture or one snapshot: after that the part fails


@dataclass(frozen=True)
class Amount:
    """How much is measured.

    Attributes:
        voxels, finer: of the object's dense lattice and of its blocks, a side.
        size: of pictures, pixels.
        seconds: per measurement.
        period: seconds between two volumes, as in the window.
        commands: that are timed.
    """

    voxels: int = 256
    finer: int = 400
    size: tuple[int, int] = SIZE
    seconds: float = 2.0
    period: float = 0.5
    commands: int = 30


QUICK = Amount(32, 40, (320, 180), 0.3, 0.1, 3)


def draw_views(context: Context) -> None:
    """The novel view of a full-size volume, alone and beside a training; how soon a run shows and answers."""
    measure_views(context.device, context.figures, context.quick)


def measure_views(device: str, figures: Figures, quick: bool) -> None:
    """Notes pictures per second of an object in blocks, still (complete) and moving (coarser), alone and while a run
    trains on the device; moving also while volumes come, by each way that there is; the iterations per second of that
    run; and how long a command waits for the snapshot that shows it. Without OpenGL, the last two alone."""
    amount, found = QUICK if quick else Amount(), resolve_device(device)
    poses = np.stack([look_at_object(turn) for turn in np.linspace(0, 2 * np.pi, 60, endpoint=False)])
    still, moving = make_flight(poses, amount.size)
    volume = make_detailed(make_dense(amount.voxels), amount.finer)
    figures.note(size=f"{amount.size[0]}x{amount.size[1]}", voxels_a_side=amount.finer)
    scene = load_scene(REPOSITORY / "scenes" / "fern", SceneOptions(downscale=8 if quick else None, matches=False))
    run = Run(scene, Settings(), found, keep_going=True, checkpoint_period=None)
    draws = False

    def draw_alone() -> None:
        nonlocal draws
        try:
            with_renderer(True, lambda renderer: measure_alone(renderer, volume, still, moving, amount, figures))
            draws = True
        except UserError as error:  # the cards of some computers come without their part for OpenGL
            figures.note(opengl=str(error))

    figures.attempt("alone", draw_alone)
    try:
        if draws:
            with_renderer(found.type == "cuda", lambda renderer: show_first(run, renderer, amount, figures))
        else:
            run.start()
        while iteration(run) < 2:
            time.sleep(0.05)
        figures.note(training_alone_per_second=train_while(run, lambda: time.sleep(amount.seconds)))
        figures.note(**describe("confirmed_alone", [time_command(run, step) for step in range(amount.commands)]))
        rest = volume, moving, amount, figures, found
        for interoperates in () if not draws else (False, True) if found.type == "cuda" else (False,):
            beside = partial(with_renderer, interoperates, lambda renderer: measure_beside(run, renderer, *rest))
            figures.attempt("within the GPU" if interoperates else "through the host", beside)
    finally:
        run.stop()
        run.join(60)


def with_renderer(interoperates: bool, measure: Callable[[Renderer], None]) -> None:
    """Calls a function with a renderer, and closes that."""
    renderer = Renderer(interoperates)
    renderer.start()
    try:
        measure(renderer)
    finally:
        renderer.close()


def measure_alone(
    renderer: Renderer,
    volume: FieldVolume,
    still: PictureOfStep,
    moving: PictureOfStep,
    amount: Amount,
    figures: Figures,
) -> None:
    """Still and moving pictures while nothing trains."""
    figures.note(opengl=renderer.info)
    renderer.set_volume(volume)
    begun = time.perf_counter()
    renderer.wait_for("novel", still(0))
    figures.note(first_picture_seconds=time.perf_counter() - begun)
    figures.note(**describe("still", draw(renderer, still, amount.seconds)))
    figures.note(**describe("moving", move(renderer, moving, amount.seconds)))


def show_first(run: Run, renderer: Renderer, amount: Amount, figures: Figures) -> None:
    """Starts a run, and notes the seconds until its own field is seen."""
    begun = time.perf_counter()
    run.start()
    feed = VolumeFeed(run)
    feed.on_device = renderer.takes_device_memory
    while (volume := feed.latest()) is None:
        iteration(run)  # ends the part where the run has failed
        time.sleep(0.001)
    renderer.set_volume(volume)
    picture, _ = make_flight(np.eye(3, 4, dtype=np.float32)[None], amount.size)
    renderer.wait_for("novel", picture(0))
    figures.note(run_to_first_picture_seconds=time.perf_counter() - begun)


def measure_beside(
    run: Run,
    renderer: Renderer,
    volume: FieldVolume,
    moving: PictureOfStep,
    amount: Amount,
    figures: Figures,
    device: torch.device,
) -> None:
    """Moving pictures while a run trains: of one volume, and while new ones come from the device; then commands.

    The names of the figures say by which way volumes came: through the host's memory, or within the GPU's.
    """
    volume = replace(volume, device="cpu" if device.type == "cpu" else str(torch.empty(0, device=device).device))
    renderer.set_volume(volume)
    renderer.wait_for("novel", replace(moving(-1), moving=False))
    within = renderer.takes_device_memory
    way = "within_gpu" if within else "through_host"
    kept = move_to(volume, device) if within else volume
    times: list[float] = []
    rate = train_while(run, lambda: times.extend(move(renderer, moving, amount.seconds)))
    figures.note(**describe(f"moving_{way}_beside_training", times))
    figures.note(**{f"training_{way}_beside_drawing_per_second": rate})
    renewed = Renewed(renderer, kept, amount.period)
    times = []
    rate = train_while(run, lambda: times.extend(move(renderer, moving, amount.seconds, renewed)))
    figures.note(**describe(f"moving_{way}_beside_training_and_volumes", times))
    figures.note(**{f"training_{way}_beside_volumes_per_second": rate, f"volumes_{way}": renewed.count})
    figures.note(**describe(f"confirmed_{way}", [time_command(run, step) for step in range(amount.commands)]))


class Renewed:
    """Gives a renderer the volume anew after each period, as if the field had changed."""

    def __init__(self, renderer: Renderer, volume: FieldVolume, period: float) -> None:
        self._renderer, self._volume, self._period = renderer, volume, period
        self._due = time.perf_counter()
        self.count = 0

    def __call__(self) -> None:
        if time.perf_counter() >= self._due:
            self.count += 1
            self._due = time.perf_counter() + self._period
            self._volume = replace(self._volume, version=self._volume.version + 1)
            self._renderer.set_volume(self._volume)


def move_to(volume: FieldVolume, device: torch.device) -> FieldVolume:
    """The same with its values on a GPU."""

    def moved(values: Values | None) -> Values | None:
        return None if values is None else torch.tensor(np.array(values), device=device)

    assert volume.detail is not None
    parts = {name: moved(getattr(volume, name)) for name in ("voxels", "tint", "proposal_density")}
    return replace(volume, **parts, detail=replace(volume.detail, blocks=moved(volume.detail.blocks)))


def time_command(run: Run, step: int) -> float:
    """Seconds from a command to the snapshot that shows what it did."""
    exponent = 2.0 + 0.01 * step
    begun = time.perf_counter()
    run.send(SetLambda(exponent))
    while True:
        snapshot, waited = run.latest(), time.perf_counter() - begun
        if snapshot is not None and snapshot.lambda_exponent == exponent:
            return waited
        if waited > LONGEST:
            raise TimeoutError(f"No snapshot has confirmed a command within {LONGEST:.0f} s.")
        time.sleep(0.0005)


def describe(name: str, seconds: list[float]) -> dict[str, Any]:
    """Per second, and milliseconds that half of them, 99 in 100 and all stayed below."""
    half, most, longest = (1000 * float(np.percentile(seconds, share)) for share in (50, 99, 100))
    return {
        f"{name}_per_second": len(seconds) / sum(seconds),
        f"{name}_ms_p50": half,
        f"{name}_ms_p99": most,
        f"{name}_ms_longest": longest,
    }


def draw(renderer: Renderer, picture: PictureOfStep, seconds: float) -> list[float]:
    """Seconds of each complete picture, each asked for when the one before is there."""
    times, begun, step = [], time.perf_counter(), 0
    while time.perf_counter() - begun < seconds or not times:
        before = time.perf_counter()
        renderer.wait_for("novel", picture(step))
        times.append(time.perf_counter() - before)
        step += 1
    return times


def move(
    renderer: Renderer, picture: PictureOfStep, seconds: float, meanwhile: Callable[[], object] = lambda: None
) -> list[float]:
    """Seconds from each of the coarser pictures of a moving view to the next, the pauses between them included.

    `meanwhile` is called before each is asked for. A picture that takes longer than `LONGEST` ends it.
    """
    begun = last = time.perf_counter()
    times: list[float] = []
    for step in itertools.count():
        meanwhile()
        before, asked = renderer.latest("novel"), time.perf_counter()
        renderer.request("novel", picture(step))
        while renderer.latest("novel") is before:
            if time.perf_counter() - asked > LONGEST:
                raise TimeoutError(f"Picture {step} of a moving view was not drawn within {LONGEST:.0f} s.")
            time.sleep(0.0002)
        now = time.perf_counter()
        times.append(now - last)
        last = now
        if now - begun >= seconds:
            break
    return times


def train_while(run: Run, during: Callable[[], object]) -> float:
    """Iterations per second of a run while something is done."""
    first, begun = run.ask(count_steps).result(), time.perf_counter()
    during()
    return (run.ask(count_steps).result() - first) / (time.perf_counter() - begun)


def count_steps(session: Session) -> int:
    """Iterations so far."""
    assert session.trainer is not None
    return session.trainer.iteration
