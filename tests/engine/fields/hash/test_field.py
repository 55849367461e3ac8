"""The hash field: it renders what it is asked, opens its levels, learns, continues to the bit, registers cameras."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn import functional

from engine.config.settings import Settings
from engine.errors import UserError
from engine.fields import FIELDS, check_settings
from engine.fields.field import Bakeable
from engine.fields.hash.field import HashField
from engine.fields.hash.options import DEFAULT, HashOptions
from engine.fields.spaces import BoxSpace, ProjectiveSpace, Space, UnboundedSpace
from tests.support.pretend_cuda import cuda_devices
from tests.support.runs.short_runs import errors, run, stage, trainer
from tests.support.worlds.marching import decibels

SMALL = replace(DEFAULT, levels=4, table=2**12, proposal_side=24)
PROJECTIVE = ProjectiveSpace((0.8, 0.6))
BOX, UNBOUNDED = BoxSpace((0.2, -0.1, 3.0), 1.1), UnboundedSpace((0.2, -0.1, 3.0), 1.1, nearest=0.3)
SPACES = pytest.mark.parametrize("space", [PROJECTIVE, BOX, UNBOUNDED])
ROW = stage(4, 100, samples=32, proposals=False, bands=(2.0, 4.0), field_rate=(5e-2, 1e-2))


def make(space: Space = PROJECTIVE, options: HashOptions = SMALL, **row: object) -> HashField:
    made = HashField(space, None, 40, torch.Generator().manual_seed(0), options=options)
    made.begin_stage(replace(ROW, **row))
    return made


def rays(count: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    directions = torch.cat([torch.rand(count, 2, generator=generator) - 0.5, torch.ones(count, 1)], dim=-1)
    return 0.1 * torch.randn(count, 3, generator=generator), directions


def teach(field: HashField, index: int) -> None:
    """A step towards colours that depend on the direction of the ray."""
    origins, directions = rays()
    seen = field.render(origins, directions, torch.Generator().manual_seed(index))
    functional.mse_loss(seen.colour, wanted()).backward()
    field.step(index / 60)


def wanted() -> torch.Tensor:
    _, directions = rays()
    return torch.stack([directions[:, 0] + 0.5, directions[:, 1] + 0.5, torch.full_like(directions[:, 0], 0.3)], 1)


def test_levels_open_with_the_stage() -> None:
    made = make()
    assert made._weights() == [1.0, 1.0]
    made.step(0.75)
    assert made._weights() == [1.0, 1.0, 1.0, 0.5]


def test_the_finest_level_follows_the_photos() -> None:
    coarse, fine = (HashField(BOX, None, pixels, torch.Generator(), options=SMALL) for pixels in (100, 200))
    assert coarse.levels.sizes[-1] == (126, 126, 126)
    assert fine.levels.sizes[-1] == (251, 251, 251)
    assert fine.levels.sizes[:-1][-1] == coarse.levels.sizes[-1]


@SPACES
def test_gradients_reach_the_rays_and_under_frozen_nothing_else(space: Space) -> None:
    made, (origins, directions) = make(space), rays()
    origins.requires_grad_()
    with made.frozen():
        made.render(origins, directions).colour.sum().backward()
    assert origins.grad is not None
    assert origins.grad.abs().sum() > 0
    assert all(value.grad is None for value in made.module.parameters())
    assert made.tables.gradient.abs().sum() == 0


@SPACES
@pytest.mark.parametrize("proposals", [False, True])
def test_it_learns_a_picture_and_continues_to_the_bit(space: Space, proposals: bool) -> None:
    made, (origins, directions) = make(space), rays()
    for index in range(30):
        teach(made, index)
    made.begin_stage(replace(ROW, proposals=proposals, bands=(4.0, 4.0), directional=True))
    for index in range(30, 60):
        teach(made, index)
    with torch.no_grad():
        assert decibels(made.render(origins, directions).colour, wanted()) > 20
    other = make(space, proposals=proposals, bands=(4.0, 4.0), directional=True)
    other.load_state(made.state())
    for field in (made, other):
        for index in range(50, 60):
            teach(field, index)
    assert torch.equal(made.tables.values, other.tables.values)
    for one, two in zip(made.module.parameters(), other.module.parameters(), strict=True):
        assert torch.equal(one, two)


def test_samples_in_empty_places_are_left_out_and_nobody_sees_it() -> None:
    thin = replace(SMALL, raw_density=-4.0)
    made, (origins, directions) = make(BOX, thin), rays()
    for index in range(60):
        teach(made, index)
    made.begin_stage(replace(ROW, proposals=True, bands=(4.0, 4.0)))
    skipping = made.render(origins, directions).colour.detach()
    assert made._occupied is not None
    assert not made._occupied.all()
    made._occupied = torch.ones_like(made._occupied)
    torch.testing.assert_close(skipping, made.render(origins, directions).colour.detach(), atol=0.03, rtol=0.0)


@pytest.mark.parametrize("device", cuda_devices())
def test_a_gpu_computes_samples_in_empty_places_and_sees_and_learns_what_a_cpu_does(device: Any) -> None:
    origins, directions = rays()
    thin, row = replace(SMALL, raw_density=-4.0), {"proposals": True, "bands": (3.5, 3.5), "directional": True}
    here = make(BOX, thin)
    for index in range(60):
        teach(here, index)
    here.begin_stage(replace(ROW, **row))
    learned = here.state()

    def look(made: HashField) -> list[torch.Tensor]:
        """Colours, and what the rays, the tables and the decoder learn of them."""
        made.low_precision = False
        made.load_state(learned)
        starts = origins.clone().to(made.device).requires_grad_()
        seen = made.render(starts, directions.to(made.device))
        (seen.colour - wanted().to(made.device)).square().sum().backward()
        gradients = [starts.grad, made.tables.gradient, *(value.grad for value in made.module.parameters())]
        return [seen.colour.detach(), *(gradient for gradient in gradients if gradient is not None)]

    seen_here = look(here)
    with device():
        there = HashField(BOX, None, 40, torch.Generator().manual_seed(0), "cuda", thin)
        there.begin_stage(replace(ROW, **row))
        seen_there = [value.cpu() for value in look(there)]
        assert there._occupied is not None
        assert not bool(there._occupied.all())
    for one, other in zip(seen_here, seen_there, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-3, atol=1e-4 * float(one.abs().max()))


@torch.no_grad()
def test_a_world_that_grows_looks_the_same() -> None:
    made, (origins, directions) = make(samples=400), rays()
    made.tables.values.uniform_(-1, 1, generator=torch.Generator().manual_seed(0))
    before = made.render(origins, directions)
    assert made.grow(1.3)
    after = made.render(1.3 * origins, directions)
    assert (after.colour - before.colour).abs().mean() < 0.03
    assert not made.grow(1.6)  # farther than its lattices reach
    assert not make(BOX).grow(1.3)


def test_a_step_that_is_not_finite_changes_nothing() -> None:
    made, (origins, directions) = make(), rays()
    teach(made, 0)
    before = made.tables.values.clone()
    (made.render(origins, directions).colour.sum() * torch.nan).backward()
    made.step(0.1)
    assert made.skipped_steps == 1
    assert torch.equal(made.tables.values, before)
    (made.render(origins, directions).colour.sum()).backward()
    made.discard()
    assert made.tables.gradient.abs().sum() == 0


def test_it_is_bakeable() -> None:
    made = make(BOX)
    assert isinstance(made, Bakeable)
    assert made.volume(16).shape == (16, 16, 16, 4)


def test_it_lives_in_all_spaces_and_has_no_positional_encoding() -> None:
    for kind in ("forward-facing", "object", "unbounded"):
        check_settings(Settings(field="hash"), kind)
    with pytest.raises(UserError, match="planar"):
        check_settings(Settings(field="hash"), "planar")
    with pytest.raises(UserError, match="no-encoding needs --field mlp"):
        check_settings(Settings(field="hash", method="no-encoding"))


def test_every_row_opens_a_level_more() -> None:
    for rows in FIELDS["hash"].rows.default.values():
        opened = [row.bands[1] for row in rows]
        assert opened == [float(DEFAULT.levels - len(rows) + 1 + index) for index in range(len(rows))]


def test_a_short_training_brings_cameras_from_the_identity_to_their_places() -> None:
    """On the fern that ships, at a sixteenth of its size; centres start 0.19 of their spread away and end at 0.05."""
    made = trainer((stage(4, 120, bands=(4.0, 4.0), rays=1500, planes=12),), field="hash")
    start = errors(made).translation.mean()
    run(made)
    assert errors(made).translation.mean() < 0.5 * start
    assert made.frame_psnr().nanmean() > 24
