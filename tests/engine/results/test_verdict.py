"""The verdict's sentences at the end of a command."""

import json
from pathlib import Path

from engine.results.verdict import MOST_FRAMES, verdict_sentences


def write(folder: Path, states: list[str]) -> None:
    frames = [
        {"name": f"{i}.jpg", "state": state, "reason": "because", "tracks": 3, "share": 0.5, "reprojection_px": 1.0}
        for i, state in enumerate(states)
    ]
    verdict = {"state": "doubtful", "reason": "Some do not fit.", "frames": frames}
    (folder / "result.json").write_text(json.dumps({"verdict": verdict}))


def test_the_frames_in_doubt_are_named(tmp_path):
    write(tmp_path, ["registered", "failed", "doubtful"])
    assert verdict_sentences(tmp_path) == [
        "Verdict: doubtful. Some do not fit.",
        "  1.jpg: failed, because",
        "  2.jpg: doubtful, because",
    ]


def test_many_are_counted_and_all_are_not_named(tmp_path):
    write(tmp_path, ["registered", *["failed"] * (MOST_FRAMES + 5)])
    assert verdict_sentences(tmp_path)[-1] == "  and 5 more"
    write(tmp_path, ["failed"] * 3)
    assert len(verdict_sentences(tmp_path)) == 1


def test_where_there_is_none_nothing_is_said(tmp_path):
    assert verdict_sentences(tmp_path) == []
    (tmp_path / "result.json").write_text('{"verdict": null}')
    assert verdict_sentences(tmp_path) == []
