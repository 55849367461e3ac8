"""Which frames are kept for evaluation."""

from __future__ import annotations

from engine.scenes.scene import SceneKind

FEWEST_TO_SPLIT = 5


def take_last_tenth(frames: int) -> tuple[int, ...]:
    """The last 10 % (LLFF as in BARF), at least one of five frames or more."""
    held_out = max(frames // 10, 1) if frames >= FEWEST_TO_SPLIT else 0
    return tuple(range(frames - held_out, frames))


def take_every_eighth(frames: int) -> tuple[int, ...]:
    """Frames 0, 8, 16, ... (as in nerfstudio and mip-NeRF 360), none of fewer than five."""
    return tuple(range(0, frames, 8)) if frames >= FEWEST_TO_SPLIT else ()


def choose_held_out(kind: SceneKind, frames: int) -> tuple[int, ...]:
    """The rule for files that give no split of their own."""
    return take_last_tenth(frames) if kind == "forward-facing" else take_every_eighth(frames)


def list_remaining(frames: int, held_out: tuple[int, ...]) -> tuple[int, ...]:
    """The frames that are not held out."""
    return tuple(sorted(set(range(frames)) - set(held_out)))
