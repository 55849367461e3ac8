"""Makes the README's film of a race: `python -m tests.gui.make_race [FOLDER]`.

L2G and BARF begin with lego's 100 training cameras perturbed by the papers' noise (0.07 rad, 0.5 units, seed 0), and
train in turns on photos of 200 x 200 pixels without matches or assistance: the first iterations of their schedule, of
which the later ones move the cameras hardly any more. FOLDER is the scene, `../shared/scenes/blender/lego` if it is
not given (`l2g-download blender/lego`). Needs no window; takes some minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from app.model.cameras.drawn_reference import find_drawing_gauge, invert_gauge, move_poses
from engine.config.settings import Settings
from engine.evaluation.views import image_points, render_view
from engine.geometry.pose_errors import pose_errors
from engine.lab.race.definition import make_race
from engine.lab.race.runner import Entrant, run_race
from engine.results.convergence_video import (
    HEIGHT,
    INK,
    PAPER,
    REFERENCE,
    SHARPER,
    WIDTH,
    View,
    draw_frustum,
    font,
    frusta,
    frustum_size,
    half_openings,
)
from engine.scenes import Scene, SceneOptions, load_scene
from engine.training.cameras import CameraTrainer
from tests.support.scenes.scenes_on_disk import REPOSITORY

FILM = REPOSITORY / "scenes" / "pictures" / "race.webp"
LEGO = REPOSITORY.parent / "shared" / "scenes" / "blender" / "lego"
OPTIONS = SceneOptions(downscale=4, noise_rotation=0.07, noise_translation=0.5)
CONTESTANTS, NAMES, ITERATIONS = ("l2g", "barf"), {"l2g": "L2G-NeRF", "barf": "BARF"}, 500
EVERY = 10  # iterations between two pictures
PANEL = (420, 315)  # pixels of the cameras of one contestant
PHOTO, FRAME = (113, 113), 0  # pixels of the renderings below, and of which frame
STRIP = 129  # pixels below
QUALITY = 60  # of the film, 1 to 100: under a megabyte
SHOWN, LAST = 120, 4000  # milliseconds of each picture, and of the last one
DEGREES = (1.0, 3.0, 10.0, 30.0)  # ends and ticks of the axis of errors


@dataclass(frozen=True)
class Moment:
    """A contestant at an iteration: poses in the world of the reference, mean rotation error, a rendering."""

    iteration: int
    poses: np.ndarray
    error_deg: float
    picture: np.ndarray


def record(scene: Scene) -> dict[str, list[Moment]]:
    """Trains, and keeps a moment now and then."""
    race = make_race(CONTESTANTS, Settings(assist=False, matches=False, max_iterations=ITERATIONS), OPTIONS)
    found: dict[str, dict[int, Moment]] = {name: {} for name in CONTESTANTS}

    def watch(entrants: Sequence[Entrant]) -> None:
        for entrant in entrants:
            moments, trainer = found[entrant.contestant.name], entrant.session.trainer
            assert isinstance(trainer, CameraTrainer)
            if trainer.iteration % EVERY == 0 and trainer.iteration not in moments:
                moments[trainer.iteration] = look(scene, trainer)

    run_race(race, [scene] * len(CONTESTANTS), watch=watch)
    common = sorted(set.intersection(*(set(moments) for moments in found.values())))
    return {name: [moments[iteration] for iteration in common] for name, moments in found.items()}


def look(scene: Scene, trainer: CameraTrainer) -> Moment:
    """A contestant as it stands."""
    poses = trainer.poses()
    assert scene.reference_poses is not None
    reference = scene.reference_poses[trainer.frames].to(poses)
    gauge = find_drawing_gauge(reference.numpy(), poses.numpy())
    assert gauge is not None
    frame = trainer.frames[FRAME]
    colour = render_view(trainer.field, poses[FRAME], image_points(scene.intrinsics, frame)).colour
    error = float(pose_errors(poses, reference).rotation_deg.mean())
    return Moment(trainer.iteration, move_poses(poses.numpy(), invert_gauge(gauge)), error, colour.numpy())


def draw(scene: Scene, found: dict[str, list[Moment]], colours: dict[str, str], count: int) -> Image.Image:
    """The picture of the `count` first moments."""
    width = PANEL[0] * len(found)
    image = Image.new("RGB", (width, PANEL[1] + STRIP), PAPER)
    for place, (name, moments) in enumerate(found.items()):
        moment = moments[count - 1]
        image.paste(draw_cameras(scene, moment, colours[name], NAMES[name]), (place * PANEL[0], 0))
        photo = Image.fromarray((255 * moment.picture).round().astype(np.uint8)).resize(
            PHOTO, Image.Resampling.BICUBIC
        )
        image.paste(photo, (8 if place == 0 else width - PHOTO[0] - 8, PANEL[1] + 8))
    pen = ImageDraw.Draw(image)
    last = next(iter(found.values()))[count - 1].iteration
    left = PHOTO[0] + 24
    pen.text((left, PANEL[1] + 4), f"mean rotation error, iteration {last} of {ITERATIONS}", INK, font(13))
    box = (left + 36, PANEL[1] + 28, width - left, PANEL[1] + STRIP - 10)
    low, high = np.log(DEGREES[0]), np.log(DEGREES[-1])

    def at(iteration: float, degrees: float) -> tuple[float, float]:
        across, down = (
            iteration / ITERATIONS,
            (high - np.log(np.clip(degrees, DEGREES[0], DEGREES[-1]))) / (high - low),
        )
        return box[0] + across * (box[2] - box[0]), box[1] + down * (box[3] - box[1])

    for tick in DEGREES[1:]:
        pen.line([at(0, tick), at(ITERATIONS, tick)], "#d8dde3", 1)
        pen.text((left, at(0, tick)[1] - 8), f"{tick:g}°", REFERENCE, font(12))
    for name, moments in found.items():
        points = [at(one.iteration, one.error_deg) for one in moments[:count]]
        if len(points) > 1:
            pen.line(points, colours[name], 2)
    return image


def draw_cameras(scene: Scene, moment: Moment, colour: str, name: str) -> Image.Image:
    """The cameras of a contestant over those of the reference."""
    assert scene.reference_poses is not None
    target = scene.reference_poses[list(scene.training_frames)].float()
    size, openings = 0.6 * frustum_size(target), half_openings(scene)
    reference = frusta(target, size, openings)
    view = View(reference)
    image = Image.new("RGB", (WIDTH * SHARPER, HEIGHT * SHARPER), PAPER)
    pen = ImageDraw.Draw(image)
    there, here = view(reference), view(frusta(torch.from_numpy(moment.poses), size, openings))
    for corners in there:
        draw_frustum(pen, corners, REFERENCE, 2)
    for corners in here:
        draw_frustum(pen, corners, colour, 4)
    image = image.resize(PANEL, Image.Resampling.LANCZOS)
    ImageDraw.Draw(image).text((16, 10), f"{name}   {moment.error_deg:.2f}°", colour, font(17))
    return image


def main() -> None:
    """Writes `race.webp`."""
    scene = load_scene(Path(sys.argv[1]) if len(sys.argv) > 1 else LEGO, OPTIONS)
    assert isinstance(scene, Scene)
    found = record(scene)
    contestants = make_race(CONTESTANTS, Settings(), SceneOptions()).contestants
    colours = {contestant.name: contestant.colour for contestant in contestants}
    count = min(map(len, found.values()))
    first, *rest = (draw(scene, found, colours, number) for number in range(1, count + 1))
    durations = [SHOWN] * (count - 1) + [LAST]
    first.save(FILM, save_all=True, append_images=rest, duration=durations, loop=0, quality=QUALITY, method=6)


if __name__ == "__main__":
    main()
