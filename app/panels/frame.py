"""The frame panel: photo, rendering and error map of the selected frame side by side; all frames as a strip."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np

from app.error_map import colours, difference, psnr
from app.panels.error_levels import HEIGHT as SCALE_HEIGHT
from app.panels.error_levels import ErrorLevels
from app.panels.parts import inner_width, rectangle_size, set_text, tool_tip
from app.panels.picture_item import PictureItem
from app.panels.thumbnail_strip import HEIGHT as STRIP_HEIGHT
from app.panels.thumbnail_strip import ThumbnailStrip
from app.photo_sizes import camera_of, fitted, resized
from app.render.pictures import Drawn, NovelPicture
from app.render.renderer import Renderer
from app.scene_kinds import posed_scene
from app.state import State
from engine.messages import Snapshot
from engine.scenes.scene import Scene

GAP = 8
ROUND_IT = 24 + 26 + 22 + SCALE_HEIGHT + STRIP_HEIGHT + 20  # title, header, captions, scale, strip, gaps


class FramePanel:
    """Asks the render thread for the picture at the fitted pose, at the size that is shown."""

    title = "Frame"

    def __init__(self, state: State, renderer: Renderer) -> None:
        self._state, self._renderer = state, renderer
        self._parent: int | str = 0
        self._photo: tuple[tuple[object, ...], np.ndarray] = ((), np.zeros((1, 1, 3), np.float32))
        self._shown_photo: tuple[object, ...] = ()
        self._serial: tuple[object, ...] = ()
        self._scene: Scene | None = None
        self._picture: NovelPicture | None = None
        self._key: tuple[object, ...] = ()
        self._strip = ThumbnailStrip(state)

    def build(self, parent: int | str) -> None:
        self._parent = parent
        with dpg.group(parent=parent):
            with dpg.group(horizontal=True):
                back = dpg.add_button(arrow=True, direction=dpg.mvDir_Left, callback=lambda: self._go(-1))
                tool_tip(back, "The frame before (left arrow).")
                self._index = dpg.add_text("")
                on = dpg.add_button(arrow=True, direction=dpg.mvDir_Right, callback=lambda: self._go(1))
                tool_tip(on, "The next frame (right arrow).")
                self._name = dpg.add_text("")
            with dpg.group(horizontal=True, horizontal_spacing=GAP):
                self._photo_item, _ = self._column("Photo", "The photo, at the size of the rendering.")
                self._rendered_item, self._rendered = self._column(
                    "Rendering", "The field as it is now, from the pose fitted to this frame."
                )
                self._error_item, self._error = self._column(
                    "Error", "Difference between the two per pixel: root mean square over the colours, levels of 255."
                )
            self._scale = ErrorLevels()
            self._strip.build()

    def update(self, state: State) -> None:
        run = state.run
        scene = posed_scene(run)
        if run is None or scene is None or run.snapshot is None or not len(run.snapshot.poses):
            set_text(self._name, "No run yet")
            return
        if not dpg.is_item_visible(self._name):
            return
        snapshot = run.snapshot
        self._scene = scene  # kept, so that its id stays its own
        count, selected = len(scene.training_frames), state.selected
        index = scene.training_frames[selected]
        digits = len(str(count))
        set_text(self._index, f"{selected + 1:>{digits}} / {count}")
        set_text(self._name, f"{scene.names[index]}   {errors_text(snapshot, selected)}")
        width = inner_width(self._parent)
        height = max(rectangle_size(self._parent)[1] - ROUND_IT, 40)
        box = ((width - 2 * GAP) / 3, float(height))
        image = (scene.intrinsics.width, scene.intrinsics.height)
        size = self._photo_item.resolution(image, box)
        self._place(fitted(image, box))
        self._show_photo(scene, index, size)
        picture = self._wanted(scene, index, snapshot.poses[selected], size)
        self._renderer.request("frame", picture)
        drawn = self._renderer.latest("frame")
        if drawn is not None:
            self._show_rendering(drawn, (id(scene), index, size))
        self._strip.update(scene, snapshot, width)

    def _wanted(self, scene: Scene, index: int, pose: np.ndarray, size: tuple[int, int]) -> NovelPicture:
        """The same object for the same pose, so that nothing is drawn twice."""
        key = (id(scene), index, size, pose.tobytes())
        if self._picture is None or key != self._key:
            camera = camera_of(scene.intrinsics, index, pose, size)
            self._key, self._picture = key, NovelPicture(camera)
        return self._picture

    def _show_photo(self, scene: Scene, index: int, size: tuple[int, int]) -> None:
        key = (id(scene), index, size)
        if key != self._photo[0]:
            self._photo = (key, resized(scene.images[index], size))
            self._photo_item.show(self._photo[1])
            self._serial = ()

    def _show_rendering(self, drawn: Drawn, key: tuple[object, ...]) -> None:
        """Shows a rendering of this frame, whichever of its poses it is of: the newest is always on its way."""
        height, width = drawn.pixels.shape[:2]
        photo = self._photo[1]
        if (key, drawn.serial) == self._serial or photo.shape[:2] != (height, width):
            return
        self._serial = (key, drawn.serial)
        rendering = drawn.pixels[..., :3]
        levels = difference(photo, rendering)
        self._rendered_item.show(rendering)
        self._error_item.show(colours(levels))
        set_text(self._rendered, f"Rendering   {psnr(photo, rendering):.2f} dB")
        set_text(self._error, f"Error   mean {levels.mean():.1f} / 255")

    def _column(self, title: str, tip: str) -> tuple[PictureItem, int | str]:
        with dpg.group():
            caption = dpg.add_text(title)
            tool_tip(caption, tip)
            return PictureItem(), caption

    def _place(self, size: tuple[int, int]) -> None:
        if size == self._shown_photo:
            return
        self._shown_photo = size
        for item in (self._photo_item, self._rendered_item, self._error_item):
            item.place(size)
        self._scale.place(2 * (size[0] + GAP), size[0])

    def _go(self, step: int) -> None:
        self._state.select(self._state.selected + step)


def errors_text(snapshot: Snapshot, frame: int) -> str:
    """The frame's own errors and PSNR while training, in a line."""
    parts = []
    if snapshot.rotation_error_deg is not None and snapshot.translation_error is not None:
        parts.append(f"{snapshot.rotation_error_deg[frame]:.2f}°")
        parts.append(f"{snapshot.translation_error[frame]:.4f} units")
    if np.isfinite(snapshot.frame_psnr[frame]):
        parts.append(f"training {snapshot.frame_psnr[frame]:.1f} dB")
    return "   ".join(parts)
