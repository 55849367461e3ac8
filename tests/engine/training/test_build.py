"""From settings to parts."""

from dataclasses import replace

import pytest
import torch

from engine.config.settings import Settings
from engine.errors import UserError
from engine.fields.hash.field import HashField
from engine.fields.mlp.field import MlpField
from engine.fields.mlp.quick import QuickMlpField
from engine.fields.spaces import BoxSpace, ProjectiveSpace, plane_extent, space_of
from engine.fields.voxel_grid.field import VoxelGrid
from engine.registration.direct import DirectPoses
from engine.registration.fixed import FixedPoses
from engine.registration.local_to_global import LocalToGlobal
from engine.training.build import build_field, build_registration
from tests.support.runs.short_runs import fern

CPU = torch.device("cpu")


def registration(**settings):
    poses, lattice = torch.eye(3, 4).repeat(2, 1, 1), torch.rand(2, 10, 2)
    return build_registration(Settings(**settings), poses, lattice, torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("l2g", LocalToGlobal),
        ("barf", DirectPoses),
        ("naive", DirectPoses),
        ("no-encoding", DirectPoses),
        ("reference", FixedPoses),
    ],
)
def test_every_method_has_its_registration(method, kind):
    assert type(registration(method=method)) is kind


def test_the_papers_warp_network_is_larger():
    small, large = (
        sum(parameter.numel() for parameter in registration(preset=preset).parameters())
        for preset in ("default", "paper")
    )
    assert large > 5 * small


@pytest.mark.parametrize(
    ("name", "preset", "kind"),
    [
        ("grid", "default", VoxelGrid),
        ("mlp", "default", QuickMlpField),
        ("mlp", "paper", MlpField),
        ("hash", "default", HashField),
    ],
)
def test_every_field_is_built(name, preset, kind):
    field = build_field(fern(), Settings(field=name, preset=preset), torch.Generator().manual_seed(0), CPU)
    assert type(field) is kind


def test_a_grid_without_encoding_is_refused_in_a_sentence():
    with pytest.raises(UserError, match=r"no-encoding needs --field mlp: a grid has no positional encoding"):
        build_field(fern(), Settings(method="no-encoding"), torch.Generator(), CPU)


def test_the_space_is_that_of_the_scenes_kind():
    scene = fern()
    assert isinstance(space_of(scene), ProjectiveSpace)
    assert space_of(replace(scene, kind="object", box_half_extent=2.5)) == BoxSpace((0.0, 0.0, 0.0), 2.5)


def test_the_volume_holds_more_than_the_widest_image():
    scene = fern()
    wide, high = plane_extent(scene)
    intrinsics = scene.intrinsics
    assert wide > intrinsics.width / 2 / float(intrinsics.focal[0, 0])
    assert high > intrinsics.height / 2 / float(intrinsics.focal[0, 1])
    focal = intrinsics.focal.clone()
    focal[4] /= 2  # one frame sees twice as much
    wider, higher = plane_extent(replace(scene, intrinsics=replace(intrinsics, focal=focal)))
    assert wider == pytest.approx(2 * wide)
    assert higher == pytest.approx(2 * high)
