"""A scene with added frames: earlier frames are unchanged, frames that do not fit are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.errors import UserError
from engine.geometry.lens_models import LensModel, make_row, stack_distortions
from engine.scenes.added_frames import add_frames, find_copies, is_safe_name
from engine.scenes.scene import AddedFrames, PoseNoise, Scene
from tests.support.runs.fake_trainer import tiny_scene


def added(names: tuple[str, ...] = ("new.jpg",), nearest: tuple[int, ...] | None = None, size: int = 8) -> AddedFrames:
    images = torch.full((len(names), 6, size, 3), 7, dtype=torch.uint8)
    return AddedFrames(names, images, nearest or (2,) * len(names), (None,) * len(names))


def test_new_frames_come_last_are_trained_on_and_start_like_the_nearest() -> None:
    before = tiny_scene()
    scene = add_frames(before, added(("one.jpg", "two.jpg"), (1, 3)))
    assert scene.names == (*before.names, "one.jpg", "two.jpg")
    assert scene.training_frames == (*before.training_frames, 5, 6)
    assert scene.held_out_frames == before.held_out_frames
    assert torch.equal(scene.images[:5], before.images)
    assert scene.intrinsics.frames == 7
    assert torch.equal(scene.initial_poses[5:], before.initial_poses[[1, 3]])
    assert scene.reference_poses is not None
    assert before.reference_poses is not None
    assert torch.equal(scene.reference_poses[:5], before.reference_poses)
    assert scene.reference_poses[5:].isnan().all()
    assert scene.frames_read == 5


def test_frames_added_twice_are_kept_together() -> None:
    scene = add_frames(add_frames(tiny_scene(), added()), added(("other.jpg",), (0,)))
    assert scene.added is not None
    assert scene.added.names == ("new.jpg", "other.jpg")
    assert scene.added.nearest == (2, 0)
    again = add_frames(tiny_scene(), scene.added)
    assert again.names == scene.names
    assert torch.equal(again.images, scene.images)


def test_masks_of_added_frames_are_kept_with_those_that_have_none() -> None:
    one, other = added(), added(("other.jpg",), (0,))
    mask = torch.zeros(one.images.shape[:3], dtype=torch.bool)
    mask[:, 1:] = True
    for parts in ((replace(one, masks=mask), other), (one, replace(other, masks=mask))):
        scene = add_frames(add_frames(tiny_scene(), parts[0]), parts[1])
        assert scene.masks is not None
        assert scene.masks[:5].all()
        assert [bool(scene.masks[5 + index].all()) for index in (0, 1)] == [part.masks is None for part in parts]
        assert scene.added is not None
        again = add_frames(tiny_scene(), scene.added)
        assert again.masks is not None
        assert torch.equal(again.masks, scene.masks)


def test_a_frame_of_a_fisheye_gets_the_mask_of_its_lens() -> None:
    before = tiny_scene()
    lens = make_row([0.01], LensModel.FISHEYE)
    rows = stack_distortions([lens, lens, lens, make_row([-0.01]), lens])
    intrinsics = replace(before.intrinsics, distortion=rows, focal=torch.full((5, 2), 2.0))
    scene = add_frames(replace(before, intrinsics=intrinsics), added(("one.jpg", "two.jpg"), (1, 3)))
    assert torch.equal(scene.intrinsics.distortion[5:], rows[[1, 3]])
    assert scene.masks is not None
    assert scene.masks[:5].all()  # as the scene was read
    assert not scene.masks[5, 0, 0]
    assert scene.masks[5, 3, 4]
    assert scene.masks[6].all()


def test_a_scene_with_noise_has_none_for_new_frames() -> None:
    noise = PoseNoise(torch.ones(5, 3), torch.ones(5, 3), seed=1)
    scene = add_frames(replace(tiny_scene(), noise=noise), added())
    assert scene.noise is not None
    assert scene.noise.rotation.sum(dim=1).tolist() == [3, 3, 3, 3, 3, 0]


@pytest.mark.parametrize(
    "wrong",
    [
        added(("photo 1.png",)),  # taken
        added(("../up.jpg",)),
        added(("same.jpg", "same.jpg")),
        added(nearest=(9,)),
        added(nearest=(-1,)),
        added(size=9),
    ],
    ids=["taken", "leaves the folder", "twice", "no such frame", "negative", "size"],
)
def test_what_is_not_of_the_scene_is_refused(wrong: AddedFrames) -> None:
    with pytest.raises(UserError, match="not of"):
        add_frames(tiny_scene(), wrong)


def with_files(scene: Scene) -> Scene:
    return replace(scene, files=tuple(Path(name) for name in scene.names))


def test_files_are_known_of_all_frames_or_of_none(tmp_path: Path) -> None:
    scene = with_files(tiny_scene())
    assert add_frames(scene, added()).files == ()
    (tmp_path / "new.jpg").touch()
    found = add_frames(scene, find_copies(added(), tmp_path))
    assert found.files == (*scene.files, tmp_path / "new.jpg")


def test_a_copy_that_is_a_link_is_none(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.jpg").touch()
    (tmp_path / "new.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    assert find_copies(added(), tmp_path).files == (None,)


@pytest.mark.parametrize("name", ["", ".hidden", "a/b.jpg", "a\\b.jpg", "C:x.jpg", "a\nb.jpg", "x" * 300, 3, None])
def test_names_that_are_no_plain_file_names(name: object) -> None:
    assert not is_safe_name(name)
    assert is_safe_name("IMG 1 (2).jpg")
