"""What the mouse does on an item: where it is, what is pressed, dragged and turned. Once per frame of the window."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

LEFT, RIGHT, MIDDLE = dpg.mvMouseButton_Left, dpg.mvMouseButton_Right, dpg.mvMouseButton_Middle
BUTTONS = (LEFT, RIGHT, MIDDLE)
STILL = 3.0  # pixels that the mouse may move in a click

Delta = tuple[float, float]


class Mouse:
    """Watches one item.

    Attributes:
        wheel: notches since the last frame, with the mouse over the item.
        pressed, released, clicked, double_clicked: of the left button, in this frame; a click does not move.
    """

    def __init__(self, item: int | str) -> None:
        """The item must exist, and tell whether it is hovered."""
        self._item = item
        self._frame = -1
        self._place: tuple[float, float] | None = None
        self._inside = False
        self._held: dict[int, tuple[float, float]] = {}  # buttons that went down here, with the mouse's last place
        self._down_before = dict.fromkeys(BUTTONS, False)
        self._moved: dict[int, Delta] = {}
        self._travel = 0.0
        self._turned = 0.0  # of the wheel, since it was last looked at
        self._double = False
        self.wheel = 0.0
        self.pressed = self.released = self.clicked = self.double_clicked = False
        with dpg.handler_registry():
            dpg.add_mouse_wheel_handler(callback=self._wheel_turned)
            dpg.add_mouse_double_click_handler(LEFT, callback=self._double_click)

    def look(self) -> None:
        """Takes note of what happened; to be called before anything else is asked, as often as one likes."""
        frame = dpg.get_frame_count()
        if frame == self._frame:
            return
        self._frame = frame
        state = dpg.get_item_state(self._item)
        corner, mouse = state.get("rect_min", (0, 0)), dpg.get_mouse_pos(local=False)
        here = (mouse[0] - corner[0], mouse[1] - corner[1])
        self._inside = state.get("hovered", False)
        self.pressed = self.released = self.clicked = False
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
        """Pixels from the item's upper left corner; None while the mouse is elsewhere and drags nothing here."""
        return self._place

    def dragged(self, button: int) -> Delta:
        """Pixels that the mouse went since the last frame, with a button held that went down on the item."""
        return self._moved.get(button, (0.0, 0.0))

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
                    self.released, self.clicked = True, self._travel <= STILL
        elif down and not before and self._inside:
            self._held[button] = here
            self._travel = 0.0
            self.pressed = self.pressed or button == LEFT

    def _wheel_turned(self, _: int, notches: float) -> None:
        self._turned += notches

    def _double_click(self) -> None:
        self._double = True
