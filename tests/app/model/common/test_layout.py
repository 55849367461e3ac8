"""The default layouts: no panel without a place, and for each kind of scene its panels fill the window."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from app.model.common import layout

SHARED = {layout.TOP, layout.STATUS}
POSED = {
    *(layout.TRAINING, layout.PERTURB, layout.CAMERAS, layout.TIMELINE),
    *(layout.WARP, layout.NOVEL, layout.FRAME, layout.PLOTS),
}
PLANAR = {
    *(layout.PLANAR_TRAINING, layout.PLANAR_PERTURB, layout.IMAGE, layout.PLANAR_TIMELINE),
    *(layout.PATCH_WARP, layout.PATCH, layout.PLANAR_PLOTS),
}
SIZES = [(1600, 1000, 1.0), (1280, 800, 1.0), (1920, 1200, 1.25), (960, 640, 1.0), (3840, 2160, 2.0), (900, 1300, 1.0)]

Box = tuple[float, float, float, float]  # left, top, width, height


class Node(NamedTuple):
    number: int
    parent: int | None
    size: tuple[int, int]
    across: bool
    central: bool


def nodes(text: str) -> list[Node]:
    """The dock nodes, the dock space first."""
    found = re.findall(r"Dock(?:Node|Space) +ID=0x(\w+)(?: Parent=0x(\w+))?.*? Size(?:Ref)?=(\d+),(\d+)(.*)", text)
    return [
        Node(int(n, 16), int(p, 16) if p else None, (int(w), int(h)), "Split=X" in rest, "CentralNode=1" in rest)
        for n, p, w, h, rest in found
    ]


def places(text: str) -> dict[int, int]:
    """The dock node of each window."""
    found = re.findall(r"\[###(\d+)\]\nPos=0,0\nSize=100,100\nCollapsed=0\nDockId=0x(\w+)", text)
    return {int(window): int(place, 16) for window, place in found}


def boxes(text: str, shown: set[int]) -> dict[int, Box]:
    """Where the windows that are shown lie, by Dear ImGui's rules: a node without any takes no place; beside the node
    that holds the central one the other keeps its size; else they share by their sizes."""
    tree, place = nodes(text), places(text)
    children = {node.number: [child for child in tree if child.parent == node.number] for node in tree}
    found: dict[int, Box] = {}

    def seen(node: Node) -> bool:
        here = any(place[window] == node.number for window in shown)
        return here or node.central or any(seen(child) for child in children[node.number])

    def central(node: Node) -> bool:
        return node.central or any(central(child) for child in children[node.number])

    def put(node: Node, box: Box) -> None:
        found.update({window: box for window in shown if place[window] == node.number})
        visible = [child for child in children[node.number] if seen(child)]
        left, top, width, height = box
        if len(visible) == 1:
            put(visible[0], box)
        elif visible:
            first, second = visible
            axis = 0 if node.across else 1
            whole = (width, height)[axis]
            share = whole * first.size[axis] / (first.size[axis] + second.size[axis])
            length = first.size[axis] if central(second) else whole - second.size[axis] if central(first) else share
            put(first, (left, top, length, height) if node.across else (left, top, width, length))
            rest = whole - length
            put(second, (left + length, top, rest, height) if node.across else (left, top + length, width, rest))

    put(tree[0], (0, 0, *tree[0].size))
    return found


def test_colmap_is_a_tab_behind_the_warp_field() -> None:
    text = layout.make_default_layout(1600, 1000)
    assert places(text)[layout.COLMAP] == places(text)[layout.WARP]
    order = {int(window): int(tab) for window, tab in re.findall(r"\[###(\d+)\]\n.*\n.*\n.*\nDockId=\w+,(\d)", text)}
    assert order[layout.COLMAP] > order[layout.WARP]


@pytest.mark.parametrize("kind", [POSED, PLANAR])
@pytest.mark.parametrize(("width", "height", "scale"), SIZES)
def test_the_panels_of_each_kind_of_scene_fill_the_window(
    width: int, height: int, scale: float, kind: set[int]
) -> None:
    if layout.is_portrait(width, height):
        kind = kind - {layout.PLOTS}  # a tab beside Warp
    found = boxes(layout.make_default_layout(width, height, scale), SHARED | kind)
    assert set(found) == SHARED | kind
    assert sum(wide * high for _, _, wide, high in found.values()) == pytest.approx(width * height)
    assert min(wide for _, _, wide, _ in found.values()) >= 200 * min(scale, 1.0)
    assert len({box[:2] for box in found.values()}) == len(found), "none lies over another"


@pytest.mark.parametrize(("width", "height", "scale"), SIZES[:3])
def test_the_view_of_the_whole_scene_has_the_largest_part(width: int, height: int, scale: float) -> None:
    text = layout.make_default_layout(width, height, scale)
    for kind, view in ((POSED, layout.CAMERAS), (PLANAR, layout.IMAGE)):
        area = {window: wide * high for window, (_, _, wide, high) in boxes(text, SHARED | kind).items()}
        assert max(area, key=area.__getitem__) == view


def without(text: str, *windows: int) -> str:
    """A layout as a version without these panels would have written it."""
    for window in windows:
        text = re.sub(rf"\[Window\]\[###{window}\]\n(?:[^\[\n]*\n)+", "", text)
        assert str(window) not in text
    return text


def test_an_older_layout_keeps_its_places_and_gets_the_new_panels_as_tabs() -> None:
    moved = layout.make_default_layout(1600, 1000)
    there = places(moved)
    node = f"DockId=0x{there[layout.PERTURB]:08X},0"
    moved = re.sub(rf"(\[###{layout.WARP}\]\n.*\n.*\n.*\n)DockId=\w+,0", rf"\g<1>{node}", moved)
    older = without(moved, layout.LANDSCAPE, layout.PLANAR_LANDSCAPE)
    whole = layout.complete_layout(older)
    assert layout.is_complete(whole)
    assert not layout.is_complete(older)
    for line in older.splitlines():
        assert line in whole, "what the user arranged stays"
    found = dict(re.findall(r"\[###(\d+)\]\n.*\n.*\n.*\nDockId=0x(\w+)", whole))
    assert found[str(layout.LANDSCAPE)] == found[str(layout.WARP)], "where the user has put its neighbour"
    assert found[str(layout.PLANAR_LANDSCAPE)] == found[str(layout.PATCH_WARP)]
    assert layout.complete_layout(whole) == whole


def test_a_layout_without_a_panel_that_has_a_place_of_its_own_stays_incomplete() -> None:
    text = without(layout.make_default_layout(1600, 1000), layout.CAMERAS, layout.IMAGE)
    assert not layout.is_complete(layout.complete_layout(text))
    assert layout.complete_layout("") == ""


def test_an_older_layout_is_not_complete() -> None:
    text = layout.make_default_layout(1600, 1000)
    assert layout.is_complete(text)
    assert not layout.is_complete(text.replace(f"[###{layout.WARP}]", "[###77]"))
    assert not layout.is_complete(text.replace(f"[###{layout.IMAGE}]", "[###77]"))
    assert not layout.is_complete("")
