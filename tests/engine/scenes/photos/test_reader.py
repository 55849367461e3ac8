"""A folder of photos without poses becomes a scene; photos that are left out are named."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.errors import UserError
from engine.geometry.pose_errors import pose_errors
from engine.geometry.rays import project
from engine.scenes import SceneOptions, load_scene
from engine.scenes.progress import PhotosRead, ReadingProgress
from engine.scenes.scene import Scene
from engine.sfm import events as sfm
from tests.support.scenes.photos_on_disk import (
    FERN,
    turn_over,
    write_black,
    write_elsewhere,
    write_photos,
    write_turning,
)


def read(path: Path, **options: object) -> Scene:
    scene = load_scene(path, SceneOptions(**options))  # type: ignore[arg-type]
    assert isinstance(scene, Scene)
    return scene


def test_photos_are_a_scene_that_starts_from_their_matches(tmp_path: Path) -> None:
    files, told = write_photos(tmp_path / "desk"), list[object]()
    scene = load_scene(tmp_path / "desk", watch=told.append)
    assert isinstance(scene, Scene)
    assert scene.name == "desk"
    assert scene.names == tuple(file.name for file in files)
    assert scene.kind == "forward-facing"
    assert scene.reference_poses is None
    assert scene.poses_known
    assert scene.uncertain_frames == ()
    assert not scene.focal_known
    assert scene.files == tuple(file.resolve() for file in files)
    assert any("Matches register 8 of 8 photos" in note for note in scene.notes)
    assert any("tell no focal length" in note for note in scene.notes)
    assert scene.intrinsics.focal[0, 0] / scene.intrinsics.width == pytest.approx(
        430 / 504, rel=0.04
    )  # by the matches
    assert abs(float(scene.intrinsics.distortion[0, 0])) < 0.04
    published = load_scene(FERN.parent)
    assert isinstance(published, Scene)
    assert published.reference_poses is not None
    errors = pose_errors(scene.initial_poses, published.reference_poses[: len(files)])
    assert errors.relative_rotation_deg.max() < 0.5
    assert [event.what for event in told if isinstance(event, ReadingProgress)] == ["reading the photos"] * 8
    kinds = [type(event) for event in told]
    assert kinds.count(PhotosRead) == 1
    assert kinds.index(PhotosRead) < kinds.index(sfm.FeaturesFound) < kinds.index(sfm.PairVerified)
    assert kinds.index(sfm.PairVerified) < kinds.index(sfm.Mapped)
    (read,) = (event for event in told if isinstance(event, PhotosRead))
    assert read.names == scene.names


def test_photos_held_both_ways_and_of_two_cameras_register_together(tmp_path: Path) -> None:
    files = write_photos(tmp_path)
    turned, cut = [1, 4], [2, 6]
    for number, file in enumerate(files):
        image, exif = Image.open(file), Image.Exif()
        if number in turned:
            image = image.transpose(Image.Transpose.ROTATE_90)
        if number in cut:  # another camera that sees less
            image = image.crop((72, 9, image.width - 72, image.height - 9))
        exif[0x0110] = "second" if number in cut else "first"
        image.save(file, quality=95, exif=exif)
    scene = read(tmp_path)
    assert scene.left_out == ()
    assert scene.intrinsics.camera_numbers.tolist() == [int(number in cut) for number in range(8)]
    assert scene.intrinsics.own_size(1) == scene.intrinsics.own_size(0)[::-1]
    assert scene.lens_covariance is not None
    assert scene.lens_covariance.shape == (2, 2, 2)
    published = load_scene(FERN.parent)
    assert isinstance(published, Scene)
    assert published.reference_poses is not None
    wanted = published.reference_poses[:8].clone()
    wanted[turned] = torch.tensor([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]) @ wanted[turned]
    assert pose_errors(scene.initial_poses, wanted).relative_rotation_deg.max() < 0.6
    focal = scene.intrinsics.focal[:, 0]
    assert float(focal[0] / 504) == pytest.approx(430 / 504, rel=0.05)
    assert focal[1] == focal[0]  # one lens, whichever way it is held
    assert float(focal[2]) == pytest.approx(float(focal[0]), rel=0.03)  # pixels are as large
    assert scene.tracks is not None
    for frame in (1, 2):
        pixels = scene.tracks.pixels[scene.tracks.frame == frame]
        assert (pixels <= torch.tensor(scene.intrinsics.own_size(frame))).all()


def test_tracks_lie_in_the_world_of_the_initial_poses(tmp_path: Path) -> None:
    write_photos(tmp_path, [0, 4, 8, 12, 16])
    scene = read(tmp_path)
    tracks, lens = scene.tracks, scene.intrinsics
    assert tracks is not None
    known = torch.isfinite(tracks.points[tracks.track, 0])
    frame, point = tracks.frame[known], tracks.points[tracks.track[known]]
    pixels, depth = project(
        point[:, None], scene.initial_poses[frame], lens.focal[frame], lens.centre[frame], lens.distortion[frame]
    )
    assert (depth > 0).all()
    error = (pixels[:, 0] - tracks.pixels[known]).norm(dim=-1)
    assert error.median() < 0.7
    assert known.sum() > 400
    assert 1.2 < depth.quantile(0.005) < 1.7  # the nearest depth is 1 / 0.75


def test_the_second_time_comes_from_the_cache_and_is_the_same(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_photos(tmp_path / "desk", [0, 4, 8, 12])
    first, told = read(tmp_path / "desk"), list[object]()
    assert len(list(own_cache.rglob("reconstruction.npz"))) == 1
    monkeypatch.setattr("engine.sfm.quick.workers.START", "raise SystemExit(1)")
    again = load_scene(tmp_path / "desk", watch=told.append)
    assert isinstance(again, Scene)
    assert torch.equal(again.initial_poses, first.initial_poses)
    assert first.tracks is not None
    assert again.tracks is not None
    assert torch.equal(again.tracks.pixels, first.tracks.pixels)
    (shown,) = (event for event in told if isinstance(event, sfm.Mapped))
    assert shown.frames == (0, 1, 2, 3)


def test_a_damaged_or_full_cache_loses_nothing(
    tmp_path: Path, own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_photos(tmp_path / "desk", [0, 4, 8, 12], width=320)
    first = read(tmp_path / "desk")
    (kept,) = own_cache.rglob("reconstruction.npz")
    kept.write_bytes(kept.read_bytes()[:2000])
    assert torch.allclose(read(tmp_path / "desk").initial_poses, first.initial_poses, atol=1e-5)
    shutil.rmtree(own_cache)
    own_cache.write_text("a file where the folder should be")
    assert torch.allclose(read(tmp_path / "desk").initial_poses, first.initial_poses, atol=1e-5)
    assert "not kept for the next start" in caplog.text


def test_the_identity_can_be_asked_for_and_keeps_lens_and_tracks(tmp_path: Path) -> None:
    write_photos(tmp_path)
    scene = read(tmp_path, init="identity")
    assert torch.equal(scene.initial_poses, torch.eye(3, 4).expand_as(scene.initial_poses))
    assert not scene.poses_known
    assert scene.held_out_frames == (4,)
    assert scene.intrinsics.focal[0, 0] / scene.intrinsics.width == pytest.approx(430 / 504, rel=0.04)
    assert scene.tracks is not None
    assert torch.isnan(scene.tracks.points).all()


def test_too_few_registered_photos_start_from_the_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three pairs of photos that have little in common with each other."""
    write_photos(tmp_path, [0, 1, 2, 3], width=320)
    monkeypatch.setattr("engine.scenes.photos.reader.MINIMUM_REGISTERED_SHARE", 1.1)
    scene = read(tmp_path)
    assert torch.equal(scene.initial_poses, torch.eye(3, 4).expand_as(scene.initial_poses))
    assert any("too few to start from" in note and "identity" in note for note in scene.notes)


