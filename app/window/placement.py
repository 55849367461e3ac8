"""Where the window lies on the screen, and how large it is there. Pure functions."""

from __future__ import annotations

from app.window.display import Screen

TITLE_BAR = 40  # pixels that a window manager adds above a window, about
USUAL_CORNER = (100, 100)  # pixels from the corner of the screen, where there is a window manager and room


def fit_to_screen(size: tuple[int, int], screen: Screen) -> tuple[int, int]:
    """The size (width, height) that was wanted, or as much of it as the screen has room for.

    One that is too wide for a screen that is higher than wide is turned.
    """
    if screen.height > screen.width and size[0] > max(screen.width, size[1]):
        size = size[1], size[0]
    title = TITLE_BAR if screen.managed else 0
    return min(size[0], screen.width), min(size[1], screen.height - title)


def choose_corner(size: tuple[int, int], screen: Screen) -> tuple[int, int]:
    """The upper left corner for a window that fits, such that all of it is inside the screen.

    Without a window manager it cannot be moved: it fills the screen from the corner on.
    """
    if not screen.managed:
        return screen.left, screen.top
    room = screen.width - size[0], screen.height - size[1] - TITLE_BAR
    across, down = (min(usual, free) for usual, free in zip(USUAL_CORNER, room, strict=True))
    return screen.left + max(across, 0), screen.top + max(down, 0)
