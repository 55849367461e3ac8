"""Photos at a stage's resolution, and the points of their pixels on the image plane."""

from dataclasses import replace

import torch

from engine.geometry import rays
from engine.scenes.pyramid import photo_level
from engine.scenes.pyramid.photo_pyramid import PhotoPyramid
from tests.support.runs.short_runs import fern

CPU = torch.device("cpu")
FRAMES = [0, 3, 5]


def test_blocks_are_averaged_and_what_fills_none_is_left_out():
    scene = fern()  # 126 x 94
    data = photo_level.downsample_photos(scene, FRAMES, 4, CPU)
    assert data.images.shape == (3, 3, 23, 31)
    block = scene.images[3, 4:8, 8:12].float().mean(dim=(0, 1)) / 255
    torch.testing.assert_close(data.images[1, :, 1, 2], block)
    assert data.pixels == 23 * 31
    assert (data.intrinsics.width, data.intrinsics.height) == (31, 23)


def test_a_factor_of_one_keeps_the_photos():
    scene = fern()
    data = photo_level.downsample_photos(scene, FRAMES, 1, CPU)
    torch.testing.assert_close(data.images.permute(0, 2, 3, 1) * 255, scene.images[FRAMES].float())


def test_a_block_looks_where_its_pixels_look():
    scene = fern()
    fine, coarse = (photo_level.downsample_photos(scene, FRAMES, factor, CPU) for factor in (1, 2))
    height, width = scene.images.shape[1] // 2 * 2, scene.images.shape[2] // 2 * 2
    points = fine.points[0].view(scene.images.shape[1], scene.images.shape[2], 2)[:height, :width]
    blocks = points.reshape(height // 2, 2, width // 2, 2, 2).mean(dim=(1, 3))
    torch.testing.assert_close(coarse.points[0], blocks.reshape(-1, 2))


def test_points_are_those_of_the_intrinsics():
    data = photo_level.downsample_photos(fern(), FRAMES, 4, CPU)
    point = torch.cat([data.points[0], torch.ones(data.pixels, 1)], dim=-1)
    identity = torch.eye(3, 4)
    pixels, _ = rays.project(point, identity, data.intrinsics.focal[0], data.intrinsics.centre[0])
    torch.testing.assert_close(pixels.view(23, 31, 2), rays.pixel_grid(23, 31), atol=1e-3, rtol=0)


def test_frames_share_their_points_where_they_share_their_lens():
    scene = fern()
    shared = photo_level.downsample_photos(scene, FRAMES, 4, CPU)
    assert shared.points.shape[0] == 1
    focal = scene.intrinsics.focal.clone()
    focal[3] *= 1.1
    scene = replace(scene, intrinsics=replace(scene.intrinsics, focal=focal))
    own = photo_level.downsample_photos(scene, FRAMES, 4, CPU)
    assert own.lens_of is not None
    assert own.points.shape[0] == 2  # one for each lens
    assert own.lens_of.tolist().count(own.lens_of[1]) == 1
    chosen, pixels = torch.tensor([1, 2]), torch.tensor([[0, 7, 9], [4, 4, 1]])
    torch.testing.assert_close(own.plane(chosen, pixels)[1], shared.plane(chosen, pixels)[1])
    torch.testing.assert_close(own.plane(chosen, pixels)[0, 1], own.points[own.lens_of[1], 7])
    assert not torch.allclose(own.plane(chosen, pixels)[0], shared.plane(chosen, pixels)[0])


def test_colours_are_those_of_their_pixels():
    data = photo_level.downsample_photos(fern(), FRAMES, 4, CPU)
    frames, pixels = torch.tensor([2, 0]), torch.tensor([[0, 31 + 5], [3, 4]])
    found = data.colours(frames, pixels)
    assert found.shape == (2, 2, 3)
    assert torch.equal(found[0, 1], data.images[2, :, 1, 5])
    assert torch.equal(found[1, 0], data.images[0, :, 0, 3])


def test_a_distorted_lens_bends_points_and_lattice():
    scene = fern()
    distortion = torch.tensor([[-0.2, 0.0, 0.0, 0.0]]).expand(scene.intrinsics.frames, -1)
    bent = replace(scene, intrinsics=replace(scene.intrinsics, distortion=distortion))
    plain, curved = (
        photo_level.downsample_photos(one, FRAMES, 4, CPU).points[0].norm(dim=-1) for one in (scene, bent)
    )
    assert (curved >= plain).all()
    assert curved.max() > 1.01 * plain.max()
    lattice = photo_level.make_lattice(bent.intrinsics)
    assert lattice.norm(dim=-1).max() > photo_level.make_lattice(scene.intrinsics).norm(dim=-1).max()


def test_the_lattice_covers_the_image():
    intrinsics = fern().intrinsics
    lattice = photo_level.make_lattice(intrinsics, 8, 6)
    assert lattice.shape == (intrinsics.frames, 48, 2)
    pixels = lattice[0] * intrinsics.focal[0] + intrinsics.centre[0]
    size = torch.tensor([intrinsics.width, intrinsics.height])
    torch.testing.assert_close(pixels.amin(dim=0), size / torch.tensor([16, 12]))
    torch.testing.assert_close(pixels.mean(dim=0), size / 2)


def test_every_level_is_made_once():
    photos = PhotoPyramid(fern(), FRAMES, CPU)
    assert photos.level(4) is photos.level(4)
    assert photos.level(2).pixels > photos.level(4).pixels
    assert photos.longer_side == 126
