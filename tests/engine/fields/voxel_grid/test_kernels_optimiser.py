"""What the compiled kernels do to the voxels once their gradients are gathered, against autograd and torch's Adam."""

import numpy as np
import torch

from engine.fields.voxel_grid.kernels.optimiser import adam, add_smoothness
from tests.engine.fields.voxel_grid.test_kernels import SHAPE, TILE, TILES, assert_near, volume


def test_smoothness_has_the_gradient_of_squared_differences_on_touched_tiles():
    voxels, weight, density_weight = volume(0), 0.3, 0.02
    touched = (torch.rand(*SHAPE[:2], TILES, generator=torch.Generator().manual_seed(0)) < 0.4).byte()
    gradient = torch.zeros_like(voxels)
    weights = (np.float32(weight), np.float32(density_weight))
    add_smoothness(voxels.numpy(), gradient.numpy(), touched.numpy(), *weights)
    exact = voxels.double().requires_grad_()
    channels = torch.tensor([density_weight, weight, weight, weight])
    (sum(exact.diff(dim=dim).square().sum((0, 1, 2)) for dim in range(3)) / 2 * channels).sum().backward()
    assert exact.grad is not None
    flags = touched.repeat_interleave(TILE, -1)[..., : SHAPE[2], None]
    assert_near(gradient, exact.grad * flags)


def test_adam_is_torchs_on_touched_tiles():
    voxels, rate, density_rate, betas, epsilon = volume(0), 0.02, 4.0, (0.9, 0.99), 1e-8
    density = voxels[..., :1].double().clone().requires_grad_()
    colour = voxels[..., 1:].double().clone().requires_grad_()
    groups = [{"params": [density], "lr": rate * density_rate}, {"params": [colour], "lr": rate}]
    optimiser = torch.optim.Adam(groups, betas=betas, eps=epsilon)
    first, second, before = torch.zeros_like(voxels), torch.zeros_like(voxels), voxels.clone()
    flags = torch.zeros(*SHAPE[:2], TILES, dtype=torch.uint8)
    flags[1:3, 2:9, 1:] = 1
    for steps in (1, 2, 3):
        gradient, touched = volume(steps), flags.clone()
        density.grad, colour.grad = gradient[..., :1].double(), gradient[..., 1:].double()
        optimiser.step()
        arrays = (tensor.numpy() for tensor in (voxels, gradient, first, second, touched))
        corrections = [1 / (1 - beta**steps) for beta in betas]
        adam(*arrays, *map(np.float32, (rate, *betas, *corrections, epsilon, density_rate)))
        assert (touched == 0).all()
        assert (gradient[1:3, 2:9, TILE:] == 0).all()
    moved = torch.zeros(*SHAPE, dtype=torch.bool)
    moved[1:3, 2:9, TILE:] = True
    torch.testing.assert_close(
        voxels[moved].double(), torch.cat([density, colour], -1).detach()[moved], atol=1e-5, rtol=0
    )
    assert torch.equal(voxels[~moved], before[~moved])
