"""Small systems of equations without a library."""

import pytest
import torch

from engine.geometry.numerics import invert_3x3, solve_positive
from tests.support.pretend_cuda import cuda_devices
from tests.support.strategies import normal


def with_values(values: torch.Tensor, *batch: int) -> torch.Tensor:
    """Symmetric matrices with these eigenvalues and random eigenvectors."""
    basis = torch.linalg.qr(normal(*batch, len(values), len(values))).Q
    return basis @ torch.diag(values) @ basis.mT


@pytest.mark.parametrize("smallest", [1.0, 1e-5, 1e-12])
def test_it_solves_positive_systems_as_well_as_a_library(smallest):
    matrix, right = with_values(torch.logspace(0, 1, 9).double(), 5), normal(5, 9, 2, seed=1)
    matrix = matrix - (1 - smallest) * with_values(torch.eye(9)[0].double(), 5)  # same basis: one eigenvalue shrinks
    exact = torch.linalg.solve(matrix, right)
    found = solve_positive(matrix, right)
    size = torch.linalg.vector_norm(exact, dim=-2, keepdim=True)
    assert ((found - exact) / size).abs().max() < 1e-14 / smallest


def test_it_solves_complex_systems_that_are_damped():
    """A real part with an eigenvalue 0, an imaginary part that is small: what a fit differentiates by."""
    damped = torch.complex(
        with_values(torch.linspace(0, 1, 9).double(), 5), 1e-7 * torch.eye(9).double().expand(5, 9, 9)
    )
    right = normal(5, 9, 1).to(damped.dtype)
    found, exact = solve_positive(damped, right), torch.linalg.solve(damped, right)
    assert (damped @ found - right).abs().max() < 1e-6
    torch.testing.assert_close(found, exact, rtol=1e-7, atol=1e-7 * float(exact.abs().max()))


@pytest.mark.parametrize("device", cuda_devices())
def test_a_gpu_inverts_what_a_cpu_does(device):
    matrix = normal(20, 3, 3) + 3 * torch.eye(3)
    with device():
        found = invert_3x3(matrix.to("cuda")).cpu()
    torch.testing.assert_close(found, invert_3x3(matrix), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(found @ matrix, torch.eye(3).double().expand(20, 3, 3), rtol=0, atol=1e-9)
