"""Tracks join matches over photos; contradictions are split or left out."""

import numpy as np

from engine.sfm.quick.tracks import FeatureNumbers, make_tracks


def places(*counts: int) -> list[np.ndarray]:
    """Features at places that are all different."""
    return [np.arange(2.0 * count).reshape(count, 2) + 100 * photo for photo, count in enumerate(counts)]


def table(*rows: tuple[int, int]) -> np.ndarray:
    return np.array(rows, dtype=np.uint32).reshape(-1, 2)


def test_matches_over_several_photos_are_one_track() -> None:
    points = places(3, 3, 3)
    found = make_tracks(FeatureNumbers(points), [((0, 1), table((0, 1), (2, 2))), ((1, 2), table((1, 0)))])
    assert found.photo.tolist() == [0, 1, 2, 0, 1]
    assert found.track.tolist() == [0, 0, 0, 1, 1]
    np.testing.assert_array_equal(found.pixels[:3], [points[0][0], points[1][1], points[2][0]])
    assert np.isnan(found.points).all()


def test_a_track_with_two_features_in_one_photo_is_left_out() -> None:
    pairs = [((0, 1), table((0, 0))), ((1, 2), table((0, 0))), ((0, 2), table((1, 0), (2, 2)))]
    found = make_tracks(FeatureNumbers(places(3, 3, 3)), pairs)
    assert found.photo.tolist() == [0, 2]
    np.testing.assert_array_equal(found.pixels, [places(3)[0][2], places(3, 3, 3)[2][2]])


def test_one_wrong_match_does_not_cost_the_two_tracks_that_it_joins() -> None:
    photos = 6
    pairs = [((one, two), table((0, 0), (1, 1))) for one in range(photos) for two in range(one + 1, photos)]
    pairs[2] = ((0, 3), table((0, 0), (1, 1), (0, 1)))
    found = make_tracks(FeatureNumbers(places(*[2] * photos)), pairs)
    assert found.photo.tolist() == [*range(photos)] * 2
    for track in (0, 1):
        expected = [each[track] for each in places(*[2] * photos)]
        np.testing.assert_array_equal(found.pixels[found.track == track], expected)


def test_features_at_the_same_place_count_as_one() -> None:
    points = places(2, 2, 2)
    points[0][1] = points[0][0]
    found = make_tracks(FeatureNumbers(points), [((0, 1), table((0, 0))), ((0, 2), table((1, 1)))])
    assert found.photo.tolist() == [0, 1, 2]
    assert found.track.tolist() == [0, 0, 0]


def test_points_take_in_photos_that_were_not_registered() -> None:
    numbers = FeatureNumbers(places(3, 3, 3))
    point_of = np.full(9, -1)
    point_of[[0, 3]] = 0  # feature 0 of photos 0 and 1
    point_of[[1, 4]] = 1
    registered = np.array([True, True, False])
    pairs = [((0, 2), table((0, 0), (1, 1))), ((1, 2), table((0, 0), (0, 1), (2, 2)))]
    where = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    found = make_tracks(numbers, pairs, registered, point_of, where)
    seen = {(int(p), int(t)) for p, t in zip(found.photo, found.track, strict=True)}
    assert seen == {(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (1, 2), (2, 2)}  # feature 1 of photo 2 may be either
    np.testing.assert_array_equal(found.points[:2], where)
    assert np.isnan(found.points[2]).all()


def test_an_outlier_of_a_registered_photo_does_not_come_back() -> None:
    numbers = FeatureNumbers(places(2, 2, 2))
    point_of = np.array([0, -1, 0, -1, -1, -1])
    found = make_tracks(numbers, [((0, 2), table((0, 0)))], np.ones(3, dtype=bool), point_of, np.zeros((1, 3)))
    assert found.photo.tolist() == [0, 1]


def test_no_matches_no_tracks() -> None:
    found = make_tracks(FeatureNumbers(places(2, 0, 2)), [])
    assert len(found.photo) == len(found.points) == 0
