"""What is said of a run and of each of its frames, without any reference."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

VerdictState = Literal["registered", "doubtful", "failed"]


@dataclass(frozen=True)
class FrameVerdict:
    """On one frame: a camera, or a patch of a planar scene, which has no tracks.

    Attributes:
        name: of the frame.
        state: whether its pose agrees with what is known of it.
        reason: in a few words.
        tracks: how many tracks it is in.
        share: of its observations, those that fit the run's poses, in [0, 1]; None where it has none.
        reprojection_px: median reprojection error of its observations, pixels of the scene's images; None where it has
            none.
    """

    name: str
    state: VerdictState
    reason: str
    tracks: int = 0
    share: float | None = None
    reprojection_px: float | None = None


@dataclass(frozen=True)
class Verdict:
    """On a run.

    Attributes:
        state: `registered`: the evidence supports the cameras; `doubtful`: it does not suffice, or contradicts some
            of them; `failed`: it contradicts most of them.
        reason: one sentence for the user.
        frames: in the order of the training frames.
    """

    state: VerdictState
    reason: str
    frames: tuple[FrameVerdict, ...]

    def as_json(self) -> dict[str, Any]:
        """As `verdict` in `result.json`."""
        return asdict(self)
