"""Lines and labels over the image, made from a planar run and the user's choices. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from app.model.common.error_colours import STATUS_COLOURS, colour_corner_errors
from app.model.frame.frame_words import describe_status, get_status
from app.model.planar.planar_moments import Outlines, PlanarMoment
from app.model.state.state import PlanarLayers

Colour = tuple[int, int, int, int]

ACCENT: Colour = (53, 196, 181, 255)
AMBER: Colour = (232, 163, 61, 235)
GREY: Colour = (150, 158, 168, 190)
WHITE: Colour = (240, 243, 247, 255)
SHADE: Colour = (8, 10, 12, 150)  # drawn under outlines, so that they stand out from any picture
FAINT = 110  # opacity of links, of 255
THIN, THICK = 1.6, 2.6  # pixels of outlines, of the selected patch


@dataclass(frozen=True)
class Line:
    """A line through pixels of the whole image; `thickness` in pixels of the screen."""

    points: Float[np.ndarray, "points 2"]
    colour: Colour
    thickness: float
    closed: bool = False


@dataclass(frozen=True)
class Label:
    """A text beside a pixel of the whole image."""

    place: Float[np.ndarray, "2"]
    text: str
    colour: Colour


def colour_outlines(moment: PlanarMoment, selected: int | None) -> list[Colour]:
    """The colours of the outlines: by corner error from green to red, the selected patch in the accent colour."""
    found = [_bytes(colour) for colour in colour_corner_errors(moment.corner_error_px)]
    if selected is not None and selected < len(found):
        found[selected] = ACCENT
    return found


def make_lines(
    moment: PlanarMoment,
    reference: Outlines,
    initial: Outlines | None,
    trails: Float[np.ndarray, "patches moments 2"] | None,
    layers: PlanarLayers,
    selected: int | None,
) -> list[Line]:
    """All lines over the image in the order in which they are drawn: the selected patch last."""
    found: list[Line] = []
    colours = colour_outlines(moment, selected)
    order = [patch for patch in range(len(moment.corners)) if patch != selected]
    order += [selected] if selected is not None and selected < len(moment.corners) else []
    if layers.initial and initial is not None:
        found += [Line(corners, GREY, 1.2, closed=True) for corners in np.unique(initial.round(2), axis=0)]
    if layers.reference:
        found += [Line(corners, SHADE, THIN + 2, closed=True) for corners in reference]
        found += [Line(corners, AMBER, THIN, closed=True) for corners in reference]
    if layers.links:
        for patch in order:
            errors = _bytes(colour_corner_errors(moment.corner_error_px[patch : patch + 1])[0])
            pairs = zip(moment.corners[patch], reference[patch], strict=True)
            found += [Line(np.stack(pair), (*errors[:3], FAINT), 1.2) for pair in pairs]
    if layers.trails and trails is not None:
        found += [Line(trails[patch], (*colours[patch][:3], FAINT + 60), 1.4) for patch in order]
    if layers.fitted:
        for patch in order:
            thickness = THICK if patch == selected else THIN
            found.append(Line(moment.corners[patch], SHADE, thickness + 2, closed=True))
            found.append(Line(moment.corners[patch], colours[patch], thickness, closed=True))
    return [line for line in found if np.isfinite(line.points).all()]


def make_labels(moment: PlanarMoment, names: Sequence[str], selected: int | None) -> list[Label]:
    """The names of the patches at their upper left corners, with the status of those that are not registered."""
    found = []
    for patch, (corners, name) in enumerate(zip(moment.corners, names, strict=True)):
        if np.isfinite(corners).all():
            word = describe_status(moment.statuses, patch)
            text = f"{name}: {word}" if word else name
            plain = ACCENT if patch == selected else WHITE
            status = STATUS_COLOURS.get(get_status(moment.statuses, patch))
            found.append(Label(corners[0], text, plain if status is None else _bytes(np.array(status))))
    return found


def _bytes(colour: np.ndarray) -> Colour:
    red, green, blue, opacity = (round(255 * float(channel)) for channel in colour)
    return red, green, blue, opacity
