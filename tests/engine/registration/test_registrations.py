"""Local-to-global, direct and fixed poses, by their common protocol."""

import pytest
import torch

from engine.geometry import rays, se3
from engine.registration.direct import DirectPoses
from engine.registration.fixed import FixedPoses, compose
from engine.registration.local_to_global import LocalToGlobal
from engine.registration.warp_motion import WarpStep
from engine.registration.warp_network import FAST_SIZE, WarpNetworkSize

FRAMES, POINTS = 4, 50


def initial(seed: int = 0) -> torch.Tensor:
    return se3.exponential(0.4 * torch.randn(FRAMES, 6, generator=torch.Generator().manual_seed(seed)))


def lattice() -> torch.Tensor:
    x, y = torch.linspace(-0.5, 0.5, 8), torch.linspace(-0.4, 0.4, 6)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).reshape(1, -1, 2).expand(FRAMES, -1, -1)


def points(seed: int = 1) -> torch.Tensor:
    return torch.rand(FRAMES, POINTS, 2, generator=torch.Generator().manual_seed(seed)) - 0.5


def made(kind: str, warped: float = 0.0):
    """`warped` is how far a warp network has been trained away from the identity."""
    if kind == "fixed":
        return FixedPoses(initial(), lattice())
    if kind == "direct":
        direct = DirectPoses(initial(), lattice())
        with torch.no_grad():
            direct.twist += warped * torch.randn(FRAMES, 6, generator=torch.Generator().manual_seed(5))
        return direct
    size = WarpNetworkSize(32, layers=5, embedding=8, skip=3) if kind == "l2g with a skip" else FAST_SIZE
    local = LocalToGlobal(initial(), lattice(), torch.Generator().manual_seed(3), size)
    with torch.no_grad():
        noise = torch.randn(local.network.last.weight.shape, generator=torch.Generator().manual_seed(4))
        local.network.last.weight += 0.1 * warped * noise  # so that it is not rigid
        local.network.last.bias += warped * torch.tensor([0.1, -0.2, 0.3, 0.2, 0.1, -0.1])
    return local


KINDS = ["fixed", "direct", "l2g", "l2g with a skip"]
everyone = torch.arange(FRAMES)


@pytest.mark.parametrize("kind", KINDS)
def test_it_starts_at_the_initial_poses(kind):
    registration = made(kind)
    torch.testing.assert_close(registration.poses(), initial(), atol=0.02, rtol=0)
    warped = registration.rays(everyone, points())
    origins, directions = rays.rays_through(initial()[:, None], points())
    torch.testing.assert_close(warped.origins, origins.expand_as(directions), atol=0.02, rtol=0)
    torch.testing.assert_close(warped.directions, directions, atol=0.02, rtol=0)
    assert 0 <= warped.alignment < 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_shapes(kind):
    registration = made(kind, 0.3)
    chosen = torch.tensor([2, 0])
    warped = registration.rays(chosen, points()[chosen])
    assert warped.origins.shape == warped.directions.shape == (2, POINTS, 3)
    assert warped.alignment.shape == ()
    assert registration.poses().shape == (FRAMES, 3, 4)
    assert not registration.poses().requires_grad
    whole = registration.rays(everyone, points())
    torch.testing.assert_close(warped.origins, whole.origins[chosen])


@pytest.mark.parametrize("kind", KINDS)
def test_rebase_gives_frames_exactly_the_wanted_poses(kind):
    registration = made(kind, 0.3)
    before, wanted = registration.poses(), initial(seed=9)
    chosen = torch.tensor([3, 1])
    registration.rebase(chosen, wanted[chosen])
    after = registration.poses()
    torch.testing.assert_close(after[chosen], wanted[chosen], atol=1e-5, rtol=0)
    assert torch.equal(after[[0, 2]], before[[0, 2]])


