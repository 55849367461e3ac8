"""Photos that EXIF turns, beside files of cameras that speak of the turned or of the stored size."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pycolmap
import pytest
import torch
from PIL import ExifTags, Image

from engine.errors import UserError
from engine.scenes import SceneOptions, load_scene
from engine.scenes.scene import Scene
from tests.support.scenes.synthetic import HEIGHT, WIDTH, forward_poses, write_blender, write_llff, write_nerfstudio

TURNS = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}  # from upright to stored
Size = tuple[int, int]


def store_turned(folder: Path, orientation: int = 6) -> list[np.ndarray]:
    """Stores the images of a folder on their side, with the EXIF orientation that turns them back; returns them
    upright, in the order of their names."""
    upright = []
    for file in sorted(folder.iterdir()):
        with Image.open(file) as image:
            picture = image.convert("RGB")
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        picture.transpose(TURNS[orientation]).save(file, exif=exif)
        upright.append(np.asarray(picture))
    return upright


def make_nerfstudio(folder: Path, declared: Size) -> Path:
    write_nerfstudio(folder, forward_poses(4), w=declared[0], h=declared[1], cx=declared[0] / 2, cy=declared[1] / 2)
    return folder / "images"


def make_blender(folder: Path, declared: Size) -> Path:
    write_blender(folder, forward_poses(4), w=declared[0], h=declared[1])
    return folder / "train"


def make_llff(folder: Path, declared: Size) -> Path:
    table = write_llff(folder, forward_poses(4), factor=2)
    table[:, 4], table[:, 9] = declared[1] * 2, declared[0] * 2
    np.save(folder / "poses_bounds.npy", table)
    return folder / "images_2"


def make_colmap(folder: Path, declared: Size) -> Path:
    write_nerfstudio(folder, forward_poses(4))
    (folder / "transforms.json").unlink()
    reconstruction = pycolmap.Reconstruction()
    parameters = [40.0, declared[0] / 2, declared[1] / 2]
    camera = pycolmap.Camera(
        model="SIMPLE_PINHOLE", width=declared[0], height=declared[1], params=parameters, camera_id=1
    )
    reconstruction.add_camera_with_trivial_rig(camera)
    for index, pose in enumerate(forward_poses(4).numpy()):
        image = pycolmap.Image(name=f"frame_{index}.png", camera_id=1, image_id=index + 1)
        rigid = pycolmap.Rigid3d(pycolmap.Rotation3d(pose[:, :3].copy()), pose[:, 3].copy())
        reconstruction.add_image_with_trivial_frame(image, rigid)
    (folder / "sparse" / "0").mkdir(parents=True)
    reconstruction.write_text(str(folder / "sparse" / "0"))
    return folder / "images"


LAYOUTS = [make_nerfstudio, make_blender, make_llff, make_colmap]
Layout = Callable[[Path, Size], Path]


def assert_shows(scene: Scene, pictures: list[np.ndarray]) -> None:
    height, width = pictures[0].shape[:2]
    assert (scene.intrinsics.width, scene.intrinsics.height) == (width, height)
    torch.testing.assert_close(scene.images, torch.from_numpy(np.stack(pictures)))
    torch.testing.assert_close(scene.intrinsics.centre[0], torch.tensor([width / 2, height / 2]))


@pytest.mark.parametrize("orientation", sorted(TURNS))
@pytest.mark.parametrize("layout", LAYOUTS)
def test_cameras_of_the_upright_pictures_get_these(tmp_path: Path, layout: Layout, orientation: int) -> None:
    upright = store_turned(layout(tmp_path, (WIDTH, HEIGHT)), orientation)
    assert_shows(load_scene(tmp_path), upright)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_cameras_of_the_stored_pictures_get_these(tmp_path: Path, layout: Layout) -> None:
    upright = store_turned(layout(tmp_path, (HEIGHT, WIDTH)))
    assert_shows(load_scene(tmp_path), [np.rot90(picture) for picture in upright])


def test_where_nothing_is_declared_pixels_are_as_stored(tmp_path: Path) -> None:
    """As COLMAP, instant-ngp and nerfstudio read them."""
    write_blender(tmp_path, forward_poses(4))
    upright = store_turned(tmp_path / "train")
    assert_shows(load_scene(tmp_path), [np.rot90(picture) for picture in upright])


def test_where_the_pictures_are_square_pixels_are_as_stored(tmp_path: Path) -> None:
    write_nerfstudio(tmp_path, forward_poses(4), w=HEIGHT, h=HEIGHT, cx=HEIGHT / 2, cy=HEIGHT / 2)
    for file in (tmp_path / "images").iterdir():
        with Image.open(file) as image:
            image.crop((0, 0, HEIGHT, HEIGHT)).save(file)
    upright = store_turned(tmp_path / "images")
    assert_shows(load_scene(tmp_path), [np.rot90(picture) for picture in upright])


def test_each_frame_is_decided_for_itself(tmp_path: Path) -> None:
    """Of one phone: two photos stored on their side, the cameras of all upright."""
    write_nerfstudio(tmp_path, forward_poses(4))
    with Image.open(tmp_path / "images" / "frame_0.png") as image:
        first = np.asarray(image.convert("RGB"))
    held = tmp_path / "some"
    held.mkdir()
    for name in ("frame_1.png", "frame_2.png"):
        (tmp_path / "images" / name).rename(held / name)
    upright = store_turned(held)
    for file in held.iterdir():
        file.rename(tmp_path / "images" / file.name)
    scene = load_scene(tmp_path)
    np.testing.assert_array_equal(scene.images[0], first)
    np.testing.assert_array_equal(scene.images[1:3], np.stack(upright))


def test_a_picture_that_nothing_turns_keeps_its_sentence(tmp_path: Path) -> None:
    images = make_nerfstudio(tmp_path, (HEIGHT, WIDTH))
    store_turned(images, 6)
    for file in images.iterdir():  # upright by its pixels, and so of the other shape
        with Image.open(file) as image:
            image.transpose(Image.Transpose.ROTATE_270).convert("RGB").save(file, exif=Image.Exif())
    with pytest.raises(UserError, match="not rotated copies"):
        load_scene(tmp_path)


def test_masks_and_smaller_copies_are_turned_with_their_photos(tmp_path: Path) -> None:
    images = make_nerfstudio(tmp_path, (WIDTH, HEIGHT))
    upright = store_turned(images)
    mask = np.full((HEIGHT, WIDTH), 255, dtype=np.uint8)
    mask[:, :8] = 0
    for file in images.iterdir():
        (tmp_path / "masks").mkdir(exist_ok=True)
        stored = Image.fromarray(mask).transpose(TURNS[6])
        (Image.fromarray(mask) if file.name == "frame_0.png" else stored).save(tmp_path / "masks" / file.name)
        with Image.open(file) as image:
            small = image.convert("RGB").resize((HEIGHT // 2, WIDTH // 2))
            (tmp_path / "images_2").mkdir(exist_ok=True)
            small.save(tmp_path / "images_2" / file.name, exif=image.getexif())
    scene = load_scene(tmp_path)
    np.testing.assert_array_equal(scene.images, np.stack(upright))
    assert scene.masks is not None
    np.testing.assert_array_equal(scene.masks, np.stack([mask > 0] * 4))
    half = load_scene(tmp_path, SceneOptions(downscale=2))
    assert tuple(half.images.shape[1:3]) == (HEIGHT // 2, WIDTH // 2)
    expected = np.asarray(Image.fromarray(upright[0]).resize((WIDTH // 2, HEIGHT // 2)), dtype=np.float64)
    assert abs(half.images[0].numpy() - expected).mean() < 8
