"""One of the three pictures of the warp panel: colours over the photo, arrows over both."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np
from jaxtyping import Float, Float32

from app.model.common.photo_sizes import fit_size
from app.model.warp.warp_drawing import LONGEST, format_factor, lay_over_photo, make_arrows, thin_lattice
from app.panels.widgets.parts import set_text, tool_tip
from app.panels.widgets.picture_item import PictureItem

INK = (255, 255, 255, 215)
SHADE = (0, 0, 0, 130)


class WarpPicture:
    """Made inside the container that is open; its arrows are made once and then moved."""

    def __init__(self, title: str, tip: str) -> None:
        self._title = title
        with dpg.group():
            self._caption = dpg.add_text(title)
            tool_tip(self._caption, tip)
            self._picture = PictureItem((240, 180))
        self._arrows: list[int | str] = []
        self._layer = dpg.add_draw_layer(parent=self._picture.drawlist)

    def resolution(self, image: tuple[int, int], box: tuple[float, float]) -> tuple[int, int]:
        """(width, height) that the photo must have."""
        return self._picture.resolution(image, box)

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
        """Draws a field of displacements (pixels of the image) over the photo, arrows magnified by a factor."""
        size = fit_size(image, box)
        self._picture.show(lay_over_photo(photo, field, opacity))
        self._picture.place(size)
        lengths = np.linalg.norm(field, axis=-1)
        mean = float(np.nanmean(lengths)) if np.isfinite(lengths).any() else float("nan")
        set_text(self._caption, f"{self._title}   {pixels_text(mean)}   {format_factor(factor)}")
        scale = size[0] / image[0]
        chosen = thin_lattice(field.shape[0], field.shape[1], image[0] / field.shape[1] * scale)
        cell = image[0] / field.shape[1] * scale * (2 if len(chosen) < len(places) else 1)
        tails, heads = make_arrows(places[chosen], field.reshape(-1, 2)[chosen], factor, scale, LONGEST * cell)
        self._move(tails, heads, with_arrows)

    def _move(self, tails: np.ndarray, heads: np.ndarray, shown: bool) -> None:
        dpg.configure_item(self._layer, show=shown)
        while len(self._arrows) < len(tails):
            self._arrows.append(dpg.draw_arrow((0, 0), (0, 0), color=INK, thickness=1.0, size=3, parent=self._layer))
        for item in self._arrows[len(tails) :]:
            dpg.configure_item(item, show=False)
        long = (np.abs(heads - tails).max(axis=1) >= 1.0).tolist()  # a shorter one would be all head
        for item, tail, head, seen in zip(self._arrows, tails.tolist(), heads.tolist(), long, strict=False):
            dpg.configure_item(item, p1=head, p2=tail, show=seen)


def pixels_text(length: float) -> str:
    """A length on the image with as many digits as it deserves."""
    if not np.isfinite(length):
        return "out of sight"
    return f"{length:.1f} px" if length >= 10 else f"{length:.2f} px" if length >= 1 else f"{length:.3f} px"
