"""A ball in a field of either kind becomes a mesh of its position and size, with normals pointing outwards."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.errors import UserError
from engine.export import lattice
from engine.export.cameras import find_gauge
from engine.export.lattice import Lattice
from engine.export.mesh import Mesh, make_mesh, write_mesh
from engine.export.points import collect_points
from engine.fields.spaces import BoxSpace, ProjectiveSpace, Space, UnboundedSpace
from engine.run.saved_run import SavedRun
from engine.scenes.scene import SceneKind
from tests.support.worlds.exported_spheres import MIDDLE, RADIUS, SHELL, ball_run

KINDS: tuple[SceneKind, ...] = ("object", "forward-facing", "unbounded")


def silent(fraction: float, what: str) -> None:
    assert 0 <= fraction <= 1
    assert what


@pytest.fixture(autouse=True)
def spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """The space is the field's own; a real run makes the same of its scene."""
    monkeypatch.setattr(lattice, "space_of", lambda scene: ball_run(scene.kind, voxels=4).trainer.field.space)


def meshed(run: SavedRun, hidden: bool = True, density: float | None = 1.0, resolution: int = 64) -> Mesh:
    gauge = find_gauge(run.trainer.scene, run.trainer.poses())
    return make_mesh(run.trainer, gauge, density, resolution, hidden, silent)


def tolerance(kind: str) -> float:
    """A spacing of the lattice, scene units."""
    return {"object": 0.034, "unbounded": 0.052}.get(kind, 0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_ball_has_its_position_and_its_normals_point_outwards(kind: SceneKind) -> None:
    mesh = meshed(ball_run(kind))
    offsets = mesh.vertices - MIDDLE.numpy()
    np.testing.assert_allclose(np.linalg.norm(offsets, axis=1), RADIUS, atol=tolerance(kind))
    made = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    assert made.is_watertight
    assert made.volume == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.15)  # negative if inside out
    outwards = made.triangles_center - MIDDLE.numpy()
    assert ((made.face_normals * outwards).sum(axis=1) > 0).mean() > 0.99


@pytest.mark.parametrize("kind", KINDS)
def test_colours_are_those_of_the_positions(kind: SceneKind) -> None:
    mesh = meshed(ball_run(kind))
    wanted = 255 * (0.5 + 0.45 * (mesh.vertices - MIDDLE.numpy()) / RADIUS)
    assert np.abs(mesh.colours.astype(float) - wanted).mean() < 8


def test_only_surfaces_that_cameras_see_are_kept_by_default() -> None:
    run = ball_run("forward-facing")
    visible = meshed(run, hidden=False)
    assert 0.2 < len(visible.faces) / len(meshed(run).faces) < 0.8
    facing = visible.vertices[:, 2] - MIDDLE[2].item()
    assert facing.max() < 0.6 * RADIUS, "its back is turned to all cameras"
    assert facing.min() == pytest.approx(-RADIUS, abs=0.1)


def test_a_suitable_density_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    run = ball_run("object")
    mesh = meshed(run, density=None)
    assert np.linalg.norm(mesh.vertices - MIDDLE.numpy(), axis=1) == pytest.approx(RADIUS, abs=0.07)


def test_a_coarser_lattice_gives_a_smaller_mesh_of_the_same_ball() -> None:
    run = ball_run("object")
    fine, coarse = meshed(run), meshed(run, resolution=24)
    assert len(coarse.faces) < 0.5 * len(fine.faces)
    np.testing.assert_allclose(np.linalg.norm(coarse.vertices - MIDDLE.numpy(), axis=1), RADIUS, atol=0.08)


