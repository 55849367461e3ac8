"""Of several COLMAP models the largest is read, wherever it lies."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import UserError
from engine.scenes import load_scene
from engine.scenes.formats.colmap_model.find import find_models, read_contents, read_largest_model
from tests.engine.scenes.formats.test_colmap import MIDDLE, assert_object, write_colmap, write_object
from tests.support.scenes.synthetic import object_poses, scattered_points


def write_small(folder: Path, place: str, frames: int = 4) -> None:
    write_colmap(folder, object_poses()[:frames], scattered_points(MIDDLE), place=place)


@pytest.mark.parametrize(
    "place", ["sparse/1", "sparse/10", "colmap/sparse/0", "colmap/sparse", "colmap", "sparse", "."]
)
def test_the_model_with_most_photos_is_read_and_said(tmp_path: Path, place: str) -> None:
    write_object(tmp_path, place=place)
    write_small(tmp_path, "sparse/0")
    write_small(tmp_path, "sparse/2", frames=6)
    scene = load_scene(tmp_path)
    assert_object(scene)
    name = "the one beside the photos" if place == "." else place
    assert f"Of 3 COLMAP models, {name} has the most registered photos" in scene.notes[0]
    assert "(10; sparse/2 has 6, sparse/0 has 4)" in scene.notes[0]


def test_models_of_the_same_size_are_taken_in_order(tmp_path: Path) -> None:
    for place in ("sparse/10", "sparse/2", "sparse"):
        write_small(tmp_path, place)
    assert [model.folder.name for model in find_models(tmp_path)] == ["2", "10", "sparse"]
    assert read_largest_model(tmp_path)[0].folder == tmp_path / "sparse" / "2"


def test_a_single_model_needs_no_sentence(tmp_path: Path) -> None:
    write_object(tmp_path)
    assert load_scene(tmp_path).notes == ()


def test_a_damaged_model_gives_way_to_another(tmp_path: Path) -> None:
    write_object(tmp_path, place="sparse/1")
    write_small(tmp_path, "sparse/0", frames=8)
    images = tmp_path / "sparse" / "1" / "images.bin"
    images.write_bytes(images.read_bytes()[:-20])
    scene = load_scene(tmp_path)
    assert len(scene.names) == 8
    assert "A COLMAP model was passed over" in scene.notes[0]
    assert str(images) in scene.notes[0]
    shutil.rmtree(tmp_path / "sparse" / "0")
    with pytest.raises(UserError, match=r"images\.bin is damaged"):
        load_scene(tmp_path)


@pytest.mark.parametrize("form", ["binary", "text"])
def test_a_model_may_lie_among_the_photos(tmp_path: Path, form: str) -> None:
    write_object(tmp_path, form=form, place=".", images=".")
    assert_object(load_scene(tmp_path))


def test_a_model_in_the_folder_of_images(tmp_path: Path) -> None:
    write_object(tmp_path, place="images")
    assert_object(load_scene(tmp_path))


def test_a_list_of_images_alone_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "images.txt").write_text("a.png\nb.png\n")
    assert find_models(tmp_path) == []


def test_points_may_be_missing_or_infinite(tmp_path: Path) -> None:
    write_object(tmp_path, form="text")
    points = tmp_path / "sparse" / "0" / "points3D.txt"
    lines = points.read_text().splitlines()
    points.write_text("\n".join([*lines, "9999 nan 1 2 9 9 9 0.1"]))
    (model,) = find_models(tmp_path)
    assert np.isfinite(read_contents(model).points).all()
    assert len(read_contents(model).points) == 200
    points.unlink()
    assert len(load_scene(tmp_path).names) == 10


def test_no_model_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no COLMAP model"):
        read_largest_model(tmp_path)


def test_a_links_model_is_counted_once(tmp_path: Path) -> None:
    write_small(tmp_path, "sparse/0")
    (tmp_path / "colmap").symlink_to(tmp_path / "sparse", target_is_directory=True)
    assert len(find_models(tmp_path)) == 1


def test_quaternions_need_not_have_length_one(tmp_path: Path) -> None:
    write_object(tmp_path, form="text")
    (model,) = find_models(tmp_path)
    image = read_contents(model).images[0]
    doubled = type(image)(image.name, image.camera, tuple(2 * x for x in image.rotation), image.translation)
    torch.testing.assert_close(doubled.find_pose(), image.find_pose())
    zero = type(image)(image.name, image.camera, (0.0, 0.0, 0.0, 0.0), image.translation)
    assert bool(zero.find_pose().isnan().all())
