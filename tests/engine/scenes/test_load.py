"""Recognition of layouts, and errors for paths that are no scene."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import UserError
from engine.scenes import SceneOptions, load_scene
from engine.scenes.load import has_poses, list_spaces
from tests.support.scenes.synthetic import (
    forward_poses,
    object_poses,
    write_blender,
    write_json,
    write_llff,
    write_nerfstudio,
)


def test_an_unknown_folder_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UserError) as raised:
        load_scene(tmp_path)
    for word in (str(tmp_path), "transforms_train.json", "transforms.json", "poses_bounds.npy", "sparse/0"):
        assert word in str(raised.value)


def test_the_folder_above_a_scene_hints_at_it(tmp_path: Path) -> None:
    write_llff(tmp_path / "fern", forward_poses(2))
    with pytest.raises(UserError, match=r"fern has; give that folder"):
        load_scene(tmp_path)


def test_a_misspelt_folder_gets_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "fortress").mkdir()
    with pytest.raises(UserError, match=r"fortres \(did you mean fortress\?\)"):
        load_scene(tmp_path / "fortres")
    with pytest.raises(UserError, match=r"no folder .*elsewhere/fortres;"):
        load_scene(tmp_path / "elsewhere" / "fortres")


def test_a_file_is_no_scene(tmp_path: Path) -> None:
    write_blender(tmp_path, object_poses(3))
    with pytest.raises(UserError, match="is a file") as raised:
        load_scene(tmp_path / "transforms_train.json")
    assert f"such as {tmp_path}." in str(raised.value)


def test_the_markers_decide_in_order(tmp_path: Path) -> None:
    write_llff(tmp_path, forward_poses(6))
    assert load_scene(tmp_path).names[0] == "IMG_000.png"
    write_nerfstudio(tmp_path, object_poses())
    assert load_scene(tmp_path).names[0] == "frame_0.png"
    write_blender(tmp_path, object_poses(4))
    assert load_scene(tmp_path).names[0] == "r_0.png"


def test_links_of_the_user_are_followed(tmp_path: Path) -> None:
    scene = tmp_path / "scene"
    write_blender(scene, object_poses(4))
    link = tmp_path / "link"
    link.symlink_to(scene, target_is_directory=True)
    assert load_scene(link).path == scene.resolve()
    for moved in (scene / "train", scene / "transforms_train.json"):
        moved.rename(tmp_path / f"elsewhere_{moved.name}")
        moved.symlink_to(tmp_path / f"elsewhere_{moved.name}")
    (scene / "train" / "r_2.png").rename(tmp_path / "one.png")
    (scene / "train" / "r_2.png").symlink_to(tmp_path / "one.png")
    assert load_scene(link).names == tuple(f"r_{index}.png" for index in range(4))


@pytest.mark.parametrize(
    "options",
    [
        SceneOptions(downscale=0),
        SceneOptions(init="somewhere"),  # type: ignore[arg-type]
        SceneOptions(background="green"),  # type: ignore[arg-type]
        SceneOptions(noise_rotation=-1.0),
        SceneOptions(noise_translation=math.nan),
        SceneOptions(seed=-1),
        SceneOptions(maximum_pixels=0),
    ],
)
def test_options_without_meaning_are_refused(tmp_path: Path, options: SceneOptions) -> None:
    write_blender(tmp_path, object_poses(4))
    with pytest.raises(UserError):
        load_scene(tmp_path, options)


def test_hardly_any_pixels_left_is_refused(tmp_path: Path) -> None:
    write_blender(tmp_path, object_poses(4))
    with pytest.raises(UserError, match="give at most 3"):
        load_scene(tmp_path, SceneOptions(downscale=4))


def test_files_that_may_not_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_llff(tmp_path, forward_poses(6))

    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder / "images_4"))

    monkeypatch.setattr("engine.scenes.formats.llff_images.find_image_folders", refuse)
    with pytest.raises(UserError, match=r"images_4 cannot be read \(Permission denied\)"):
        load_scene(tmp_path)


WEIRD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)
KEYS = ["frames", "file_path", "transform_matrix", "camera_angle_x", "w", "h", "fl_x", "cx", "k1", "k3"]
MORE_KEYS = ["camera_model", "is_fisheye", "train_filenames", "test_filenames", "ply_file_path"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(KEYS + MORE_KEYS), WEIRD)
def test_any_value_gives_a_scene_or_a_sentence(tmp_path: Path, key: str, value: object) -> None:
    content = write_nerfstudio(tmp_path, object_poses(3))
    (content["frames"][1] if key in content["frames"][1] else content)[key] = value
    write_json(tmp_path / "transforms.json", content)
    with suppress(UserError):
        scene = load_scene(tmp_path)
        assert scene.images.shape[0] == len(scene.names) == scene.intrinsics.frames


def test_the_layout_says_which_kinds_a_scene_can_be_of_and_whether_it_has_poses(tmp_path: Path) -> None:
    write_llff(tmp_path / "llff", forward_poses(4))
    write_blender(tmp_path / "blender", object_poses(4))
    write_nerfstudio(tmp_path / "nerfstudio", object_poses(4))
    (tmp_path / "photos").mkdir()
    every = {"forward-facing", "object", "unbounded"}
    known = {"llff": every, "blender": {"object", "unbounded"}, "nerfstudio": every, "photos": every}
    assert {name: set(list_spaces(tmp_path / name)) for name in known} == known
    assert [name for name in known if has_poses(tmp_path / name)] == ["llff", "blender", "nerfstudio"]
    assert not has_poses(tmp_path / "walk.mp4")
    (tmp_path / "cat.png").touch()
    assert list_spaces(tmp_path / "cat.png") == ()
    for space in known["blender"]:
        assert load_scene(tmp_path / "blender", SceneOptions(space=space)).kind == space  # type: ignore[arg-type]


def test_a_file_that_misleads_gives_way_to_one_that_serves(tmp_path: Path) -> None:
    from tests.engine.scenes.formats.test_colmap import assert_object, write_object

    write_object(tmp_path)
    write_json(tmp_path / "transforms_train.json", {"frames": []})
    content = {"file_path": "renders/x.png", "transform_matrix": object_poses(1)[0].tolist()}
    write_json(tmp_path / "transforms.json", {"fl_x": 40.0, "frames": [content, content]})
    scene = load_scene(tmp_path)
    assert_object(scene)
    assert "transforms_train.json was passed over, and the COLMAP model is read" in scene.notes[0]
    assert "transforms.json was passed over" in scene.notes[1]
    assert "renders/x.png" in scene.notes[1]


def test_if_no_layout_serves_the_first_says_why(tmp_path: Path) -> None:
    write_nerfstudio(tmp_path, object_poses(3))
    write_json(tmp_path / "transforms_train.json", {"frames": []})
    for image in (tmp_path / "images").iterdir():
        image.unlink()
    with pytest.raises(UserError, match=r"transforms_train\.json has an empty list of frames"):
        load_scene(tmp_path)


def test_an_option_that_does_not_fit_the_first_layout_is_no_reason_to_read_another(tmp_path: Path) -> None:
    write_blender(tmp_path, object_poses(6))
    from tests.engine.scenes.formats.test_colmap import write_object

    write_object(tmp_path)
    with pytest.raises(UserError, match="--space forward-facing does not fit"):
        load_scene(tmp_path, SceneOptions(space="forward-facing"))


def test_a_folder_of_videos_or_of_raw_pictures_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    for name in ("b.NEF", "a.NEF"):
        (tmp_path / name).write_bytes(b"raw")
    with pytest.raises(UserError, match=r"holds 2 pictures such as a\.NEF .* \.NEF is not; convert them to JPEG"):
        load_scene(tmp_path)
    with pytest.raises(UserError, match=r"a\.NEF: \.NEF files are not read; convert it"):
        load_scene(tmp_path / "a.NEF")
    (tmp_path / "walk.MTS").write_bytes(b"video")
    with pytest.raises(UserError, match=r"holds a video and no photos; give the file itself: .*walk\.MTS\."):
        load_scene(tmp_path)