def test_exif_gives_the_focal_length(tmp_path: Path) -> None:
    for file in write_photos(tmp_path, range(4)):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0xA405] = 30
        Image.open(file).save(file, exif=exif, quality=95)
    scene = read(tmp_path)
    diagonal = float(np.hypot(scene.intrinsics.width, scene.intrinsics.height))
    told = 30 / 43.27 * diagonal
    assert scene.intrinsics.focal[0, 0] == pytest.approx(told, rel=0.04)  # four photos tell a little
    assert any(f"{told:.0f} pixels, by EXIF" in note and "By the matches" in note for note in scene.notes)
    assert scene.lens_covariance is not None
    assert 0 < scene.lens_covariance[0, 0, 0] < 0.04**2


@pytest.mark.slow
def test_outliers_are_left_out_and_named_and_an_upside_down_photo_is_turned(tmp_path: Path) -> None:
    files = write_photos(tmp_path, [0, 1, 2, 3, 4, 5, 6, 2])
    upright = Image.open(files[4]).copy()
    write_black(tmp_path / "IMG_9.jpg", files[0])
    write_elsewhere(tmp_path / "IMG_10.jpg", files[0])
    turn_over(files[4])
    scene = read(tmp_path)
    assert scene.names == tuple(file.name for file in files[:7])
    reasons = {photo.name: photo.reason for photo in scene.left_out}
    assert reasons == {
        "IMG_8.jpg": "repeats IMG_3.jpg",
        "IMG_9.jpg": "black",
        "IMG_10.jpg": "has nothing in common with the others",
    }
    assert any("Upside down" in note and "IMG_5.jpg" in note for note in scene.notes)
    found = scene.images[4].numpy().astype(float)
    expected = np.asarray(upright.resize(found.shape[1::-1], Image.Resampling.BOX)).astype(float)
    assert np.abs(found - expected).mean() < 6


