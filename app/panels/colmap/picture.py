"""The right part of the COLMAP panel: a photo with its features, a pair with its matches, or the model's growth."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app.model.colmap.colmap_pictures import make_keypoints_picture, make_pair_picture
from app.model.colmap.shown_matches import ShownMatches, choose_pair, choose_shown
from app.model.state.colmap_view import SHOWN, Shown
from app.model.state.state import State
from app.panels.colmap.growth import ColmapGrowth
from app.panels.widgets.parts import ACCENT_DIM, MUTED, add_tool_tip, set_text, shorten_text
from app.panels.widgets.picture_item import PictureItem

LARGEST = (1100, 620)  # (width, height) of the picture, pixels
NARROWEST = 220  # width of the choices above the picture, pixels
HEADER, CAPTION = 28, 22  # heights of the choices above it and of the line below, pixels
LABELS: dict[Shown, str] = {"keypoints": "Keypoints", "matches": "Matches", "mapping": "Mapping"}
TIPS: dict[Shown, str] = {
    "keypoints": "Features of the selected frame as dots; the largest as circles with their size and direction.",
    "matches": "Matches of a pair: blue at first; once verified, green for inliers of a two-view geometry and red for "
    "the others. Select a pair in the matrix; otherwise the best one of the selected frame is shown.",
    "mapping": "How the model has grown, photo by photo, and its reprojection error before and after each "
    "adjustment. The 3D view shows its cameras and points in blue.",
}


class ColmapPicture:
    """Shows the stage at which the pipeline is, until the user chooses what to see."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._key: tuple[object, ...] = ()
        self._growth = ColmapGrowth()
        self._buttons: dict[Shown, int | str] = {}
        self._bound: dict[Shown, bool] = {}

    def build(self) -> None:
        """Adds it to the container that is open."""
        with dpg.theme() as self._lit, dpg.theme_component(dpg.mvButton):
            dpg.add_theme_color(dpg.mvThemeCol_Button, ACCENT_DIM)
        with dpg.group():
            with dpg.group(horizontal=True, horizontal_spacing=4):
                for shown in SHOWN:
                    button = dpg.add_button(label=LABELS[shown], callback=self._choose, user_data=shown)
                    self._buttons[shown] = button
                    add_tool_tip(self._buttons[shown], TIPS[shown])
            self._picture = PictureItem(LARGEST)
            self._growth.build()
            self._caption = dpg.add_text("", color=MUTED)
            self._caption_tip = add_tool_tip(self._caption, "")

    def update(self, matches: ShownMatches, box: tuple[int, int]) -> None:
        """Shows what is chosen in a box of (width, height) pixels, header and caption included."""
        state, progress = self._state, matches.progress
        shown = choose_shown(state, matches)
        for name, button in self._buttons.items():
            if self._bound.get(name) != (name == shown):
                self._bound[name] = name == shown
                dpg.bind_item_theme(button, self._lit if name == shown else 0)
        size = (min(box[0], LARGEST[0] - 2), min(box[1] - HEADER - CAPTION, LARGEST[1] - 2))
        growing, pair = shown == "mapping", choose_pair(state, matches)
        self._growth.show(growing)
        pictured = not growing and (shown == "keypoints" or pair is not None)
        if dpg.is_item_shown(self._picture.group) != pictured:
            dpg.configure_item(self._picture.group, show=pictured)
        if growing:
            self._key = ()  # the caption is the plot's now
            self._say(self._growth.update(progress, (box[0], box[1] - HEADER - CAPTION)), box[0])
            return
        frame = matches.frame
        if frame >= len(progress.names):
            dpg.configure_item(self._picture.group, show=False)
            self._say("This frame was added after COLMAP began.", box[0])
            return
        if shown == "keypoints":
            key: tuple[object, ...] = (id(progress), frame, frame in progress.features, size)
        else:
            key = (id(progress), pair, pair in progress.raw, pair in progress.verified, size)
        if key == self._key:
            return
        self._key = key
        if shown == "keypoints":
            pixels, words = make_keypoints_picture(matches, frame, size)
        elif pair is not None:
            pixels, words = make_pair_picture(matches, pair, size)
        else:
            self._say("This frame has no matches with any other.", box[0])
            return
        self._picture.show(pixels)
        self._picture.place((pixels.shape[1], pixels.shape[0]))
        self._say(words, box[0])

    def _say(self, words: str, room: int) -> None:
        """The line below the picture, and all of it in its tool tip, for it may be longer than there is room."""
        set_text(self._caption, shorten_text(words, room))
        set_text(self._caption_tip, words)

    def _choose(self, _sender: int, _value: object, shown: Shown) -> None:
        self._state.colmap.chosen = shown
