"""One pane of the image panel: the learned image of a run with the outlines of its patches."""

from __future__ import annotations

import time
from collections.abc import Callable

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.common.kept import Kept
from app.model.common.label_places import separate_labels
from app.model.common.plane_view import PlaneView, frame_pixels
from app.model.planar.patch_handles import CORNERS, place_knob
from app.model.planar.planar_control import PlanarControl, Pointer, apply_preview
from app.model.planar.planar_moments import PlanarMoment, choose_moment, make_trails
from app.model.planar.planar_shapes import ACCENT, SHADE, WHITE, Colour, make_labels, make_lines
from app.model.state.scene_kinds import get_planar_scene
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from app.panels.planar.drawing_pools import LabelPool, LinePool, measure_label
from app.panels.widgets.growing_texture import GrowingTexture
from app.panels.widgets.mouse import LEFT, MIDDLE, Mouse, is_shift_down
from app.panels.widgets.parts import add_drawing
from engine.messages import PlanarSnapshot
from engine.scenes.planar import PlanarScene

HANDLE = 4.5  # half the side of a corner's handle, pixels
HOVERED = 2  # by which a handle under the mouse is larger, pixels
BACKGROUND = (17, 20, 25, 255)


class PlanarPane:
    """Creating one adds it to the container that is open.

    Attributes:
        item: the group that receives the mouse.
    """

    def __init__(self, name: str) -> None:
        """`name` is its name in the window's report."""
        self.item, self._list = add_drawing(64)
        dpg.configure_item(self.item, label=name)
        self._mouse = Mouse(self.item)
        self._control = PlanarControl()
        self._kept = Kept()
        self._size = (64, 64)
        self._ground = dpg.draw_rectangle((0, 0), (64, 64), fill=BACKGROUND, color=BACKGROUND, parent=self._list)
        self._photo, self._learned = _Picture(self._list), _Picture(self._list)
        self._lines = LinePool(dpg.add_draw_layer(parent=self._list))
        self._labels = LabelPool(dpg.add_draw_layer(parent=self._list))
        self._handles = dpg.add_draw_layer(parent=self._list)
        self._corners = [dpg.draw_rectangle((0, 0), (0, 0), parent=self._handles) for _ in CORNERS]
        self._stalk = dpg.draw_line((0, 0), (0, 0), color=ACCENT, thickness=1.4, parent=self._handles)
        self._knob = dpg.draw_circle((0, 0), HANDLE + 1, fill=SHADE, color=ACCENT, parent=self._handles)
        self._frame = dpg.draw_rectangle((0, 0), (64, 64), color=BACKGROUND, thickness=2, parent=self._list)
        self._caption = LabelPool(dpg.add_draw_layer(parent=self._list))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self._size

    def place(self, size: tuple[int, int]) -> None:
        """Sets its (width, height) in pixels."""
        if size != self._size:
            self._size = size
            dpg.configure_item(self._list, width=size[0], height=size[1])
            dpg.configure_item(self._ground, pmax=size)
            dpg.configure_item(self._frame, pmin=(1, 1), pmax=(size[0] - 1, size[1] - 1))

    @property
    def pressed(self) -> bool:
        """Whether the left button went down on it in this frame."""
        return self._mouse.pressed

    def update(self, state: State, run: ViewedRun, caption: str, frame: Colour | None) -> None:
        """Applies the mouse and draws a run, with a caption (may be empty) and a border (None for no border)."""
        now = time.monotonic()
        self._mouse.look()
        scene, snapshot = get_planar_scene(run), run.snapshot
        moment = choose_moment(state, run)
        if scene is None or snapshot is None or snapshot.planar is None or moment is None:
            self._show_nothing(caption)
            return
        planar = snapshot.planar
        self._apply_mouse(state, run, scene, moment, now)
        moment = apply_preview(moment, self._control.preview(now), planar.reference_corners)
        view = state.planar.plane
        self._draw_pictures(state, run, scene, view)
        self._draw_lines(state, run, planar, moment, view)
        self._draw_labels(state, scene, moment, view)
        self._draw_handles(state, moment, view)
        self._caption.show([((8, 8), caption, WHITE)] if caption else [])
        dpg.configure_item(self._frame, color=frame or BACKGROUND)

    def _show_nothing(self, caption: str) -> None:
        """Empties the pane of the scene before, while the next one is being opened."""
        self._lines.show([])
        self._labels.show([])
        self._photo.hide()
        self._learned.hide()
        dpg.configure_item(self._handles, show=False)
        self._caption.show([((8, 8), caption, WHITE)] if caption else [])

    def movable(self, state: State) -> bool:
        """Whether the selected patch can be dragged: not the first one, and not while the past is shown."""
        return state.timeline.live and state.selected > 0

    # ------------------------------------------------------------------ the mouse

    def _apply_mouse(
        self,
        state: State,
        run: ViewedRun,
        scene: PlanarScene,
        moment: PlanarMoment,
        now: float,
    ) -> None:
        mouse, control = self._mouse, self._control
        pointer = Pointer(*mouse.place, self._size) if mouse.place is not None else None
        movable = self.movable(state)
        if pointer is not None and mouse.pressed and not is_shift_down():
            control.press(state, moment, scene.warp, movable, pointer)
        if pointer is not None and mouse.clicked:
            control.release(run, now)
            control.click(state, moment, pointer)
            return
        if control.dragging:
            if pointer is not None:
                control.pull(state, run, pointer, now)
            if mouse.released:
                control.release(run, now)
            return
        for button in (LEFT, MIDDLE):
            if any(mouse.dragged(button)):
                state.planar.plane = state.planar.plane.panned(*mouse.dragged(button))
        if pointer is not None and mouse.wheel:
            state.planar.plane = state.planar.plane.zoomed(mouse.wheel, pointer.place, self._size)
        control.hover(state, moment, movable, pointer)

    # ------------------------------------------------------------------ drawing

    def _draw_pictures(self, state: State, run: ViewedRun, scene: PlanarScene, view: PlaneView) -> None:
        layers = state.planar.layers
        box = view.on_screen(np.array([(0, 0), scene.image_size]), self._size)
        self._photo.show(id(scene), lambda: scene.image.numpy().astype(np.float32) / 255)
        self._photo.place(box, 1.0 if layers.photo else 0.0)
        image = run.image
        if image is not None:
            self._learned.show((id(run), image.version), lambda: np.clip(image.pixels, 0, 1))
        opacity = state.planar.opacity if layers.photo else 1.0
        self._learned.place(box, opacity if layers.learned and image is not None else 0.0)

    def _draw_lines(
        self, state: State, run: ViewedRun, planar: PlanarSnapshot, moment: PlanarMoment, view: PlaneView
    ) -> None:
        layers = state.planar.layers
        rows = run.history.rows if run.history is not None else []
        initial = rows[0].corners if rows else None
        where = None
        if layers.trails and run.history is not None:
            where = self._kept.get("trails", make_trails, rows, state.timeline.seconds)
        found = make_lines(moment, planar.reference_corners, initial, where, layers, state.selected)
        self._lines.show(
            [(view.on_screen(line.points, self._size), line.colour, line.thickness, line.closed) for line in found]
        )

    def _draw_labels(self, state: State, scene: PlanarScene, moment: PlanarMoment, view: PlaneView) -> None:
        names = make_labels(moment, scene.names, state.selected) if state.planar.layers.names else []
        wanted = [
            (*(view.on_screen(label.place, self._size) + 5).tolist(), *measure_label(label.text)) for label in names
        ]
        places = separate_labels(wanted)
        self._labels.show([(place, label.text, label.colour) for place, label in zip(places, names, strict=True)])

    def _draw_handles(self, state: State, moment: PlanarMoment, view: PlaneView) -> None:
        shown = self.movable(state) and state.selected < len(moment.corners) and state.planar.layers.fitted
        dpg.configure_item(self._handles, show=shown)
        if not shown:
            return
        corners = moment.corners[state.selected].astype(np.float64)
        part = self._control.hovered_part
        for name, item, (x, y) in zip(
            CORNERS, self._corners, view.on_screen(corners, self._size).tolist(), strict=True
        ):
            half, fill = (HANDLE + HOVERED, ACCENT) if name == part else (HANDLE, SHADE)
            dpg.configure_item(item, pmin=(x - half, y - half), pmax=(x + half, y + half), fill=fill, color=ACCENT)
        foot, head = place_knob(corners, view, self._size)
        dpg.configure_item(self._stalk, p1=foot.tolist(), p2=head.tolist())
        dpg.configure_item(self._knob, center=head.tolist(), fill=ACCENT if part == "turn" else SHADE)