@pytest.mark.parametrize("kind", KINDS)
def test_poses_stay_rigid_however_often_they_are_moved(kind):
    registration = made(kind, 0.3)
    for seed in range(40):
        registration.rebase(everyone, initial(seed))
    poses = registration.poses()
    torch.testing.assert_close(poses, initial(39), atol=5e-5, rtol=0)
    gram = poses[..., :3] @ poses[..., :3].mT
    torch.testing.assert_close(gram, torch.eye(3).expand_as(gram), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_returned_poses_are_copies(kind):
    registration = made(kind)
    before = registration.poses()
    registration.poses().zero_()
    assert torch.equal(registration.poses(), before)


@pytest.mark.parametrize("kind", KINDS)
def test_the_warp_field_is_that_of_the_rays_beside_that_of_the_pose(kind):
    registration = made(kind, 0.3)
    field = registration.warp(2)
    count = lattice().shape[1]
    assert field.points.shape == (count, 2)
    for part in field[1:]:
        assert part.shape == (count, 3)
        assert not part.requires_grad
    local = registration.rays(torch.tensor([2]), lattice()[2:3])
    torch.testing.assert_close(field.local_origins, local.origins[0].detach())
    torch.testing.assert_close(field.local_directions, local.directions[0].detach())
    origins, directions = rays.rays_through(registration.poses()[2], lattice()[2])
    torch.testing.assert_close(field.global_origins, origins.expand_as(directions))
    torch.testing.assert_close(field.global_directions, directions)
    same = (field.local_directions - field.global_directions).abs().max() < 1e-5
    assert same == (kind in ("fixed", "direct"))


def test_rebase_hardly_changes_the_shape_of_a_warp():
    registration = made("l2g", 0.3)
    bend = registration.rays(everyone, points()).alignment
    registration.rebase(everyone, initial(seed=4))
    assert bend / 4 < registration.rays(everyone, points()).alignment < 4 * bend


def test_a_warp_that_is_rigid_is_aligned():
    registration = made("l2g")
    with torch.no_grad():
        registration.network.last.weight.zero_()
        registration.network.last.bias.copy_(torch.tensor([0.3, -0.2, 0.1, 0.4, 0.1, -0.2]))
    warped = registration.rays(everyone, points())
    assert warped.alignment < 1e-12
    twist = registration.network.last.bias.detach().expand(FRAMES, 6)
    torch.testing.assert_close(registration.poses(), compose(initial(), twist), atol=1e-5, rtol=0)


def test_a_warp_that_is_not_rigid_is_not():
    assert made("l2g", 0.5).rays(everyone, points()).alignment > 1e-8


def test_the_alignment_term_is_the_papers():
    registration = made("l2g", 0.3)
    warped = registration.rays(everyone, points())
    pose, placed, seen = registration._fit(points(), warped.origins, warped.directions)
    back = se3.transform(se3.invert(pose)[:, None], seen)
    torch.testing.assert_close(warped.alignment, ((back - placed) ** 2).mean())
    # no other pose fits better
    for seed in range(5):
        other = se3.compose(
            se3.exponential(0.01 * torch.randn(FRAMES, 6, generator=torch.Generator().manual_seed(seed))), pose
        )
        worse = ((se3.transform(se3.invert(other)[:, None], seen) - placed) ** 2).mean()
        assert worse > warped.alignment


@pytest.mark.parametrize("kind", ["l2g", "l2g with a skip"])
def test_the_gradients_reach_the_network(kind):
    for what in ("alignment", "directions"):
        registration = made(kind, 0.3)
        value = getattr(registration.rays(everyone, points()), what)
        (value if what == "alignment" else value[..., 0].square().sum()).backward()
        for name, parameter in registration.named_parameters():
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            assert parameter.grad.abs().max() > 0, name


def test_the_gradient_is_finite_where_training_starts():
    registration = made("l2g")
    registration.rays(everyone, points()).alignment.backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in registration.parameters())


def test_the_embedding_of_a_frame_affects_only_this_frame():
    registration = made("l2g", 0.3)
    before = registration.poses()
    with torch.no_grad():
        registration.network.embedding[1] += 1.0
    after = registration.poses()
    assert not torch.equal(after[1], before[1])
    assert torch.equal(after[[0, 2, 3]], before[[0, 2, 3]])


def test_direct_poses_are_base_and_twist():
    registration = made("direct", 0.2)
    torch.testing.assert_close(registration.poses(), compose(initial(), registration.twist.detach()))
    warped = registration.rays(everyone, points())
    assert warped.alignment == 0
    warped.directions.square().sum().backward()
    assert torch.isfinite(registration.twist.grad).all()
    registration.rebase(torch.tensor([2]), initial(seed=9)[2:3])
    assert (registration.twist[2] == 0).all()
    assert (registration.twist[1] != 0).any()


