import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from engine.fields.mlp import field as mlp
from engine.fields.mlp.field import MlpField
from tests.support.worlds.spheres import (
    STAGE,
    camera_rays,
    decibels,
    facing_field,
    sphere_colours,
    sphere_field,
    train,
)


@torch.no_grad()
def test_known_poses_train_a_sphere(trained):
    origins, directions = camera_rays(10_000, 2000)
    assert decibels(trained.render(origins, directions).colour, sphere_colours(origins, directions)) > 20
    ahead = trained.render(torch.tensor([[0.0, 0, -4]]), torch.tensor([[0.0, 0, 1]]))
    assert ahead.depth.item() == pytest.approx(3, abs=0.3)
    assert ahead.opacity.item() > 0.95


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_gradients_reach_the_rays(preset):
    made = sphere_field(preset=preset, method="barf")
    made.progress(0.2)  # with the lowest bands only, or the loss would bend within the step below
    origins, directions = (tensor[:8].requires_grad_() for tensor in camera_rays(3))
    target = sphere_colours(origins.detach(), directions.detach())

    def loss(origins, directions):
        return functional.mse_loss(made.render(origins, directions).colour, target)

    slopes = torch.autograd.grad(loss(origins, directions), (origins, directions))
    for index, slope in enumerate(slopes):
        inputs = [origins.detach(), directions.detach()]
        step = 1e-3 * slope / slope.norm()
        ahead, behind = ([value + sign * step * (i == index) for i, value in enumerate(inputs)] for sign in (1, -1))
        measured = (loss(*ahead) - loss(*behind)) / 2e-3
        assert measured.item() == pytest.approx(slope.norm().item(), rel=0.05)


def test_a_frozen_field_gets_no_gradients_but_the_rays_do():
    made = sphere_field()
    origins, directions = camera_rays(0, 8)
    origins.requires_grad_()
    with made.frozen():
        loss = made.render(origins, directions).colour.sum()
    loss.backward()
    assert origins.grad is not None
    assert origins.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in made.network.parameters())
    before, version = made.volume(3), made.version
    made.step(0.0)
    assert made.version == version
    assert (made.volume(3) == before).all()
    made.render(origins, directions).colour.sum().backward()
    assert all(parameter.grad is not None for parameter in made.network.parameters())


def test_a_resumed_run_continues_to_the_bit():
    straight, resumed = sphere_field(method="barf"), sphere_field(seed=9, method="barf")
    train(straight, range(4), 8)
    kept = straight.state()
    train(straight, range(4, 8), 8)
    train(resumed, range(2), 8)
    resumed.load_state(kept)
    train(resumed, range(4, 8), 8)
    ours, theirs = straight.state(), resumed.state()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_a_state_from_before_the_first_step():
    fresh, other = sphere_field(), sphere_field(seed=5)
    train(other, range(2), 4)
    other.load_state(fresh.state())
    assert other.state().keys() == fresh.state().keys()
    train(fresh, range(2), 4)
    train(other, range(2), 4)
    assert (fresh.volume(3) == other.volume(3)).all()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_step_with_bad_gradients_is_skipped(bad):
    made = sphere_field()
    train(made, range(1), 4)
    before, version = made.state(), made.version
    (made.render(*camera_rays(0)).colour.sum() * bad).backward()
    made.step(0.5)
    assert (made.version, made.skipped_steps) == (version, 1)
    assert all(torch.equal(value, before[name]) for name, value in made.state().items() if name != "progress")
    train(made, range(1, 2), 4)
    assert made.version == version + 1


def test_the_same_seed_gives_the_same_field_and_torchs_generator_is_not_used():
    state = torch.random.get_rng_state()
    assert (sphere_field().volume(3) == sphere_field().volume(3)).all()
    assert (sphere_field().volume(3) != sphere_field(seed=1).volume(3)).any()
    assert torch.equal(torch.random.get_rng_state(), state)


@torch.no_grad()
def test_the_unit_of_the_scene_does_not_matter():
    origins, directions = camera_rays(0)
    small, large = sphere_field().render(origins, directions), sphere_field(size=50.0).render(origins * 50, directions)
    torch.testing.assert_close(large.colour, small.colour, atol=1e-4, rtol=0)
    torch.testing.assert_close(large.depth, small.depth * 50, atol=0, rtol=1e-5)


@torch.no_grad()
def test_a_picture_in_pieces_is_the_same(monkeypatch):
    made = sphere_field()
    whole = made.render(*camera_rays(0), torch.Generator().manual_seed(0))
    monkeypatch.setattr(mlp, "SAMPLES_AT_ONCE", 10 * STAGE.samples)
    pieces = made.render(*camera_rays(0), torch.Generator().manual_seed(0))
    for one, other in zip(whole, pieces, strict=True):
        torch.testing.assert_close(one, other)


@torch.no_grad()
def test_jitter_moves_the_samples():
    made = facing_field()
    rays = torch.zeros(5, 3), torch.tensor([[0.1, 0.2, 1.0]]).expand(5, 3)
    assert (made.render(*rays).colour == made.render(*rays).colour).all()
    assert made.render(*rays, torch.Generator().manual_seed(0)).colour.unique(dim=0).shape[0] > 1


@torch.no_grad()
def test_a_forward_facing_ray_ends_opaque_at_infinity():
    seen = facing_field().render(torch.zeros(1, 3), torch.tensor([[0.3, 0, 1.0]]))
    assert seen.opacity.item() == pytest.approx(1)
    assert 1 <= seen.depth.item() <= 1000


@torch.no_grad()
@pytest.mark.parametrize(("preset", "directional"), [("default", False), ("default", True), ("paper", False)])
def test_colour_depends_on_the_direction_where_it_may(preset, directional):
    made = sphere_field(preset=preset)
    made.begin_stage(replace(STAGE, directional=directional))
    points, views = torch.zeros(2, 3), torch.tensor([[0.0, 0, 1], [1, 0, 0]])
    density, colour = made.query(points, views)
    torch.testing.assert_close(density[0], density[1])
    differs = bool((colour[0] - colour[1]).abs().max() > 1e-6)  # the last digit may differ with a row's place
    assert differs == (directional or preset == "paper")


def test_the_paper_network_has_the_papers_size():
    network = sphere_field(preset="paper").network
    shapes = [tuple(layer.weight.shape) for layer in network.trunk]
    assert shapes == [(256, 63), *[(256, 256)] * 3, (256, 256 + 63), *[(256, 256)] * 2]
    assert network.features.weight.shape == (256, 256)
    assert network.colour_hidden.weight.shape == (128, 256 + 27)


@torch.no_grad()
def test_low_precision_gives_nearly_the_same_picture():
    one, other = (sphere_field(low_precision=low).render(*camera_rays(0)).colour for low in (False, True))
    torch.testing.assert_close(one, other, atol=0.03, rtol=0)


def test_impossible_arguments_are_refused():
    with pytest.raises(ValueError, match="near < far"):
        MlpField("object", 1.0, math.inf, None, "coarse-to-fine", "default", torch.Generator())
    with pytest.raises(RuntimeError, match="stage"):
        _ = MlpField("object", 1.0, 2.0, None, "coarse-to-fine", "default", torch.Generator()).stage