class _Picture:
    """An image on a layer of its own."""

    def __init__(self, drawlist: int | str) -> None:
        self._layer = dpg.add_draw_layer(parent=drawlist)
        self._texture = GrowingTexture(self._draw)
        self._image: int | str = 0
        self._draw(self._texture.item)
        self._shown: object = None

    def _draw(self, texture: int | str) -> None:
        dpg.delete_item(self._layer, children_only=True)
        self._image = dpg.draw_image(texture, (0, 0), (1, 1), parent=self._layer)

    def show(self, key: object, pixels: Callable[[], np.ndarray]) -> None:
        """Copies the pixels, RGB in [0, 1], if the key is another one than before."""
        if key != self._shown:
            self._shown = key
            self._texture.show(pixels())
            dpg.configure_item(self._image, uv_max=self._texture.used)

    def hide(self) -> None:
        """Draws it no more until it is placed again."""
        dpg.configure_item(self._layer, show=False)

    def place(self, box: np.ndarray, opacity: float) -> None:
        """Sets upper left and lower right corner (pixels of the drawlist), and an opacity in [0, 1]."""
        (left, top), (right, bottom) = box.tolist()
        colour = (255, 255, 255, round(255 * opacity))
        dpg.configure_item(self._layer, show=opacity > 0)
        dpg.configure_item(self._image, pmin=(left, top), pmax=(right, bottom), color=colour)


def frame_image(scene: PlanarScene, size: tuple[int, int]) -> PlaneView:
    """The view in which the whole image fits a pane of `size` (width, height)."""
    return frame_pixels(np.array([(0.0, 0.0), scene.image_size]), size)
