"""What the mouse does on one item in a frame of the window: position, buttons, drags, wheel."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

LEFT, RIGHT, MIDDLE = dpg.mvMouseButton_Left, dpg.mvMouseButton_Right, dpg.mvMouseButton_Middle
BUTTONS = (LEFT, RIGHT, MIDDLE)
CLICK_TRAVEL = 3.0  # pixels that the mouse may move while the button is down, for it to be a click

Delta = tuple[float, float]


class Mouse:
    """Watches one item.

    Attributes:
        wheel: notches since the last frame, with the mouse over the item; positive is away from the user.
        pressed, released, clicked, double_clicked: whether the left button was, in this frame.
        right_clicked: whether the right button was clicked, in this frame.
    """

    def __init__(self, item: int | str) -> None:
        """The item must exist already and be of a kind that can be hovered."""
        self._item = item
        self._frame = -1
        self._place: tuple[float, float] | None = None
        self._inside = False
        self._held: dict[int, tuple[float, float]] = {}  # buttons pressed on the item, with the last position
        self._down_before = dict.fromkeys(BUTTONS, False)
        self._moved: dict[int, Delta] = {}
        self._travel = 0.0
        self._turned = 0.0  # notches of the wheel since the last frame
        self._double = False
        self.wheel = 0.0
        self.pressed = self.released = self.clicked = self.double_clicked = self.right_clicked = False
        with dpg.handler_registry():
            dpg.add_mouse_wheel_handler(callback=self._wheel_turned)
            dpg.add_mouse_double_click_handler(LEFT, callback=self._double_click)

    def look(self) -> None:
        """Reads the mouse; to be called once per frame before the attributes are used. Further calls do nothing."""
        frame = dpg.get_frame_count()
        if frame == self._frame:
            return
        self._frame = frame
        state = dpg.get_item_state(self._item)
        corner, mouse = state.get("rect_min", (0, 0)), dpg.get_mouse_pos(local=False)
        here = (mouse[0] - corner[0], mouse[1] - corner[1])
        self._inside = state.get("hovered", False)
        self.pressed = self.released = self.clicked = self.right_clicked = False
        self._moved = {}
        for button in BUTTONS:
            self._watch(button, here)
        self._place = here if self._inside or self._held or self.released else None
        self.wheel, self._turned = (self._turned if self._inside else 0.0), 0.0
        self.double_clicked, self._double = self._double and self._inside, False

    @property
    def hovered(self) -> bool:
        """Whether it is over the item."""
        return self._inside

    @property
    def place(self) -> tuple[float, float] | None:
        """Pixels from the item's upper left corner; None while the mouse is elsewhere and no drag began here."""
        return self._place

    def dragged(self, button: int) -> Delta:
        """(right, down) pixels since the last frame, while a button is held that was pressed on the item."""
        return self._moved.get(button, (0.0, 0.0))

    @property
    def panned(self) -> Delta:
        """Pixels of a drag that means to pan: with the middle button, or with the left one and Shift."""
        middle = self.dragged(MIDDLE)
        return middle if any(middle) or not is_shift_down() else self.dragged(LEFT)

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
                    self.released, self.clicked = True, self._travel <= CLICK_TRAVEL
                elif button == RIGHT:
                    self.right_clicked = self._travel <= CLICK_TRAVEL
        elif down and not before and self._inside:
            self._held[button] = here
            self._travel = 0.0
            self.pressed = self.pressed or button == LEFT

    def _wheel_turned(self, _: int, notches: float) -> None:
        self._turned += notches

    def _double_click(self) -> None:
        self._double = True


def is_shift_down() -> bool:
    """Whether one of the Shift keys is held."""
    return dpg.is_key_down(dpg.mvKey_LShift) or dpg.is_key_down(dpg.mvKey_RShift)
