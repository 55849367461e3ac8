"""Where the panels lie: the docking layout as the text that Dear PyGui (Dear ImGui) reads and writes.

Panels have fixed numbers, so that a stored layout still fits; large ones, because Dear PyGui numbers its own items
from 1 upwards and would use the same numbers. One tree holds the layouts of both kinds of scenes, of which one is
shown: a node without a shown window takes no space, and keeps its size until it has one again. Each kind has columns
of its own; only the node in the middle, which takes the space that is left, is shared. For photos with cameras, and
for patches of one image:

    top bar                                 top bar
    Training | Cameras  | Novel view        Training | Image    | Local warp
             | Timeline |                            |          |
    Perturb  | Warp     | Frame             Perturb  |          | Patch
             |          | Plots                      | Timeline | Plots
    status                                  status

In a window that is higher than wide the right column lies below the middle one; Plots are a tab beside Warp.
COLMAP and the panels of the lab are tabs beside Warp, or beside Local warp.
"""

from __future__ import annotations

import re

TOP, TRAINING, PERTURB, CAMERAS, TIMELINE, WARP, NOVEL, FRAME, PLOTS, STATUS = range(9_000_001, 9_000_011)
PLANAR_TRAINING, PLANAR_PERTURB, IMAGE, PLANAR_TIMELINE, PATCH_WARP, PATCH, PLANAR_PLOTS = range(9_000_011, 9_000_018)
COLMAP, LANDSCAPE, PLANAR_LANDSCAPE, RACE, PLANAR_RACE, BASIN, SWEEP, PLANAR_SWEEP = range(9_000_018, 9_000_026)
PLANAR_BASIN = 9_000_026
BANNER, HELP, OPENING, LOADING, WRITING, LEAVING, EXPORT, ADDING = range(9_000_100, 9_000_108)
DIALOGS = (HELP, OPENING, LOADING, WRITING, LEAVING, EXPORT, ADDING)

_TOP, _BODY, _BOTTOM, _COLUMNS, _LEFT, _REST, _MIDDLE, _RIGHT = range(1, 9)
_TRAINING, _PERTURB, _SEEN, _VIEWS, _TIMELINE, _WARP, _NOVEL, _BELOW, _FRAME, _PLOTS = range(9, 19)
_PLANAR_LEFT, _PLANAR_REST, _PLANAR_RIGHT, _POSED_COLUMNS, _VIEW, _PLANAR_TIMELINE = range(19, 25)
_PLANAR_TRAINING, _PLANAR_PERTURB, _PATCH_WARP, _PLANAR_BELOW, _PATCH, _PLANAR_PLOTS = range(25, 31)
_HOST = "WindowOverViewport_11111111"  # window of the dock space
_DOCK_SPACE, _DOCK_WINDOW = 0x08BD597D, 0x1BBC0F80  # as Dear PyGui numbers them

TOP_HEIGHT, STATUS_HEIGHT, TIMELINE_HEIGHT = 40, 30, 66