def test_mesh_and_points_are_in_the_exported_world_with_the_cameras() -> None:
    """In a run whose world is half as large and in files whose unit is a third, both are where the references say."""
    run = ball_run("object")
    trainer = run.trainer
    reference = torch.cat([trainer.poses()[..., :3], 2 * trainer.poses()[..., 3:]], dim=-1)
    held_out = torch.eye(3, 4)[None]
    trainer.scene = dataclasses.replace(
        trainer.scene, reference_poses=torch.cat([reference, held_out]), file_scale=3.0
    )
    mesh = meshed(run)
    np.testing.assert_allclose(mesh.vertices.mean(axis=0), 2 / 3 * MIDDLE.numpy(), atol=0.02)
    gauge = find_gauge(trainer.scene, trainer.poses())
    points = collect_points(trainer, gauge, 2000, silent)
    assert 200 < len(points.positions) <= 2000
    distances = np.linalg.norm(points.positions - 2 / 3 * MIDDLE.numpy(), axis=1)
    np.testing.assert_allclose(distances, 2 / 3 * RADIUS, atol=0.05)


def test_no_surface_is_one_sentence() -> None:
    run = ball_run("object")
    run.trainer.field.grid.voxels[..., 0] = -9.0
    with pytest.raises(UserError, match="no surface of density 1; give a smaller --density"):
        meshed(run)


@pytest.mark.parametrize("ending", ["ply", "obj", "glb"])
def test_files_read_back_with_colours_and_upright(tmp_path: Path, ending: str) -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, -2, 0], [0, 0, 3]], np.float32)  # y points down: -2 is up
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 8, 7]], np.uint8)
    path = tmp_path / f"mesh.{ending}"
    write_mesh(Mesh(vertices, faces, colours), np.array([0.0, -1.0, 0.0]), path)
    found = trimesh.load(path, force="mesh", process=False)
    wanted = vertices * [1, -1, -1] if ending == "glb" else vertices
    up = found.vertices[2]
    assert up[1] == pytest.approx(2 if ending == "glb" else -2, abs=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found.vertices, axis=1), np.linalg.norm(wanted, axis=1), atol=1e-6)
    assert np.linalg.det(found.vertices[1:]) == pytest.approx(np.linalg.det(vertices[1:]), abs=1e-5)  # no mirror
    np.testing.assert_array_equal(found.faces, faces)
    np.testing.assert_allclose(found.visual.vertex_colors[:, :3], colours, atol=1)


@given(st.sampled_from(KINDS), st.lists(st.floats(0.05, 0.95), min_size=3, max_size=3))
def test_lattice_and_world_coordinates_are_inverse(kind: str, place: list[float]) -> None:
    spaces: dict[str, Space] = {
        "object": BoxSpace((0.3, -2.0, 1.0), 1.7),
        "forward-facing": ProjectiveSpace((0.8, 0.6)),
        "unbounded": UnboundedSpace((0.3, -2.0, 1.0), 1.7),
    }
    made = Lattice(spaces[kind], torch.zeros(5, 7, 9, 4), None)
    indices = torch.tensor([place], dtype=torch.float64) * torch.tensor([4.0, 6.0, 8.0])
    if kind == "unbounded":
        from_middle = (torch.tensor([place]) - 0.5).abs().sort(dim=-1).values * 3
        assume(float(from_middle[0, 1]) < 0.99)  # the cube's corners are not used
    torch.testing.assert_close(made.indices(made.world(indices)), indices)


def test_of_an_unbounded_scene_the_near_part_is_exported_unless_all_is_asked_for() -> None:
    run = ball_run("unbounded", voxels=64)
    trainer, gauge = run.trainer, find_gauge(run.trainer.scene, run.trainer.poses())
    near = make_mesh(trainer, gauge, 1.0, 64, True, silent)
    everything = make_mesh(trainer, gauge, 1.0, 64, True, silent, surroundings=True)
    for mesh, farthest in ((near, RADIUS), (everything, sum(SHELL))):
        distances = np.linalg.norm(mesh.vertices - MIDDLE.numpy(), axis=1)
        assert distances.max() == pytest.approx(farthest, rel=0.25)
    trainer.scene = dataclasses.replace(trainer.scene, far=100.0)
    points, all_points = (collect_points(trainer, gauge, 4000, silent, wanted) for wanted in (False, True))
    assert np.abs(points.positions - MIDDLE.numpy()).max() <= trainer.scene.box_half_extent + 1e-3
    assert np.linalg.norm(all_points.positions - MIDDLE.numpy(), axis=1).max() > 3
