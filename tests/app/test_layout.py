"""The default layout: no panel without a place, and rows and columns that add up."""

from __future__ import annotations

import re

import pytest

from app import layout


def nodes(text: str) -> dict[int, tuple[int, int, int]]:
    """Parent, width and height of each dock node by number."""
    found = re.findall(r"DockNode ID=0x(\w+) Parent=0x(\w+) SizeRef=(\d+),(\d+)", text)
    return {int(number, 16): (int(parent, 16), int(wide), int(high)) for number, parent, wide, high in found}


SIZES = [(1600, 1000, 1.0), (1280, 800, 1.0), (1920, 1200, 1.25), (960, 640, 1.0), (3840, 2160, 2.0)]


@pytest.mark.parametrize(("width", "height", "scale"), SIZES)
def test_every_panel_has_a_leaf_of_its_own(width: int, height: int, scale: float) -> None:
    text = layout.default_layout(width, height, scale)
    assert layout.complete(text)
    places = re.findall(r"\[###(\d+)\]\nPos=0,0\nSize=100,100\nCollapsed=0\nDockId=0x(\w+)", text)
    leaves = [int(place, 16) for _, place in places]
    assert len(set(leaves)) == len(leaves)
    tree = nodes(text)
    assert not {parent for parent, _, _ in tree.values()} & set(leaves)


@pytest.mark.parametrize(("width", "height", "scale"), SIZES)
def test_rows_and_columns_fill_their_parents(width: int, height: int, scale: float) -> None:
    tree = nodes(layout.default_layout(width, height, scale))
    sizes = {number: size for number, (_, *size) in tree.items()}
    children: dict[int, list[list[int]]] = {}
    for parent, *size in tree.values():
        children.setdefault(parent, []).append(size)
    for parent, (first, second) in children.items():
        wide, high = sizes.get(parent, [width, height])
        if first[1] == second[1] == high:
            assert first[0] + second[0] == wide
        else:
            assert first[0] == second[0] == wide
            assert first[1] + second[1] == high


@pytest.mark.parametrize(("width", "height", "scale"), SIZES[:3])
def test_the_3d_view_has_the_largest_part(width: int, height: int, scale: float) -> None:
    text = layout.default_layout(width, height, scale)
    area = {number: wide * high for number, (_, wide, high) in nodes(text).items()}
    place = {int(w): int(p, 16) for w, p in re.findall(r"\[###(\d+)\]\n.*\n.*\n.*\nDockId=0x(\w+)", text)}
    views = (layout.CAMERAS, layout.NOVEL, layout.FRAME, layout.WARP, layout.PLOTS)
    assert max(views, key=lambda view: area[place[view]]) == layout.CAMERAS


def test_an_older_layout_is_not_complete() -> None:
    text = layout.default_layout(1600, 1000)
    assert not layout.complete(text.replace(f"[###{layout.WARP}]", "[###77]"))
    assert not layout.complete("")
