"""What the window says while a scene is read."""

from app.model.state.preparation import describe_preparation
from engine.scenes.progress import ReadingProgress
from tests.support.runs.sfm_events import whole_run


def test_progress_is_said_in_words() -> None:
    assert describe_preparation(ReadingProgress("reading the video", 12, 300)) == "reading the video: 12 of 300"
    said = [words for event in whole_run(frames=6) if (words := describe_preparation(event)) is not None]
    assert said[0] == "features: 1 of 6 photos"
    assert said[-1] == "registered: 6 of 6 photos"
    assert "matching: 15 of 15 pairs" in said
    assert "matches verified: 14 of 14 pairs" in said
