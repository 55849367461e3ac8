"""Small copies of photos and the cameras that took them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8

from engine.sfm.quick.features import choose_copy_size
from engine.sfm.quick.lenses.own_lenses import PhotoGroups
from engine.sfm.quick.matching import KnownLens, SmallCamera, shrink_lens
from engine.sfm.quick.options import OPTIONS


@dataclass(frozen=True)
class CameraPrior:
    """A camera that took some of the photos.

    Attributes:
        size: (width, height) of its photos, pixels; those that it took when it was held the other way are turned by a
            quarter for the reconstruction, so that they share its lens.
        focal: initial focal length, pixels of a photo of that size.
        nominal: whether it comes from EXIF; else it is a guess.
        lens: as in `SmallCamera`, in pixels of the photos.
    """

    size: tuple[int, int]
    focal: float
    nominal: bool
    lens: KnownLens | None = None

    @property
    def guessed(self) -> bool:
        """Whether nothing is known of the lens."""
        return not self.nominal and self.lens is None


@dataclass(frozen=True)
class PhotoCopies:
    """Small copies of photos.

    Attributes:
        folder: of the photos, for the listener.
        names: of the photos, in the order in which they were taken.
        images: grey, upright, of the size that `choose_copy_size` chooses for the photo's camera.
        cameras: by which the photos were taken.
        camera_of: number of each photo's camera.
        masks: of each photo, at the size of its copy, True where features are wanted; None for all of it.
        maximum_features: per photo, about.
        sizes: (width, height) of each photo, pixels; None where each has the size of its camera. Those of one camera
            have the same shape, upright or wide.
    """

    folder: Path
    names: tuple[str, ...]
    images: Sequence[UInt8[np.ndarray, "height width"]]
    cameras: Sequence[CameraPrior]
    camera_of: Sequence[int]
    masks: Sequence[Bool[np.ndarray, "height width"] | None] | None = None
    maximum_features: int = OPTIONS.maximum_features
    sizes: Sequence[tuple[int, int]] | None = None

    def size(self, photo: int) -> tuple[int, int]:
        """(width, height) of a photo, pixels."""
        return self.cameras[self.camera_of[photo]].size if self.sizes is None else self.sizes[photo]

    def factor(self, photo: int) -> float:
        """Pixels of the photo per pixel of its small copy."""
        return max(self.size(photo)) / max(self.images[photo].shape)

    def shrink(self, number: int) -> tuple[SmallCamera, float]:
        """A camera in pixels of the small copies of its photos, and how many pixels of `size` are one of these."""
        camera = self.cameras[number]
        width, height = choose_copy_size(*camera.size)
        if number in self.camera_of:
            height, width = self.images[self.camera_of.index(number)].shape
        factor = max(camera.size) / max(width, height)
        lens = shrink_lens(camera.lens, factor)
        return SmallCamera((width, height), camera.focal / factor, camera.nominal, lens), factor

    def shrink_cropped(self) -> list[SmallCamera] | None:
        """The cameras as of `shrink`, if photos of unknown focal length are crops of those of one camera.

        All have the focal length of the largest then, in pixels of the photos. None where such photos have one size.
        """
        guessed = {camera.focal for camera in self.cameras if camera.guessed}
        if len(guessed) < 2:
            return None
        cameras = []
        for number, camera in enumerate(self.cameras):
            small, factor = self.shrink(number)
            cameras.append(replace(small, focal=max(guessed) / factor, nominal=True) if camera.guessed else small)
        return cameras

    def group_photos(self) -> PhotoGroups:
        """Photos of unknown focal length are a group: they may be crops of those of one camera."""
        together = len(self.cameras)
        group_of = [together if self.cameras[number].guessed else number for number in self.camera_of]
        unit = np.array([self.factor(photo) for photo in range(len(self.names))])
        return PhotoGroups(tuple(self.camera_of), tuple(group_of), unit)
