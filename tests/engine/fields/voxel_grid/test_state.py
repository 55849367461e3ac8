"""Voxels resampled, pooled and blurred."""

import pytest
import torch
import torch.nn.functional as F

from engine.fields.voxel_grid import state as grid_state


def voxels(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, 4, generator=torch.Generator().manual_seed(seed))


def test_a_new_state_has_values_and_zeros():
    values = voxels(3, 5, 9)
    state = grid_state.make_state(values)
    assert torch.equal(state.voxels, values)
    assert state.shape == (3, 5, 9)
    assert state.steps == 0
    for moment in (state.gradient, state.first, state.second):
        assert moment.shape == values.shape
        assert not moment.any()


@pytest.mark.parametrize("shape", [(5, 9, 17), (3, 5, 9), (2, 3, 5)])
def test_corner_voxels_stay_at_the_corners(shape):
    values = voxels(3, 5, 9)
    made = grid_state.resample(values, shape)
    assert made.shape == (*shape, 4)
    assert made.is_contiguous()
    for corner in [(0, 0, 0), (-1, -1, -1), (0, -1, 0)]:
        torch.testing.assert_close(made[corner], values[corner])


def test_twice_as_fine_keeps_every_voxel():
    values = voxels(3, 5, 9)
    torch.testing.assert_close(grid_state.resample(values, (5, 9, 17))[::2, ::2, ::2], values)


def test_linear_ramps_survive_resampling():
    ramp = torch.linspace(0, 1, 9).view(1, 1, 9, 1).expand(3, 5, 9, 4)
    made = grid_state.resample(ramp, (4, 7, 13))
    torch.testing.assert_close(made[2, 3, :, 1], torch.linspace(0, 1, 13))


def test_saved_and_restored():
    state = grid_state.make_state(voxels(3, 5, 9))
    state.first += 1
    state.second += 2
    state.steps = 7
    kept = {name: value.clone() for name, value in grid_state.tensors_to_save(state).items()}
    again = grid_state.restore_state(kept, torch.device("cpu"))
    assert torch.equal(again.voxels, state.voxels)
    assert torch.equal(again.first, state.first)
    assert torch.equal(again.second, state.second)
    assert again.steps == 7
    assert not again.gradient.any()


def test_pooled_density_is_activated_and_averaged():
    pooled = grid_state.pool_density(torch.zeros(4, 8, 8, 4), (1, 4, 4))
    assert pooled.shape == (4, 2, 2)
    torch.testing.assert_close(pooled, torch.full((4, 2, 2), float(F.softplus(torch.zeros(())))))
    values = voxels(4, 8, 8)
    torch.testing.assert_close(grid_state.pool_density(values, (1, 1, 1)), F.softplus(values[..., 0]))


def test_blurring_averages_densities_and_weights_colours_by_them():
    values = torch.zeros(2, 2, 2, 4)
    values[..., 0] = -15.0
    values[0, 0, 0] = torch.tensor([4.0, 1.5, -1.5, 0.0])  # the one voxel in which there is something
    made = grid_state.blur(values, (1, 1, 1))[0, 0, 0]
    density = F.softplus(made[0])
    torch.testing.assert_close(density, F.softplus(torch.tensor(4.0)) / 8, atol=1e-4, rtol=0)
    torch.testing.assert_close(made[1:], torch.tensor([1.5, -1.5, 0.0]), atol=1e-2, rtol=0)


def test_blurring_the_emptiest_and_the_brightest_is_finite():
    for raw in (-80.0, 80.0):
        values = torch.full((2, 4, 4, 4), raw)
        assert torch.isfinite(grid_state.blur(values, (2, 2, 2))).all()


def test_a_constant_grid_stays_constant():
    values = torch.tensor([1.0, 0.3, -0.4, 0.8]).expand(4, 6, 8, 4)
    torch.testing.assert_close(grid_state.blur(values, (4, 3, 4))[1, 1, 1], values[0, 0, 0], atol=1e-4, rtol=1e-4)


def test_a_scaled_world_gives_the_same_picture_from_its_centre():
    generator = torch.Generator().manual_seed(8)
    coarse = torch.randn(5, 4, 4, 4, generator=generator)
    voxels = grid_state.resample(coarse, (41, 4, 4))
    grown = grid_state.push_back(voxels, 1.25, thin=-9.0)
    # what stood on plane 40 (disparity 1) stands on plane 32 (disparity 0.8) now; what is infinitely far stays there
    torch.testing.assert_close(grown[0], voxels[0])
    torch.testing.assert_close(grown[32], voxels[40])
    torch.testing.assert_close(grown[16], voxels[20])
    assert (grown[33:, ..., 0] == -9.0).all()
