"""Photos of a camera that was held the other way are turned by a quarter, so that all photos of it share one lens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.sfm.events import FeaturesFound, Mapped, SfmEvent
from engine.sfm.quick.copies import PhotoCopies
from engine.sfm.quick.lenses.own_lenses import PhotoLenses
from engine.sfm.quick.result import MatchedPhotos

# Takes points in the axes of a camera to those of the camera turned by a quarter: x to y, y to -x.
QUARTER_TURN = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


class Sideways:
    """The photos that were held the other way than their camera's size says.

    Attributes:
        copies: of all photos, those turned by a quarter, clockwise; the sizes likewise.
        turned: which ones.
    """

    def __init__(self, copies: PhotoCopies) -> None:
        """`copies` are as the photos are."""
        self._sizes = [copies.size(photo) for photo in range(len(copies.images))]
        held = [copies.cameras[number].size for number in copies.camera_of]
        self.turned: Bool[np.ndarray, " photos"] = np.array(
            [
                (image.shape[1] - image.shape[0]) * (width - height) < 0
                for image, (width, height) in zip(copies.images, held, strict=True)
            ],
            dtype=bool,
        )
        self.copies = copies
        if not self.turned.any():
            return
        self._sizes = [
            size[::-1] if copies.sizes is None and turned else size
            for size, turned in zip(self._sizes, self.turned, strict=True)
        ]
        masks = copies.masks
        self.copies = replace(
            copies,
            images=[_turn(image) if over else image for image, over in zip(copies.images, self.turned, strict=True)],
            masks=None
            if masks is None
            else [
                _turn(mask) if over and mask is not None else mask
                for mask, over in zip(masks, self.turned, strict=True)
            ],
            sizes=[size[::-1] if over else size for size, over in zip(self._sizes, self.turned, strict=True)],
        )

    def listen(self, watch: Callable[[SfmEvent], None]) -> Callable[[SfmEvent], None]:
        """A listener that passes events on as they are of the photos as they are."""
        if not self.turned.any():
            return watch

        def pass_on(event: SfmEvent) -> None:
            if isinstance(event, FeaturesFound) and self.turned[event.frame]:
                photo = np.full(len(event.points), event.frame)
                event = replace(
                    event,
                    size=self._sizes[event.frame],
                    points=self.turn_points_back(event.points, photo),
                    orientation=event.orientation - np.pi / 2,
                )
            elif isinstance(event, Mapped):
                event = replace(event, poses=self.turn_poses_back(event.poses, np.array(event.frames, dtype=np.int64)))
            watch(event)

        return pass_on

    def turn_matches_back(self, matches: MatchedPhotos) -> MatchedPhotos:
        """The matches of the photos as they are."""
        if not self.turned.any():
            return matches
        tracks = matches.tracks
        pixels = self.turn_points_back(tracks.pixels, tracks.photo)
        angle = matches.turned - np.where(self.turned, np.pi / 2, 0.0)
        return replace(
            matches, tracks=replace(tracks, pixels=pixels), turned=np.angle(np.exp(1j * angle)).astype(np.float64)
        )

    def turn_lenses_back(self, own: PhotoLenses) -> PhotoLenses:
        """The lenses of the photos as they are."""
        return replace(own, centre=self.turn_points_back(own.centre, np.arange(len(own.centre))))

    def turn_points_back(
        self, points: Float[np.ndarray, "points 2"], photo: Int[np.ndarray, " points"]
    ) -> Float[np.ndarray, "points 2"]:
        """Pixels of the photos as they are, from those of the turned ones."""
        height = np.array([size[1] for size in self._sizes])[photo]
        back = np.stack([points[:, 1], height - points[:, 0]], axis=-1)
        return np.where(self.turned[photo][:, None], back, points)

    def turn_poses_back(
        self, poses: Float[np.ndarray, "some 3 4"], photos: Int[np.ndarray, " some"]
    ) -> Float[np.ndarray, "some 3 4"]:
        """World-to-camera poses of the photos as they are, from those of the turned ones."""
        back = np.array(poses, dtype=np.float64)
        over = self.turned[photos]
        back[over] = QUARTER_TURN.T @ back[over]
        return back


def _turn(picture: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(picture, -1))
