"""The patch panel: the selected patch, what the learned image shows in its place, and the difference."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np

from app.error_map import colours, difference, psnr
from app.panels.error_levels import HEIGHT as SCALE_HEIGHT
from app.panels.error_levels import ErrorLevels
from app.panels.parts import AMBER, MUTED, RED, inner_width, rectangle_size, set_text, tool_tip
from app.panels.picture_item import PictureItem
from app.patch_pictures import seen_by_patch
from app.photo_sizes import fitted, resized
from app.state import State
from engine.messages import PlanarSnapshot, Snapshot
from engine.planar_feed import LearnedImage
from engine.scenes.planar import PlanarScene

GAP = 8
CAPTION = 116  # pixels of the longest
ROUND_IT = 24 + 26 + 22 + SCALE_HEIGHT + 20  # pixels of title, header, captions, scale, gaps


class PatchPanel:
    """Made anew when the learned image, the patch or its place has changed."""

    title = "Patch"

    def __init__(self, state: State) -> None:
        self._state = state
        self._parent: int | str = 0
        self._photo: tuple[tuple[object, ...], np.ndarray] = ((), np.zeros((1, 1, 3), np.float32))
        self._shown: tuple[object, ...] = ()
        self._placed: tuple[int, int] = (0, 0)
        self._scene: PlanarScene | None = None

    def build(self, parent: int | str) -> None:
        self._parent = parent
        with dpg.group(parent=parent):
            with dpg.group(horizontal=True):
                back = dpg.add_button(
                    label="before", arrow=True, direction=dpg.mvDir_Left, callback=lambda: self._go(-1)
                )
                tool_tip(back, "The patch before (left arrow).")
                on = dpg.add_button(label="next", arrow=True, direction=dpg.mvDir_Right, callback=lambda: self._go(1))
                tool_tip(on, "The next patch (right arrow).")
                self._name = dpg.add_text("")
                self._joined = dpg.add_text("", color=MUTED)
            with dpg.group(horizontal=True, horizontal_spacing=GAP) as self._columns:
                self._photo_item, _ = self._column("Patch", "The patch, at the size of the rendering.")
                self._rendered_item, self._rendered = self._column(
                    "Learned", "The learned image as it is now, through the transform fitted to this patch."
                )
                self._error_item, self._error = self._column(
                    "Error", "Difference between the two per pixel: root mean square over the colours, levels of 255."
                )
            self._scale = ErrorLevels()

    def update(self, state: State) -> None:
        run = state.run
        snapshot = run.snapshot if run is not None else None
        scene = run.scene if run is not None else None
        if run is None or not isinstance(scene, PlanarScene) or snapshot is None or snapshot.planar is None:
            set_text(self._name, "No run yet")
            return
        if not dpg.is_item_visible(self._name):
            return
        patch = min(state.selected, len(scene.names) - 1)
        self._describe(scene, snapshot, patch)
        width = inner_width(self._parent)
        box = ((width - 2 * GAP) / 3, float(max(rectangle_size(self._parent)[1] - ROUND_IT, 40)))
        size = self._photo_item.resolution(scene.patch_size, box)
        self._place(fitted(scene.patch_size, box))
        self._show_photo(scene, patch, size)
        if run.image is not None:
            self._show_learned(scene, snapshot.planar, run.image, patch, size)

    def _describe(self, scene: PlanarScene, snapshot: Snapshot, patch: int) -> None:
        planar = snapshot.planar
        assert planar is not None
        parts = [scene.names[patch]]
        if patch > 0:
            parts.append(f"corners {planar.corner_error_px[patch]:.2f} px off")
        if np.isfinite(snapshot.frame_psnr[patch]):
            parts.append(f"training {snapshot.frame_psnr[patch]:.1f} dB")
        set_text(self._name, "   ".join(parts))
        joined = bool(planar.joined[patch])
        set_text(self._joined, "fixed" if patch == 0 else "" if joined else "has not joined")
        dpg.configure_item(self._joined, color=AMBER if patch == 0 else RED)

    def _show_photo(self, scene: PlanarScene, patch: int, size: tuple[int, int]) -> None:
        self._scene = scene  # kept, so that its id stays its own
        key = (id(scene), patch, size)
        if key != self._photo[0]:
            self._photo = (key, resized(scene.patches[patch], size))
            self._photo_item.show(self._photo[1])

    def _show_learned(
        self, scene: PlanarScene, planar: PlanarSnapshot, image: LearnedImage, patch: int, size: tuple[int, int]
    ) -> None:
        transform = planar.transforms[patch]
        key = (*self._photo[0], id(image), transform.tobytes())
        if key == self._shown or not np.isfinite(transform).all():
            return
        self._shown = key
        photo = self._photo[1]
        learned = np.clip(seen_by_patch(image.pixels, scene.image_size, transform, scene.patch_size, size), 0, 1)
        levels = difference(photo, learned)
        self._rendered_item.show(learned)
        self._error_item.show(colours(levels))
        set_text(self._rendered, f"Learned   {psnr(photo, learned):.2f} dB")
        set_text(self._error, f"Error   mean {levels.mean():.1f}")

    def _column(self, title: str, tip: str) -> tuple[PictureItem, int | str]:
        with dpg.group():
            caption = dpg.add_text(title)
            tool_tip(caption, tip)
            return PictureItem(), caption

    def _place(self, size: tuple[int, int]) -> None:
        if size == self._placed:
            return
        self._placed = size
        for item in (self._photo_item, self._rendered_item, self._error_item):
            item.place(size)
        column = max(size[0], CAPTION) + GAP
        dpg.configure_item(self._columns, xoffset=column)
        self._scale.place(2 * column, size[0])

    def _go(self, step: int) -> None:
        self._state.select(self._state.selected + step)
