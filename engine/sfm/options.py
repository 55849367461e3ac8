"""Options of COLMAP's pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SfmOptions:
    """Options of COLMAP's pipeline; the defaults are COLMAP's own.

    Attributes:
        one_camera: whether all photos were taken with one camera at one focal length.
        focal: initial focal length, pixels, where it is known better than by COLMAP; None lets COLMAP read EXIF.
        longer_side: photos larger than this are shrunk before features are extracted, pixels.
        window: match each photo with so many after it, as in a video; None matches all pairs.
        masks: folder of masks, white where a photo counts, as large as the photos and named like them with `.png`
            added; None for none.
        mesh: whether to reconstruct a mesh at the end.
    """

    one_camera: bool = True
    focal: float | None = None
    longer_side: int = 3200
    window: int | None = None
    masks: Path | None = None
    mesh: bool = True
