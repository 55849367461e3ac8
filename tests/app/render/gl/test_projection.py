"""OpenGL's matrices put a point where the OpenCV camera sees it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.common.pictures import CameraSet, CamerasPicture, Ground
from app.render.gl.programs import to_matrix_bytes
from app.render.gl.projection import find_clip_planes, make_projection_matrix, make_view_matrix, make_view_projection
from tests.support.worlds import fields

coordinates = st.floats(-3, 3)


@given(coordinates, coordinates, st.floats(0.5, 20))
def test_a_point_lands_on_its_pixel(x: float, y: float, z: float) -> None:
    camera = fields.camera((640, 480))
    pose = camera.world_to_camera.astype(np.float64)
    seen = np.array([x, y, z])
    world = pose[:, :3].T @ (seen - pose[:, 3])
    clip = make_projection_matrix(camera, 0.1, 50.0) @ make_view_matrix(camera) @ [*world, 1.0]
    assert clip[3] == pytest.approx(z, rel=1e-4)  # depth is what OpenGL divides by
    across, down, depth = clip[:3] / clip[3]
    assert (across + 1) / 2 * 640 == pytest.approx(camera.focal[0] * x / z + camera.centre[0], abs=0.05)
    assert (1 - down) / 2 * 480 == pytest.approx(camera.focal[1] * y / z + camera.centre[1], abs=0.05)
    assert -1 < depth < 1


def test_depths_run_from_near_to_far() -> None:
    camera = fields.camera()
    matrix = make_projection_matrix(camera, 0.5, 8.0)
    for z, expected in ((0.5, -1.0), (8.0, 1.0)):
        clip = matrix @ [0, 0, -z, 1]
        assert clip[2] / clip[3] == pytest.approx(expected, abs=1e-6)


def test_a_uniform_is_laid_out_column_after_column() -> None:
    matrix = np.arange(16.0).reshape(4, 4)
    assert np.frombuffer(to_matrix_bytes(matrix), np.float32).tolist()[:4] == [0, 4, 8, 12]


@given(st.floats(0.01, 100), st.integers(1, 30))
def test_everything_lies_between_the_clip_planes(scale: float, frames: int) -> None:
    generator = np.random.default_rng(frames)
    poses = np.tile(np.eye(3, 4, dtype=np.float32), (frames, 1, 1))
    poses[:, :, 3] = scale * generator.normal(size=(frames, 3)) - [0, 0, 5 * scale]
    cameras = CameraSet(poses, np.ones((frames, 4), np.float32))
    ground = Ground((0.0, scale, 5 * scale), (0.0, -1.0, 0.0), scale / 5)
    picture = CamerasPicture(fields.camera(), cameras, (0.5, 0.4), 0.2 * scale, ground=ground)
    near, far = find_clip_planes(picture)
    assert 0 < near < far
    view, projection = make_view_projection(picture)
    assert np.isfinite(projection).all()
    centres = np.c_[-poses[:, :, 3], np.ones(frames)]
    depths = -(view @ centres.T)[2]
    seen = depths > near
    clip = projection @ view @ centres[seen].T
    assert (np.abs(clip[2]) <= clip[3] * (1 + 1e-6)).all()
    assert (depths < far).all()
