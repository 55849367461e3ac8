"""Dragging a camera by its gizmo: what the mouse does is what the camera does."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from app.model.cameras.gizmo import (
    PARTS,
    SHAPE,
    Drag,
    find_gizmo_centre,
    find_part_at,
    get_axis_index,
    grab_part,
    is_ring,
    make_arrow,
    make_ring,
    make_twist,
    move_pose,
)
from app.model.common.orbit import OrbitCamera
from app.model.common.pictures import Gizmo, GizmoPart
from app.model.common.view_rays import project_to_screen, transform_to_view
from engine.geometry import se3
from engine.geometry.view_camera import ViewCamera, centres

SIZE = (800, 600)
angles = st.floats(-3.0, 3.0)
places = st.tuples(*[st.floats(-2.0, 2.0)] * 3)
parts = st.sampled_from(PARTS)
arrows = st.sampled_from([part for part in PARTS if not is_ring(part)])
rings = st.sampled_from([part for part in PARTS if is_ring(part)])


@st.composite
def gizmos(draw: st.DrawFn) -> Gizmo:
    """Any pose near the origin, half a unit large."""
    twist = torch.tensor([*draw(st.tuples(*[angles] * 3)), *draw(places)], dtype=torch.float64)
    return Gizmo(se3.exponential(twist).numpy().astype(np.float32), 0.5)


def seen_from(gizmo: Gizmo, azimuth: float, elevation: float) -> ViewCamera:
    """A view with the gizmo in the middle."""
    x, y, z = find_gizmo_centre(gizmo).tolist()
    return OrbitCamera((x, y, z), 4.0, azimuth, elevation).view(SIZE)


def pixel(camera: ViewCamera, point: np.ndarray) -> tuple[float, float]:
    x, y = project_to_screen(camera, transform_to_view(camera, point))
    return float(x), float(y)


@given(gizmos(), arrows, angles, st.floats(-1.0, 1.0), st.floats(-0.4, 0.6))
def test_an_arrow_follows_the_mouse(
    gizmo: Gizmo, part: GizmoPart, azimuth: float, elevation: float, amount: float
) -> None:
    """The point of the camera's axis that was taken hold of stays under the mouse."""
    camera = seen_from(gizmo, azimuth, elevation)
    axis = gizmo.pose[get_axis_index(part), :3].astype(np.float64)
    assume(abs(axis @ camera.world_to_camera[2, :3]) < 0.95)
    held = find_gizmo_centre(gizmo) + 0.6 * gizmo.size * axis
    drag = grab_part(gizmo, part, camera, *pixel(camera, held))
    assert drag is not None
    drag = drag.to(camera, *pixel(camera, held + amount * axis))
    assert drag.amount == pytest.approx(amount, abs=1e-4)
    assert np.allclose(centres(drag.pose[None])[0], find_gizmo_centre(gizmo) + amount * axis, atol=1e-3)
    assert np.allclose(drag.pose[:, :3], gizmo.pose[:, :3], atol=1e-5)


@given(gizmos(), rings, angles, st.floats(-1.0, 1.0), angles, st.floats(-2.5, 2.5))
def test_a_ring_turns_with_the_mouse(
    gizmo: Gizmo, part: GizmoPart, azimuth: float, elevation: float, start: float, amount: float
) -> None:
    """The camera turns about its own axis by the angle that the mouse went round; its centre stays."""
    camera = seen_from(gizmo, azimuth, elevation)
    index = get_axis_index(part)
    axis, first, second = (gizmo.pose[(index + k) % 3, :3].astype(np.float64) for k in range(3))
    assume(abs(axis @ camera.world_to_camera[2, :3]) > 0.3)

    def rim(angle: float) -> np.ndarray:
        return find_gizmo_centre(gizmo) + SHAPE.radius * gizmo.size * (
            math.cos(angle) * first + math.sin(angle) * second
        )

    drag = grab_part(gizmo, part, camera, *pixel(camera, rim(start)))
    assert drag is not None
    for share in (0.25, 0.5, 0.75, 1.0):
        drag = drag.to(camera, *pixel(camera, rim(start + share * amount)))
    assert drag.amount == pytest.approx(amount, abs=1e-3)
    assert np.allclose(centres(drag.pose[None]), centres(gizmo.pose[None]), atol=1e-4)
    turned_first = drag.pose[(index + 1) % 3, :3]
    assert np.allclose(turned_first, math.cos(amount) * first + math.sin(amount) * second, atol=2e-3)
    assert np.allclose(drag.pose[index, :3], axis, atol=1e-4)


