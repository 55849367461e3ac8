"""Pixels that lenses have no rays for: masked, and said."""

import json
import math
from pathlib import Path

import pytest
import torch

from engine.errors import UserError
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.lens_models import LensModel, make_row, stack_distortions
from engine.scenes import load_scene
from engine.scenes.lens_masks import MISFIT, mask_by_lens
from tests.support.scenes.synthetic import object_poses, write_nerfstudio


def lens(focal, *rows, width=64, height=48):
    count = len(rows)
    return Intrinsics(
        torch.full((count, 2), float(focal)),
        torch.tensor([[width / 2, height / 2]]).repeat(count, 1),
        stack_distortions(rows),
        width,
        height,
    )


def test_lenses_that_show_every_pixel_have_no_masks():
    found = mask_by_lens(lens(40, make_row([-0.1, 0.01]), make_row([0.01], LensModel.FISHEYE)), ["a", "b"])
    assert found == (None, (), ())


def test_a_fisheye_is_masked_beyond_80_degrees():
    found = mask_by_lens(lens(20, make_row([], LensModel.FISHEYE), make_row([-0.01])), ["a.jpg", "b.jpg"])
    assert found.counts is not None
    assert found.counts[1].all()
    y, x = torch.meshgrid(torch.arange(48) + 0.5, torch.arange(64) + 0.5, indexing="ij")
    angle = torch.hypot(x - 32, y - 24) / 20
    assert (found.counts[0] == (angle <= math.radians(80))).all()
    share = 100 * (angle > math.radians(80)).float().mean().item()
    assert found.notes[0].startswith(f"{share:.2g} % of the pixels of 1 photos, such as a.jpg")


def test_a_perspective_lens_is_masked_where_it_folds_over():
    found = mask_by_lens(lens(40, make_row([-0.5])), ["a"])  # it shows radii up to 0.54
    assert found.counts is not None
    y, x = torch.meshgrid(torch.arange(48) + 0.5, torch.arange(64) + 0.5, indexing="ij")
    radius = torch.hypot(x - 32, y - 24) / 40
    assert found.counts[0][radius < 0.52].all()
    assert not found.counts[0][radius > 0.56].any()


def test_what_cannot_be_refined_is_said():
    found = mask_by_lens(lens(40, make_row([0.9], LensModel.FOV), make_row([])), ["a", "b"])
    assert found.notes == ("The lens model FOV has no k1: where lenses are refined, its focal length alone is.",)


def test_a_scene_tells_what_it_masks(tmp_path: Path):
    write_nerfstudio(tmp_path, object_poses(), camera_model="OPENCV_FISHEYE", fl_x=10.0, fl_y=10.0)
    scene = load_scene(tmp_path)
    assert scene.masks is not None
    assert not scene.masks[:, 0, 0].any()
    assert scene.masks[:, 12, 15].all()
    assert any("80 degrees" in note for note in scene.notes)


def test_a_lens_that_fits_no_picture_leaves_its_frame_out(tmp_path: Path):
    content = write_nerfstudio(tmp_path, object_poses())
    content["frames"][4]["k1"] = -1e4
    (tmp_path / "transforms.json").write_text(json.dumps(content))
    scene = load_scene(tmp_path)
    assert len(scene.names) == 9
    name = Path(content["frames"][4]["file_path"]).name
    assert [(one.name, one.reason) for one in scene.left_out] == [(name, MISFIT)]
    write_nerfstudio(tmp_path, object_poses(), k1=-1e4)
    with pytest.raises(UserError, match=r"transforms\.json has no photo that can be used.*lens"):
        load_scene(tmp_path)
