"""The help window: what is shown, keys, and what the mouse does."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app.model.common import layout
from app.model.state.state import State
from app.panels.widgets.parts import ACCENT, MUTED, show_centred

TAG = layout.HELP
WIDTH, HEIGHT = 760, 840

KEYS: tuple[tuple[str, str], ...] = (
    ("Space", "pause or go on"),
    ("N", "one step"),
    ("Left / Right", "previous / next frame or patch"),
    ("F", "show all cameras, or the whole image"),
    ("1 2 3 4", "novel view: colour, depth, opacity, residual"),
    ("O  P  L", "novel view: orbit, fly, follow the selected frame"),
    ("W A S D  Q E", "fly, while the mouse is over the novel view"),
    ("K  Shift-K", "kick the selected frame or patch / all of them, at random"),
    ("X", "exclude the selected frame from training and measuring / bring it back"),
    ("Ctrl-Z / Ctrl-Shift-Z", "undo the last kick / redo it"),
    ("Ctrl-S  Ctrl-O  Ctrl-A", "save the run, open a scene, add photos to the run"),
    ("F12", "picture of the window"),
    ("F1 or H", "this help"),
    ("Esc", "close a dialog, or this help"),
    ("Ctrl-Q", "leave"),
)
MOUSE: tuple[tuple[str, str], ...] = (
    ("Drag", "orbit (3D view, novel view), look around while flying"),
    ("Shift-drag, middle drag", "pan"),
    ("Wheel", "zoom"),
    ("Click a camera", "select its frame"),
    ("Double click a camera", "look through it in the novel view"),
    ("Right click a camera", "exclude its frame or bring it back, or look through it"),
    ("Drag an arrow or a ring", "move or turn the selected camera (gizmo)"),
    ("Drop photos", "add them to the run: their poses are searched for, then they train with the rest"),
    ("Click a patch", "select it; the first one is fixed"),
    ("Drag a corner, body, knob", "kick the selected patch: bend, move, turn it"),
    ("Ctrl-click a slider", "type a value; double click on λ or μ resets it"),
)
WORDS = (
    "L2G-NeRF gives every pixel a rigid warp of its own and fits each camera's pose to its pixels' warps. λ says how "
    "tightly the two are tied: with a low λ the warp field is soft, with a high one it follows the pose exactly. The "
    "residual is the distance between the two on the photo. Errors are measured against reference poses, aligned by a "
    "similarity. Where there are none, features that were matched between photos tell how well the cameras fit: μ "
    "says how much they pull on the cameras, and the verdict in the top bar sums up what they say. With one image it "
    "registers patches of it instead: the transform of each is fitted to its pixels' warps."
)


class Help:
    """A window above the others."""

    def __init__(self, state: State) -> None:
        self._state = state

    def build(self) -> None:
        """Makes the window, hidden."""
        with dpg.window(
            label="Help",
            tag=TAG,
            show=False,
            width=WIDTH,
            height=HEIGHT,
            no_docking=True,
            no_collapse=True,
            on_close=self._closed,
        ):
            dpg.add_text(WORDS, wrap=WIDTH - 40)
            for title, rows in (("Keys", KEYS), ("Mouse", MOUSE)):
                dpg.add_spacer(height=4)
                dpg.add_text(title, color=ACCENT)
                with dpg.table(header_row=False, policy=dpg.mvTable_SizingFixedFit):
                    dpg.add_table_column(width_fixed=True, init_width_or_weight=200)
                    dpg.add_table_column()
                    for key, what in rows:
                        with dpg.table_row():
                            dpg.add_text(key)
                            dpg.add_text(what, color=MUTED)

    def update(self) -> None:
        """Opens or closes the window as `state.help_open` says."""
        if dpg.is_item_shown(TAG) != self._state.help_open:
            dpg.configure_item(TAG, show=self._state.help_open)
            if self._state.help_open:
                height = min(HEIGHT, dpg.get_viewport_client_height() - 40)
                dpg.configure_item(TAG, height=height)
                show_centred(TAG, WIDTH, height)

    def _closed(self) -> None:
        self._state.help_open = False