def test_fewer_photos_can_be_asked_for(tmp_path: Path) -> None:
    write_photos(tmp_path, width=160)
    assert read(tmp_path, frames=4, init="identity").names == ("IMG_1.jpg", "IMG_3.jpg", "IMG_6.jpg", "IMG_8.jpg")
    with pytest.raises(UserError, match="--frames is 2"):
        read(tmp_path, frames=2)


def test_too_few_photos(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError, match="is no scene"):
        read(tmp_path / "none")
    write_photos(tmp_path / "two", [0, 1])
    with pytest.raises(UserError, match="has 2 photos; give at least 3"):
        read(tmp_path / "two")


def test_damaged_files_are_left_out_and_named(tmp_path: Path) -> None:
    files = write_photos(tmp_path, range(8), width=160)
    whole = files[1].read_bytes()
    files[1].write_bytes(whole[: len(whole) // 3])
    files[4].write_bytes(b"")
    files[6].write_text("these are my notes")
    scene = read(tmp_path, init="identity")
    assert {photo.name: photo.reason for photo in scene.left_out} == {
        "IMG_2.jpg": "is damaged or cut short",
        "IMG_5.jpg": "is empty (0 bytes)",
        "IMG_7.jpg": "is not an image that can be read (JPEG, PNG, HEIC, AVIF, TIFF, WebP or BMP)",
    }
    assert len(scene.names) == 5
    for file in (*files[2:4], files[5]):
        file.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(UserError, match=r"IMG_2\.jpg is damaged or cut short"):
        read(tmp_path)
    for file in (*files[2:4], files[5]):
        file.write_text("notes")
    with pytest.raises(UserError, match=r"IMG_3\.jpg is not an image"):
        read(tmp_path)


def test_photos_of_nothing_in_common_are_refused_unless_the_identity_is_asked_for(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    for number in range(4):
        noise = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((320, 240)).save(tmp_path / f"{number}.png")
    with pytest.raises(UserError, match=r"none of 4 photos have anything in common; take photos that overlap"):
        read(tmp_path)
    assert len(read(tmp_path, init="identity").names) == 4


def test_photos_from_one_spot_have_no_depth(tmp_path: Path) -> None:
    write_turning(tmp_path)
    with pytest.raises(UserError, match="taken from one spot, or by a camera that stands still"):
        read(tmp_path)
    assert len(read(tmp_path, init="identity").names) == 8


def test_a_wrong_focal_length_in_exif_is_reported_and_not_used(tmp_path: Path) -> None:
    for file in write_photos(tmp_path, [0, 3, 6, 9, 12, 15, 18]):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0xA405] = 60  # twice the true one
        Image.open(file).save(file, exif=exif, quality=95)
    scene = read(tmp_path)
    assert scene.intrinsics.focal[0, 0] / scene.intrinsics.width == pytest.approx(430 / 504, rel=0.08)
    assert any("EXIF gives a focal length" in note and "rule it out" in note for note in scene.notes)
    assert scene.poses_known


def test_what_is_for_photos_is_refused_elsewhere_and_the_reverse(tmp_path: Path) -> None:
    from tests.support.scenes.synthetic import object_poses, write_blender

    write_blender(tmp_path / "blender", object_poses(4))
    for words in ({"init": "sfm"}, {"reference": "sfm"}, {"frames": 5}):
        with pytest.raises(UserError, match="photos without poses"):
            read(tmp_path / "blender", **words)
    write_photos(tmp_path / "photos", range(4), width=200)
    with pytest.raises(UserError, match="no poses to start from"):
        read(tmp_path / "photos", init="reference")
