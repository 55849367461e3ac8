"""The scale of keypoints' errors."""

import pytest
import torch

from engine.evidence.keypoint_noise import estimate_scale


def test_the_scale_follows_the_good_keypoints_and_wrong_ones_do_not_matter() -> None:
    error = torch.tensor([0.04, 0.05, 0.06, 0.05, 90.0, torch.nan])
    assert estimate_scale(error, 0.5) == pytest.approx(0.1)


def test_it_is_never_larger_than_usual_and_never_nothing() -> None:
    assert estimate_scale(torch.full((5,), 7.0), 0.5) == 0.5
    assert estimate_scale(torch.zeros(5), 0.5) == pytest.approx(0.05)


def test_without_observations_it_is_the_usual_one() -> None:
    assert estimate_scale(torch.zeros(0), 0.5) == 0.5
    assert estimate_scale(torch.tensor([torch.nan]), 0.5) == 0.5