def test_fixed_poses_have_nothing_to_optimise():
    registration = made("fixed")
    assert list(registration.module().parameters()) == []
    assert not registration.rays(everyone, points()).directions.requires_grad


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded(kind):
    one, other = made(kind, 0.3), made(kind)
    one.rebase(torch.tensor([1]), initial(seed=7)[1:2])
    other.module().load_state_dict(one.module().state_dict())
    assert torch.equal(one.poses(), other.poses())


def test_one_seed_gives_one_network():
    states = [
        LocalToGlobal(initial(), lattice(), torch.Generator().manual_seed(seed)).state_dict() for seed in (0, 0, 1)
    ]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[0]["network.embedding"], states[2]["network.embedding"])


@pytest.mark.parametrize("kind", KINDS)
def test_neighbours_share_the_warp_of_their_middle(kind):
    registration = made(kind, warped=0.3)
    corners = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]]) * 1e-3
    blocks = (points()[:, :, None] + corners).flatten(1, 2)
    shared = registration.rays(everyone, blocks, neighbours=4)
    own = registration.rays(everyone, blocks)
    middles = registration.rays(everyone, points())
    torch.testing.assert_close(shared.origins.unflatten(1, (-1, 4)), middles.origins[:, :, None].expand(-1, -1, 4, -1))
    torch.testing.assert_close(shared.directions.unflatten(1, (-1, 4)).mean(2), middles.directions)
    # and that of a neighbour differs little from its own: a thousandth of the image plane lies between them
    torch.testing.assert_close(shared.directions, own.directions, atol=1e-2, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_added_frames_have_their_poses_and_do_not_change_the_others(kind):
    registration, before = made(kind, 0.3), made(kind, 0.3)
    wanted = initial(seed=8)[:2]
    registration.extend(wanted, lattice()[:2], torch.tensor([1, 3]))
    assert torch.equal(registration.poses()[:FRAMES], before.poses())
    torch.testing.assert_close(registration.poses()[FRAMES:], wanted, atol=1e-5, rtol=0)
    one, other = (it.rays(everyone, points()) for it in (registration, before))
    assert torch.equal(one.origins, other.origins)
    assert torch.equal(one.directions, other.directions)
    for name, value in before.module().state_dict().items():
        grown = registration.module().state_dict()[name]
        assert torch.equal(grown[: len(value)], value), name
    moving = dict(registration.module().named_parameters())
    assert all(parameter.requires_grad for parameter in moving.values())
    assert moving.keys() == dict(before.module().named_parameters()).keys()


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_poses_go_a_share_of_the_way_and_the_warp_is_stiffened(share):
    registration = made("l2g", 0.5)
    before, bend = registration.fitted(), registration.rays(everyone, points()).alignment.detach()
    with torch.no_grad():
        registration.network.last.bias += 0.01 * torch.tensor([1.0, -1.0, 0.5, 1.0, -2.0, 0.5])
    now = registration.fitted()
    registration.follow(before, WarpStep(share, stiffness=100.0, limit=10.0, bend=0.0))
    torch.testing.assert_close(registration.fitted(), torch.lerp(before, now, share), atol=2e-4, rtol=0)
    assert registration.rays(everyone, points()).alignment < bend / 100


def test_a_warp_is_kept_where_nothing_stiffens_it_and_bounded():
    registration = made("l2g", 0.5)
    bend = registration.rays(everyone, points()).alignment.detach()
    registration.follow(registration.fitted(), WarpStep(1.0, stiffness=0.0, limit=10.0, bend=0.0))
    kept = registration.rays(everyone, points()).alignment.detach()
    torch.testing.assert_close(kept, bend, rtol=1e-3, atol=0)
    poses = registration.fitted()
    registration.follow(poses, WarpStep(1.0, stiffness=0.0, limit=float(bend.sqrt()) / 10, bend=0.0))
    assert registration.rays(everyone, points()).alignment < bend / 4
    torch.testing.assert_close(registration.fitted(), poses, atol=1e-5, rtol=0)
