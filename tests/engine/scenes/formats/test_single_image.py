from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.errors import UserError
from engine.geometry import planar_warps
from engine.geometry.homography import apply_homography
from engine.scenes import PlanarScene, SceneOptions, load_scene
from engine.scenes.planar import pixel_transforms, plane_warps
from tests.support.scenes.planar_scenes import cloudy

SHIPPED = Path(__file__).resolve().parents[4] / "scenes" / "cat"


def picture(path: Path, width: int = 160, height: int = 120) -> Path:
    Image.fromarray(cloudy(width, height).numpy()).save(path)
    return path


def planar(path: Path, **options) -> PlanarScene:
    scene = load_scene(path, SceneOptions(**options))
    assert isinstance(scene, PlanarScene)
    return scene


def test_an_image_is_a_scene_by_itself(tmp_path):
    scene = planar(picture(tmp_path / "clouds.png"))
    assert (scene.kind, scene.name, scene.warp, scene.patch_size) == ("planar", "clouds", "homography", (60, 60))
    assert scene.training_frames == (0, 1, 2, 3, 4)
    assert (scene.image.numpy() == cloudy().numpy()).all()


def test_the_first_patch_is_the_middle_of_the_image_as_it_is(tmp_path):
    scene = planar(picture(tmp_path / "clouds.png"))
    assert (scene.patches[0] == scene.image[30:90, 50:110]).all()


@pytest.mark.parametrize("warp", ["translation", "rotation", "rigid", "homography"])
@pytest.mark.parametrize("seed", [0, 1])
def test_patches_lie_inside_the_image_and_around_its_middle(tmp_path, warp, seed):
    scene = planar(picture(tmp_path / "clouds.png"), warp=warp, seed=seed, patches=9)
    corners = apply_homography(scene.transforms, planar_warps.corners(60, 60))
    assert (corners > 0).all()
    assert (corners < torch.tensor([160, 120])).all()
    assert len({tuple(corner.flatten().tolist()) for corner in corners}) == 9
    shapes = planar_warps.solve(
        warp, planar_warps.corners(60, 60).sub(30).expand(9, -1, -1), corners - torch.tensor([80, 60])
    )
    assert torch.allclose(
        apply_homography(shapes, planar_warps.corners(60, 60) - 30), corners - torch.tensor([80, 60]), atol=1e-2
    )


def test_a_patch_shows_what_lies_under_it(tmp_path):
    scene = planar(picture(tmp_path / "clouds.png"), warp="rigid", seed=3)
    there = apply_homography(scene.transforms[2], torch.tensor([[20.5, 40.5]]))[0]
    x, y = (int(side) for side in there)
    around = scene.image[y - 1 : y + 2, x - 1 : x + 2].flatten(0, 1).float()
    value = scene.patches[2, 40, 20].float()
    assert (value >= around.amin(0) - 1).all()
    assert (value <= around.amax(0) + 1).all()


def test_the_seed_decides(tmp_path):
    file = picture(tmp_path / "clouds.png")
    one, same, other = planar(file, seed=1), planar(file, seed=1), planar(file, seed=2)
    assert (one.patches == same.patches).all()
    assert not torch.equal(one.transforms, other.transforms)


def test_pixels_and_plane_are_the_same_transforms(tmp_path):
    scene = planar(picture(tmp_path / "clouds.png"))
    torch.testing.assert_close(
        pixel_transforms(scene, plane_warps(scene, scene.transforms)), scene.transforms, atol=1e-3, rtol=1e-4
    )


def test_the_shipped_scene():
    scene = planar(SHIPPED)
    assert (scene.name, scene.image_size, scene.patch_size, scene.warp) == (
        "cat",
        (451, 300),
        (150, 150),
        "homography",
    )
    assert planar(SHIPPED, warp="rigid", crop=100).patch_size == (100, 100)  # the command line goes before


def test_a_large_image_is_made_smaller(tmp_path):
    assert planar(picture(tmp_path / "large.png", 1700, 900), crop=100).image_size == (566, 300)
    assert planar(picture(tmp_path / "large.png", 1700, 900), crop=100, downscale=2).image_size == (850, 450)


