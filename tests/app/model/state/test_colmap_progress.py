"""From events to what the panel says of them."""

from __future__ import annotations

import numpy as np

from app.model.state.colmap_progress import NOT_YET, STAGES, ColmapProgress
from engine.sfm.events import FeaturesFound, Mapped, Matching, Meshed, PairVerified
from tests.support.runs.sfm_events import FEATURES, GOOD, RAW, whole_run

NAMES = tuple(f"photo_{frame}.png" for frame in range(6))


def progress_until(last: type, frames: int = 6) -> ColmapProgress:
    progress = ColmapProgress(NAMES)
    for event in whole_run(frames):
        progress.see(event)
        if isinstance(event, last):
            break
    return progress


def test_cameras_of_a_few_first_photos_do_not_end_the_stages_before() -> None:
    events = whole_run(6)
    progress = ColmapProgress(NAMES)
    for event in [event for event in events if isinstance(event, FeaturesFound)][:3]:
        progress.see(event)
    mapped = next(event for event in events if isinstance(event, Mapped))
    progress.see(mapped)
    assert progress.model is mapped
    assert progress.stage == "features"
    assert not progress.done("features")


def test_each_stage_tells_how_far_it_is() -> None:
    nothing = ColmapProgress(NAMES)
    assert [nothing.words(stage) for stage in STAGES] == [""] * len(STAGES)
    assert not any(nothing.done(stage) for stage in STAGES)
    whole = ColmapProgress(NAMES)
    for event in whole_run():
        whole.see(event)
    assert whole.words("features") == "6 of 6 photos"
    assert whole.words("matching") == "15 of 15 pairs"
    assert whole.words("verification") == "13 of 14 agree"
    assert whole.words("mapping") == "6 of 6 photos"
    assert whole.words("mesh") == "1 triangles"
    assert all(whole.done(stage) for stage in STAGES)
    assert nothing.details("features") == ""
    assert whole.details("features") == f"{6 * FEATURES} features in all. It took 1.0 s."
    assert whole.details("matching") == f"{14 * RAW} raw matches in all."
    assert whole.details("verification") == f"{13 * GOOD} matches agree."
    assert whole.details("mapping") == "200 points, 0.50 px mean reprojection error. It took 2.0 s."
    whole.see(Meshed(np.zeros((0, 3)), np.zeros((0, 3), int), "too few points"))
    assert (whole.words("mesh"), whole.details("mesh")) == ("none", "Too few points.")


def test_a_pair_is_unknown_until_it_is_matched_and_empty_only_in_the_end() -> None:
    first = progress_until(Matching)
    assert first.counts[0, 1] == first.counts[1, 0] == RAW
    assert first.counts[4, 5] == NOT_YET
    assert first.stage == "matching"
    assert first.done("features")
    assert not first.done("matching")
    later = progress_until(PairVerified)
    assert later.counts[4, 5] == 0
    assert later.agreeing[0, 1] == later.agreeing[1, 0] == GOOD
    assert later.agreeing[0, 2] == NOT_YET


def test_the_model_grows_step_by_step() -> None:
    progress = ColmapProgress(NAMES)
    for event in whole_run():
        progress.see(event)
    assert [step.registered for step in progress.growth] == [2, 3, 4, 5, 6]
    assert progress.growth[0].what == "initial pair"
    assert (progress.growth[-1].before, progress.growth[-1].after) == (1.5, 0.5)


def test_the_partner_of_a_photo_is_the_one_that_agrees_best() -> None:
    progress = ColmapProgress(NAMES)
    assert progress.partner(0) is None
    counts = np.zeros((6, 6), int)
    counts[2, 4] = counts[4, 2] = 50
    counts[2, 1] = counts[1, 2] = 80
    progress.see(Matching(counts, 15, 15))
    assert progress.partner(2) == (1, 2)
    assert progress.partner(4) == (2, 4)
    assert progress.partner(3) is None
    matches = np.zeros((50, 2), int)
    progress.see(PairVerified((1, 2), matches[:0], matches, "none", 1, 2))
    progress.see(PairVerified((2, 4), matches, matches[:0], "homography", 2, 2))
    assert progress.partner(2) == (2, 4)
