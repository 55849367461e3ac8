"""What drawing the cameras costs: time, memory, uploads."""

from __future__ import annotations

import resource
import time
from dataclasses import replace

import numpy as np
import pytest
from jaxtyping import Float

from app.model.common.orbit import OrbitCamera
from app.model.common.pictures import CameraSet, CamerasPicture, Gizmo, Ground, Thumbnails
from tests.support.window.cameras_scene import (
    SIZE,
    Easel,
    at,
    one_colour,
    picture_of,
)

RED, GREEN, BLUE, WHITE = (1, 0, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1), (1, 1, 1, 1)
Pixels = Float[np.ndarray, "height width 3"]


def many(frames: int, size: tuple[int, int], moments: int = 26) -> CamerasPicture:
    """A full picture of a large scene."""
    generator = np.random.default_rng(0)
    poses = np.stack([at(*place) for place in generator.uniform(-4, 4, (frames, 3))])
    cameras = one_colour(poses, *GREEN)
    trails = generator.normal(0, 0.02, (frames, moments, 3)).cumsum(axis=1).astype(np.float32)
    return picture_of(
        cameras,
        camera=OrbitCamera((0, 0, 0), 14.0).view(size),
        frustum_depth=0.4,
        initial=cameras,
        reference=cameras,
        selected=5,
        trails=trails,
        thumbnails=Thumbnails("many", generator.integers(0, 255, (frames, 72, 96, 3), dtype=np.uint8)),
        ground=Ground((0, 4, 0), (0, -1, 0), 1.0),
        gizmo=Gizmo(poses[5], 1.0),
    )


def test_three_hundred_frames_are_drawn_in_time(easel: Easel) -> None:
    """At 1000x700 in software: 32 ms of work for two cores, measured. What other programs do does not count here."""
    picture = many(300, (1000, 700))
    easel.draw(picture)
    seconds = []
    for _ in range(12):
        start = time.process_time()
        easel.geometry.draw(picture)
        easel.geometry.draw_overlay(picture)
        easel.context.finish()
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.12


def test_many_draws_leave_no_objects_behind(easel: Easel) -> None:
    """Poses and colours change with every picture, as while a run trains; memory does not."""
    picture = many(12, SIZE)

    def draw(index: int) -> None:
        poses = picture.fitted.poses + np.float32(1e-3 * index)
        easel.draw(replace(picture, fitted=CameraSet(poses, picture.fitted.colours.copy())))

    for index in range(20):
        draw(index)
    before, objects = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, len(easel.context.objects)
    for index in range(200):
        draw(index)
    assert len(easel.context.objects) == objects
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8000  # kilobytes


def test_what_has_not_changed_is_not_uploaded_again(easel: Easel, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = many(30, SIZE)
    picture = replace(picture, gizmo=None)
    easel.draw(picture)
    uploads = []
    from app.render.gl.lines import LineBatch

    monkeypatch.setattr(LineBatch, "upload", lambda self, segments: uploads.append(len(segments)))
    easel.draw(replace(picture, camera=OrbitCamera((0, 0, 0), 10.0).view(SIZE)))
    assert uploads == []
    easel.draw(replace(picture, fitted=CameraSet(picture.fitted.poses.copy(), picture.fitted.colours)))
    assert uploads  # the arrays are others
