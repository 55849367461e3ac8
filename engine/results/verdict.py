"""What `l2g-train` and `l2g-eval` say of a run at their end, as `result.json` has it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from engine.results.result import RESULT_FILE

MOST_FRAMES = 8  # that are named


def verdict_sentences(folder: Path) -> list[str]:
    """The verdict on a run, and the frames that it doubts; nothing where there is none.

    Args:
        folder: of the run.
    """
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        verdict = json.loads((folder / RESULT_FILE).read_text(encoding="utf-8"))["verdict"]
        found = [f"Verdict: {verdict['state']}. {verdict['reason']}"]
        doubted = [frame for frame in verdict["frames"] if frame["state"] != "registered"]
        if len(doubted) < len(verdict["frames"]):  # where all are doubted, the reason has said so
            found += [f"  {frame['name']}: {frame['state']}, {frame['reason']}" for frame in doubted[:MOST_FRAMES]]
            if len(doubted) > MOST_FRAMES:
                found.append(f"  and {len(doubted) - MOST_FRAMES} more")
        return found
    return []
