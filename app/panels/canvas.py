"""A picture that fills the rest of its window, and what the mouse does on it."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np
from jaxtyping import Float32

from app.panels.live_texture import LiveTexture
from app.panels.parts import rectangle_size

LEFT, RIGHT, MIDDLE = dpg.mvMouseButton_Left, dpg.mvMouseButton_Right, dpg.mvMouseButton_Middle
BUTTONS = (LEFT, RIGHT, MIDDLE)
SMALLEST = 64  # pixels
STEP = 256  # pixels in which the texture grows
STILL = 3.0  # pixels that the mouse may move in a click

Delta = tuple[float, float]


class Canvas:
    """An image item over one raw texture, at least as large as what is shown.

    The whole texture is uploaded for each picture, so it is no larger than it has to be; it only ever grows, because a
    texture that is deleted leaves its memory behind.

    Attributes:
        item: the image.
        wheel: notches since the last frame, with the mouse over the picture.
        pressed, released, clicked, double_clicked: of the left button, in this frame; a click does not move.
    """

    def __init__(self) -> None:
        self.item: int | str = 0
        self._parent: int | str = 0
        self._below = 0
        self._texture: LiveTexture | None = None
        self._frame = -1
        self._size = (SMALLEST, SMALLEST)
        self._mouse: tuple[float, float] | None = None
        self._inside = False
        self._held: dict[int, tuple[float, float]] = {}  # buttons that went down here, with the mouse's last place
        self._down_before = dict.fromkeys(BUTTONS, False)
        self._moved: dict[int, Delta] = {}
        self._travel = 0.0
        self._turned = 0.0  # of the wheel, since it was last looked at
        self._double = False
        self._wheel, self._pressed, self._released, self._clicked, self._double_clicked = (
            0.0,
            False,
            False,
            False,
            False,
        )

    def build(self, parent: int | str, below: int = 0) -> None:
        """Makes the image in a window whose rest it fills, but for `below` pixels at the lower edge."""
        self._parent, self._below = parent, below
        texture = self._grow((SMALLEST, SMALLEST))
        self.item = dpg.add_image(texture.item, parent=parent, width=SMALLEST, height=SMALLEST)
        with dpg.handler_registry():
            dpg.add_mouse_wheel_handler(callback=self._wheel_turned)
            dpg.add_mouse_double_click_handler(LEFT, callback=self._double_click)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels to ask a picture for."""
        self._look()
        return self._size

    @property
    def hovered(self) -> bool:
        self._look()
        return self._inside

    @property
    def mouse(self) -> tuple[float, float] | None:
        """Pixels from the picture's upper left corner; None while the mouse is elsewhere and drags nothing here."""
        self._look()
        return self._mouse

    @property
    def wheel(self) -> float:
        self._look()
        return self._wheel

    @property
    def pressed(self) -> bool:
        self._look()
        return self._pressed

    @property
    def released(self) -> bool:
        self._look()
        return self._released

    @property
    def clicked(self) -> bool:
        self._look()
        return self._clicked

    @property
    def double_clicked(self) -> bool:
        self._look()
        return self._double_clicked

    def dragged(self, button: int) -> Delta:
        """Pixels that the mouse went since the last frame, with a button held that went down on the picture."""
        self._look()
        return self._moved.get(button, (0.0, 0.0))

    def held(self, button: int) -> bool:
        """Whether the button went down on the picture and still is."""
        self._look()
        return button in self._held

    def show(self, pixels: Float32[np.ndarray, "height width 4"]) -> None:
        """Copies a picture, rows from the top, whatever its size; it is stretched over the canvas."""
        height, width = pixels.shape[:2]
        texture = self._grow((width, height))
        texture.pixels[:height, :width] = pixels
        texture.changed()
        down, across = texture.pixels.shape[:2]
        # half a pixel less, so that what lies beside the picture is not blended into its border
        dpg.configure_item(self.item, uv_max=((width - 0.5) / across, (height - 0.5) / down))

    def _grow(self, size: tuple[int, int]) -> LiveTexture:
        """A texture at least so large: the one there is, or a larger one in its place."""
        before = self._texture
        height, width = (0, 0) if before is None else before.pixels.shape[:2]
        if before is not None and size[0] <= width and size[1] <= height:
            return before
        wide, high = (max(-(-new // STEP) * STEP, old) for new, old in zip(size, (width, height), strict=True))
        texture = self._texture = LiveTexture(wide, high)
        if self.item:
            dpg.configure_item(self.item, texture_tag=texture.item)
        if before is not None:
            before.delete()
        return texture

    def _look(self) -> None:
        """Takes note of size and mouse, once per frame of the window."""
        frame = dpg.get_frame_count()
        if frame == self._frame or not self.item:
            return
        self._frame = frame
        self._fill()
        corner, mouse = dpg.get_item_state(self.item).get("rect_min", (0, 0)), dpg.get_mouse_pos(local=False)
        here = (mouse[0] - corner[0], mouse[1] - corner[1])
        self._inside = dpg.get_item_state(self.item).get("hovered", False)
        self._pressed = self._released = self._clicked = False
        self._moved = {}
        for button in BUTTONS:
            self._watch(button, here)
        self._mouse = here if self._inside or self._held or self._released else None
        self._wheel, self._turned = (self._turned if self._inside else 0.0), 0.0
        self._double_clicked, self._double = self._double and self._inside, False

    def _watch(self, button: int, here: tuple[float, float]) -> None:
        down, before = dpg.is_mouse_button_down(button), self._down_before[button]
        self._down_before[button] = down
        if button in self._held:
            last = self._held[button]
            self._moved[button] = (here[0] - last[0], here[1] - last[1])
            self._travel += abs(here[0] - last[0]) + abs(here[1] - last[1])
            self._held[button] = here
            if not down:
                del self._held[button]
                if button == LEFT:
                    self._released, self._clicked = True, self._travel <= STILL
        elif down and not before and self._inside:
            self._held[button] = here
            self._travel = 0.0
            self._pressed = self._pressed or button == LEFT

    def _fill(self) -> None:
        width, height = rectangle_size(self._parent)
        left, top = dpg.get_item_pos(self.item)
        size = (max(int(width - 2 * left), SMALLEST), max(int(height - top - left) - self._below, SMALLEST))
        if size != self._size:
            self._size = size
            dpg.configure_item(self.item, width=size[0], height=size[1])

    def _wheel_turned(self, _: int, notches: float) -> None:
        self._turned += notches

    def _double_click(self) -> None:
        self._double = True
