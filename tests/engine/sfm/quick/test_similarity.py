"""Photos of the same place have the same visual words."""

from pathlib import Path

import numpy as np

from engine.sfm.quick.features import FeatureFile, Features
from engine.sfm.quick.similarity import compare_histograms, measure_similarity


def test_photos_of_the_same_place_are_most_similar(tmp_path: Path) -> None:
    """Three places with things of their own; each photo shows 60 % of a place's things, with noise."""
    rng = np.random.default_rng(0)
    places = rng.integers(0, 160, (3, 300, 128))
    photos = []
    for number in range(12):
        seen = places[number % 3][rng.permutation(300)[:180]]
        noisy = np.clip(seen + rng.normal(0, 8, seen.shape), 0, 255).astype(np.uint8)
        photos.append(Features(np.zeros((180, 2)), np.ones(180), np.zeros(180), noisy))
    FeatureFile.write(tmp_path, photos)
    (similarity,) = measure_similarity(tmp_path, 12)
    np.testing.assert_allclose(similarity, similarity.T, atol=1e-6)
    np.testing.assert_allclose(similarity.diagonal(), 1, atol=1e-5)
    for photo in range(12):
        best = np.argsort(-similarity[photo])[:4]
        assert {int(other) % 3 for other in best} == {photo % 3}


def test_a_photo_without_features_is_like_no_other() -> None:
    counts = [np.array([3, 0, 2]), np.array([3, 0, 2]), np.zeros(3, dtype=np.int64)]
    similarity = compare_histograms(counts)
    assert similarity[0, 1] > 0.99
    assert (similarity[2] == 0).all()
