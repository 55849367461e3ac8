"""Copies of fields under the band limit of a stage: their own parameters, never finer than was learned."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.config.rows import PlanarStage
from engine.fields.field import Field
from engine.fields.hash.field import HashField
from engine.fields.hash.options import DEFAULT
from engine.fields.image.neural_image import NeuralImage
from engine.fields.image.pixel_grid import PixelGrid
from engine.fields.spaces import ProjectiveSpace
from tests.support.runs.short_runs import stage
from tests.support.worlds import relief, spheres

FINE = stage(4, 100, samples=24, proposals=False, bands=(2.0, 4.0))
COARSE = replace(FINE, name="coarse", bands=(2.0, 2.0), samples=12)
FINER = replace(FINE, name="finer", bands=(4.0, 9.0))


def hashed() -> HashField:
    options = replace(DEFAULT, levels=4, table=2**10, proposal_side=16)
    made = HashField(ProjectiveSpace((0.8, 0.6)), None, 40, torch.Generator().manual_seed(0), options=options)
    made.begin_stage(FINE)
    made._open_levels(0.5)
    return made


def rays() -> tuple[torch.Tensor, torch.Tensor]:
    directions = torch.cat(
        [torch.rand(32, 2, generator=torch.Generator().manual_seed(1)) - 0.5, torch.ones(32, 1)], -1
    )
    return torch.zeros(32, 3), directions


def look(field: Field) -> torch.Tensor:
    with torch.no_grad():
        return field.render(*rays()).colour


def test_as_many_levels_of_a_hash_are_open_as_at_the_end_of_a_stage() -> None:
    made = hashed()
    assert made.at_stage(FINE, 0.5).open == made.open == 3.0
    coarse = made.at_stage(COARSE, 0.1)
    assert (coarse.open, coarse.stage) == (2.0, COARSE)
    assert made.at_stage(FINER, 0.5).open == 3.0, "levels that nothing was learned of stay closed"
    assert made.open == 3.0


def test_a_network_is_opened_as_far_as_the_run_had_come() -> None:
    made = spheres.sphere_field(method="barf")
    made.progress(0.9)
    assert made.at_stage(made.stage, 0.1).fraction == 0.9, "in its own stage it stays as it is"
    coarse = made.at_stage(replace(spheres.STAGE, name="before"), 0.1)
    assert coarse.fraction == 0.1
    assert made.fraction == 0.9


@pytest.mark.parametrize("make", [hashed, relief.relief, spheres.facing_field])
def test_a_copy_looks_like_the_field_and_stays_so(make) -> None:  # type: ignore[no-untyped-def]
    made = make()
    now = made.at_stage(made.stage, 0.0)
    before = look(made)
    torch.testing.assert_close(look(now), before)
    colour = made.render(*rays(), torch.Generator().manual_seed(0)).colour
    colour.square().sum().backward()
    made.step(0.0)
    assert not torch.equal(look(made), before)
    torch.testing.assert_close(look(now), before)


def test_a_coarse_grid_is_blurred_but_alike() -> None:
    made = relief.relief()
    coarse = made.at_stage(relief.stage(12, 18, 32), 0.0)
    assert max(coarse.grid.shape) == 18
    apart = (look(coarse) - look(made)).abs().mean()
    assert 0.0 < float(apart) < 0.15
    assert coarse.grid.gradient.shape == coarse.grid.voxels.shape


def test_voxels_in_blocks_are_copied_and_blurred_too() -> None:
    made = relief.blob()
    made.begin_stage(replace(relief.stage(24, 24, 48), sparse=True))
    assert made.grid.table is not None
    origins, directions = rays()
    origins = origins - torch.tensor([0.0, 0.0, 2.5])
    with torch.no_grad():
        before = made.render(origins, directions).colour
        same = made.at_stage(made.stage, 0.0).render(origins, directions).colour
        coarse = made.at_stage(relief.stage(12, 12, 48), 0.0)
        blurred = coarse.render(origins, directions).colour
    torch.testing.assert_close(same, before)
    assert coarse.grid.table is None
    assert coarse.grid.shape == (12, 12, 12)
    assert float((blurred - before).abs().mean()) < 0.15


def planar(name: str, pixels: int) -> PlanarStage:
    return PlanarStage(10, 0, (1e-2, 1e-2), (1e-3, 1e-3), name=name, downsample=1, pixels=pixels, margin=0.5)


def test_pixels_are_averaged_to_the_size_of_a_coarser_stage() -> None:
    made = PixelGrid((1.0, 0.75), torch.device("cpu"))
    fine, coarse = planar("fine", 32), planar("coarse", 8)
    made.begin_stage(fine)
    with torch.no_grad():
        made._pixels.copy_(torch.rand(made._pixels.shape, generator=torch.Generator().manual_seed(0)))
    points = torch.rand(50, 2, generator=torch.Generator().manual_seed(1)) - 0.5
    torch.testing.assert_close(made.at_stage(fine, 0.0).colours(points), made.colours(points))
    blurred = made.at_stage(coarse, 0.0)
    assert blurred._pixels.shape[2:] == (9, 12)
    assert float(blurred._pixels.mean()) == pytest.approx(float(made._pixels.detach().mean()), abs=1e-3)
    assert float(blurred.colours(points).std()) < 0.5 * float(made.colours(points).detach().std())


def test_a_neural_image_is_opened_as_far_as_the_run_had_come() -> None:
    made = NeuralImage("coarse-to-fine", "default", torch.Generator().manual_seed(0), torch.device("cpu"))
    made.begin_stage(planar("fine", 32))
    made.progress(0.9)
    now, before = made.at_stage(planar("fine", 32), 0.9), made.at_stage(planar("coarse", 8), 0.05)
    assert now._open == made._open > before._open
