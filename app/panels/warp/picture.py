"""One picture of the warp panel: a field of displacements as colours and arrows over the photo."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np
from jaxtyping import Float, Float32

from app.model.common.photo_sizes import fit_size
from app.model.warp.warp_drawing import LOOK, format_factor, lay_over_photo, make_arrows, thin_lattice
from app.panels.widgets.parts import add_tool_tip, set_text
from app.panels.widgets.picture_item import PictureItem

INK = (255, 255, 255, 215)


class WarpPicture:
    """Creating one adds it to the container that is open. Its arrows are made once and then moved."""

    def __init__(self, title: str, tip: str) -> None:
        self._title = title
        with dpg.group():
            self._caption = dpg.add_text(title)
            add_tool_tip(self._caption, tip)
            self._picture = PictureItem((240, 180))
        self._arrows: list[int | str] = []
        self._layer = dpg.add_draw_layer(parent=self._picture.drawlist)

    def resolution(self, image: tuple[int, int], box: tuple[float, float]) -> tuple[int, int]:
        """(width, height) in pixels that the photo must have to be shown in a box of the panel."""
        return self._picture.resolution(image, box)

    def clear(self) -> None:
        """Shows nothing until the next field."""
        self._picture.clear()
        dpg.configure_item(self._layer, show=False)
        set_text(self._caption, self._title)

    def show(
        self,
        photo: Float32[np.ndarray, "height width 3"],
        field: Float[np.ndarray, "rows columns 2"],
        places: Float[np.ndarray, "points 2"],
        factor: float,
        image: tuple[int, int],
        box: tuple[float, float],
        opacity: float,
        with_arrows: bool,
    ) -> None:
        """Draws a field of displacements over the photo.

        Args:
            photo: RGB in [0, 1], of the size that `resolution` says.
            field: displacements, pixels of the image.
            places: where they begin, pixels of the image.
            factor: by which arrows are drawn longer.
            image: (width, height) of the image in pixels.
            box: (width, height) of the space in the panel, pixels.
            opacity: of the colours, in [0, 1].
            with_arrows: whether arrows are drawn.
        """
        size = fit_size(image, box)
        self._picture.show(lay_over_photo(photo, field, opacity))
        self._picture.place(size, int(box[0]))
        lengths = np.linalg.norm(field, axis=-1)
        mean = float(np.nanmean(lengths)) if np.isfinite(lengths).any() else float("nan")
        set_text(self._caption, f"{self._title}   {format_pixels(mean)}   {format_factor(factor)}")
        scale = size[0] / image[0]
        chosen = thin_lattice(field.shape[0], field.shape[1], image[0] / field.shape[1] * scale)
        cell = image[0] / field.shape[1] * scale * (2 if len(chosen) < len(places) else 1)
        tails, heads = make_arrows(places[chosen], field.reshape(-1, 2)[chosen], factor, scale, LOOK.longest * cell)
        self._move(tails, heads, with_arrows)

    def _move(self, tails: np.ndarray, heads: np.ndarray, shown: bool) -> None:
        dpg.configure_item(self._layer, show=shown)
        while len(self._arrows) < len(tails):
            self._arrows.append(dpg.draw_arrow((0, 0), (0, 0), color=INK, thickness=1.0, size=3, parent=self._layer))
        for item in self._arrows[len(tails) :]:
            dpg.configure_item(item, show=False)
        long = (np.abs(heads - tails).max(axis=1) >= 1.0).tolist()  # a shorter one would be an arrow head only
        for item, tail, head, seen in zip(self._arrows, tails.tolist(), heads.tolist(), long, strict=False):
            dpg.configure_item(item, p1=head, p2=tail, show=seen)


def format_pixels(length: float) -> str:
    """A length on the image, with fewer decimals the longer it is."""
    if not np.isfinite(length):
        return "out of sight"
    return f"{length:.1f} px" if length >= 10 else f"{length:.2f} px" if length >= 1 else f"{length:.3f} px"
