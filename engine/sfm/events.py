"""What COLMAP's pipeline has to tell while it runs: frozen dataclasses, numpy inside, never written afterwards.

The photos of a run are numbered as they were given; a pair is two such numbers, the smaller one first. Pixels are
those of the photos, centres at +0.5, x right, y down.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

Pair = tuple[int, int]


@dataclass(frozen=True)
class Started:
    """The photos that take part.

    Attributes:
        names: of the photos, relative to `folder`.
        folder: that holds them.
    """

    folder: Path
    names: tuple[str, ...]


@dataclass(frozen=True)
class FeaturesFound:
    """SIFT features of one photo.

    Attributes:
        frame: number of the photo.
        points: positions, pixels.
        scale: radius, pixels.
        orientation: direction of the dominant gradient, radians, from x towards y.
        done, total: photos with features so far, and of all.
    """

    frame: int
    points: Float[np.ndarray, "features 2"]
    scale: Float[np.ndarray, " features"]
    orientation: Float[np.ndarray, " features"]
    done: int
    total: int


@dataclass(frozen=True)
class Matching:
    """Pairs are being matched.

    Attributes:
        counts: raw matches of each pair so far, symmetric.
        done, total: pairs so far, and of all.
    """

    counts: Int[np.ndarray, "frames frames"]
    done: int
    total: int


@dataclass(frozen=True)
class PairMatched:
    """The raw matches of one pair: mutually nearest descriptors that pass the ratio test.

    Attributes:
        matches: a feature of the first photo and one of the second.
    """

    pair: Pair
    matches: Int[np.ndarray, "matches 2"]


@dataclass(frozen=True)
class PairVerified:
    """What RANSAC made of a pair's matches.

    Attributes:
        inliers: that agree with the model; a subset of the raw matches.
        rejected: the other raw matches.
        model: that RANSAC chose, in words: `essential matrix`, `fundamental matrix`, `homography`, ... or `none`.
        done, total: pairs verified so far, and of all that have matches.
    """

    pair: Pair
    inliers: Int[np.ndarray, "inliers 2"]
    rejected: Int[np.ndarray, "rejected 2"]
    model: str
    done: int
    total: int


@dataclass(frozen=True)
class Mapped:
    """The model after a frame was registered and the bundle adjusted around it, or all of it.

    Attributes:
        what: `initial pair`, `frame`, `global adjustment`, `final adjustment`, or `model` for what is kept at last.
        frames: numbers of the registered photos.
        poses: world-to-camera, in the order of `frames`.
        points: sparse points.
        colours: of the points, 8 bit RGB; black until the end.
        before: mean reprojection error before the adjustment, pixels.
        after: the same after it.
        focal: of the first registered photo, pixels.
        total: photos in all.
    """

    what: str
    frames: tuple[int, ...]
    poses: Float[np.ndarray, "registered 3 4"]
    points: Float[np.ndarray, "points 3"]
    colours: UInt8[np.ndarray, "points 3"]
    before: float
    after: float
    focal: float
    total: int


@dataclass(frozen=True)
class Meshed:
    """A surface through the sparse points, or why there is none.

    Attributes:
        vertices: in the model's world.
        faces: indices of three vertices each.
        remark: why there is none, or an empty string.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    remark: str = ""


@dataclass(frozen=True)
class Finished:
    """The model is there.

    Attributes:
        model: folder of COLMAP's binary files.
        registered: numbers of its photos.
        unregistered: numbers of the others.
        seconds: of the stages: `features`, `matching`, `verification`, `mapping`, `mesh`.
    """

    model: Path
    registered: tuple[int, ...]
    unregistered: tuple[int, ...]
    seconds: dict[str, float]


SfmEvent = Started | FeaturesFound | Matching | PairMatched | PairVerified | Mapped | Meshed | Finished