def make_default_layout(width: int, height: int, scale: float = 1.0) -> str:
    """The default layouts for a window of so many pixels.

    Args:
        width, height: of the window.
        scale: of the user interface; bars and columns grow with it.

    When the window is resized, or the panels of the other kind are shown, all nodes keep their size but for the view
    in the middle, which takes the space that is left: hence no column is wider, and no row higher, than its content.
    """
    top, bottom, strip = (round(value * scale) for value in (TOP_HEIGHT, STATUS_HEIGHT, TIMELINE_HEIGHT))
    body = height - top - bottom
    left = round(min(304 * scale, width * (0.32 if is_portrait(width, height) else 0.3)))
    right = round(min(max(430 * scale, width * 0.29), width * 0.4))
    perturb = round(min(390 * scale, body * 0.46))
    if is_portrait(width, height):
        perturb = body - round(min(640 * scale, body * 0.5))  # what is left of the column is at its end
    warp = round(min(max(270 * scale, body * 0.3), body * 0.45))
    frame = round(min(250 * scale, body * 0.28))
    novel = round(min(body * 0.4, max(body - frame - 262 * scale, body * 0.3)))  # in a low window plots need the rest
    patch_warp, patch = round(body * 0.35), round(min(252 * scale, body * 0.31))
    rest, seen = width - left, body - warp
    middle = rest - right
    node = _node
    head = [
        f"DockSpace ID=0x{_DOCK_SPACE:08X} Window=0x{_DOCK_WINDOW:08X} Pos=0,0 Size={width},{height} Split=Y",
        node(_TOP, _DOCK_SPACE, width, top, "NoTabBar=1 NoResizeY=1"),
        node(_BODY, _DOCK_SPACE, width, height - top, "Split=Y"),
        node(_COLUMNS, _BODY, width, body, "Split=X"),
        *_column(_LEFT, _COLUMNS, left, ((_TRAINING, body - perturb), (_PERTURB, perturb))),
        node(_REST, _COLUMNS, rest, body, "Split=X"),
        *_column(_PLANAR_LEFT, _REST, left, ((_PLANAR_TRAINING, body - perturb), (_PLANAR_PERTURB, perturb))),
    ]
    if is_portrait(width, height):
        columns = _stack_columns(rest, body, strip, scale)
    else:
        columns = [
            node(_PLANAR_REST, _REST, rest, body, "Split=X"),
            node(_POSED_COLUMNS, _PLANAR_REST, rest, body, "Split=X"),
            node(_MIDDLE, _POSED_COLUMNS, middle, body, "Split=Y"),
            *_view_and_timelines(_MIDDLE, middle, seen, strip),
            node(_WARP, _MIDDLE, middle, warp),
            node(_RIGHT, _POSED_COLUMNS, right, body, "Split=Y"),
            node(_NOVEL, _RIGHT, right, novel),
            *_column(_BELOW, _RIGHT, right, ((_FRAME, frame), (_PLOTS, body - novel - frame))),
            node(_PLANAR_RIGHT, _PLANAR_REST, right, body, "Split=Y"),
            node(_PATCH_WARP, _PLANAR_RIGHT, right, patch_warp),
            *_column(
                _PLANAR_BELOW, _PLANAR_RIGHT, right, ((_PATCH, patch), (_PLANAR_PLOTS, body - patch_warp - patch))
            ),
        ]
    docking = [*head, *columns, node(_BOTTOM, _BODY, width, bottom, "NoTabBar=1 NoResizeY=1")]
    places = _PLACES | {PLOTS: _WARP} if is_portrait(width, height) else _PLACES
    order = _TABS | ({PLOTS: len(_TABS)} if is_portrait(width, height) else {})
    host = f"[Window][{_HOST}]\nPos=0,0\nSize={width},{height}\nCollapsed=0\n"
    windows = [
        f"[Window][###{window}]\nPos=0,0\nSize=100,100\nCollapsed=0\nDockId=0x{place:08X},{order.get(window, 0)}\n"
        for window, place in places.items()
    ]
    return "\n".join([host, *windows, "[Docking][Data]", *docking]) + "\n"


_PLACES = {
    TOP: _TOP,
    TRAINING: _TRAINING,
    PERTURB: _PERTURB,
    CAMERAS: _VIEW,
    TIMELINE: _TIMELINE,
    WARP: _WARP,
    COLMAP: _WARP,
    LANDSCAPE: _WARP,
    BASIN: _WARP,
    NOVEL: _NOVEL,
    FRAME: _FRAME,
    PLOTS: _PLOTS,
    STATUS: _BOTTOM,
    PLANAR_TRAINING: _PLANAR_TRAINING,
    PLANAR_PERTURB: _PLANAR_PERTURB,
    IMAGE: _VIEW,
    PLANAR_TIMELINE: _PLANAR_TIMELINE,
    PATCH_WARP: _PATCH_WARP,
    PATCH: _PATCH,
    PLANAR_PLOTS: _PLANAR_PLOTS,
    PLANAR_LANDSCAPE: _PATCH_WARP,
    PLANAR_BASIN: _PATCH_WARP,
    RACE: _WARP,
    PLANAR_RACE: _PATCH_WARP,
    SWEEP: _WARP,
    PLANAR_SWEEP: _PATCH_WARP,
}
_TABS = {window: tab for tab, window in enumerate((COLMAP, LANDSCAPE, BASIN, RACE, SWEEP), 1)}
_TABS |= {PLANAR_LANDSCAPE: 1, PLANAR_BASIN: 2, PLANAR_RACE: 3, PLANAR_SWEEP: 4}
"""Which tab of its place a panel is that shares it; 0 for the others."""


