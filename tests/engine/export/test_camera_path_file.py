"""Camera paths on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UserError
from engine.export.camera_path_file import read_path, write_path
from engine.geometry.view_camera import ViewCamera, look_along, pinhole

angle = st.floats(-3, 3)


def view(turn: float, height: float) -> ViewCamera:
    direction = np.array([np.sin(turn), 0.1, np.cos(turn)])
    return pinhole(look_along(np.array([turn, height, -height]), direction, np.array([0.0, -1.0, 0.0])), 0.8, (64, 48))


@given(st.lists(st.tuples(angle, angle), min_size=1, max_size=4), st.booleans())
def test_it_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, keys: list[tuple[float, float]], closed: bool
) -> None:
    path = tmp_path_factory.mktemp("path") / "path.json"
    wanted = [view(*key) for key in keys]
    write_path(wanted, path, closed)
    found, was_closed = read_path(path)
    assert was_closed == closed
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one.world_to_camera, other.world_to_camera)
        assert (one.focal, one.centre, one.size) == (other.focal, other.centre, other.size)


def written(path: Path, **changes: Any) -> Path:
    write_path([view(0.3, 0.1)], path)
    content = json.loads(path.read_text())
    content["keys"][0] |= changes
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {"world_to_camera": np.full((3, 4), 1.0).tolist()},
        {"world_to_camera": [[1, 0, 0, float("nan")], [0, 1, 0, 0], [0, 0, 1, 0]]},
        {"world_to_camera": [1, 2]},
        {"world_to_camera": [[-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]},
        {"focal": [0, 10]},
        {"focal": "ab"},
        {"centre": [1]},
        {"size": [10**9, 48]},
        {"size": None},
    ],
)
def test_invalid_views_are_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"path\.json is damaged or no camera path"):
        read_path(written(tmp_path / "path.json", **changes))


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no camera path"):
        read_path(tmp_path / "none.json")
    for text in ("", "[]", "{}", '{"format": "other", "keys": []}', "\x00"):
        (tmp_path / "path.json").write_text(text)
        with pytest.raises(UserError, match="damaged or no camera path"):
            read_path(tmp_path / "path.json")
