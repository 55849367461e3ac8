"""The pictures of the COLMAP panel, of a frame or of a pair, at a given size. No Dear PyGui here."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32, Int

from app.model.colmap.colmap_drawing import GOOD, RAW, draw_keypoints, draw_matches, fit_pair_size
from app.model.colmap.shown_matches import ShownMatches
from app.model.common.photo_sizes import fit_size, resize_photo
from app.model.state.colmap_progress import ColmapProgress
from engine.sfm.events import FeaturesFound, Pair

Pixels = Float32[np.ndarray, "height width 3"]
Box = tuple[float, float]
NO_MATCHES: Int[np.ndarray, "0 2"] = np.zeros((0, 2), int)


def make_keypoints_picture(matches: ShownMatches, frame: int, box: Box) -> tuple[Pixels, str]:
    """The photo of a frame with its features, fitted into a box, and a caption."""
    size = fit_size(matches.size(frame), box)
    photo = resize_photo(matches.photo(frame), size)
    name = matches.progress.names[frame]
    found = matches.progress.features.get(frame)
    if found is None:
        return photo, f"{name}: no features yet"
    scale = size[0] / found.size[0]
    picture = draw_keypoints(photo, found.points * scale, found.scale * scale, found.orientation)
    return picture, f"{name}: {len(found.points):,} features"


def make_pair_picture(matches: ShownMatches, pair: Pair, box: Box) -> tuple[Pixels, str]:
    """The photos of a pair with its matches, fitted into a box, and a caption.

    Once the pair is verified, matches that disagree with its geometry are red.
    """
    progress = matches.progress
    sizes = [fit_pair_size(matches.size(frame), box) for frame in pair]
    left, right = (resize_photo(matches.photo(frame), size) for frame, size in zip(pair, sizes, strict=True))
    checked = progress.verified.get(pair)
    if checked is not None:
        bad, good, colour = checked.rejected, checked.inliers, GOOD
        words = f"{len(good):,} agree: {checked.model}, {len(bad):,} rejected"
    else:
        bad, good, colour = NO_MATCHES, progress.raw.get(pair, NO_MATCHES), RAW
        words = f"{len(good):,} raw matches" if len(good) else "no matches"
    names = "  ↔  ".join(progress.names[frame] for frame in pair)
    picture = draw_matches(left, right, _ends(progress, pair, bad, sizes), _ends(progress, pair, good, sizes), colour)
    return picture, f"{names}: {words}"


def _ends(
    progress: ColmapProgress, pair: Pair, matches: Int[np.ndarray, "matches 2"], sizes: list[tuple[int, int]]
) -> tuple[Float[np.ndarray, "matches 2"], Float[np.ndarray, "matches 2"]]:
    """The ends of matches in the two pictures, of (width, height) pixels each."""
    first, second = (
        _find_points(progress.features.get(frame), matches[:, side], sizes[side][0]) for side, frame in enumerate(pair)
    )
    return first, second


def _find_points(
    found: FeaturesFound | None, chosen: Int[np.ndarray, " matches"], width: int
) -> Float[np.ndarray, "matches 2"]:
    if found is None or not len(chosen):
        return np.zeros((0, 2))
    return found.points[chosen].astype(np.float64) * (width / found.size[0])
