"""Kicks of patches on a learned image that stands still, as the window's command would do them."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.config.settings import Settings
from engine.errors import UserError
from engine.geometry.warp_names import PlanarWarp
from engine.lab.basin.files import write_basin
from engine.lab.basin.map import Basin, choose_kicks, measure_basin
from engine.lab.basin.options import BasinOptions, BasinRequest
from engine.lab.basin.patch_kicks import PatchKicks, kick_corners
from engine.lab.frozen import FrozenPatches, freeze
from engine.messages import PerturbPatch
from engine.run.session import Session
from engine.scenes.planar import pixel_transforms
from engine.training.planar.snapshot import patch_corners
from engine.training.planar.trainer import PlanarTrainer
from tests.support.scenes.planar_scenes import planar_scene

OPTIONS = BasinOptions(side=3, directions=2, steps=200, patch_pixels=64)


@lru_cache(maxsize=4)
def session_of(warp: PlanarWarp, steps: int = 0) -> Session:
    """A run at the true transforms."""
    scene, settings = planar_scene(warp), Settings(method="reference", matches=False)
    made = PlanarTrainer(scene, settings)
    while made.iteration < steps:
        made.step()
    found = Session(scene, settings, make_trainer=lambda *_: made)
    found.begin()
    return found


def frozen_of(session: Session) -> FrozenPatches:
    run = freeze(session)
    assert isinstance(run, FrozenPatches)
    return run


def basin_of(session: Session, request: BasinRequest, options: BasinOptions = OPTIONS) -> Basin:
    done = list(measure_basin(request, options)(session))[-1]
    assert done is not None
    return done


def test_small_kicks_come_back_and_huge_ones_do_not(tmp_path: Path) -> None:
    session = session_of("rigid", 80)
    near = basin_of(session, BasinRequest(1, None, turn_deg=6.0, shift=5.0))
    assert near.returned.tolist() == [[1.0] * 3] * 3
    assert 1 == near.median_steps[0, 0] < near.median_steps[2, 2] <= OPTIONS.steps
    assert len(near.stages) >= 1
    assert (near.rows.unit, near.columns.unit) == ("px", "°")
    far = basin_of(
        session, BasinRequest(None, None, 170.0, 90.0), BasinOptions(side=2, directions=1, steps=40, patch_pixels=64)
    )
    assert far.returned[0, 0] == 1.0
    assert far.returned[1, 1] == 0.0
    assert [one.frame for one in far.tried] == [1, 2], "the first patch is fixed"
    write_basin(far, ["a", "b", "c"], tmp_path)
    with (tmp_path / "basin.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["came_back"] for row in rows if row["frame"] == "c"][::3] == ["1", "0"]
    assert [float(row["shift_px"]) for row in rows[:4]] == [0.0, 0.0, 90.0, 90.0]
    assert float(rows[3]["final_corner_distance_px"]) > 1.0
    assert (tmp_path / "basin.png").read_bytes().startswith(b"\x89PNG")


def test_a_kick_for_real_puts_the_patch_where_the_tried_one_was() -> None:
    session = session_of("homography")
    run, made = frozen_of(session), session.trainer
    assert isinstance(made, PlanarTrainer)
    request = BasinRequest(2, None, 45.0, 15.0, corners=8.0)
    kicks, view = choose_kicks(run, request, OPTIONS), run.look(2, None, 100)
    drawn = kicks.draw(1, view)
    before = patch_corners(made.scene, made.transforms())[2]
    wanted = kick_corners(before, drawn[2, 1], made.scene)
    first, second, third, fourth = ((float(x), float(y)) for x, y in wanted)
    moved = made.moves(PerturbPatch(2, (first, second, third, fourth))).moves
    tried = pixel_transforms(made.scene, kicks.place(drawn, view)[2, 1][None])
    torch.testing.assert_close(patch_corners(made.scene, tried), patch_corners(made.scene, moved), atol=1e-2, rtol=0)
    torch.testing.assert_close(patch_corners(made.scene, tried)[0], wanted, atol=1e-2, rtol=0)
    apart = (wanted - before - 15.0 * drawn[2, 1, :2] / drawn[2, 1, :2].norm()).norm(dim=-1)
    torch.testing.assert_close(apart, torch.full((4,), 4.0), atol=1e-3, rtol=0)


def test_turns_go_both_ways_about_the_middle_of_the_patch() -> None:
    run = frozen_of(session_of("rigid"))
    kicks, view = PatchKicks(run.scene, BasinRequest(1, None, 30.0, 10.0), OPTIONS), run.look(1, None, 100)
    one, other = kicks.draw(0, view), kicks.draw(1, view)
    assert one[0, 2, 2] == -other[0, 2, 2] > 0
    before = patch_corners(run.scene, pixel_transforms(run.scene, view.placement[None]))[0]
    after = kick_corners(before, one[2, 2], run.scene)
    assert float((after.mean(dim=0) - before.mean(dim=0)).norm()) == pytest.approx(10.0, abs=1e-3)
    assert float(kicks.measure(torch.stack([kicks.place(one, view)[2, 2], view.placement]))[0, 0]) > 10.0


@pytest.mark.parametrize(("warp", "shape"), [("translation", (3, 1)), ("rotation", (1, 3)), ("rigid", (3, 3))])
def test_a_family_has_the_kicks_that_it_can_take_back(warp: PlanarWarp, shape: tuple[int, int]) -> None:
    run = frozen_of(session_of(warp))
    kicks, view = PatchKicks(run.scene, BasinRequest(1, None, 20.0, 5.0), OPTIONS), run.look(1, None, 100)
    drawn = kicks.draw(0, view)
    assert drawn.shape == (*shape, 11)
    assert (len(kicks.rows.values), len(kicks.columns.values)) == shape
    placed, before = (
        kicks.place(drawn, view),
        patch_corners(run.scene, pixel_transforms(run.scene, view.placement[None])),
    )
    for cell in np.ndindex(shape):
        wanted = kick_corners(before[0], drawn[cell], run.scene)
        there = patch_corners(run.scene, pixel_transforms(run.scene, placed[cell][None]))[0]
        torch.testing.assert_close(there, wanted, atol=1e-2, rtol=0)


def test_what_cannot_be_kicked_is_refused() -> None:
    run = frozen_of(session_of("homography"))
    turns = PatchKicks(run.scene, BasinRequest(0, None, 20.0, 5.0), OPTIONS)
    with pytest.raises(UserError, match="first patch is fixed"):
        turns.draw(0, run.look(0, None, 10))
    folding = PatchKicks(run.scene, BasinRequest(1, None, 20.0, 5.0, corners=400.0), OPTIONS)
    with pytest.raises(UserError, match="Corners cannot be moved by 400 px"):
        folding.draw(0, run.look(1, None, 10))
    with pytest.raises(UserError, match="homographies only"):
        PatchKicks(planar_scene("rigid"), BasinRequest(1, None, 20.0, 5.0, corners=4.0), OPTIONS)
