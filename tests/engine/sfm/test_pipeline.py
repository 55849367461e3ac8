"""COLMAP's pipeline yields events of every stage, which agree with each other and with the model."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pycolmap
import pytest
from PIL import Image

from engine.errors import UserError
from engine.scenes.photos.mask_copies import write_masks
from engine.sfm import events as sfm
from engine.sfm.model import read_sfm_model
from engine.sfm.options import SfmOptions
from engine.sfm.pipeline import run_sfm

Kind = TypeVar("Kind")
Registered = tuple[Path, list[sfm.SfmEvent]]


def of(events: Sequence[sfm.SfmEvent], kind: type[Kind]) -> list[Kind]:
    return [event for event in events if isinstance(event, kind)]


def test_stages_come_in_order(registered: Registered) -> None:
    _, events = registered
    order = [type(event) for event in events]
    stages = list(dict.fromkeys(order))
    assert stages == [
        sfm.Started,
        sfm.FeaturesFound,
        sfm.Matching,
        sfm.PairMatched,
        sfm.PairVerified,
        sfm.Mapped,
        sfm.Meshed,
        sfm.Finished,
    ]
    assert order == sorted(order, key=stages.index)


def test_features_lie_in_the_photos_with_scale_and_orientation(registered: Registered) -> None:
    found = of(registered[1], sfm.FeaturesFound)
    assert sorted(event.frame for event in found) == list(range(6))
    assert [event.done for event in found] == [1, 2, 3, 4, 5, 6]
    for event in found:
        assert 100 < len(event.points) == len(event.scale) == len(event.orientation)
        assert (event.points > 0).all()
        assert event.size == (320, 240)
        assert (event.points < event.size).all()
        assert (event.scale > 0).all()
        assert np.ptp(event.orientation) > 3


def test_what_a_mask_hides_has_no_features(
    six_photos: tuple[Path, tuple[str, ...]], tmp_path: Path, registered: Registered
) -> None:
    folder, names = six_photos
    half = np.zeros((24, 32), dtype=bool)  # smaller than the photos
    half[:, :16] = True
    write_masks([half] * len(names), names, [(320, 240)] * len(names), tmp_path / "masks")
    options = SfmOptions(masks=tmp_path / "masks", mesh=False)
    (tmp_path / "output").mkdir()
    features = list(itertools.islice(run_sfm(folder, names, tmp_path / "output", options), 1, 1 + len(names)))
    found = of(features, sfm.FeaturesFound)
    assert len(found) == len(names)
    before = {event.frame: event for event in of(registered[1], sfm.FeaturesFound)}
    for event in found:
        assert event.points[:, 0].max() < 161
        assert len(event.points) == (before[event.frame].points[:, 0] < 160).sum()


def test_the_matrix_counts_the_matches_of_the_pairs(registered: Registered) -> None:
    counts = of(registered[1], sfm.Matching)[-1].counts
    pairs = {event.pair: len(event.matches) for event in of(registered[1], sfm.PairMatched)}
    assert np.array_equal(counts, counts.T)
    assert not counts.diagonal().any()
    assert {(i, j): counts[i, j] for i in range(6) for j in range(i + 1, 6) if counts[i, j]} == pairs


def test_matches_index_features_and_verification_parts_them(registered: Registered) -> None:
    features = {event.frame: len(event.points) for event in of(registered[1], sfm.FeaturesFound)}
    raw = {event.pair: {tuple(row) for row in event.matches.tolist()} for event in of(registered[1], sfm.PairMatched)}
    for event in of(registered[1], sfm.PairVerified):
        inliers = {tuple(row) for row in event.inliers.tolist()}
        rejected = {tuple(row) for row in event.rejected.tolist()}
        assert inliers | rejected == raw[event.pair]
        assert not inliers & rejected
        assert all(one < features[event.pair[0]] and other < features[event.pair[1]] for one, other in inliers)
        assert (event.model == "none") == (not inliers)
    assert len(of(registered[1], sfm.PairVerified)) == len(raw)


def test_inliers_look_alike_where_they_are(registered: Registered, six_photos: tuple[Path, tuple[str, ...]]) -> None:
    """Image patches around matched points correlate."""
    folder, names = six_photos
    points = {event.frame: event.points for event in of(registered[1], sfm.FeaturesFound)}
    event = max(of(registered[1], sfm.PairVerified), key=lambda event: len(event.inliers))
    grey = [np.asarray(Image.open(folder / names[frame]).convert("L"), dtype=float) for frame in event.pair]
    correlations = []
    for row in event.inliers:
        patches = []
        for image, frame, index in zip(grey, event.pair, row, strict=True):
            x, y = points[frame][index].astype(int)
            if 4 <= x < 315 and 4 <= y < image.shape[0] - 5:
                patches.append(image[y - 4 : y + 5, x - 4 : x + 5].ravel())
        if len(patches) == 2:
            correlations.append(np.corrcoef(patches)[0, 1])
    assert np.median(correlations) > 0.7


def test_the_model_grows_and_adjustment_lowers_the_error(registered: Registered) -> None:
    steps = of(registered[1], sfm.Mapped)
    assert steps[0].what == "initial pair"
    assert len(steps[0].frames) == 2
    frames = [event for event in steps if event.what == "frame"]
    assert [len(event.frames) for event in frames] == list(range(3, 7))
    assert sum(event.after < event.before for event in frames) >= len(frames) - 1
    last = steps[-1]
    assert last.frames == tuple(range(6))
    assert last.poses.shape == (6, 3, 4)
    assert 0 < last.after < 1.5
    assert len(last.points) == len(last.colours) > 50
    assert last.colours.any()


def test_files_hold_what_the_events_said(registered: Registered, six_photos: tuple[Path, tuple[str, ...]]) -> None:
    output, events = registered
    (finished,) = of(events, sfm.Finished)
    assert finished.registered == tuple(range(6))
    assert finished.unregistered == ()
    assert set(finished.seconds) == {"features", "matching", "verification", "mapping", "mesh"}
    model = read_sfm_model(finished.model, six_photos[1])
    last = of(events, sfm.Mapped)[-1]
    np.testing.assert_allclose([model.poses[frame] for frame in range(6)], last.poses, atol=1e-9)
    assert model.lenses[0].focal == pytest.approx(last.focal)
    assert pycolmap.Reconstruction(finished.model).num_reg_images() == 6
    (mesh,) = of(events, sfm.Meshed)
    assert (output / "mesh.ply").is_file() == (not mesh.remark)
    if not mesh.remark:
        assert mesh.faces.max() < len(mesh.vertices)


def test_closing_the_stream_ends_the_work(six_photos: tuple[Path, tuple[str, ...]], tmp_path: Path) -> None:
    events = run_sfm(*six_photos, tmp_path, SfmOptions())
    next(events)
    next(events)
    events.close()
    assert not (tmp_path / "sparse").exists()


def test_nothing_in_common_says_what_to_do(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(3):
        noise = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((256, 192)).save(tmp_path / f"{number}.png")
    (tmp_path / "out").mkdir()
    with pytest.raises(UserError, match=r"take photos that overlap"):
        list(run_sfm(tmp_path, ("0.png", "1.png", "2.png"), tmp_path / "out", SfmOptions()))


def test_no_features_and_too_few_photos(tmp_path: Path) -> None:
    names = ("0.png", "1.png", "2.png")
    for name in names:
        Image.new("RGB", (64, 48), (90, 90, 90)).save(tmp_path / name)
    (tmp_path / "out").mkdir()
    with pytest.raises(UserError, match="no features were found"):
        list(run_sfm(tmp_path, names, tmp_path / "out", SfmOptions()))
    with pytest.raises(UserError, match="give at least 3"):
        list(run_sfm(tmp_path, names[:2], tmp_path / "more", SfmOptions()))