def is_portrait(width: int, height: int) -> bool:
    """Whether a window is higher than wide."""
    return height > width


def fits_window(layout: str, width: int, height: int) -> bool:
    """Whether a stored layout is of a window of this orientation, as far as it says."""
    found = re.search(rf"\[Window\]\[{_HOST}\][^\[]*?Size=(\d+),(\d+)", layout)
    return found is None or is_portrait(int(found[1]), int(found[2])) == is_portrait(width, height)


def complete_layout(layout: str) -> str:
    """A stored layout of an older version with the panels that it does not know, as tabs beside their neighbours.

    Where a neighbour is in no place of the docking, they float. A layout without any panel stays as it is.
    """
    if "[Docking][Data]" not in layout:
        return layout
    added = ""
    for window, place in _PLACES.items():
        if f"[###{window}]" in layout:
            continue
        beside = next((other for other, its in _PLACES.items() if its == place and f"[###{other}]" in layout), None)
        if beside is None or window not in _TABS:
            return layout
        found = re.search(rf"\[Window\]\[###{beside}\][^\[]*?DockId=(0x\w+)", layout)
        where = f"DockId={found[1]},{_TABS[window] + 1}" if found else ""
        added += f"[Window][###{window}]\nPos=120,120\nSize=560,340\nCollapsed=0\n{where}\n\n"
    return layout.replace("[Docking][Data]", added + "[Docking][Data]", 1)


def is_complete(layout: str) -> bool:
    """Whether a stored layout places every panel; one of an older version may not."""
    return all(f"[###{window}]" in layout for window in _PLACES) and "[Docking][Data]" in layout


def _view_and_timelines(parent: int, width: int, height: int, strip: int) -> list[str]:
    """The lines of the view in the middle, for both kinds of scenes, with the timelines below it."""
    return [
        _node(_SEEN, parent, width, height, "Split=Y"),
        _node(_VIEWS, _SEEN, width, height - strip, "Split=Y"),
        _node(_VIEW, _VIEWS, width, height - strip, "CentralNode=1"),
        _node(_PLANAR_TIMELINE, _VIEWS, width, strip, "NoTabBar=1 NoResizeY=1"),
        _node(_TIMELINE, _SEEN, width, strip, "NoTabBar=1 NoResizeY=1"),
    ]


def _stack_columns(width: int, body: int, strip: int, scale: float) -> list[str]:
    """The lines of the middle column with the right one below it."""
    lower = round(body * 0.62)
    novel, frame = round(lower * 0.36), round(min(250 * scale, lower * 0.3))
    patch_warp, patch = round(lower * 0.36), round(min(252 * scale, lower * 0.3))
    return [
        _node(_PLANAR_REST, _REST, width, body, "Split=Y"),
        _node(_POSED_COLUMNS, _PLANAR_REST, width, body, "Split=Y"),
        *_view_and_timelines(_POSED_COLUMNS, width, body - lower, strip),
        _node(_RIGHT, _POSED_COLUMNS, width, lower, "Split=Y"),
        _node(_NOVEL, _RIGHT, width, novel),
        *_column(_BELOW, _RIGHT, width, ((_FRAME, frame), (_WARP, lower - novel - frame))),
        _node(_PLANAR_RIGHT, _PLANAR_REST, width, lower, "Split=Y"),
        _node(_PATCH_WARP, _PLANAR_RIGHT, width, patch_warp),
        *_column(_PLANAR_BELOW, _PLANAR_RIGHT, width, ((_PATCH, patch), (_PLANAR_PLOTS, lower - patch_warp - patch))),
    ]


def _column(number: int, parent: int, width: int, rows: tuple[tuple[int, int], tuple[int, int]]) -> list[str]:
    """The lines of a column of two nodes, each given as (number, height)."""
    height = sum(row[1] for row in rows)
    return [
        _node(number, parent, width, height, "Split=Y"),
        *(_node(row, number, width, high) for row, high in rows),
    ]


def _node(number: int, parent: int, width: int, height: int, more: str = "") -> str:
    return f"DockNode ID=0x{number:08X} Parent=0x{parent:08X} SizeRef={width},{height} {more}".rstrip()
