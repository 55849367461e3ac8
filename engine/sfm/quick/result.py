"""Results of matching photos and of the quick reconstruction, and the file that keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.sfm.lens import Lens
from engine.sfm.quick.connections import find_largest_group
from engine.sfm.quick.lenses.own_lenses import PhotoLenses
from engine.sfm.quick.options import OPTIONS
from engine.sfm.quick.tracks import PhotoTracks


@dataclass(frozen=True)
class MatchedPhotos:
    """What the matches of photos say.

    Attributes:
        inliers: verified matches of each pair, symmetric; zero where a pair was not matched.
        checked: which pairs were matched, symmetric.
        homographies: pairs whose matches a homography explains, as of a plane or of a camera that only turned;
            symmetric.
        turned: rotation of each photo in its image plane relative to most others, radians in (-pi, pi]; NaN if
            unknown.
        tracks: in pixels of the photos.
        contradicted: of each pair's verified matches, how many contradict the cameras of the model, symmetric; they
            are not among the tracks. None without a model.
        repeated: median over the photos of the share of features in [0, 1] that another place of the photo looks like.
        marked: mean over the photos of the share of features in [0, 1] that belong to a mark at one place of all
            photos, and were left out (`marks`).
        still_part: share in [0, 1] of the matches that stand still where others move (`still_parts`); 0 for none.
    """

    inliers: Int[np.ndarray, "photos photos"]
    checked: Bool[np.ndarray, "photos photos"]
    homographies: Bool[np.ndarray, "photos photos"]
    turned: Float[np.ndarray, " photos"]
    tracks: PhotoTracks
    contradicted: Int[np.ndarray, "photos photos"] | None = None
    still_part: float = 0.0
    repeated: float = 0.0
    marked: float = 0.0

    @property
    def connected(self) -> Bool[np.ndarray, " photos"]:
        """Whether each photo belongs to the largest group of photos that are connected by overlapping pairs."""
        return find_largest_group(self.inliers >= OPTIONS.minimum_inliers)

    @property
    def opposed(self) -> Bool[np.ndarray, " photos"]:
        """Whether a photo has strong matches with another one nearly all of which contradict the cameras of the model:
        things that look alike were taken for one another, by these matches or by the model."""
        if self.contradicted is None:
            return np.zeros(len(self.inliers), dtype=bool)
        strongest = self.inliers.max(axis=1, initial=0)
        strong = self.inliers >= np.maximum(
            OPTIONS.opposed_inliers, OPTIONS.opposed_strength * np.minimum(strongest[:, None], strongest[None])
        )
        opposed = strong & (self.contradicted > OPTIONS.opposed_share * self.inliers)
        return np.asarray(opposed.any(axis=1))

    @property
    def homography_share(self) -> float:
        """Share in [0, 1] of the overlapping pairs that a homography explains; 0 without such pairs."""
        overlapping = np.triu(self.inliers >= OPTIONS.minimum_inliers, 1)
        return float(self.homographies[overlapping].mean()) if overlapping.any() else 0.0


@dataclass(frozen=True)
class QuickReconstruction:
    """Cameras of photos from matches of small copies.

    Attributes:
        matches: of the photos; points of their tracks lie in the world of `poses`.
        poses: world-to-camera `[R|t]` of each photo in a world and unit of its own; NaN where it was not registered.
        lenses: of each camera by its matches and what was known before, pixels of the photos; None where no photo of
            it was registered.
        error: mean reprojection error, pixels of the photos; NaN without a model.
        own: lenses of the photos, pixels of these, where those of a camera do not share its lens.
    """

    matches: MatchedPhotos
    poses: Float[np.ndarray, "photos 3 4"]
    lenses: tuple[Lens | None, ...]
    error: float
    own: PhotoLenses | None = None

    @property
    def points_count(self) -> int:
        """Number of points of the model."""
        return int(np.isfinite(self.matches.tracks.points).all(axis=1).sum())

    @property
    def registered(self) -> Bool[np.ndarray, " photos"]:
        """Which photos have a pose."""
        return np.isfinite(self.poses).all(axis=(1, 2))


def select_photos(found: QuickReconstruction, kept: Int[np.ndarray, " kept"]) -> QuickReconstruction:
    """The result for some of the photos, which are numbered by their place in `kept` from then on."""
    matches, block = found.matches, np.ix_(kept, kept)
    number = np.full(len(found.poses), -1)
    number[kept] = np.arange(len(kept))
    tracks = matches.tracks
    seen = number[tracks.photo] >= 0
    enough = np.bincount(tracks.track[seen], minlength=len(tracks.points)) >= 2
    seen &= enough[tracks.track]
    new_track = np.cumsum(enough) - 1
    selected = PhotoTracks(
        number[tracks.photo[seen]], new_track[tracks.track[seen]], tracks.pixels[seen], tracks.points[enough]
    )
    contradicted = None if matches.contradicted is None else matches.contradicted[block]
    matches = replace(
        matches,
        inliers=matches.inliers[block],
        checked=matches.checked[block],
        homographies=matches.homographies[block],
        turned=matches.turned[kept],
        tracks=selected,
        contradicted=contradicted,
    )
    own = None if found.own is None else found.own.select(kept)
    return replace(found, matches=matches, poses=found.poses[kept], own=own)


def turn_photos(
    found: QuickReconstruction, over: Int[np.ndarray, " turned"], sizes: Sequence[tuple[int, int]]
) -> QuickReconstruction:
    """The result after some photos were turned by half a turn in their plane.

    Args:
        found: the result before.
        over: numbers of the photos that were turned.
        sizes: (width, height) of all photos, pixels.
    """
    poses, tracks = found.poses.copy(), found.matches.tracks
    poses[over] *= np.array([-1.0, -1.0, 1.0])[:, None]
    turned = found.matches.turned.copy()
    turned[over] = np.angle(np.exp(1j * (turned[over] + np.pi)))
    pixels = np.where(
        np.isin(tracks.photo, over)[:, None], np.array(sizes)[tracks.photo] - tracks.pixels, tracks.pixels
    )
    matches = replace(found.matches, turned=turned, tracks=replace(tracks, pixels=pixels))
    own = found.own
    if own is not None:
        centre = own.centre.copy()
        centre[over] = np.array(sizes)[over] - centre[over]
        own = replace(own, centre=centre)
    return replace(found, matches=matches, poses=poses, own=own)


def write_reconstruction(found: QuickReconstruction, file: Path) -> None:
    """Writes a result as `.npz`."""
    matches = found.matches
    contradicted = np.empty((0, 0), np.int64) if matches.contradicted is None else matches.contradicted
    lenses = [
        [np.nan] * 6 if lens is None else [lens.focal, lens.radial, *lens.covariance.ravel()] for lens in found.lenses
    ]
    np.savez_compressed(
        file,
        inliers=matches.inliers,
        checked=matches.checked,
        homographies=matches.homographies,
        turned=matches.turned,
        photo=matches.tracks.photo.astype(np.int32),
        track=matches.tracks.track.astype(np.int32),
        pixels=matches.tracks.pixels,
        points=matches.tracks.points,
        poses=found.poses,
        lenses=np.array(lenses).reshape(-1, 6),
        error=np.array(found.error),
        contradicted=contradicted,
        still_part=np.array(matches.still_part),
        repeated=np.array(matches.repeated),
        marked=np.array(matches.marked),
        own=_list_own(found.own),
        own_kind=np.array([False] * 3 if found.own is None else _list_kind(found.own)),
    )


def _list_own(own: PhotoLenses | None) -> Float[np.ndarray, "photos 4"]:
    """Focal length, k1 and principal point of each photo; no rows without such lenses."""
    return np.empty((0, 4)) if own is None else np.column_stack([own.focal, own.radial, own.centre])


def _list_kind(own: PhotoLenses) -> list[bool]:
    return [own.cropped, own.zoomed, own.certain]


def read_reconstruction(file: Path) -> QuickReconstruction:
    """Reads what `write_reconstruction` wrote.

    Raises:
        OSError, ValueError, KeyError: the file is damaged.
    """
    with np.load(file, allow_pickle=False) as data:
        tracks = PhotoTracks(
            data["photo"].astype(np.int64), data["track"].astype(np.int64), data["pixels"], data["points"]
        )
        tables = data["inliers"], data["checked"], data["homographies"], data["turned"]
        contradicted = data["contradicted"] if data["contradicted"].size else None
        shares = [float(data[name]) for name in ("still_part", "repeated", "marked")]
        matches = MatchedPhotos(*tables, tracks, contradicted, *shares)
        lenses = tuple(
            None if np.isnan(row[0]) else Lens(float(row[0]), float(row[1]), row[2:].reshape(2, 2))
            for row in data["lenses"]
        )
        table, kind = data["own"], map(bool, data["own_kind"])
        own = PhotoLenses(table[:, 0], table[:, 1], table[:, 2:], *kind) if len(table) else None
        return QuickReconstruction(matches, data["poses"], lenses, float(data["error"]), own)
