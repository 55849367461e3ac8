"""What lies over the image."""

from __future__ import annotations

import numpy as np
import pytest

from app.model.planar.planar_moments import PlanarMoment
from app.model.planar.planar_shapes import ACCENT, AMBER, WHITE, colour_outlines, make_labels, make_lines
from app.model.state.state import PlanarLayers
from engine.messages import FrameStatus
from tests.support.runs.planar_runs import shifted

REFERENCE = np.stack([shifted(0, 0), shifted(50, 10), shifted(20, 60)])
FITTED = REFERENCE + np.array([(0.0, 0.0), (0.05, 0.0), (30.0, 40.0)])[:, None]
NAMES = ("patch 0", "patch 1", "patch 2")
ALL = dict.fromkeys(vars(PlanarLayers()), False)


def moment(*statuses: FrameStatus) -> PlanarMoment:
    error = np.linalg.norm(FITTED - REFERENCE, axis=-1).mean(axis=1)
    return PlanarMoment(FITTED.astype(np.float32), error.astype(np.float32), statuses)


def only(**shown: bool) -> PlanarLayers:
    return PlanarLayers(**(ALL | shown))


def test_good_patches_are_green_bad_ones_red_and_the_selected_one_has_the_accent() -> None:
    good, selected, bad = colour_outlines(moment(), 1)
    assert good[1] > good[0]
    assert bad[0] > bad[1]
    assert selected == ACCENT


@pytest.mark.parametrize("layer", ["fitted", "reference", "initial", "links", "trails"])
def test_each_layer_draws_its_own(layer: str) -> None:
    trails = np.zeros((3, 5, 2), np.float32)
    found = make_lines(moment(), REFERENCE, REFERENCE, trails, only(**{layer: True}), 1)
    assert found
    assert make_lines(moment(), REFERENCE, REFERENCE, trails, only(), 1) == []
    if layer == "reference":
        assert {line.colour for line in found} >= {AMBER}
    if layer == "links":
        assert len(found) == 4 * len(NAMES)
    if layer == "trails":
        assert [len(line.points) for line in found] == [5] * len(NAMES)


def test_the_selected_outline_is_drawn_last_and_thickest() -> None:
    found = make_lines(moment(), REFERENCE, None, None, only(fitted=True), 0)
    assert found[-1].colour == ACCENT
    np.testing.assert_allclose(found[-1].points, FITTED[0])
    others = [line.thickness for line in found[:-2]]
    assert found[-1].thickness > min(others)


def test_what_is_no_number_is_not_drawn() -> None:
    unknown = moment()
    unknown.corners[2, 0] = np.nan
    found = make_lines(unknown, REFERENCE, None, None, only(fitted=True), 0)
    assert len(found) == 4
    assert [label.text for label in make_labels(unknown, NAMES, 0)] == ["patch 0", "patch 1"]


def test_a_patch_that_is_not_registered_says_so() -> None:
    found = make_labels(moment(FrameStatus.REGISTERED, FrameStatus.REGISTERED, FrameStatus.SEARCHING), NAMES, 1)
    assert [label.text for label in found] == ["patch 0", "patch 1", "patch 2: searching"]
    assert found[2].colour not in (WHITE, ACCENT)
    assert found[1].colour == ACCENT
