"""What is known while a scene is being opened."""

from __future__ import annotations

import numpy as np

from app.model.state.opening import EVENTS_AT_ONCE, Opening
from engine.scenes.progress import PhotosRead, ReadingProgress
from engine.sfm import events as sfm
from tests.support.runs.sfm_events import SIZE, whole_run

PHOTOS = 6


def read(count: int = PHOTOS) -> PhotosRead:
    names = tuple(f"photo_{frame}.png" for frame in range(count))
    return PhotosRead(names, np.zeros((count, SIZE[1], SIZE[0], 3), np.uint8))


def taken(*events: object) -> Opening:
    opening = Opening()
    for event in events:
        opening.tell(event)  # type: ignore[arg-type]
    for _ in range(20):
        opening.refresh()
    return opening


def test_nothing_is_shown_before_the_window_has_taken_it() -> None:
    opening = Opening()
    opening.tell(ReadingProgress("reading the photos", 3, 11))
    assert opening.total == 0
    opening.refresh()
    assert (opening.phase, opening.done, opening.total) == ("photos", 3, 11)
    assert opening.words == "reading the photos: 3 of 11"
    assert opening.text.title == "Reading the photos"


def test_other_steps_of_reading_have_their_own_title() -> None:
    assert taken(ReadingProgress("a quick look at the matches", 1, 5)).text.title == "A quick look at the matches"


def test_phases_follow_the_events() -> None:
    seen: list[str] = []
    opening = Opening()
    for event in (read(), *whole_run(PHOTOS)):
        opening.tell(event)
        opening.refresh()
        if not seen or seen[-1] != opening.phase:
            seen.append(opening.phase)
    assert seen == ["photos", "features", "pairs", "cameras"]
    assert (opening.done, opening.total) == (PHOTOS, PHOTOS)
    assert opening.has_passed("pairs")
    assert not opening.has_passed("cameras")
    assert opening.model is not None
    assert opening.model.frames == tuple(range(PHOTOS))
    assert opening.latest == PHOTOS - 3  # of the last pair with inliers


def test_cameras_of_a_few_first_photos_are_shown_while_features_are_found() -> None:
    events = whole_run(PHOTOS)
    features = [event for event in events if isinstance(event, sfm.FeaturesFound)]
    first = next(event for event in events if isinstance(event, sfm.Mapped))
    opening = taken(read(), *features[:3], first, features[3])
    assert opening.model is first
    assert (opening.phase, opening.done, opening.total) == ("features", 4, PHOTOS)


def test_few_events_are_taken_at_once() -> None:
    opening = Opening()
    for done in range(EVENTS_AT_ONCE + 50):
        opening.tell(ReadingProgress("reading the photos", done, 1000))
    opening.refresh()
    assert opening.done == EVENTS_AT_ONCE - 1
    opening.refresh()
    assert opening.done == EVENTS_AT_ONCE + 49


def test_photos_that_are_read_again_begin_anew() -> None:
    features = [event for event in whole_run(PHOTOS) if isinstance(event, sfm.FeaturesFound)]
    opening = taken(read(), *features, read(4))
    assert opening.progress is not None
    assert not opening.progress.features
    assert opening.progress.counts.shape == (4, 4)
