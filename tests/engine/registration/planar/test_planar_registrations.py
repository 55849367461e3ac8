from typing import get_args

import pytest
import torch

from engine.geometry import planar_warps
from engine.geometry.homography import apply_homography
from engine.geometry.planar_warps import DEGREES
from engine.geometry.warp_names import PlanarWarp
from engine.registration.planar.direct import DirectPatches
from engine.registration.planar.fixed import FixedPatches
from engine.registration.planar.local_to_global import LocalToGlobalPatches

FAMILIES = get_args(PlanarWarp)
PATCHES = 3
ALL_PATCHES = torch.arange(PATCHES)


def lattice() -> torch.Tensor:
    axis = torch.linspace(-0.4, 0.4, 7)
    return torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1).flatten(0, 1)


def identity() -> torch.Tensor:
    return torch.eye(3).repeat(PATCHES, 1, 1)


def learned(family: PlanarWarp, size: float = 0.3) -> LocalToGlobalPatches:
    """With warps that bend."""
    generator = torch.Generator().manual_seed(0)
    registration = LocalToGlobalPatches(identity(), lattice(), family, generator)
    with torch.no_grad():
        last = registration.network.last
        last.weight.copy_(size * torch.randn(last.weight.shape, generator=generator))
    return registration


def registrations(family: PlanarWarp) -> list[FixedPatches]:
    return [
        FixedPatches(identity(), lattice()),
        DirectPatches(identity(), lattice(), family),
        LocalToGlobalPatches(identity(), lattice(), family, torch.Generator().manual_seed(0)),
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_all_begin_at_the_initial_transforms(family):
    for registration in registrations(family):
        torch.testing.assert_close(registration.transforms(), identity(), atol=5e-3, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [0.0, 0.3])
def test_rebase_gives_the_wanted_transform_however_curved_the_warp(family, size):
    wanted = planar_warps.exponential(family, torch.linspace(-1, 1, DEGREES[family]) * 0.5)
    registration = learned(family, size)
    for _ in range(20):  # many times over: nothing adds up
        registration.rebase(torch.tensor([2]), wanted[None])
    found = registration.transforms()[2]
    torch.testing.assert_close(
        apply_homography(found, lattice()), apply_homography(wanted, lattice()), atol=2e-3, rtol=0
    )
    assert 0.1 < registration.base[2].norm() < 10


@pytest.mark.parametrize("family", FAMILIES)
def test_the_first_patch_never_moves(family):
    for registration in (learned(family), DirectPatches(identity(), lattice(), family)):
        points = lattice().expand(PATCHES, -1, -1)
        warped = registration.warp(ALL_PATCHES, points)
        assert torch.allclose(warped.points[0], lattice(), atol=1e-6)
        warped.points[0].sum().backward()
        assert all(p.grad is None or not p.grad.any() for p in registration.module().parameters())


def test_alignment_is_what_separates_local_warps_from_their_fit():
    points = lattice().expand(PATCHES, -1, -1)
    bent = learned("rigid")
    warped = bent.warp(ALL_PATCHES, points)
    fields = [bent.patch_warp(patch) for patch in range(PATCHES)]
    expected = torch.stack([(field.local_points - field.global_points).square().mean() for field in fields]).mean()
    torch.testing.assert_close(warped.alignment, expected)
    straight = LocalToGlobalPatches(identity(), lattice(), "rigid", torch.Generator().manual_seed(0))
    assert straight.warp(ALL_PATCHES, points).alignment < warped.alignment / 100


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_reach_every_parameter(family):
    points = lattice().expand(PATCHES, -1, -1)
    for registration in (learned(family), DirectPatches(identity(), lattice(), family)):
        warped = registration.warp(ALL_PATCHES, points)
        ((warped.points * torch.randn(warped.points.shape)).sum() + warped.alignment).backward()
        for parameter in registration.module().parameters():
            assert parameter.grad is not None
            assert parameter.grad.isfinite().all()
            assert parameter.grad.any()
