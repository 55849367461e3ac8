"""All training frames as a strip of small photos with bars in the colour of their errors; a click selects one."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.common.error_colours import ROTATION_DEG, colour_frames
from app.model.common.photo_sizes import fit_size, resize_photo
from app.model.frame.frame_errors import choose_frame_errors
from app.model.state.state import State
from app.panels.widgets.parts import CLEAR, TEXT, add_drawing, set_text
from engine.messages import Snapshot
from engine.scenes.canvas import choose_canvas, list_sizes
from engine.scenes.scene import Scene

PHOTO_HEIGHT = 27  # pixels
HEIGHT = PHOTO_HEIGHT + 6  # of the strip, with the bars
GAP = 3  # pixels
ATLAS_WIDTH = 2048  # of the texture with all photos, pixels


class ThumbnailStrip:
    """Shows as many frames as there is room for, the selected one in the middle."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._of: Scene | None = None
        self._size = (PHOTO_HEIGHT, PHOTO_HEIGHT)  # of a place; each photo has its own shape in the middle of it
        self._own: list[tuple[int, int]] = []
        self._columns = 1
        self._first, self._count = 0, 0
        self._drawn: tuple[object, ...] = ()
        self._images: list[int | str] = []
        self._bars: list[int | str] = []

    def build(self) -> None:
        self._group, self._list = add_drawing(HEIGHT)
        with dpg.tooltip(self._group):
            self._tip = dpg.add_text("")
        self._layer = dpg.add_draw_layer(parent=self._list)
        self._frame = dpg.draw_rectangle((0, 0), (1, 1), color=TEXT, fill=CLEAR, thickness=2, parent=self._list)
        with dpg.item_handler_registry() as handlers:
            dpg.add_item_clicked_handler(button=0, callback=self._clicked)
        dpg.bind_item_handler_registry(self._group, handlers)

    def update(self, scene: Scene, snapshot: Snapshot, width: int) -> None:
        if scene is not self._of:
            self._begin(scene)
        total, selected = len(scene.training_frames), self._state.selected
        self._count = max(min(total, (width + GAP) // (self._size[0] + GAP)), 1)
        self._first = min(max(selected - self._count // 2, 0), total - self._count)
        key = (id(snapshot), selected, self._count, self._first)
        if key != self._drawn:
            self._drawn = key
            self._draw(snapshot, width)
        if dpg.is_item_hovered(self._group):
            frame = self._under_mouse()
            name = "" if frame is None else scene.names[scene.training_frames[frame]]
            set_text(
                self._tip,
                name
                or "The training photos; the bar is green to red with the frame's rotation error, or without a "
                "reference with the reprojection error of its tracks; violet while its pose is searched for, grey "
                "where it was rejected or excluded.",
            )

    def clear(self) -> None:
        """Shows nothing until the next scene."""
        dpg.configure_item(self._list, show=False)

    def _begin(self, scene: Scene) -> None:
        """Makes one texture with all photos. It is never deleted: Dear PyGui does not release its memory."""
        self._of = scene
        sizes = list_sizes(scene.intrinsics)
        self._own = [fit_size(sizes[frame], (PHOTO_HEIGHT * 2, PHOTO_HEIGHT)) for frame in scene.training_frames]
        self._size = choose_canvas(self._own)
        wide, high = self._size
        self._columns = ATLAS_WIDTH // wide
        rows = -(-len(scene.training_frames) // self._columns)
        atlas = np.ones((rows * high, self._columns * wide, 4), np.float32)
        for place, frame in enumerate(scene.training_frames):
            row, column = divmod(place, self._columns)
            own = self._own[place]
            small = resize_photo(scene.picture(frame), own)
            atlas[row * high : row * high + own[1], column * wide : column * wide + own[0], :3] = small
        self._atlas = (atlas.shape[1], atlas.shape[0])
        with dpg.texture_registry():
            self._texture = dpg.add_static_texture(*self._atlas, atlas.ravel().tolist())
        dpg.delete_item(self._layer, children_only=True)
        self._images, self._bars, self._drawn = [], [], ()

    def _draw(self, snapshot: Snapshot, width: int) -> None:
        wide, high = self._size
        dpg.configure_item(self._list, width=width, show=True)
        while len(self._images) < self._count:
            left = len(self._images) * (wide + GAP)
            self._images.append(dpg.draw_image(self._texture, (left, 0), (left + wide, high), parent=self._layer))
            bar = dpg.draw_rectangle((left, high + 2), (left + wide, high + 5), color=CLEAR, parent=self._layer)
            self._bars.append(bar)
        errors = choose_frame_errors(snapshot.rotation_error_deg, snapshot.reprojection_px)
        values, scale = errors if errors is not None else (None, ROTATION_DEG)
        paints = colour_frames(values, len(snapshot.poses), snapshot.frame_status, scale)
        for place, (image, bar) in enumerate(zip(self._images, self._bars, strict=True)):
            shown = place < self._count
            dpg.configure_item(image, show=shown)
            dpg.configure_item(bar, show=shown)
            if shown:
                frame = self._first + place
                row, column = divmod(frame, self._columns)
                low = (column * wide / self._atlas[0], row * high / self._atlas[1])
                own = self._own[frame]
                top = ((column * wide + own[0]) / self._atlas[0], (row * high + own[1]) / self._atlas[1])
                across, above = place * (wide + GAP) + (wide - own[0]) / 2, (high - own[1]) / 2
                dpg.configure_item(
                    image, uv_min=low, uv_max=top, pmin=(across, above), pmax=(across + own[0], above + own[1])
                )
                dpg.configure_item(bar, fill=(255 * paints[frame]).astype(int).tolist())
        left = (self._state.selected - self._first) * (wide + GAP)
        dpg.configure_item(self._frame, pmin=(left, 0), pmax=(left + wide, high))

    def _under_mouse(self) -> int | None:
        x = dpg.get_mouse_pos(local=False)[0] - dpg.get_item_rect_min(self._group)[0]
        place = int(x // (self._size[0] + GAP))
        return self._first + place if 0 <= place < self._count else None

    def _clicked(self) -> None:
        frame = self._under_mouse()
        if frame is not None:
            self._state.select(frame)
