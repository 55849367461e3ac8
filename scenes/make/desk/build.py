"""The scene of the desk and the picture of a camera in it."""

from dataclasses import dataclass

import numpy as np

from scenes.make.denoise import denoised
from scenes.make.desk import room, things
from scenes.make.desk.phone import FOCAL, HEIGHT, WIDTH
from scenes.make.mitsuba_scene import render, sensor, shape
from scenes.make.variant import mi

EDGE_SAMPLES = 32  # per pixel, of what has no noise but only edges: what shines by itself, the guides of the denoiser


@dataclass(frozen=True)
class Desk:
    """The room twice.

    Attributes:
        lit: lit by panes in the windows, which hide what is outside; pictures of it show no lights.
        open: without panes: what is outside is seen, but would light the room with much noise.
    """

    lit: mi.Scene
    open: mi.Scene


def build(seed: int = 5) -> Desk:
    """Room, furniture, desk and lights."""
    rng = np.random.default_rng(seed)
    parts = room.shell(rng) + room.windows(rng) + room.pictures(rng) + room.furniture(rng) + things.things(rng)
    shapes = {f"part{index}": shape(f"part{index}", mesh, material) for index, (mesh, material) in enumerate(parts)}
    lamps = {"panel": mi.load_dict(room.panel()), "bulb": mi.load_dict(things.bulb())}
    outside = mi.load_dict(room.view_outside(rng))
    scene = {"type": "scene", "integrator": {"type": "path", "max_depth": 6, "hide_emitters": True}, **lamps, **shapes}
    return Desk(mi.load_dict({**scene, **room.panes()}), mi.load_dict({**scene, "outside": outside}))


def take(desk: Desk, pose: np.ndarray, samples: int, seed: int, denoise: bool, smaller: int = 1) -> np.ndarray:
    """Linear picture (height, width, 3): what the lights fall on, and then the lights and what is outside."""
    camera = sensor(pose, WIDTH // smaller, HEIGHT // smaller, FOCAL / smaller, pixel_filter={"type": "box"})
    linear = render(desk.lit, camera, samples, seed=seed)
    if denoise:
        linear = denoised(linear, desk.lit, camera, seed, EDGE_SAMPLES)
    shining = mi.load_dict({"type": "path", "max_depth": 1})
    return linear + np.asarray(mi.render(desk.open, sensor=camera, integrator=shining, spp=EDGE_SAMPLES, seed=seed))
