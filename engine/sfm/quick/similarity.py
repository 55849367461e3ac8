"""Similarity of whole photos, by how often visual words occur in them.

The words are the centres of clusters of the photos' own descriptors, so that no vocabulary has to be downloaded.
Reference: Sivic and Zisserman, Video Google (ICCV 2003).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from engine.sfm.quick.features import open_feature_file
from engine.sfm.quick.options import OPTIONS

Descriptors = Float[np.ndarray, "features 128"]


def measure_similarity(folder: Path, photos: int) -> Iterator[Float[np.ndarray, "photos photos"]]:
    """The similarity of all pairs (a task of `Workers`), from 0 to 1.

    Args:
        folder: of a `FeatureFile`.
        photos: how many.
    """
    features = open_feature_file(folder)
    each = max(OPTIONS.clustered_descriptors // photos, 1)
    # features are sorted by their scale: the largest are seen again from farther away, too
    sample = np.concatenate([features.read_descriptors(photo)[:each] for photo in range(photos)])
    words = find_words(sample)
    yield compare_histograms([count_words(features.read_descriptors(photo), words) for photo in range(photos)])


def find_words(descriptors: Descriptors) -> Float[np.ndarray, "words 128"]:
    """Centres of clusters of unit descriptors, of unit length (spherical k-means; seeded)."""
    generator = np.random.default_rng(0)
    count = min(OPTIONS.words, len(descriptors))
    words = descriptors[generator.choice(len(descriptors), count, replace=False)]
    for _ in range(OPTIONS.clustering_steps):
        nearest = _find_nearest(descriptors, words)
        sums = np.zeros_like(words)
        np.add.at(sums, nearest, descriptors)
        used = np.bincount(nearest, minlength=count) > 0
        words[used] = sums[used] / np.maximum(np.linalg.norm(sums[used], axis=1, keepdims=True), 1e-6)
    return words


def count_words(descriptors: Descriptors, words: Float[np.ndarray, "words 128"]) -> Int[np.ndarray, " words"]:
    """How often each word occurs in a photo."""
    return np.bincount(_find_nearest(descriptors, words), minlength=len(words))


def compare_histograms(counts: Sequence[Int[np.ndarray, " words"]]) -> Float[np.ndarray, "photos photos"]:
    """Cosines between the counts of words of photos, where rare words weigh more; 0 for a photo without any."""
    table = np.stack(counts).astype(np.float32)
    seen = np.maximum((table > 0).sum(axis=0), 1)
    weighted = np.sqrt(table) * np.log(1 + len(table) / seen)
    weighted /= np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-6)
    return weighted @ weighted.T


def _find_nearest(descriptors: Descriptors, words: Float[np.ndarray, "words 128"]) -> Int[np.ndarray, " features"]:
    return np.asarray((descriptors @ words.T).argmax(axis=1)) if len(words) else np.zeros(0, dtype=np.int64)
