"""Size and focal length of a photo from its header and EXIF data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from engine.scenes.formats.images import SIDEWAYS, open_image

FILM_DIAGONAL = math.hypot(
    36, 24
)  # mm; a 35 mm equivalent has the same angle of view along the diagonal (CIPA DCG-001)
USUAL_EQUIVALENT = 27.0  # mm; the main cameras of phones are 24 to 30
SHORTEST, LONGEST = 8.0, 400.0  # mm; equivalents outside this range are taken for errors
MILLIMETRES = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}  # per unit of the focal plane's resolution


@dataclass(frozen=True)
class PhotoFacts:
    """What the header of a photo says.

    Attributes:
        width, height: pixels, after the EXIF orientation is applied.
        equivalent: focal length in mm of a 35 mm film camera with the same diagonal angle of view; None if unknown.
        device: maker and model of the camera, and its focal length, as far as the header names them; else empty.
    """

    width: int
    height: int
    equivalent: float | None
    device: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.width, self.height


def read_photo_facts(path: Path, maximum_pixels: int) -> PhotoFacts:
    """Reads a photo's header.

    Raises:
        UserError: the file is empty, damaged, no image, or larger than `maximum_pixels`.
    """
    with open_image(path, maximum_pixels) as image:
        width, height = image.size
        tags = _tags(image)
    if tags.get(ExifTags.Base.Orientation) in SIDEWAYS:
        width, height = height, width
    equivalent = read_equivalent_focal(tags, max(width, height), min(width, height))
    return PhotoFacts(width, height, equivalent, describe_device(tags, equivalent))


def describe_device(tags: Mapping[int, Any], equivalent: float | None) -> str:
    """Maker, model and focal length, the same for all photos that one camera took at one zoom.

    Args:
        tags: EXIF tags by number.
        equivalent: focal length as `read_equivalent_focal` finds it.
    """
    named = [str(tags.get(tag, "")).strip("\x00 ") for tag in (ExifTags.Base.Make, ExifTags.Base.Model)]
    focal, zoom = _number(tags.get(ExifTags.Base.FocalLength)), _number(tags.get(ExifTags.Base.DigitalZoomRatio))
    numbers = [f"{focal:.1f} mm"] if focal else []
    numbers += [f"{equivalent:.0f} mm equivalent"] if equivalent else []
    numbers += [f"zoom {zoom:.2f}"] if zoom and zoom != 1 else []
    return " ".join(word for word in (*named, *numbers) if word)


def read_equivalent_focal(tags: Mapping[int, Any], longer: int, shorter: int) -> float | None:
    """The 35 mm equivalent focal length in mm; None if unknown.

    Its own EXIF tag if present, else computed from the focal length and the resolution of the sensor.

    Args:
        tags: EXIF tags by number.
        longer, shorter: sides of the image in pixels.
    """
    written = _number(tags.get(ExifTags.Base.FocalLengthIn35mmFilm))
    if SHORTEST <= written <= LONGEST:
        return written
    focal = _number(tags.get(ExifTags.Base.FocalLength))
    resolution = _number(tags.get(ExifTags.Base.FocalPlaneXResolution))
    unit = MILLIMETRES.get(tags.get(ExifTags.Base.FocalPlaneResolutionUnit, 2))
    if not (focal > 0 and resolution > 0 and unit):
        return None
    # The sensor's resolution refers to the pixels of the original image, which may have been shrunk since.
    exposed = _number(tags.get(ExifTags.Base.ExifImageWidth)) or longer
    pixels = focal * resolution / unit * longer / exposed
    found = pixels / math.hypot(longer, shorter) * FILM_DIAGONAL
    return found if SHORTEST <= found <= LONGEST else None


def convert_focal_to_pixels(equivalent: float, width: int, height: int) -> float:
    """The focal length in pixels of an image of width x height pixels, from its 35 mm equivalent in mm."""
    return equivalent / FILM_DIAGONAL * math.hypot(width, height)


def _tags(image: Image.Image) -> dict[int, Any]:
    try:
        exif = image.getexif()
        return {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
    except Exception:  # Pillow raises many kinds of errors on damaged tags; the photo is usable without them
        return {}


def _number(value: Any) -> float:
    """A tag's value if it is a positive finite number, else zero."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
    return number if math.isfinite(number) and number > 0 else 0.0
