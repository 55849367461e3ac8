import pytest
import torch

from engine.geometry.matrix_roots import find_root, solve_one_plus_root
from tests.support.pretend_cuda import cuda_devices
from tests.support.strategies import normal


def covariance(smallest: float, size: int = 24) -> torch.Tensor:
    """With eigenvalues from 1 down to this, evenly in their logarithms, and four zeros."""
    axes, _ = torch.linalg.qr(normal(size, size))
    values = torch.logspace(0, torch.log10(torch.tensor(smallest)).item(), size, dtype=torch.float64)
    values[-4:] = 0
    return axes * values @ axes.mT


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e5])
def test_the_square_of_a_root_is_the_matrix(scale):
    matrix = scale * covariance(1e-6)
    root = find_root(matrix)
    torch.testing.assert_close(root @ root, matrix, atol=1e-9 * scale, rtol=0)
    assert torch.linalg.eigvalsh(root).min() > -1e-9 * scale**0.5


@pytest.mark.parametrize("device", cuda_devices())
@pytest.mark.parametrize("strength", [0.0, 0.01, 1.0, 1e4])
def test_what_a_gpu_computes_is_what_a_cpu_does(device, strength):
    right, matrix = normal(6, 24, seed=1), covariance(1e-6)
    expected = solve_one_plus_root(right, matrix, strength)
    with device():
        there = torch.tensor(strength, dtype=torch.float64, device="cuda")
        found = solve_one_plus_root(right.to("cuda"), matrix.to("cuda"), there).cpu()
    torch.testing.assert_close(found, expected, atol=1e-4 if strength > 1 else 1e-6, rtol=0)


def test_a_matrix_of_zeros_changes_nothing():
    right = normal(2, 5)
    torch.testing.assert_close(solve_one_plus_root(right, torch.zeros(5, 5).double(), 3.0), right)
    assert (find_root(torch.zeros(5, 5).double()) == 0).all()
