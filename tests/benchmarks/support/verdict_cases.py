"""The cases of the benchmark of verdicts: thirty runs that shall come out right and thirty that are made wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from engine.scenes import load_scene
from engine.scenes.scene import Scene
from tests.benchmarks.support.command import REPOSITORY
from tests.benchmarks.support.verdict_inputs import (
    Made,
    Source,
    altered,
    bare,
    choose,
    corner_of_a_room,
    facade,
    open_source,
    posed,
    statue_in_a_room,
    symmetric_tower,
    turntable,
    two_places,
)

Declared = Literal["right", "wrong"]
IDENTITY = ("--init", "identity")
ALONE = ("--init", "identity", "--no-matches")


@dataclass(frozen=True)
class Case:
    """One run.

    Attributes:
        name: what it is, for the table.
        declared: what it is made to be.
        make: writes its input into an empty folder; gets the folder of the real scenes too.
        measured: whether poses near the reference make it right, and poses far from it wrong, whatever was declared;
            not where poses are right and something else is wrong.
    """

    name: str
    declared: Declared
    make: Callable[[Path, Path], Made]
    measured: bool = True


def _bare(source: str, every: int = 1, first: int = 0, count: int = 1000, *words: str, exif: float | None = None):
    def make(folder: Path, scenes: Path) -> Made:
        one = open_source(scenes, source)
        return bare(one, choose(one, every, first, count), folder, *words, focal_factor=exif)

    return make


def _posed(
    source: str,
    every: int = 1,
    first: int = 0,
    count: int = 1000,
    *words: str,
    shuffle: str = "",
    focal: float = 1.0,
    colmap: bool = False,
    noise: float = 0.0,
):
    def make(folder: Path, scenes: Path) -> Made:
        one = open_source(scenes, source)
        names = choose(one, every, first, count)
        made = posed(
            one,
            names,
            folder,
            focal_factor=focal,
            order=_order(shuffle, len(names)),
            colmap=colmap,
            noise=noise,
        )
        return Made((*made.words, *words), made.reference)

    return make


def _altered(source: str, how: str, every: int = 1):
    def make(folder: Path, scenes: Path) -> Made:
        one = open_source(scenes, source)
        return altered(one, choose(one, every), folder, how)

    return make


def _order(how: str, count: int) -> list[int] | None:
    """Which frame's pose each frame gets."""
    if how == "random":
        return np.random.default_rng(5).permutation(count).tolist()
    if how == "next":
        return [*range(1, count), 0]
    if how == "halves":
        return [*range(count // 2, count), *range(count // 2)]
    return None


def _two(one: str, other: str, count: int, *words: str, with_poses: bool = False):
    def make(folder: Path, scenes: Path) -> Made:
        sources: list[Source] = [open_source(scenes, name) for name in (one, other)]
        return two_places(*sources, count, folder, with_poses=with_poses, words=words)

    return make


def _scene(path: str, *words: str):
    """A scene with its own poses, where it lies."""

    def make(folder: Path, scenes: Path) -> Made:
        place = (REPOSITORY if path.startswith("scenes/") else scenes) / path
        scene = load_scene(place)
        assert isinstance(scene, Scene)
        assert scene.reference_poses is not None
        return Made((str(place), *words), dict(zip(scene.names, scene.reference_poses.double(), strict=True)))

    return make


def _rendered(make: Callable[..., Made], *arguments: object, **more: object):
    return lambda folder, scenes: make(folder, *arguments, **more)


def _llff_reference(*words: str):
    """The fern in LLFF's layout at the smallest size there is."""
    return _scene("llff/fern", "--downscale", "2", *words)


RIGHT = [
    ("fountain", _bare("fountain")),
    ("fountain, every second", _bare("fountain", 2)),
    ("fountain, the last 7, seed 1", _bare("fountain", 1, 4, 7, "--seed", "1")),
    ("fountain, identity with matches", _bare("fountain", 1, 0, 1000, *IDENTITY)),
    ("fountain, EXIF says half", _bare("fountain", 1, 0, 9, exif=0.5)),
    ("fountain, transforms.json", _posed("fountain")),
    ("fountain, COLMAP model", _posed("fountain", colmap=True)),
    ("fern", _bare("fern", 2)),
    ("fern, the first 8", _bare("fern", 1, 0, 8)),
    ("fern, LLFF, identity with matches", _llff_reference()),
    ("fern, LLFF, reference", _llff_reference("--init", "reference")),
    ("fern, EXIF says twice", _bare("fern", 2, 1, exif=2.0)),
    ("fox, every third", _bare("fox", 3)),
    ("fox, 14 in a row", _bare("fox", 1, 10, 14)),
    ("fox, transforms.json", _posed("fox", 3, 1)),
    ("fox, transforms.json, noise", _posed("fox", 3, 0, noise=0.002)),
    ("desk, every third", _bare("desk", 3)),
    ("desk, the first 14", _bare("desk", 1, 0, 14)),
    ("desk, COLMAP model", _posed("desk", 3, 1, colmap=True)),
    ("lego, noise 0.07 / 0.5", _scene("blender/lego", "--noise-rotation", "0.07", "--noise-translation", "0.5")),
    ("lego, reference", _scene("blender/lego", "--downscale", "2")),
    ("scenes/fern", _scene("scenes/fern")),
    ("scenes/fern, reference", _scene("scenes/fern", "--init", "reference")),
    (
        "scenes/locomotive, noise",
        _scene("scenes/locomotive", "--noise-rotation", "0.07", "--noise-translation", "0.5"),
    ),
    ("a statue in a room, from all around", _rendered(statue_in_a_room, 18)),
    ("a statue in a room, an arc", _rendered(statue_in_a_room, 9, span=1.6, seed=50)),
    ("a room from within", _rendered(corner_of_a_room, 20)),
    ("a facade of different windows", _rendered(facade, 10, repeated=False)),
    ("an object that is turned, masked", _rendered(turntable, 20, masked=True)),
    ("a tower of two and two alike sides on a ground", _rendered(symmetric_tower, 20, sides=2, ground=True)),
]
# Beside the sixty, whose table stays comparable: photos that somebody has worked on; `--cases altered`.
ALTERED = [
    ("fountain, cropped", _altered("fountain", "cropped")),
    ("fern, cropped", _altered("fern", "cropped", 2)),
    ("fox, cut to all sizes", _altered("fox", "cut", 4)),
    ("fountain, zoomed", _altered("fountain", "zoomed")),
    ("fox, with a watermark and a date", _altered("fox", "marked", 3)),
]
WRONG = [
    ("fountain, identity without matches", _bare("fountain", 1, 0, 1000, *ALONE)),
    ("fox, identity without matches", _bare("fox", 4, 0, 1000, *ALONE)),
    ("desk, identity without matches", _bare("desk", 3, 0, 1000, *ALONE)),
    ("a statue in a room, identity without matches", _rendered(statue_in_a_room, 12, *ALONE)),
    ("a room from within, identity without matches", _rendered(corner_of_a_room, 14, *ALONE)),
    ("fountain, transforms.json shuffled", _posed("fountain", shuffle="random")),
    ("fountain, COLMAP model shuffled", _posed("fountain", shuffle="random", colmap=True)),
    ("fountain, names one further", _posed("fountain", shuffle="next")),
    ("fox, transforms.json shuffled", _posed("fox", 3, shuffle="random")),
    ("fox, names one further", _posed("fox", 2, shuffle="next")),
    ("desk, names one further", _posed("desk", 2, shuffle="next", colmap=True)),
    ("desk, halves exchanged", _posed("desk", 3, shuffle="halves")),
    ("fern, names one further", _posed("fern", shuffle="next")),
    ("fountain, kicked without help", _posed("fountain", 1, 0, 1000, "--assist", "off", noise=0.06)),
    ("fox, kicked without help", _posed("fox", 3, 0, 1000, "--assist", "off", noise=0.04)),
    ("desk, kicked without help", _posed("desk", 3, 0, 1000, "--assist", "off", noise=0.03)),
    (
        "lego, kicked without help",
        _scene(
            *("blender/lego", "--downscale", "2", "--assist", "off"),
            *("--noise-rotation", "0.2", "--noise-translation", "1"),
        ),
    ),
    ("an object that is turned before a room", _rendered(turntable, 14)),
    ("an object that is turned before a wall", _rendered(turntable, 20, rich=False)),
    ("an object that is turned, in large steps", _rendered(turntable, 12, step=0.4)),
    ("a facade of equal windows", _rendered(facade, 10, repeated=True)),
    ("a facade of equal windows, in small steps", _rendered(facade, 14, repeated=True, step=0.2)),
    ("a tower of four equal sides", _rendered(symmetric_tower, 20, sides=4, ground=False)),
    ("a tower of two and two equal sides", _rendered(symmetric_tower, 20, sides=2, ground=False)),
]
FIXED = [
    ("fountain, focal length x2", _posed("fountain", focal=2.0)),
    ("fountain, focal length x0.6", _posed("fountain", focal=0.6)),
    ("fox, focal length x1.7", _posed("fox", 3, focal=1.7)),
    ("desk, focal length x0.5", _posed("desk", 3, focal=0.5, colmap=True)),
    ("fountain and desk, each in a world of its own", _two("fountain", "desk", 9, with_poses=True)),
    ("fountain and fox, from the identity", _two("fountain", "fox", 8, *IDENTITY)),
]
CASES = [
    *(Case(name, "right", make) for name, make in RIGHT),
    *(Case(name, "wrong", make) for name, make in WRONG),
    *(Case(name, "wrong", make, measured=False) for name, make in FIXED),
]
ALTERED_CASES = [Case(f"altered: {name}", "right", make) for name, make in ALTERED]
