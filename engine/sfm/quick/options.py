"""Numbers of the quick reconstruction."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class QuickOptions:
    """Numbers of the quick reconstruction, chosen so that 20 photos take a few seconds on two cores.

    Pixels are those of the small copies, except where others are named.

    Attributes:
        longer_side: of the small copies, pixels. On three scenes copies of 640, 1000 and more pixels gave the same
            errors of the cameras; keypoints are refined at this size.
        upsampled_side: copies whose longer side is at most this many pixels are searched for features at twice their
            size, as COLMAP does with all images: small ones have too few features otherwise. 1000 pixels as they are
            take 0.6 times as long as 640 doubled, and find as many.
        maximum_features: SIFT features per photo, those of the largest scale.
        few_features: of a photo, below which weaker ones are looked for: photos that are dark, dull or show an object
            alone, whose masks leave little, have few. A statue of dull stone before nothing has 140 as usual, by which
            no photo of 24 was registered, and 800 so.
        weaker: by these factors the threshold of the contrast is lowered, one after the other, until there are enough.
        maximum_ratio: of the distances to the nearest and second nearest descriptor (Lowe, IJCV 2004, section 7.1).
        minimum_inliers: verified matches from which a pair counts as overlapping.
        opposed_inliers, opposed_strength: verified matches of a pair, at least, and at least so many times those of
            the strongest pair of either photo, for it to be strong. Of a few books that look alike there are 50.
        opposed_share: of its matches that contradict the cameras, from which a pair opposes them.
        maximum_error: of an inlier of the verification, COLMAP's default.
        maximum_trials: of RANSAC; pairs that do not overlap take all of them.
        exhaustive_photos: up to so many photos, all pairs are matched. A quarter of the pairs of the fox's 50 photos
            registers all of them, as exactly, in half of the time; so do 58 % of those of 40 photos of a desk.
        next_photos: of more photos, each is matched with so many after it, and with others at distances that double.
        similar_photos: and with so many of those that are most similar to it.
        similar_photos_if_alone: with so many where none of these pairs overlaps.
        words: visual words that similarity is measured with.
        clustered_descriptors: descriptors that words are found from, about.
        clustering_steps: of k-means; more change the order of the similarities little.
        maximum_triangulated_error: mean reprojection error of a match that becomes part of a track without a point.
        first_photos: so many are matched and mapped before the others, to show the first cameras soon: half a second.
        first_from: photos from which this is worth while; fewer are done as soon.
        first_steps: the first photos lie one step apart for each time that there are so many photos: consecutive
            frames of a video see too little parallax.
        pairs_per_task: pairs that a process matches before it gets new ones.
    """

    longer_side: int = 1000
    upsampled_side: int = 720
    maximum_features: int = 1500
    few_features: int = 500
    weaker: tuple[float, ...] = (4.0, 16.0)
    maximum_ratio: float = 0.8
    minimum_inliers: int = 15
    opposed_inliers: int = 40
    opposed_strength: float = 0.4
    opposed_share: float = 0.7
    maximum_error: float = 4.0
    maximum_trials: int = 1500
    exhaustive_photos: int = 25
    next_photos: int = 5
    similar_photos: int = 15
    similar_photos_if_alone: int = 40
    words: int = 512
    clustered_descriptors: int = 20_000
    clustering_steps: int = 6
    maximum_triangulated_error: float = 2.0
    first_photos: int = 8
    first_from: int = 16
    first_steps: int = 40
    pairs_per_task: int = 16


OPTIONS = QuickOptions()
