"""The network of the default preset: it renders what it is asked, opens its bands, and learns with its own rows."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

import pytest
import torch
from torch.nn import functional

from engine.config.methods import Bands
from engine.config.settings import Settings
from engine.fields import FIELDS
from engine.fields.field import Bakeable
from engine.fields.mlp.encoding import band_weights, count_open, encode, encode_open
from engine.fields.mlp.quick import QuickMlpField
from engine.fields.spaces import BoxSpace, ProjectiveSpace, Space, UnboundedSpace
from engine.fields.stages import stages
from engine.training import cameras
from engine.training.radiance import RadianceTrainer
from tests.support.runs.short_runs import errors, fern, stage
from tests.support.worlds.marching import decibels

PROJECTIVE = ProjectiveSpace((0.8, 0.6))
BOX, UNBOUNDED = BoxSpace((0.2, -0.1, 3.0), 1.1), UnboundedSpace((0.2, -0.1, 3.0), 1.1, nearest=0.3)
SPACES = pytest.mark.parametrize("space", [PROJECTIVE, BOX, UNBOUNDED])
ROW = stage(4, 100, samples=32, proposals=False, bands=(1.0, 3.0), field_rate=(5e-3, 1e-3))


def quick(space: Space = PROJECTIVE, bands: Bands = "coarse-to-fine", **row: object) -> QuickMlpField:
    made = QuickMlpField(space, None, bands, torch.Generator().manual_seed(0))
    made.begin_stage(replace(ROW, **row))
    return made


def rays(count: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    directions = torch.cat([torch.rand(count, 2, generator=generator) - 0.5, torch.ones(count, 1)], dim=-1)
    return 0.1 * torch.randn(count, 3, generator=generator), directions


@pytest.mark.parametrize("alpha", [0.0, 0.4, 2.0, 3.7, 6.0])
def test_open_bands_are_the_same_numbers_in_another_order(alpha: float) -> None:
    values = torch.rand(5, 3, generator=torch.Generator().manual_seed(0))
    whole = encode(values, 6, band_weights(alpha, 6))
    some = encode_open(values, band_weights(alpha, 6)[: count_open(alpha, 6)])
    kept = whole[:, torch.cat([torch.ones(3), whole[0, 3:].abs()]) > 0]
    torch.testing.assert_close(some.sort(dim=-1).values, kept.sort(dim=-1).values)


def test_bands_open_with_the_stage_where_the_method_says_so() -> None:
    made = quick()
    assert made.open == 1.0
    made.step(0.5)
    assert made.open == 2.0
    assert quick(bands="all").open == made.architecture.position_bands
    assert quick(bands="none").open == 0.0


@SPACES
def test_gradients_reach_the_rays_and_under_frozen_nothing_else(space: Space) -> None:
    made, (origins, directions) = quick(space), rays()
    origins.requires_grad_()
    with made.frozen():
        made.render(origins, directions).colour.sum().backward()
    assert origins.grad is not None
    assert origins.grad.abs().sum() > 0
    assert all(value.grad is None for value in made.module.parameters())


@SPACES
@pytest.mark.parametrize("proposals", [False, True])
def test_it_learns_a_picture_and_continues_to_the_bit(space: Space, proposals: bool) -> None:
    made, (origins, directions) = quick(space, proposals=proposals), rays()
    colours = torch.stack([directions[:, 0] + 0.5, directions[:, 1] + 0.5, torch.full_like(directions[:, 0], 0.3)], 1)

    def step(field: QuickMlpField, index: int) -> None:
        seen = field.render(origins, directions, torch.Generator().manual_seed(index))
        functional.mse_loss(seen.colour, colours).backward()
        field.step(index / 60)

    for index in range(60):
        step(made, index)
    with torch.no_grad():
        assert decibels(made.render(origins, directions).colour, colours) > 20
    other = quick(space, proposals=proposals)
    other.load_state(made.state())
    for field in (made, other):
        step(field, 1)
    for one, two in zip(made.module.parameters(), other.module.parameters(), strict=True):
        assert torch.equal(one, two)


@torch.no_grad()
def test_a_world_that_grows_looks_the_same() -> None:
    made, (origins, directions) = quick(samples=400), rays()
    before = made.render(origins, directions)
    assert made.grow(1.3)
    after = made.render(1.3 * origins, directions)
    assert (after.colour - before.colour).abs().mean() < 0.03
    assert not quick(BoxSpace((0.0, 0.0, 0.0), 1.0)).grow(1.3)


def test_it_is_bakeable() -> None:
    assert isinstance(quick(), Bakeable)


def test_its_rates_are_a_networks() -> None:
    """A grid's rate, 5e-2, ends at one colour everywhere: 6 dB on the fern."""
    for rows in FIELDS["mlp"].rows.default.values():
        assert all(row.field_rate[0] <= 1e-2 for row in rows)


@pytest.mark.slow
def test_the_schedule_trains_it() -> None:
    """With the rows that a run has, but fewer rays; from the identity.

    In so few iterations rotations go up and down, around 5 to 45 degrees; at a grid's rate they stay above 110.
    """
    scene, settings = fern(1), Settings(field="mlp")
    rows = tuple(replace(row, rays=1000) for row in stages(scene, settings))
    with mock.patch.object(cameras, "stages", return_value=rows):
        trainer = RadianceTrainer(scene, settings)
    psnr = None
    while trainer.iteration < 160:
        trainer.step()
        if trainer.iteration == 10:
            psnr = trainer.frame_psnr().nanmean()
    assert psnr is not None
    assert trainer.frame_psnr().nanmean() > max(psnr + 3, torch.tensor(20.0))
    assert errors(trainer).rotation_deg.mean() < 80
