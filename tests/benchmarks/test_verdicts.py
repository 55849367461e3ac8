"""The arithmetic of the benchmark of verdicts, and the places that it renders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.scenes import Scene, load_scene
from tests.benchmarks import verdicts
from tests.benchmarks.support.verdict_cases import CASES, Case
from tests.benchmarks.support.verdict_inputs import Made, choose, open_source, posed, turntable
from tests.support.scenes.synthetic import looking_at, project
from tests.support.worlds.textured import FOCAL, HEIGHT, WIDTH, Rectangle, render

REPOSITORY = Path(__file__).parents[2]


def test_thirty_of_either_kind_with_different_names() -> None:
    declared = [case.declared for case in CASES]
    assert (declared.count("right"), declared.count("wrong")) == (30, 30)
    assert len({case.name for case in CASES}) == 60
    assert [case.declared for case in verdicts.choose_cases((), quick=True)] == 3 * ["right"] + 3 * ["wrong"]


@pytest.mark.parametrize(
    ("right", "state", "points"),
    [
        (True, "registered", 1),
        (True, "doubtful", 0.5),
        (True, "failed", 0),
        (False, "registered", 0),
        (False, "failed", 1),
    ],
)
def test_points(right: bool, state: str, points: float) -> None:
    assert verdicts.points_for(right, state) == points


def test_what_counts_is_how_it_ended() -> None:
    case = Case("", "wrong", lambda *_: Made((), None))
    near, far = {"alone": 0.1, "spread": 0.5}, {"alone": 0.1, "spread": 50.0}
    assert verdicts.is_right(case, near)
    assert not verdicts.is_right(case, far)
    assert not verdicts.is_right(case, None)
    fixed = Case("", "wrong", lambda *_: Made((), None), measured=False)
    assert not verdicts.is_right(fixed, near)


def test_a_rendered_rectangle_is_seen_where_it_is() -> None:
    dot = np.zeros((64, 64, 3), dtype=np.uint8)
    dot[30:34, 30:34] = 255
    wall = Rectangle(np.array([2.0, -1, 1]), np.array([0, 2.0, 0]), np.array([0, 0, -2.0]), dot)
    pose = looking_at(torch.tensor([[-2.0, 0.4, 0.3]]).double(), torch.tensor([2.0, 0.2, 0.1]).double())[0]
    picture = render([wall], pose, noise=0.0)[..., 0].astype(float) * (render([wall], pose, noise=0.0)[..., 0] > 100)
    rows, columns = np.indices(picture.shape)
    seen = [float((picture * (places + 0.5)).sum() / picture.sum()) for places in (columns, rows)]
    wanted = project(torch.tensor([[2.0, 0.0, 0.0]]).double(), pose, FOCAL, WIDTH, HEIGHT)[0]
    assert seen == pytest.approx(wanted.tolist(), abs=0.7)


def test_a_turntable_is_written_with_masks_of_the_object(tmp_path: Path) -> None:
    made = turntable(tmp_path, 2, masked=True)
    mask = np.asarray(Image.open(tmp_path / "masks" / "photo_001.png"))
    assert 0.1 < (mask > 0).mean() < 0.6
    assert made.reference is not None
    assert sorted(made.reference) == ["photo_000.jpg", "photo_001.jpg"]
    assert not torch.equal(*made.reference.values())


@pytest.mark.parametrize("colmap", [False, True])
def test_poses_of_copies_are_read_as_they_were_written(tmp_path: Path, colmap: bool) -> None:
    source = open_source(REPOSITORY, "desk")
    names = choose(source, 13)
    made = posed(source, names, tmp_path, colmap=colmap, order=[1, 0, *range(2, len(names))])
    scene = load_scene(tmp_path)
    assert isinstance(scene, Scene)
    assert scene.reference_poses is not None
    wanted = torch.stack([source.reference[names[index]] for index in (1, 0, *range(2, len(names)))]).float()
    assert torch.allclose(scene.reference_poses, wanted, atol=1e-4)
    assert scene.intrinsics.focal[0, 0] / scene.intrinsics.width == pytest.approx(773 / 1024, rel=1e-3)
    assert made.reference is not None
    assert torch.equal(made.reference[names[0]], source.reference[names[0]])