@given(gizmos(), parts, st.lists(st.floats(-0.3, 0.3), min_size=1, max_size=8))
def test_increments_add_up_to_the_drag_in_the_engines_own_terms(
    gizmo: Gizmo, part: GizmoPart, increments: list[float]
) -> None:
    """What is sent bit by bit as `PerturbPose` brings the camera where the preview shows it."""
    pose = torch.from_numpy(gizmo.pose.astype(np.float64))
    for increment in increments:
        rotation, translation = make_twist(part, increment)
        pose = se3.compose(se3.exponential(torch.tensor([*rotation, *translation], dtype=torch.float64)), pose)
    preview = move_pose(gizmo.pose, *make_twist(part, sum(increments)))
    assert np.allclose(preview, pose.numpy(), atol=1e-5)


@given(gizmos(), parts, angles, st.floats(-1.2, 1.2), st.integers(0, 71))
def test_a_part_is_met_where_it_is_drawn(
    gizmo: Gizmo, part: GizmoPart, azimuth: float, elevation: float, step: int
) -> None:
    camera = seen_from(gizmo, azimuth, elevation)
    foot, tip = make_arrow(gizmo, part)
    point = make_ring(gizmo, part)[step] if is_ring(part) else foot + step / 71 * (tip - foot)
    found = find_part_at(gizmo, camera, *pixel(camera, point))
    assert found is not None  # another part may lie before it, but something is there
    x, y = pixel(camera, find_gizmo_centre(gizmo))
    assert find_part_at(gizmo, camera, x + 250, y) is None


def test_each_part_is_met_by_itself_where_nothing_else_is() -> None:
    gizmo = Gizmo(np.eye(3, 4, dtype=np.float32), 0.5)
    camera = seen_from(gizmo, 0.6, 0.5)
    for part in PARTS:
        points = make_ring(gizmo, part) if is_ring(part) else np.linspace(*make_arrow(gizmo, part), 30)
        found = [find_part_at(gizmo, camera, *pixel(camera, point)) for point in points]
        assert found.count(part) > len(points) / 3, part


def test_a_ring_seen_edge_on_can_still_be_turned() -> None:
    gizmo = Gizmo(np.eye(3, 4, dtype=np.float32), 0.5)
    camera = seen_from(gizmo, 0.0, 0.0)  # looks along z: the rings of x and y are lines
    x, y = pixel(camera, find_gizmo_centre(gizmo))
    drag = grab_part(gizmo, "turn y", camera, x, y)
    assert drag is not None
    pulled = drag.to(camera, x + 40, y)
    # the side of the ring that faces the viewer goes right with the mouse: a right-handed turn about y, which is down
    assert 0.1 < abs(pulled.amount) < 2.0
    near_side = find_gizmo_centre(gizmo) - np.array([0, 0, SHAPE.radius * gizmo.size])
    in_camera = gizmo.pose[:, :3] @ near_side + gizmo.pose[:, 3]
    after = pulled.pose[:, :3].T @ (in_camera - pulled.pose[:, 3])
    assert pixel(camera, after)[0] > x + 10


def test_an_arrow_along_the_line_of_sight_does_not_jump() -> None:
    gizmo = Gizmo(np.eye(3, 4, dtype=np.float32), 0.5)
    camera = seen_from(gizmo, 0.0, 0.0)
    x, y = pixel(camera, find_gizmo_centre(gizmo))
    assert grab_part(gizmo, "move z", camera, x, y) is None
    drag = Drag(gizmo, "move z", 0.0)
    assert drag.to(camera, x, y) == drag