@pytest.mark.parametrize("mode", ["L", "P", "I;16", "CMYK", "RGBA", "1"])
def test_any_kind_of_image_becomes_rgb(tmp_path, mode):
    grey = cloudy().float().mean(dim=-1).numpy()
    if mode == "I;16":
        image = Image.fromarray((grey * 257).astype(np.uint16))
    else:
        image = Image.fromarray(cloudy().numpy()).convert(mode)
    file = tmp_path / ("any.tif" if mode == "CMYK" else "any.png")
    image.save(file)
    scene = planar(file)
    assert scene.image.shape == (120, 160, 3)
    assert scene.image.dtype == torch.uint8
    if mode != "1":
        assert np.abs(scene.image.float().mean(dim=-1).numpy() - grey).mean() < 20


BAD = {
    "greater than the image": ({"crop": 130}, "160 x 120 pixels, fewer than a patch of 130 x 130"),
    "crop of zero": ({"crop": 0}, "too small"),
    "negative crop": ({"crop": -4}, "too small"),
    "one patch": ({"patches": 1}, "1 patches cannot be aligned"),
    "noise": ({"noise_t": 50.0, "crop": 100}, "hardly one stays inside"),
    "negative noise": ({"noise_h": -1.0}, "noise_h is -1.0"),
    "nan": ({"noise_r": float("nan")}, "noise_r is nan"),
    "warp": ({"warp": "affine"}, "no warp 'affine'"),
    "init": ({"init": "noise"}, "--init is for scenes of photos with cameras"),
    "3D noise": ({"noise_rotation": 0.1}, "--noise-r and --noise-t here"),
}


@pytest.mark.parametrize("what", BAD)
def test_options_that_make_no_sense_are_one_sentence(tmp_path, what):
    options, words = BAD[what]
    with pytest.raises(UserError, match=words):
        planar(picture(tmp_path / "clouds.png"), **options)


TABLES = {
    "image =": "no TOML",
    "warp = 'rigid'": "names no image",
    "image = 3": "names no image",
    "image = 'other.png'": "does not exist",
    "image = '../clouds.png'": "leads out of the scene folder",
    "image = 'clouds.png'\nwrap = 'rigid'": "did you mean warp",
    "image = 'clouds.png'\nwarp = 'affine'": "no warp 'affine'",
    "image = 'clouds.png'\nwarp = ['rigid']": "no warp",
    "image = 'clouds.png'\npatches = 2.5": "2.5 patches",
    "image = 'clouds.png'\ncrop = 'half'": "crop is 'half'",
    "image = 'clouds.png'\ncrop = [64]": "give a number of pixels",
    "image = 'clouds.png'\ncrop = true": "crop is True",
    "image = 'clouds.png'\nnoise_h = 'much'": "noise_h is 'much'",
    "image = 'clouds.png'\nnoise_h = inf": "noise_h is inf",
}


@pytest.mark.parametrize("table", TABLES)
def test_a_broken_table_is_one_sentence(tmp_path, table):
    folder = tmp_path / "scene"
    folder.mkdir()
    picture(folder / "clouds.png")
    picture(tmp_path / "clouds.png")
    (folder / "scene.toml").write_text(table)
    with pytest.raises(UserError, match=TABLES[table]):
        load_scene(folder)


def test_a_table_with_two_sides(tmp_path):
    picture(tmp_path / "clouds.png")
    (tmp_path / "scene.toml").write_text(
        "image = 'clouds.png'\ncrop = [50, 40]\nwarp = 'rigid'\npatches = 2\nnoise_r = 0.2"
    )
    scene = planar(tmp_path)
    assert (scene.patch_size, scene.patches.shape, scene.warp) == ((50, 40), (2, 40, 50, 3), "rigid")


def test_files_that_are_no_image(tmp_path):
    animated = tmp_path / "cat.gif"
    frames = [Image.new("RGB", (64, 64), (value, 0, 0)) for value in (0, 100, 200)]
    frames[0].save(animated, save_all=True, append_images=frames[1:])
    with pytest.raises(UserError, match="not an image that can be read"):
        load_scene(animated)
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(UserError, match="not an image that can be read"):
        load_scene(tmp_path / "text.png")
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(UserError, match="is a file"):
        load_scene(tmp_path / "notes.txt")


def test_planar_options_are_not_for_photos(tmp_path):
    (tmp_path / "transforms.json").write_text("{}")
    with pytest.raises(UserError, match="--warp is for scenes of one image"):
        load_scene(tmp_path, SceneOptions(warp="rigid"))
