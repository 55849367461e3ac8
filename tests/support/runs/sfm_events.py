"""Events as COLMAP's pipeline would tell them of a few photos of a flat pattern."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np

from engine.sfm import events as sfm

FEATURES, RAW, GOOD = 40, 30, 20
SIZE = (48, 32)  # of the photos, pixels


def cameras(frames: int) -> np.ndarray:
    """Side by side, looking along +z; (frames, 3, 4)."""
    poses = np.tile(np.eye(3, 4), (frames, 1, 1))
    poses[:, 0, 3] = -np.linspace(-0.5, 0.5, frames)
    poses[:, 1, 3] = -0.1 * (np.arange(frames) % 2)
    return poses


def mapped(frames: int, registered: int, what: str = "frame", seed: int = 0) -> sfm.Mapped:
    """A model of the first photos; its points are two to three units before them."""
    points = np.random.default_rng(seed).uniform((-1, -1, 2), (1, 1, 3), (200, 3))
    colours = np.zeros((200, 3), np.uint8)
    poses = cameras(frames)[:registered]
    return sfm.Mapped(what, tuple(range(registered)), poses, points, colours, 1.5, 0.5, 40.0, frames)


def whole_run(frames: int = 6, registered: int = 6) -> list[sfm.SfmEvent]:
    """All of it; the last pair of photos has no matches, and the one before none that agree."""
    names = tuple(f"photo_{frame}.png" for frame in range(frames))
    numbers = np.random.default_rng(1)
    pairs = list(combinations(range(frames), 2))
    events: list[sfm.SfmEvent] = [sfm.Started(Path("photos"), names)]
    for frame in range(frames):
        points, angle = numbers.uniform((0, 0), SIZE, (FEATURES, 2)), numbers.uniform(-3, 3, FEATURES)
        features = (points, numbers.uniform(1, 4, FEATURES), angle)
        events.append(sfm.FeaturesFound(frame, SIZE, *features, frame + 1, frames))
    counts = np.zeros((frames, frames), int)
    for done, (one, other) in enumerate(pairs[:-1], start=1):
        counts[one, other] = counts[other, one] = RAW
        events.append(sfm.Matching(counts.copy(), done, len(pairs)))
    events.append(sfm.Matching(counts.copy(), len(pairs), len(pairs)))
    matches = np.stack([np.arange(RAW), np.arange(RAW)[::-1]], axis=1)
    events += [sfm.PairMatched(pair, matches) for pair in pairs[:-1]]
    for done, pair in enumerate(pairs[:-1], start=1):
        good = 0 if pair == pairs[-2] else GOOD
        model = "essential matrix" if good else "none"
        events.append(sfm.PairVerified(pair, matches[:good], matches[good:], model, done, len(pairs) - 1))
    events.append(mapped(frames, 2, "initial pair"))
    events += [mapped(frames, count) for count in range(3, registered + 1)]
    events.append(mapped(frames, registered, "model"))
    events.append(sfm.Meshed(np.eye(3), np.array([[0, 1, 2]])))
    rest = tuple(range(registered, frames))
    events.append(sfm.Finished(Path("sparse/0"), tuple(range(registered)), rest, {"features": 1.0, "mapping": 2.0}))
    return events
