"""The lattice of small motions beside the network of a local warp."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.registration.local_to_global import LocalToGlobal
from engine.registration.warp_bends import NODES, WarpBends
from engine.registration.warp_motion import WarpStep

LATTICE = torch.stack(torch.meshgrid(torch.linspace(-1, 1, 9), torch.linspace(-0.7, 0.7, 7), indexing="xy"), -1)
LATTICE = LATTICE.reshape(1, -1, 2)


def made_bends(frames: int = 3) -> WarpBends:
    bends = WarpBends(frames, LATTICE, outputs=2)
    bends.step(0.1)  # begins to use them
    return bends


@settings(deadline=None, max_examples=30)
@given(st.floats(-2, 2), st.floats(-2, 2))
def test_a_linear_lattice_is_met_exactly_and_continued_flat_outside(x, y):
    bends = made_bends()
    columns, rows = torch.linspace(-1, 1, NODES), torch.linspace(-0.7, 0.7, NODES)
    with torch.no_grad():
        bends.nodes[1, ..., 0] = columns[None, :]
        bends.nodes[1, ..., 1] = rows[:, None]
    found = bends(torch.tensor([1]), torch.tensor([[[x, y]]]))[0, 0]
    wanted = torch.tensor([min(max(x, -1), 1), min(max(y, -0.7), 0.7)])
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


def test_it_is_nothing_until_it_steps():
    bends = WarpBends(2, LATTICE, outputs=2)
    assert bends(torch.tensor([0]), LATTICE) == 0.0
    assert not bends.nodes.requires_grad


def test_steps_go_down_the_gradient_and_have_the_length_that_was_asked_for():
    bends = made_bends()
    goal = 0.02 * LATTICE.expand(3, -1, -1).flip(-1)
    everyone = torch.arange(3)
    errors = []
    for _ in range(40):
        error = (bends(everyone, LATTICE.expand(3, -1, -1)) - goal).square().mean()
        error.backward()
        before = bends.nodes.detach().clone()
        bends.step(1e-3)
        errors.append(float(error.detach()))
    assert errors[-1] < errors[0] / 10
    torch.testing.assert_close((bends.nodes - before).square().mean(dim=(1, 2, 3)).sqrt(), torch.full((3,), 1e-3))


def test_gradients_that_are_not_finite_move_nothing():
    bends = made_bends()
    bends.nodes.grad = torch.full_like(bends.nodes, torch.nan)
    bends.step(1.0)
    assert not bends.nodes.any()
    assert bends.nodes.grad is None


def test_frames_that_are_added_take_the_bends_of_those_they_are_like():
    bends = WarpBends(2, LATTICE.expand(2, -1, -1), outputs=2)
    bends.step(0.1)
    with torch.no_grad():
        bends.nodes[1] += 1.0
    bends.extend(2 * LATTICE, torch.tensor([1]))
    one = bends(torch.tensor([1, 2]), torch.cat([LATTICE, 2 * LATTICE]))
    torch.testing.assert_close(one[0], one[1])
    assert bends.nodes.requires_grad


@pytest.mark.parametrize("moved", [0.0, 1.0])
def test_state_is_taken_up_also_from_before_there_were_bends(moved):
    bends, other, old = made_bends(), WarpBends(3, LATTICE, outputs=2), WarpBends(3, LATTICE, outputs=2)
    with torch.no_grad():
        bends.nodes += moved
    other.load_state_dict(bends.state_dict())
    assert torch.equal(other.nodes, bends.nodes)
    assert other.nodes.requires_grad
    old.load_state_dict({})
    assert not old.nodes.any()


def test_bends_move_no_pose_and_go_where_lambda_is_large():
    lattice = LATTICE.expand(2, -1, -1)
    base = torch.eye(4)[:3].expand(2, 3, 4).clone()
    made = LocalToGlobal(base, lattice, torch.Generator().manual_seed(0))
    soft = WarpStep(share=0.0, stiffness=0.0, limit=1.0, bend=0.02)
    for _ in range(3):
        before = made.fitted()
        origins, directions, _ = made.rays(torch.arange(2), lattice)
        (directions[..., 0] * lattice[..., 1].square() - origins[..., 2] * lattice[..., 0]).sum().backward()
        made.follow(before, soft)
    bent = made.rays(torch.arange(2), lattice).alignment
    assert bent > 1e-5
    torch.testing.assert_close(made.fitted(), base, atol=1e-4, rtol=0)
    made.follow(made.fitted(), WarpStep(share=0.0, stiffness=100.0, limit=1.0, bend=0.0))
    assert made.rays(torch.arange(2), lattice).alignment < 1e-3 * bent
    torch.testing.assert_close(made.fitted(), base, atol=1e-4, rtol=0)
