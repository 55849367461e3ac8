"""Keyboard shortcuts: while an input has the keyboard only Esc, in an open dialog only Esc and those with Ctrl."""

from __future__ import annotations

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from app.model.common import layout

Action = Callable[[], None]
Table = dict[int, Action]
Keys = tuple[Table, Table, Table, Table]  # alone, with Ctrl, with Shift, with both

ASKING = tuple(dialog for dialog in layout.DIALOGS if dialog != layout.HELP)
TYPED_INTO = ("mvInputText", "mvInputInt", "mvInputFloat", "mvSliderFloat", "mvSliderInt", "mvDragFloat")


class Shortcuts:
    """Calls the action of a key that is pressed alone, with Ctrl, with Shift or with both."""

    def __init__(self, keys: Keys, escape: Action) -> None:
        """`escape` is the action of that key, which is called also while something is typed or asked."""
        self._keys, self._escape = keys, escape
        self._inputs: list[int] = []

    def build(self) -> None:
        """Begins to listen; to be called once all inputs of the window have been made."""
        with dpg.handler_registry():
            dpg.add_key_press_handler(callback=self._pressed)
        self._inputs = [item for item in dpg.get_all_items() if dpg.get_item_type(item).split("::")[-1] in TYPED_INTO]

    @property
    def typing(self) -> bool:
        """Whether an input has the keyboard."""
        return any(dpg.does_item_exist(item) and dpg.is_item_active(item) for item in self._inputs)

    @property
    def asking(self) -> bool:
        """Whether a dialog is open, into which the user believes to type."""
        return any(dpg.does_item_exist(dialog) and dpg.is_item_shown(dialog) for dialog in ASKING)

    def _pressed(self, _: int, key: int) -> None:
        if key == dpg.mvKey_Escape:
            self._escape()
            return
        control = dpg.is_key_down(dpg.mvKey_LControl) or dpg.is_key_down(dpg.mvKey_RControl)
        shift = dpg.is_key_down(dpg.mvKey_LShift) or dpg.is_key_down(dpg.mvKey_RShift)
        action = self._keys[control + 2 * shift].get(key)
        if action is not None and not self.typing and (control or not self.asking):
            action()
