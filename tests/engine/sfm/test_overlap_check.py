"""The quick check of overlap: which photos are connected, which are upside down, whether all look the same way."""

import numpy as np
import torch
from PIL import Image

from engine.sfm.overlap_check import OPTIONS, OverlapCheck, check_overlap, choose_pairs, match_descriptors
from tests.support.scenes.photos_on_disk import fern_photos


def photos(*numbers: int) -> np.ndarray:
    return np.stack([np.asarray(Image.open(fern_photos()[n]).convert("RGB").resize((320, 240))) for n in numbers])


def test_an_unrelated_photo_and_one_that_is_upside_down_are_found() -> None:
    images = photos(0, 1, 2, 3, 4)
    images[1] = images[1, ::-1, ::-1]
    images[3] = np.random.default_rng(0).integers(0, 256, images[3].shape)
    told = list[tuple[int, int]]()
    seen = check_overlap(images, 250.0, lambda done, total: told.append((done, total)))
    assert seen.connected.tolist() == [True, True, True, False, True]
    assert seen.same_direction
    assert seen.overlap == 1.0
    np.testing.assert_allclose(np.degrees(np.abs(seen.turned[[0, 1, 2, 4]])), [0, 180, 0, 0], atol=10)
    assert np.isnan(seen.turned[3])
    assert told[-1] == (5 + 10, 5 + 10)


def test_photos_that_overlap_with_their_neighbours_only_do_not_look_the_same_way() -> None:
    """A strip of texture: each photo shows the right half of the one before it."""
    wide = np.random.default_rng(1).integers(0, 256, (60, 700, 3), dtype=np.uint8)
    strip = np.asarray(Image.fromarray(wide).resize((2800, 240), Image.Resampling.BICUBIC))
    images = np.stack([strip[:, 160 * n : 160 * n + 320] for n in range(8)])
    seen = check_overlap(images, 250.0)
    assert seen.connected.all()
    assert not seen.same_direction
    assert seen.overlap < 0.4


def test_of_many_photos_not_all_pairs_are_matched_but_every_photo_is() -> None:
    few = OPTIONS.exhaustive_photos
    assert len(choose_pairs(few)) == few * (few - 1) // 2
    pairs = choose_pairs(200)
    assert len(pairs) < 500
    assert {frame for pair in pairs for frame in pair} == set(range(200))
    assert all(first < second for first, second in pairs)


def test_matches_are_mutual_and_clear() -> None:
    descriptors = torch.nn.functional.normalize(torch.rand(50, 128) - 0.5, dim=-1)
    order = torch.randperm(50)
    found = match_descriptors(descriptors, descriptors[order])
    assert np.array_equal(order.numpy()[found[:, 1]], found[:, 0])
    assert len(found) == 50
    twice = torch.cat([descriptors, descriptors])  # two candidates that are equally near
    assert len(match_descriptors(descriptors, twice)) == 0
    assert len(match_descriptors(descriptors[:1], descriptors)) == 0


def test_some_of_the_photos_keep_what_was_found_about_them() -> None:
    inliers = np.array([[0, 40, 0], [40, 0, 0], [0, 0, 0]])
    seen = OverlapCheck(inliers, np.ones((3, 3), dtype=bool), np.array([0.0, 0.1, np.nan]), True)
    assert seen.connected.tolist() == [True, True, False]
    kept = seen.select(np.array([0, 1]))
    assert kept.inliers.tolist() == [[0, 40], [40, 0]]
    assert kept.connected.all()
