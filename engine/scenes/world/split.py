"""The split into training frames and frames held out for evaluation."""

from __future__ import annotations

from engine.scenes.scene import SceneKind

MINIMUM_TO_SPLIT = 5  # frames; of fewer none is held out


def take_last_tenth(frames: int) -> tuple[int, ...]:
    """The last 10 % of the frames (as BARF does for LLFF), at least one; none of fewer than five."""
    held_out = max(frames // 10, 1) if frames >= MINIMUM_TO_SPLIT else 0
    return tuple(range(frames - held_out, frames))


def spread_evenly(frames: int) -> tuple[int, ...]:
    """A tenth of the frames, at least one, each in the middle of a stretch of equal length; none of fewer than five.

    So none of bare photos is an extrapolation: photos before and after a held-out one are trained on.
    """
    held_out = max(frames // 10, 1) if frames >= MINIMUM_TO_SPLIT else 0
    return tuple((2 * place + 1) * frames // (2 * held_out) for place in range(held_out))


def take_every_eighth(frames: int) -> tuple[int, ...]:
    """Frames 0, 8, 16, ... (as in nerfstudio and mip-NeRF 360), none of fewer than five."""
    return tuple(range(0, frames, 8)) if frames >= MINIMUM_TO_SPLIT else ()


def choose_held_out(kind: SceneKind, frames: int) -> tuple[int, ...]:
    """Indices of the held-out frames where the files give no split."""
    return take_last_tenth(frames) if kind == "forward-facing" else take_every_eighth(frames)


def list_remaining(frames: int, held_out: tuple[int, ...]) -> tuple[int, ...]:
    """Indices of the frames that are not held out, ascending."""
    return tuple(sorted(set(range(frames)) - set(held_out)))
