"""Metashape's XML of known cameras is read back to the same cameras."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from engine.errors import UserError
from engine.geometry.lens_models import MODEL, LensModel
from engine.scenes import Scene, load_scene
from tests.support.scenes.exports_of_apps import write_metashape
from tests.support.scenes.synthetic import FOCAL, distances, object_poses, relative

TURN = Rotation.from_rotvec([0.3, -0.2, 0.5]).as_matrix()


def write_transform(translation: str, scale: float = 2.5, rotation: np.ndarray = TURN) -> str:
    numbers = " ".join(repr(float(number)) for number in rotation.ravel())
    return (
        f'<transform><rotation locked="true">{numbers}</rotation><translation>{translation}</translation>'
        f"<scale>{scale}</scale></transform>"
    )


def assert_cameras(scene: Scene, kept: list[int], scale: float = 1.0) -> None:
    assert scene.reference_poses is not None
    assert scene.names == tuple(f"photo_{index}.png" for index in kept)
    poses, known = scene.reference_poses.double(), object_poses(12)[kept]
    torch.testing.assert_close(relative(poses), relative(known), atol=1e-5, rtol=0)
    torch.testing.assert_close(distances(poses), scale * distances(known), atol=2e-5, rtol=1e-5)


def test_cameras_are_read_back(tmp_path: Path) -> None:
    write_metashape(tmp_path, object_poses(12))
    scene = load_scene(tmp_path)
    assert_cameras(scene, list(range(12)))
    assert scene.reference_poses is not None
    torch.testing.assert_close(scene.reference_poses.double(), object_poses(12), atol=1e-5, rtol=0)
    torch.testing.assert_close(scene.intrinsics.focal[0], torch.tensor([FOCAL + 1, FOCAL]))
    torch.testing.assert_close(scene.intrinsics.centre[0], torch.tensor([15.5, 12.5]))
    distortion = scene.intrinsics.distortion[0, :5]  # the manual's P1 is OpenCV's p2
    torch.testing.assert_close(distortion, torch.tensor([0.01, 0.002, 0.001, -0.002, 0.0003]))


def test_the_transform_of_the_component_leads_to_the_world(tmp_path: Path) -> None:
    write_metashape(tmp_path, object_poses(12), transform=write_transform("3 -1 2"))
    scene = load_scene(tmp_path)
    assert_cameras(scene, list(range(12)), scale=2.5)
    assert scene.reference_poses is not None
    known = object_poses(12)
    rotation = known[0, :, :3] @ torch.from_numpy(TURN).T
    torch.testing.assert_close(scene.reference_poses[0, :, :3].double(), rotation, atol=1e-5, rtol=0)
    centre = -known[0, :, :3].T @ known[0, :, 3]
    moved = 2.5 * torch.from_numpy(TURN) @ centre + torch.tensor([3.0, -1.0, 2.0], dtype=torch.float64)
    found = -scene.reference_poses[0, :, :3].T @ scene.reference_poses[0, :, 3]
    torch.testing.assert_close(found.double(), moved, atol=1e-4, rtol=0)


def test_a_place_on_the_earth_gets_a_world_with_z_up(tmp_path: Path) -> None:
    """The chunk's z axis is the direction from the middle of the Earth to the place."""
    place = np.array([-2499366.4, -4256836.5, 4029217.9])
    up = place / np.linalg.norm(place)
    east = np.cross([0, 0, 1], up) / np.linalg.norm(np.cross([0, 0, 1], up))
    axes = np.stack([east, np.cross(up, east), up], axis=1)
    write_metashape(
        tmp_path,
        object_poses(12),
        transform=write_transform(" ".join(map(str, place)), scale=12.5, rotation=axes),
    )
    scene = load_scene(tmp_path)
    assert_cameras(scene, list(range(12)), scale=12.5)
    assert scene.reference_poses is not None
    torch.testing.assert_close(scene.reference_poses[:, :, :3].double(), object_poses(12)[:, :, :3], atol=1e-5, rtol=0)
    assert "far from the origin" in scene.notes[0]


def test_cameras_without_pose_or_of_another_component_are_left_out(tmp_path: Path) -> None:
    def change(index: int, element: str) -> str:
        if index == 2:
            return re.sub("<transform>.*</transform>", "", element)
        if index == 4:
            return element.replace('component_id="0"', 'component_id="1"')
        if index == 6:
            return element.replace("<transform>", "<transform>nan ")
        return element.replace('sensor_id="0"', 'sensor_id="7"') if index == 8 else element

    write_metashape(tmp_path, object_poses(12), camera=change)
    scene = load_scene(tmp_path)
    assert_cameras(scene, [0, 1, 3, 5, 7, 9, 10, 11])
    reasons = {photo.name: photo.reason for photo in scene.left_out}
    assert "no pose" in reasons["photo_2"]
    assert "another component" in reasons["photo_4"]
    assert "matrix of 16 numbers" in reasons["photo_6"]
    assert "no sensor" in reasons["photo_8"]


def test_a_fisheye_sensor(tmp_path: Path) -> None:
    write_metashape(tmp_path, object_poses(12), kind="fisheye")
    assert int(load_scene(tmp_path).intrinsics.distortion[0, MODEL]) == LensModel.FISHEYE


def test_the_chunk_with_most_aligned_cameras_is_read(tmp_path: Path) -> None:
    write_metashape(tmp_path, object_poses(12))
    file = tmp_path / "cameras.xml"
    camera = '<camera id="0" label="x"><transform>1</transform></camera>'
    small = f'<chunk label="small"><sensors/><cameras>{camera}</cameras></chunk>'
    file.write_text(file.read_text().replace("<chunk ", small + "<chunk ", 1))
    scene = load_scene(tmp_path)
    assert_cameras(scene, list(range(12)))
    assert "Of 2 chunks, 'Chunk 1'" in scene.notes[0]


def test_a_sensor_that_was_never_calibrated_has_its_nominal_focal_length(tmp_path: Path) -> None:
    write_metashape(tmp_path, object_poses(12))
    file = tmp_path / "cameras.xml"
    nominal = '<property name="pixel_width" value="0.1"/><property name="focal_length" value="4.2"/>'
    file.write_text(re.sub("<calibration.*</calibration>", nominal, file.read_text()))
    torch.testing.assert_close(load_scene(tmp_path).intrinsics.focal[0], torch.tensor([42.0, 42.0]))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("<document", '<!DOCTYPE d [<!ENTITY a "b">]><document'),
        lambda text: re.sub("<camera .*</camera>", "", text),
        lambda text: text.replace('type="frame"', 'type="spherical"'),
        lambda text: text.replace('<component id="0">', '<component id="0">' + write_transform("0 0 0", scale=-1.0)),
    ],
    ids=["cut", "entities", "no cameras", "spherical", "scale"],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, change) -> None:
    write_metashape(tmp_path, object_poses(4))
    file = tmp_path / "cameras.xml"
    file.write_text(change(file.read_text()))
    with pytest.raises(UserError, match=r"cameras\.xml"):
        load_scene(tmp_path)
