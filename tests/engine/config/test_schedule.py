"""What every table of stages must be, whatever its numbers."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from engine.config.settings import Settings
from engine.errors import UserError
from engine.evidence.tracks import Tracks
from engine.fields.stages import stages
from tests.support.runs.short_runs import fern

METHODS = ["l2g", "barf", "naive", "no-encoding", "reference"]


def scene(kind="forward-facing", width=504, height=378):
    """As far as a schedule looks at one."""
    intrinsics = replace(fern().intrinsics, width=width, height=height)
    return replace(fern(), kind=kind, intrinsics=intrinsics)


KINDS = pytest.mark.parametrize("kind", ["forward-facing", "object", "unbounded"])


@KINDS
@pytest.mark.parametrize("width", [8, 40, 126, 400, 504, 640, 4000])
@pytest.mark.parametrize("method", METHODS)
def test_a_table_goes_from_coarse_to_fine(kind, width, method):
    table = stages(scene(kind, width, max(width * 3 // 4, 1)), Settings(method=method, assist=method != "naive"))
    assert table
    assert table[-1].downsample == 1
    for coarse, fine in pairwise(table):
        assert coarse.downsample == 2 * fine.downsample
        assert coarse.voxels < fine.voxels
        assert coarse.planes <= fine.planes
        assert coarse.directional <= fine.directional  # view dependence comes after registration
    for row in table:
        assert width // row.downsample >= 1
        assert row.iterations > 0
        assert 0 <= row.settle < row.iterations
        assert row.rays > 0
        assert row.samples > 0
        assert row.smoothness >= 0
        for first, last in (row.field_rate, row.pose_rate):
            assert first >= last > 0
        assert all(one > other for one, other in pairwise(row.bundle))
        assert all(factor >= 1 for factor in row.bundle)
    assert len({row.name for row in table}) == len(table)


@KINDS
def test_more_pixels_are_more_stages(kind):
    counts = [len(stages(scene(kind, width, width), Settings())) for width in (32, 64, 128, 256, 512)]
    assert counts == sorted(counts)
    assert counts[0] == 1
    assert counts[-1] > 2


def test_photos_of_fewer_pixels_get_fewer_planes():
    """What lies between two planes of a small photo is less than a pixel."""
    planes = [stages(scene("forward-facing", width, width), Settings())[-1].planes for width in (64, 256, 512, 1024)]
    assert planes == sorted(planes)
    assert planes[0] < planes[2]


@KINDS
def test_naive_has_the_finest_band_for_as_long_as_all_together(kind):
    table, naive = stages(scene(kind), Settings()), stages(scene(kind), Settings(method="naive", assist=False))
    assert len(naive) == 1
    assert naive[0].downsample == 1
    assert naive[0].voxels == table[-1].voxels
    assert naive[0].iterations == sum(row.iterations for row in table)
    assert naive[0].bundle == ()


@KINDS
def test_naive_with_help_is_adjusted_when_the_others_are(kind):
    table, naive = stages(scene(kind), Settings()), stages(scene(kind), Settings(method="naive"))
    for row, usual in zip(naive, table, strict=True):
        assert (row.iterations, row.bundle, row.pose_rate) == (usual.iterations, usual.bundle, usual.pose_rate)
        assert (row.downsample, row.voxels, row.planes) == (1, table[-1].voxels, table[-1].planes)
    assert len({row.name for row in naive}) == len(naive)


@KINDS
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("known", [False, True])
def test_without_help_nothing_is_adjusted(kind, method, known):
    table = stages(replace(scene(kind), poses_known=known), Settings(method=method, assist=False))
    assert all(row.bundle == () for row in table)


def test_the_paper_has_no_help_unless_it_is_asked_for():
    assert Settings().assist
    assert Settings(preset="paper").assist is False
    assert Settings(preset="paper", assist=True).assist


def test_an_unknown_method_is_refused_with_those_that_there_are():
    with pytest.raises(UserError, match="no method best; choose one of l2g, barf, naive, no-encoding, reference"):
        stages(scene(), Settings(method="best"))


@KINDS
def test_fixed_poses_are_neither_adjusted_nor_waited_for(kind):
    assert all(row.bundle == () and row.settle == 0 for row in stages(scene(kind), Settings(method="reference")))


def test_a_table_knows_no_names_and_no_seeds():
    one, other = scene(), replace(scene(), name="another", names=fern().names[::-1])
    assert stages(one, Settings()) == stages(other, Settings(seed=5, lambda_exponent=0.0))


@KINDS
def test_the_papers_schedule_is_one_stage_on_whole_images(kind):
    (paper,) = stages(scene(kind), Settings(preset="paper"))
    assert paper.downsample == 1
    assert paper.iterations == 200_000
    assert paper.samples == 128
    assert paper.rays == (2048 if kind == "forward-facing" else 1024)
    assert math.isclose(paper.pose_rate[1], 1e-8)
    assert paper.bundle == ()


@KINDS
@pytest.mark.parametrize("width", [40, 126, 504])
def test_known_poses_wait_for_a_field_and_then_move_less(kind, width):
    unknown = scene(kind, width, width)
    known = stages(replace(unknown, poses_known=True), Settings())
    for row, usual in zip(known, stages(unknown, Settings()), strict=True):
        assert replace(row, pose_rate=(1, 1), settle=0, bundle=()) == replace(
            usual, pose_rate=(1, 1), settle=0, bundle=()
        )
        still = row.settle == row.iterations
        assert still or row.pose_rate[0] <= min(usual.pose_rate[0], 2e-4)
        assert row.bundle == ()
    assert known[-1].settle < known[-1].iterations
    assert all(row.settle == row.iterations for row in known[:-2])
    lens = stages(replace(unknown, poses_known=True), Settings(refine_intrinsics=True))
    assert [row.bundle for row in lens[-2:]] == [row.bundle for row in stages(unknown, Settings())[-2:]]


def no_tracks():
    none = torch.zeros(0, dtype=torch.long)
    return Tracks(none, none, torch.zeros(0, 2), torch.zeros(0, 3))


@KINDS
def test_known_poses_are_adjusted_where_matches_hold_them(kind):
    known = replace(scene(kind), poses_known=True, tracks=no_tracks())
    adjusted = [row.bundle for row in stages(known, Settings())]
    assert any(adjusted)
    assert adjusted == [row.bundle for row in stages(known, Settings(refine_intrinsics=True))]
    alone = stages(replace(known, tracks=None), Settings(refine_intrinsics=True))
    assert adjusted == [row.bundle[-1:] for row in alone]
    for held, free in zip(stages(known, Settings())[-2:], alone[-2:], strict=True):
        assert held.pose_rate[0] == pytest.approx(0.01 * free.pose_rate[0])
    for without in (Settings(matches=False), Settings(assist=False)):
        assert not any(row.bundle for row in stages(known, without))
