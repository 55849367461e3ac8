"""The voxel grid as a field: what is kept from stage to stage, blurred copies, what gathers gradients."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from engine.fields.spaces import BoxSpace, ProjectiveSpace
from engine.fields.voxel_grid.field import VoxelGrid
from engine.geometry import rays
from engine.geometry.rays import pixel_grid
from engine.system.arrays import OwnTensors
from tests.support.worlds.relief import HEIGHT, WIDTH, blob, looking_at_blob, relief

FIELDS = pytest.mark.parametrize("make", [relief, blob])


def view(field: VoxelGrid, width: int = WIDTH, height: int = HEIGHT) -> tuple[torch.Tensor, torch.Tensor]:
    """Rays of one picture."""
    pose = torch.eye(3, 4) if isinstance(field.space, ProjectiveSpace) else looking_at_blob(1)[0]
    scale = torch.tensor([width, height])
    plane = ((pixel_grid(height, width) / scale - 0.5) * torch.tensor([1.0, 0.75])).reshape(-1, 2)
    origins, directions = rays.rays_through(pose, plane)
    return origins.expand_as(directions).contiguous(), directions.contiguous()


@torch.no_grad()
def picture(field: VoxelGrid, width: int = WIDTH, height: int = HEIGHT) -> torch.Tensor:
    return field.render(*view(field, width, height)).colour.view(height, width, 3)


@FIELDS
def test_the_next_stage_starts_from_the_same_picture(make):
    field = make()
    before, version = picture(field), field.version
    field.begin_stage(replace(field.stage, planes=32, voxels=round(field.stage.voxels * 1.5), samples=96))
    assert field.version > version
    assert (picture(field) - before).abs().mean() < 0.05


@FIELDS
def test_a_tint_is_zero_at_first(make):
    field = make()
    before = picture(field)
    field.begin_stage(replace(field.stage, directional=True))
    assert field.grid.tint is not None
    torch.testing.assert_close(picture(field), before, atol=1e-4, rtol=0)


@FIELDS
def test_proposals_give_the_picture_of_many_samples(make):
    field = make(samples=96)
    before = picture(field)
    field.begin_stage(replace(field.stage, samples=24, proposals=True))
    assert (picture(field) - before).abs().mean() < 0.02


def test_a_blurred_copy_looks_like_a_blurred_photo():
    field = relief()
    small = F.avg_pool2d(picture(field).permute(2, 0, 1), 4).permute(1, 2, 0)
    copy = field.at_resolution(round(field.grid.shape[2] / 4))
    assert copy.grid.shape[0] == field.grid.shape[0]
    assert max(copy.grid.shape[1:]) == field.grid.shape[2] // 4
    found = picture(copy, WIDTH // 4, HEIGHT // 4)
    assert (found - small).abs().mean() < 0.06
    assert (found - small).abs().mean() < 0.5 * (small - small.mean(dim=(0, 1))).abs().mean()


def test_a_blurred_copy_of_a_box_shows_the_same_thing():
    field = blob()
    copy = field.at_resolution(12)
    assert copy.grid.shape == (12, 12, 12)
    assert torch.equal(copy.background, field.background)
    assert (picture(copy) - picture(field)).abs().mean() < 0.08


@FIELDS
def test_a_copy_does_not_change_the_original(make):
    field = make(samples=8)
    voxels, state = field.grid.voxels.clone(), field.generator.get_state()
    copy = field.at_resolution(8)
    copy.render(*[part.requires_grad_(True) for part in view(field, 8, 6)]).colour.sum().backward()
    assert torch.equal(field.grid.voxels, voxels)
    assert torch.equal(field.generator.get_state(), state)
    assert not field.grid.gradient.any()
    assert not copy.grid.gradient.any()


@FIELDS
def test_a_copy_that_would_not_be_coarser_is_the_field_itself(make):
    field = make()
    assert field.at_resolution(1000) is field


@FIELDS
def test_a_frozen_grid_gets_no_gradients_but_the_rays_do(make):
    field = make(samples=16)
    origins, directions = (part.requires_grad_(True) for part in view(field, 16, 12))
    with field.frozen():
        field.render(origins, directions).colour.square().sum().backward()
    assert not field.grid.gradient.any()
    assert not field.grid.touched.any()
    assert origins.grad.abs().max() > 0
    assert directions.grad.abs().max() > 0
    field.render(origins, directions).colour.square().sum().backward()
    assert field.grid.gradient.any()


def test_an_error_ends_a_frozen_block():
    field = relief(samples=4)

    def fail() -> None:
        with field.frozen():
            raise ValueError("no picture")

    with pytest.raises(ValueError, match="no picture"):
        fail()
    origins, directions = (part.requires_grad_(True) for part in view(field, 8, 6))
    field.render(origins, directions).colour.sum().backward()
    assert field.grid.gradient.any()


@FIELDS
def test_discarded_gradients_change_nothing(make):
    field = make(samples=16)
    field.begin_stage(replace(field.stage, directional=True))
    voxels = field.grid.voxels.clone()
    origins, directions = (part.requires_grad_(True) for part in view(field, 16, 12))
    field.render(origins, directions).colour.square().sum().backward()
    assert field.grid.gradient.any()
    assert field.grid.tint.gradient.any()
    field.discard()
    assert not field.grid.gradient.any()
    assert not field.grid.tint.gradient.any()
    field.step(0.0)
    assert torch.equal(field.grid.voxels, voxels)


@FIELDS
def test_a_step_brings_the_picture_closer_to_the_photo_and_clears_the_gradients(make):
    field = make(samples=24)
    field.begin_stage(replace(field.stage, field_rate=(5e-2, 5e-2)))
    origins, directions = view(field, 24, 18)
    wanted = torch.rand(24 * 18, 3, generator=torch.Generator().manual_seed(0))
    losses = []
    for _ in range(12):
        loss = F.mse_loss(field.render(origins.requires_grad_(True), directions).colour, wanted)
        loss.backward()
        field.step(0.5)
        losses.append(float(loss.detach()))
        assert not field.grid.gradient.any()
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("directional", [False, True])
@pytest.mark.parametrize("proposals", [False, True])
def test_saved_and_loaded_it_is_the_same_field(directional, proposals):
    field = blob(samples=12)
    stage = replace(field.stage, directional=directional, proposals=proposals)
    field.begin_stage(stage)
    origins, directions = view(field, 24, 18)

    def learn(one: VoxelGrid) -> None:
        one.render(origins.requires_grad_(True), directions).colour.square().sum().backward()
        one.step(0.3)

    for _ in range(3):
        learn(field)
    kept = {name: value.clone() for name, value in field.state().items()}
    other = VoxelGrid(field.space, (1.0, 1.0, 1.0), torch.Generator().manual_seed(9))
    other.begin_stage(stage)
    other.load_state(kept)
    for one in (field, other):
        for _ in range(8):
            learn(one)
    assert torch.equal(field.grid.voxels, other.grid.voxels)
    assert torch.equal(picture(field, 16, 12), picture(other, 16, 12))


def test_the_background_is_seen_through_an_empty_field():
    field = VoxelGrid(BoxSpace((0.0, 0.0, 0.0), 1.0), (0.1, 0.5, 0.9), torch.Generator().manual_seed(0))
    field.begin_stage(replace(blob().stage, voxels=8))
    origins = torch.tensor([[0.0, 0, -4], [3.0, 3, -4]])
    seen = field.render(origins, torch.tensor([[0.0, 0, 1], [0.0, 0, 1]]))
    torch.testing.assert_close(seen.colour, torch.tensor([[0.1, 0.5, 0.9]]).expand(2, 3), atol=2e-3, rtol=0)
    assert seen.opacity.max() < 1e-2
    assert seen.opacity[1] == 0


def test_depth_is_that_of_the_surface():
    field = VoxelGrid(ProjectiveSpace((0.8, 0.6)), None, torch.Generator().manual_seed(0))
    field.begin_stage(replace(relief().stage, planes=33, samples=256))
    field.grid.voxels[..., 0] = -12.0
    field.grid.voxels[16:, ..., 0] = -12.0
    field.grid.voxels[15:18, ..., 0] = 12.0  # ends half-way to plane 18 of 32
    seen = field.render(*view(field, 8, 6))
    torch.testing.assert_close(seen.depth, torch.full((48,), 32 / 17.4), atol=0.06, rtol=0)
    assert seen.opacity.min() > 0.99


def test_the_volume_for_the_window_is_a_copy_within_the_limit():
    field = relief()
    whole = field.volume(256)
    assert torch.equal(whole, field.grid.voxels)
    whole.zero_()
    assert field.grid.voxels.any()
    fitting = field.volume(36)
    assert max(fitting.shape[:3]) == 36
    assert fitting.shape[3] == 4


def test_a_grid_without_a_stage_raises_an_error():
    field = VoxelGrid(ProjectiveSpace((0.8, 0.6)), None, torch.Generator().manual_seed(0))
    with pytest.raises(RuntimeError, match="no voxels before its first stage"):
        _ = field.grid
    with pytest.raises(RuntimeError, match="no stage before its first"):
        _ = field.stage


@FIELDS
def test_a_checkpoint_hands_its_tensors_over_and_a_running_field_does_not(make):
    running, copied, taken = make(), make(), make()
    state = running.state()
    copied.load_state(state)
    taken.load_state(OwnTensors(state))
    assert taken.grid.voxels.data_ptr() == state["voxels"].data_ptr()  # nothing is held twice
    copied.grid.voxels.add_(1.0)
    copied.grid.first.add_(1.0)
    assert torch.equal(taken.grid.voxels, running.grid.voxels)
    assert torch.equal(taken.grid.first, running.grid.first)
    with pytest.raises(ValueError, match="moments"):
        taken.load_state({**state, "first": state["first"][:-1]})
