"""Where the panels lie: the docking layout as the text that Dear PyGui (Dear ImGui) reads and writes.

Panels have fixed numbers, so that a layout of last week still fits; large ones, because Dear PyGui counts its own
items from below and overwrites whoever has the number it has come to. The nodes of the default layout, with the
design's three columns:

    top bar
    Training | Cameras  | Novel view
             | Timeline |
    Perturb  | Warp     | Frame
             |          | Plots
    status
"""

from __future__ import annotations

TOP, TRAINING, PERTURB, CAMERAS, TIMELINE, WARP, NOVEL, FRAME, PLOTS, STATUS = range(9_000_001, 9_000_011)
BANNER, HELP, OPENING, LOADING, WRITING, LEAVING = range(9_000_100, 9_000_106)

_TOP, _BODY, _BOTTOM, _COLUMNS, _LEFT, _REST, _MIDDLE, _RIGHT = range(1, 9)
_TRAINING, _PERTURB, _SEEN, _CAMERAS, _TIMELINE, _WARP, _NOVEL, _BELOW, _FRAME, _PLOTS = range(9, 19)
_DOCK_SPACE, _DOCK_WINDOW = 0x08BD597D, 0x1BBC0F80  # as Dear PyGui numbers them

TOP_HEIGHT, STATUS_HEIGHT, TIMELINE_HEIGHT = 40, 30, 66


def default_layout(width: int, height: int, scale: float = 1.0) -> str:
    """The default layout for a window of so many pixels.

    Args:
        width, height: of the window.
        scale: of the user interface; bars and columns grow with it.

    When the window is resized all keep their size but for the 3D view in the middle, which takes what is left: hence
    no column is wider, and no row higher, than its content needs.
    """
    top, bottom, strip = (round(value * scale) for value in (TOP_HEIGHT, STATUS_HEIGHT, TIMELINE_HEIGHT))
    body = height - top - bottom
    left = round(min(304 * scale, width * 0.3))
    right = round(min(max(430 * scale, width * 0.29), width * 0.4))
    middle = width - left - right
    perturb = round(min(390 * scale, body * 0.46))
    warp = round(min(max(270 * scale, body * 0.3), body * 0.45))
    novel, frame = round(body * 0.4), round(min(250 * scale, body * 0.28))
    node = _node
    docking = [
        f"DockSpace ID=0x{_DOCK_SPACE:08X} Window=0x{_DOCK_WINDOW:08X} Pos=0,0 Size={width},{height} Split=Y",
        node(_TOP, _DOCK_SPACE, width, top, "NoTabBar=1 NoResizeY=1"),
        node(_BODY, _DOCK_SPACE, width, height - top, "Split=Y"),
        node(_COLUMNS, _BODY, width, body, "Split=X"),
        node(_LEFT, _COLUMNS, left, body, "Split=Y"),
        node(_TRAINING, _LEFT, left, body - perturb),
        node(_PERTURB, _LEFT, left, perturb),
        node(_REST, _COLUMNS, width - left, body, "Split=X"),
        node(_MIDDLE, _REST, middle, body, "Split=Y"),
        node(_SEEN, _MIDDLE, middle, body - warp, "Split=Y"),
        node(_CAMERAS, _SEEN, middle, body - warp - strip, "CentralNode=1"),
        node(_TIMELINE, _SEEN, middle, strip, "NoTabBar=1 NoResizeY=1"),
        node(_WARP, _MIDDLE, middle, warp),
        node(_RIGHT, _REST, right, body, "Split=Y"),
        node(_NOVEL, _RIGHT, right, novel),
        node(_BELOW, _RIGHT, right, body - novel, "Split=Y"),
        node(_FRAME, _BELOW, right, frame),
        node(_PLOTS, _BELOW, right, body - novel - frame),
        node(_BOTTOM, _BODY, width, bottom, "NoTabBar=1 NoResizeY=1"),
    ]
    places = {
        TOP: _TOP,
        TRAINING: _TRAINING,
        PERTURB: _PERTURB,
        CAMERAS: _CAMERAS,
        TIMELINE: _TIMELINE,
        WARP: _WARP,
        NOVEL: _NOVEL,
        FRAME: _FRAME,
        PLOTS: _PLOTS,
        STATUS: _BOTTOM,
    }
    host = f"[Window][WindowOverViewport_11111111]\nPos=0,0\nSize={width},{height}\nCollapsed=0\n"
    windows = [
        f"[Window][###{window}]\nPos=0,0\nSize=100,100\nCollapsed=0\nDockId=0x{place:08X},0\n"
        for window, place in places.items()
    ]
    return "\n".join([host, *windows, "[Docking][Data]", *docking]) + "\n"


def complete(layout: str) -> bool:
    """Whether a layout that was read from a file places every panel: one of an older version may not."""
    return all(f"[###{window}]" in layout for window in range(TOP, STATUS + 1)) and "[Docking][Data]" in layout


def _node(number: int, parent: int, width: int, height: int, more: str = "") -> str:
    return f"DockNode ID=0x{number:08X} Parent=0x{parent:08X} SizeRef={width},{height} {more}".rstrip()
