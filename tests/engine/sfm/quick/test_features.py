"""Features of photos that show little contrast."""

from __future__ import annotations

import numpy as np
import pytest
from jaxtyping import UInt8
from scipy.ndimage import gaussian_filter

from engine.sfm.quick.features import Features, find_features
from engine.sfm.quick.options import OPTIONS


def draw_stone(contrast: float) -> UInt8[np.ndarray, "height width"]:
    """A rough surface whose grey varies by a standard deviation of `contrast`, of 255, around 60."""
    rough = gaussian_filter(np.random.default_rng(0).normal(size=(240, 320)), 2.0)
    return np.clip(np.round(60 + contrast * rough / rough.std()), 0, 255).astype(np.uint8)


def find(copy: UInt8[np.ndarray, "height width"], masked: np.ndarray | None = None) -> Features:
    return next(find_features(copy, masked))


@pytest.mark.parametrize("contrast", [3.0, 1.5])
def test_a_dull_photo_has_the_features_of_a_brilliant_one(contrast: float) -> None:
    brilliant, dull = find(draw_stone(20.0)), find(draw_stone(contrast))
    assert len(brilliant.points) > OPTIONS.few_features
    assert len(dull.points) > OPTIONS.few_features
    apart = np.linalg.norm(brilliant.points[:, None] - dull.points[None], axis=-1).min(axis=1)
    assert np.median(apart) < 0.5


def test_a_mask_leaves_enough_features_of_what_it_shows() -> None:
    masked = np.zeros((240, 320), dtype=bool)
    masked[60:180, 80:240] = True
    found = find(draw_stone(3.0), masked)
    assert len(found.points) > 200
    assert masked[found.points[:, 1].astype(int), found.points[:, 0].astype(int)].all()
    assert len(found.points) == len(found.descriptors) == len(found.scale) == len(found.orientation)


def test_nothing_has_no_features() -> None:
    assert len(find(np.full((240, 320), 60, dtype=np.uint8)).points) == 0
