"""Lenses with their covariance: what EXIF says and what matches say are combined."""

import numpy as np

from engine.sfm.lens import Lens, combine_lenses, make_prior_lens


def test_the_lens_with_the_smaller_covariance_counts_more() -> None:
    sure = Lens(500.0, 0.02, np.diag([0.01, 0.005]) ** 2)
    mixed = combine_lenses(make_prior_lens(600.0, nominal=False), sure)
    assert abs(mixed.focal / 500 - 1) < 0.002
    assert abs(mixed.radial - 0.02) < 0.002
    assert (np.diag(mixed.covariance) < np.diag(sure.covariance)).all()
    vague = Lens(500.0, 0.2, np.array([[1.0, 0.9], [0.9, 1.0]]))
    assert abs(combine_lenses(make_prior_lens(600.0, nominal=True), vague).focal / 600 - 1) < 0.02
    assert make_prior_lens(600.0, True).covariance[0, 0] < make_prior_lens(600.0, False).covariance[0, 0]
    assert sure.scaled(2.0).focal == 1000.0
