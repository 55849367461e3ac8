"""Two contestants of a race in the novel view: who, in which way, their names, and the line between them."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app.model.lab.race import describe_contestant
from app.model.novel.comparison import find_divider, list_sides
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from app.panels.widgets.canvas import Canvas
from app.panels.widgets.parts import (
    PADDING,
    TEXT,
    Colour,
    add_tool_tip,
    measure_line,
    measure_text,
    read_colour,
    shorten_text,
)

SHADE: Colour = (14, 17, 21, 200)
WAYS = {"wipe": False, "side by side": True}  # how two contestants are compared, and whether each has a half
ALONE = "alone"
RIVAL, WAY = 118, 112  # width of the choices of a comparison, of the first one at least; pixels
ARROW = 40  # of a choice, beside its words, pixels
REACH = 7.0  # pixels on either side of the line in which the mouse takes hold of it
HANDLE = 9.0  # radius, pixels
Box = tuple[float, float, float, float]


class ComparisonView:
    """The choices of the comparison, and what is drawn over the canvas, on which the line is dragged."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._layer: int | str = 0
        self._names: list[tuple[int | str, int | str]] = []
        self._dragging = False
        self._rivals: dict[str, int | None] = {}

    def build_choices(self, state: State) -> None:
        """Adds the choices to the container that is open; they are shown in a race."""
        with dpg.group(horizontal=True, show=False) as self._choices:
            self._rival = dpg.add_combo(
                (),
                width=RIVAL,
                callback=self._choose_rival,
                user_data=state,
            )
            add_tool_tip(
                self._rival,
                "The contestant whose field is seen beside that of the one that is shown, from the same place; while "
                "a frame is followed, each from its own fitted pose.",
            )
            self._way = dpg.add_combo(
                tuple(WAYS),
                default_value="wipe",
                width=WAY,
                callback=self._choose_way,
                user_data=state,
            )
            add_tool_tip(
                self._way, "One over the other, with a line between them that can be dragged; or a half each."
            )

    def build(self, parent: int | str) -> None:
        """Adds the drawings to the window of the canvas."""
        with dpg.draw_layer(parent=parent, show=False) as self._layer:
            self._names = [
                (dpg.draw_rectangle((0, 0), (1, 1), fill=SHADE, color=SHADE, rounding=3), dpg.draw_text((0, 0), ""))
                for _ in range(2)
            ]
            self._handle = dpg.draw_circle((0, 0), HANDLE, fill=SHADE, color=TEXT)
            self._arrows = [
                dpg.draw_triangle((0, 0), (0, 0), (0, 0), fill=TEXT, color=TEXT, show=False) for _ in range(2)
            ]

    def offer(self, state: State) -> None:
        """The contestants of a race that can be seen beside the one that is shown."""
        racing = state.race.race is not None
        if dpg.is_item_shown(self._choices) != racing:
            dpg.configure_item(self._choices, show=racing)
        if not racing:
            return
        names = {run.contestant.name: place for place, run in enumerate(state.runs) if run.contestant is not None}
        offered = {ALONE: None} | {f"beside {name}": place for name, place in names.items() if place != state.active}
        if offered != self._rivals:
            self._rivals = offered
            dpg.configure_item(self._rival, items=list(offered))
        room = max(map(measure_text, offered)) + ARROW
        width = int(max(min(room, self._canvas.size[0] - WAY - PADDING), RIVAL))
        if dpg.get_item_width(self._rival) != width:
            dpg.configure_item(self._rival, width=width)
        place = state.race.beside if state.beside is not None else None
        shown = next((words for words, offer in offered.items() if offer == place), ALONE)
        if dpg.get_value(self._rival) != shown:
            dpg.set_value(self._rival, shown)
        dpg.configure_item(self._way, show=place is not None)

    def _choose_rival(self, _: int, words: str, state: State) -> None:
        state.race.beside = self._rivals.get(words)

    def _choose_way(self, _: int, words: str, state: State) -> None:
        state.race.apart = WAYS[words]

    def drag(self, state: State, picture: tuple[int, int]) -> bool:
        """Moves the line with the mouse; whether the mouse has hold of it, and nothing else is to follow it.

        Args:
            state: with the line.
            picture: (width, height) of the picture in the canvas, pixels.
        """
        mouse = self._canvas.mouse
        left, _, width, _ = place_picture(picture, self._canvas.size)
        if state.beside is None or state.race.apart or mouse.place is None:
            self._dragging = False
            return False
        across = mouse.place[0]
        if mouse.pressed:
            self._dragging = abs(across - left - width * state.race.divider) <= REACH
        if self._dragging:
            state.race.divider = min(max((across - left) / max(width, 1.0), 0.0), 1.0)
        dragging, self._dragging = self._dragging, self._dragging and not mouse.released
        return dragging

    def update(self, state: State, picture: tuple[int, int]) -> None:
        """Draws names and line; hides them where nothing is compared."""
        sides = list_sides(state)
        if dpg.is_item_shown(self._layer) != bool(sides):
            dpg.configure_item(self._layer, show=bool(sides))
        if not sides:
            return
        corner = self._canvas.corner
        left, top, width, height = place_picture(picture, self._canvas.size)
        left, top = left + corner[0], top + corner[1]
        first, second = sides
        room = width / 2 - 2 * PADDING
        self._write(0, first, (left + PADDING / 2, top + PADDING / 2), room)
        at = (left + width / 2 if state.race.apart else left + width, top + PADDING / 2)
        self._write(1, second, at, room, from_right=not state.race.apart)
        self._draw_handle(state, left + width * find_divider(state), top + height / 2)

    def _write(
        self, number: int, run: ViewedRun, at: tuple[float, float], room: float, from_right: bool = False
    ) -> None:
        box, text = self._names[number]
        assert run.contestant is not None
        words = shorten_text(describe_side(run), room)
        wide, high = measure_text(words) + PADDING, measure_line()
        left = at[0] - wide - PADDING / 2 if from_right else at[0] + (PADDING / 2 if number else 0)
        dpg.configure_item(box, pmin=(left, at[1]), pmax=(left + wide, at[1] + high + 6))
        colour = read_colour(run.contestant.colour)
        dpg.configure_item(text, pos=(left + PADDING / 2, at[1] + 2), text=words, size=high, color=colour)

    def _draw_handle(self, state: State, x: float, y: float) -> None:
        shown = not state.race.apart
        dpg.configure_item(self._handle, center=(x, y), show=shown)
        for arrow, sign in zip(self._arrows, (-1, 1), strict=True):
            tip, base = x + sign * (HANDLE - 2), x + 2 * sign
            dpg.configure_item(arrow, p1=(tip, y), p2=(base, y - 4), p3=(base, y + 4), show=shown)


def describe_side(run: ViewedRun) -> str:
    """A contestant's name and its error, or that there is nothing to be seen of it yet."""
    assert run.contestant is not None
    error = describe_contestant(run.contestant, run.snapshot, 0.0)[3]
    return "   ".join(filter(None, (run.contestant.name, error if run.volume is not None else "no field yet")))


def place_picture(picture: tuple[int, int], canvas: tuple[int, int]) -> Box:
    """Left, top, width and height of a picture in the middle of a canvas, as large as it fits; pixels."""
    scale = min(canvas[0] / picture[0], canvas[1] / picture[1])
    width, height = picture[0] * scale, picture[1] * scale
    return (canvas[0] - width) / 2, (canvas[1] - height) / 2, width, height
