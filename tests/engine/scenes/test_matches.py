"""Frames of scenes with poses are matched on request, once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import Float

from engine.scenes import SceneOptions, load_scene
from engine.scenes.matches import add_matches
from engine.scenes.progress import PhotosRead
from engine.scenes.scene import Scene
from engine.sfm import events as sfm
from engine.sfm.quick.epipolar import measure_sampson_error
from tests.support.scenes.photos_on_disk import FERN
from tests.support.scenes.synthetic import object_poses, write_nerfstudio


@pytest.fixture(scope="module")
def fern() -> Scene:
    """A few of its frames."""
    scene = load_scene(FERN.parent)
    assert isinstance(scene, Scene)
    assert scene.tracks is None
    kept = [0, 5, 10, 15]
    assert scene.reference_poses is not None
    return replace(
        scene,
        names=tuple(scene.names[frame] for frame in kept),
        images=scene.images[kept],
        intrinsics=scene.intrinsics[torch.tensor(kept)],
        initial_poses=scene.initial_poses[kept],
        reference_poses=scene.reference_poses[kept],
        training_frames=(0, 1, 2),
        held_out_frames=(3,),
        files=(),
    )


def measure_errors(scene: Scene) -> Float[np.ndarray, " pairs"]:
    """Epipolar errors of consecutive observations of the tracks by the reference poses, pixels."""
    tracks, lens, poses = scene.tracks, scene.intrinsics, scene.reference_poses
    assert tracks is not None
    assert poses is not None
    ideal = ((tracks.pixels - lens.centre[tracks.frame]) / lens.focal[tracks.frame]).double().numpy()
    found = []
    for one in torch.nonzero(tracks.track[1:] == tracks.track[:-1])[:, 0].tolist():
        pair = [poses[int(tracks.frame[row])].double().numpy() for row in (one, one + 1)]
        found.append(measure_sampson_error(ideal[one : one + 1], ideal[one + 1 : one + 2], *pair)[0])
    return np.array(found) * float(lens.focal[0, 0])


def test_tracks_agree_with_the_published_poses_and_the_second_time_is_quick(fern: Scene) -> None:
    told: list[object] = []
    scene = add_matches(fern, told.append)
    assert scene.tracks is not None
    assert scene.tracks.count > 200
    assert set(scene.tracks.frame.tolist()) == {0, 1, 2, 3}  # also those that are held out
    assert torch.isnan(scene.tracks.points).all()
    errors = measure_errors(scene)
    assert np.median(errors) < 0.7
    assert (errors < 3).mean() > 0.8
    assert isinstance(told[0], PhotosRead)
    assert any(isinstance(event, sfm.PairVerified) for event in told)
    told.clear()
    again = add_matches(fern, told.append)
    assert told == []
    assert again.tracks is not None
    assert torch.equal(again.tracks.pixels, scene.tracks.pixels)
    assert add_matches(scene, told.append) is scene


def test_masked_parts_have_no_tracks(fern: Scene) -> None:
    masks = torch.ones(fern.images.shape[:3], dtype=torch.bool)
    masks[:, :, 250:] = False
    scene = add_matches(replace(fern, masks=masks), lambda event: None)
    assert scene.tracks is not None
    assert scene.tracks.pixels[:, 0].max() < 252
    assert scene.tracks.count > 50


def test_frames_without_anything_in_common_have_no_tracks(tmp_path: Path) -> None:
    write_nerfstudio(tmp_path, object_poses(4))
    scene = load_scene(tmp_path, SceneOptions(matches=True))
    assert isinstance(scene, Scene)
    assert scene.tracks is None
