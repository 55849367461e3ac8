"""What a snapshot says."""

from __future__ import annotations

import math

import pytest
import torch

from engine.config.settings import Settings
from engine.geometry import se3
from engine.geometry.rays import rays_through
from engine.registration.registration import WarpField
from engine.run.snapshots import pooled_psnr, starting_snapshot
from engine.training.camera_snapshot import warp_snapshot
from tests.support.runs.fake_trainer import tiny_scene

POINTS = torch.tensor([[0.1, 0.2], [-0.3, 0.1], [0.0, -0.2], [0.2, 0.2], [0.0, 0.0]])
POSE = se3.exponential(torch.tensor([0.3, -0.2, 0.1, 0.5, -0.4, 0.2]))


def warped(local: torch.Tensor) -> WarpField:
    return WarpField(POINTS, *rays_through(local, POINTS), *rays_through(POSE, POINTS))


def test_where_local_and_global_agree_the_residual_is_zero() -> None:
    warp = warp_snapshot(warped(POSE), tiny_scene(), 1)
    assert warp.frame == 1
    assert warp.residual_px.max() < 1e-4


def test_a_sideways_step_of_a_local_camera_is_seen_in_pixels() -> None:
    # The local camera stands 0.05 to the left of the global one: at depth 1 that is 0.05 focal lengths of 10 pixels.
    local = se3.compose(se3.exponential(torch.tensor([0.0, 0.0, 0.0, 0.05, 0.0, 0.0])), POSE)
    warp = warp_snapshot(warped(local), tiny_scene(), 0)
    assert warp.residual_px == pytest.approx([0.5] * 5, abs=1e-4)


def test_a_point_behind_the_global_camera_counts_as_the_diagonal() -> None:
    local = se3.compose(se3.exponential(torch.tensor([0.0, math.pi, 0.0, 0.0, 0.0, 0.0])), POSE)
    warp = warp_snapshot(warped(local), tiny_scene(), 0)
    assert warp.residual_px == pytest.approx([10.0] * 5)


def test_psnr_is_pooled_over_squared_errors_and_leaves_out_unseen_frames() -> None:
    unknown = [float("nan"), 100.0]
    assert pooled_psnr(torch.tensor([10.0, 20.0, *unknown])) == pytest.approx(-10 * math.log10((0.1 + 0.01) / 2))
    assert math.isnan(pooled_psnr(torch.tensor(unknown)))


@pytest.mark.parametrize("reference", [True, False])
def test_errors_are_none_without_a_reference(reference: bool) -> None:
    snapshot = starting_snapshot(tiny_scene(reference=reference), Settings())
    for value in (snapshot.aligned_reference, snapshot.rotation_error_deg, snapshot.translation_error):
        assert (value is not None) == reference
    assert snapshot.status == "starting"
