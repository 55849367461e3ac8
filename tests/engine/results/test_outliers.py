"""Which frames of a run are named outliers."""

from __future__ import annotations

import pytest
import torch

from engine.config.settings import Settings
from engine.results.outliers import outliers
from engine.run.session import Session
from tests.support.runs.fake_trainer import FakeTrainer, tiny_scene


class OneUnlike(FakeTrainer):
    """Its second frame is rendered far worse than the others."""

    def frame_psnr(self) -> torch.Tensor:
        return torch.where(torch.arange(len(self._poses)) == 1, 12.0, 25.0)


@pytest.mark.parametrize(("method", "named"), [("l2g", 1), ("reference", 0)])
def test_where_poses_are_not_fitted_no_frame_is_blamed_for_its_error(method: str, named: int) -> None:
    session = Session(tiny_scene(), Settings(method=method), make_trainer=OneUnlike)  # type: ignore[arg-type]
    session.begin()
    assert len(outliers(session)) == named
