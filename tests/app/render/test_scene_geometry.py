"""The cameras' 3D view, drawn without a window: what a user would see in its pixels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from app.render.context import open_context
from app.render.segments import frustum_corners
from tests.app.render.cameras_scene import IMAGE_PLANE, Easel, at, one_colour, picture_of, seen_at


@pytest.fixture(scope="module")
def easel() -> Iterator[Easel]:
    context = open_context()
    easel = Easel(context)
    yield easel
    easel.geometry.release()
    assert context.error == "GL_NO_ERROR"
    context.release()


def test_a_frustum_is_drawn_at_its_projected_pixels(easel: Easel) -> None:
    picture = picture_of(one_colour(at(0, 0, 0)[None], 1, 0, 0, 1))
    red = easel.draw(picture)[..., 0] > 0.5
    for fraction in (0.1, 0.5, 0.9):
        x, y = seen_at(picture, fraction * np.array([*IMAGE_PLANE, 1.0]))
        assert red[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2].any()
    corners = np.array(
        [seen_at(picture, corner) for corner in frustum_corners(at(0, 0, 0)[None], IMAGE_PLANE, 1.0)[0]]
    )
    rows, columns = np.nonzero(red)
    drawn_box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert np.allclose(drawn_box, [*corners.min(axis=0), *corners.max(axis=0)], atol=2.5)
    assert red.mean() < 0.05  # lines, not faces
