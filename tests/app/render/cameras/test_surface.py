"""Sparse points and a mesh in the cameras' 3D view."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.model.common.pictures import PointCloud, Surface
from app.render.cameras.surface import make_lit_corners
from tests.support.window.cameras_scene import Easel, at, from_behind, one_colour, picture_of, seen_at

HIDDEN = one_colour(at(0, 0, 0)[None], 0, 0, 0, 0)
SQUARE = np.array([(-0.5, -0.5, 0.0), (0.5, -0.5, 0.0), (0.5, 0.5, 0.0), (-0.5, 0.5, 0.0)])
FACES = np.array([(0, 2, 1), (0, 3, 2)])  # seen from where z is negative


def surface(placing: np.ndarray) -> Surface:
    return Surface(SQUARE, FACES, placing.astype(np.float32), (0.2, 0.4, 1.0, 1.0))


def test_points_are_dots_of_their_colours_where_they_are_seen(easel: Easel) -> None:
    places = np.array([(-0.6, 0.2, 1.0), (0.5, -0.3, 2.0)], np.float32)
    colours = np.array([(1, 0, 0, 1), (0, 1, 0, 1)], np.float32)
    picture = picture_of(HIDDEN, camera=from_behind(), points=PointCloud(places, colours))
    pixels = easel.draw(picture)
    for place, channel in zip(places, (0, 1), strict=True):
        x, y = (int(part) for part in seen_at(picture, place))
        around = pixels[y - 3 : y + 4, x - 3 : x + 4].sum(axis=(0, 1))
        assert around.argmax() == channel
        assert around[channel] > 3
    assert (pixels.sum(axis=2) > 0.1).mean() < 0.001
    assert easel.draw(replace(picture, points=None)).max() == 0


def test_a_mesh_is_drawn_where_it_is_placed_and_moves_without_another_upload(easel: Easel) -> None:
    near, far = np.eye(4), np.diag([2.0, 2.0, 2.0, 1.0])
    far[:3, 3] = 0.0, 0.0, 3.0
    for placing in (near, far):
        picture = picture_of(HIDDEN, camera=from_behind(), surface=surface(placing))
        blue = easel.draw(picture)[..., 2] > 0.5
        low, high = (seen_at(picture, placing[:3, :3] @ SQUARE[corner] + placing[:3, 3]) for corner in (0, 2))
        rows, columns = np.nonzero(blue)
        assert np.allclose([columns.min(), rows.min()], low, atol=1.5)
        assert np.allclose([columns.max() + 1, rows.max() + 1], high, atol=1.5)
    assert easel.draw(replace(picture, surface=None)).max() == 0


def test_what_lies_behind_a_mesh_is_hidden(easel: Easel) -> None:
    point = PointCloud(np.array([(0.0, 0.0, 1.0)], np.float32), np.array([(1, 0, 0, 1)], np.float32))
    picture = picture_of(HIDDEN, camera=from_behind(), points=point)
    assert easel.draw(picture)[..., 0].max() > 0.8
    assert easel.draw(replace(picture, surface=surface(np.eye(4))))[..., 0].max() < 0.5


def test_corners_share_the_normals_of_their_surface() -> None:
    corners = make_lit_corners(surface(np.eye(4)))
    assert corners.shape == (6, 10)
    assert np.allclose(corners[:, 3:6], (0, 0, -1))
