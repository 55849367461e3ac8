"""Events of COLMAP's pipeline: frozen dataclasses of numpy arrays that are not modified after they are made.

The photos of a run are numbered in the order in which they were given; a pair is two such numbers, the smaller one
first. Pixels are those of the photos, centres at +0.5, x right, y down.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

Pair = tuple[int, int]


@dataclass(frozen=True)
class Started:
    """The pipeline has started.

    Attributes:
        folder: folder of the photos.
        names: file names of the photos, relative to `folder`.
    """

    folder: Path
    names: tuple[str, ...]


@dataclass(frozen=True)
class FeaturesFound:
    """SIFT features of one photo.

    Attributes:
        frame: number of the photo.
        size: (width, height) of the photo in whose pixels the features are, which may be a small copy.
        points: positions (x, y), pixels.
        scale: radius, pixels.
        orientation: direction of the dominant gradient, radians, from x towards y.
        done, total: number of photos that are done, and of all.
    """

    frame: int
    size: tuple[int, int]
    points: Float[np.ndarray, "features 2"]
    scale: Float[np.ndarray, " features"]
    orientation: Float[np.ndarray, " features"]
    done: int
    total: int


@dataclass(frozen=True)
class Matching:
    """Pairs are being matched.

    Attributes:
        counts: number of raw matches of each pair so far, symmetric.
        done, total: number of pairs that are done, and of all.
    """

    counts: Int[np.ndarray, "frames frames"]
    done: int
    total: int


@dataclass(frozen=True)
class PairMatched:
    """The raw matches of one pair: mutually nearest descriptors that pass the ratio test.

    Attributes:
        pair: numbers of the photos.
        matches: per match the index of a feature of the first photo and of one of the second.
    """

    pair: Pair
    matches: Int[np.ndarray, "matches 2"]


@dataclass(frozen=True)
class PairVerified:
    """The matches of one pair after verification by RANSAC.

    Attributes:
        pair: numbers of the photos.
        inliers: raw matches that agree with the model, as feature indices.
        rejected: the other raw matches.
        model: the model that RANSAC chose: `essential matrix`, `fundamental matrix`, `homography`, ... or `none`.
        done, total: number of pairs that are done, and of all that have matches.
    """

    pair: Pair
    inliers: Int[np.ndarray, "inliers 2"]
    rejected: Int[np.ndarray, "rejected 2"]
    model: str
    done: int
    total: int


@dataclass(frozen=True)
class Mapped:
    """The sparse model after a step of mapping: a frame was registered, or points and cameras were adjusted.

    Attributes:
        what: the step: `initial pair`, `frame`, `global adjustment`, `final adjustment`, or `model` for the result.
        frames: numbers of the registered photos, ascending.
        poses: world-to-camera `[R|t]` in the model's world and unit, in the order of `frames`.
        points: sparse points in the same world.
        colours: of the points, 8-bit RGB; black until the result.
        before: mean reprojection error before the adjustment, pixels; NaN without points.
        after: the same after the adjustment.
        focal: focal length of the first registered photo, pixels.
        total: number of photos, registered or not.
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
    """A surface through the sparse points, or the reason why there is none.

    Attributes:
        vertices: positions in the model's world.
        faces: triangles, three vertex indices each.
        remark: why there is no surface; empty if there is one.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    remark: str = ""


@dataclass(frozen=True)
class Finished:
    """The pipeline is done and the model is written.

    Attributes:
        model: folder of COLMAP's binary files.
        registered: numbers of the registered photos, ascending.
        unregistered: numbers of the others, ascending.
        seconds: duration of each stage: `features`, `matching`, `verification`, `mapping`, `mesh`.
    """

    model: Path
    registered: tuple[int, ...]
    unregistered: tuple[int, ...]
    seconds: dict[str, float]


SfmEvent = Started | FeaturesFound | Matching | PairMatched | PairVerified | Mapped | Meshed | Finished
