"""Photos side by side with their features."""

from __future__ import annotations

import numpy as np
import pytest

from app.model.colmap.contact_sheet import LOOK, ContactSheet, lay_out_photos
from app.model.state.colmap_progress import ColmapProgress
from engine.sfm.events import FeaturesFound
from tests.support.runs.sfm_events import whole_run

PHOTOS, SHEET = 6, (480, 300)


@pytest.fixture
def photos() -> list[np.ndarray]:
    return [np.full((32, 48, 3), 200, np.uint8) for _ in range(PHOTOS)]


def progress_after(*kinds: type) -> ColmapProgress:
    progress = ColmapProgress(tuple(map(str, range(PHOTOS))))
    for event in whole_run(PHOTOS):
        if isinstance(event, kinds):
            progress.see(event)
    return progress


def draw(photos: list[np.ndarray], progress: ColmapProgress) -> np.ndarray:
    return ContactSheet().draw(photos, progress.features, progress.counts, progress.agreeing, SHEET)


@pytest.mark.parametrize("count", [1, 3, 11, 50, 300])
def test_photos_are_as_large_as_fits(count: int) -> None:
    columns, (width, height) = lay_out_photos(count, (48, 32), SHEET)
    rows = -(-count // columns)
    assert columns * (width + LOOK.gap) - LOOK.gap <= SHEET[0]
    assert rows * (height + LOOK.gap) - LOOK.gap <= SHEET[1]
    assert count * width * height > 0.3 * SHEET[0] * SHEET[1]


def test_photos_grow_bright_when_their_features_are_found(photos: list[np.ndarray]) -> None:
    dark, bright = draw(photos, progress_after()), draw(photos, progress_after(FeaturesFound))
    assert dark.shape == bright.shape == (SHEET[1], SHEET[0], 4)
    assert bright[..., :3].mean() > 1.8 * dark[..., :3].mean()
    greenish = bright[..., 1] > bright[..., 0] + 0.15
    assert greenish.sum() > 100, "features are drawn"
    assert not (dark[..., 1] > dark[..., 0] + 0.15).any()


def test_the_matrix_comes_with_the_first_matches(photos: list[np.ndarray]) -> None:
    without = draw(photos, progress_after(FeaturesFound))
    everything = draw(photos, progress_after(object))
    right = slice(SHEET[0] - LOOK.border - 60, SHEET[0] - LOOK.border)
    blue = everything[:, right, 2] > everything[:, right, 0] + 0.15
    assert blue.any()
    assert not (without[:, right, 2] > without[:, right, 0] + 0.15).any()


def test_the_same_sheet_draws_other_photos(photos: list[np.ndarray]) -> None:
    sheet, progress = ContactSheet(), progress_after()
    first = sheet.draw(photos, {}, progress.counts, progress.agreeing, SHEET)
    other = [np.zeros_like(photo) for photo in photos]
    assert sheet.draw(other, {}, progress.counts, progress.agreeing, SHEET).mean() < first.mean()
