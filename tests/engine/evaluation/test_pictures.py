import numpy as np
import pytest
import torch

from engine.evaluation.held_out import HeldOutFrame, evaluate_held_out
from engine.evaluation.pictures import colour_depth, colour_errors, draw_side_by_side, picture_name
from engine.evaluation.views import View
from engine.scenes.scene import SceneKind
from tests.support.worlds.analytic import HEIGHT, WIDTH, Wall, cameras, photographed


@pytest.fixture(scope="module")
def frame() -> HeldOutFrame:
    poses = cameras(5)
    [found] = evaluate_held_out(Wall(), photographed(poses, (4,)), poses[:4], refine=False)
    return found


@pytest.mark.parametrize("kind", ["forward-facing", "object", "unbounded"])
def test_four_panels_are_drawn_side_by_side(frame: HeldOutFrame, kind: SceneKind) -> None:
    sheet = draw_side_by_side(frame, kind)
    factor = 7  # 48 pixels are enlarged to 320 or more
    assert sheet.size == (4 * WIDTH * factor + 3 * 6, HEIGHT * factor + 26)
    pixels = np.asarray(sheet)
    photo = pixels[26:, : WIDTH * factor][factor // 2 :: factor, factor // 2 :: factor]
    np.testing.assert_array_equal(photo, (frame.photo * 255).round().byte().numpy())
    for index in range(4):  # every panel has a title
        start = index * (WIDTH * factor + 6)
        assert pixels[:26, start : start + WIDTH * factor].max() > 150


def test_errors_go_from_black_to_bright() -> None:
    photo = torch.zeros(2, 3, 3)
    rendering = photo.clone()
    rendering[1] = 1.0
    colours = colour_errors(rendering, photo).astype(int).sum(-1)
    assert colours[0].max() < 20
    assert colours[1].min() > 500


def test_near_is_red_and_far_is_blue_and_nothing_is_white() -> None:
    depth = torch.linspace(1, 10, 50).expand(3, 50).clone()
    opacity = torch.ones(3, 50)
    opacity[:, 20] = 0
    for kind in ("forward-facing", "object", "unbounded"):
        colours, title = colour_depth(View(torch.zeros(3, 50, 3), depth, opacity), kind)
        assert colours[0, 2, 0] > colours[0, 2, 2]
        assert colours[0, -3, 2] > colours[0, -3, 0]
        assert (colours[:, 20] == 255).all()
        assert title.startswith("depth   1")


def test_depth_that_is_not_finite_or_not_there_is_white() -> None:
    depth = torch.tensor([[1.0, float("inf"), float("nan"), -1.0]])
    colours, _ = colour_depth(View(torch.zeros(1, 4, 3), depth, torch.ones(1, 4)), "forward-facing")
    assert (colours[0, 1:] == 255).all()
    nothing, title = colour_depth(View(torch.zeros(1, 4, 3), depth, torch.zeros(1, 4)), "object")
    assert (nothing == 255).all()
    assert "nothing" in title


def test_frames_of_equal_names_in_different_folders_get_different_pictures(frame: HeldOutFrame) -> None:
    names = {picture_name(i, n) for i, n in enumerate(["test/r_0.png", "train/r_0.png"])}
    assert names == {"0000_r_0.png", "0001_r_0.png"}
