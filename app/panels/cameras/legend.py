"""The legend above the 3D view: switches of its layers, their colours, and the colours of errors."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app.model.cameras.colmap_alignment import COLMAP
from app.model.common.error_colours import (
    ACCENT,
    INITIAL,
    REFERENCE,
    REPROJECTION_PX,
    ROTATION_DEG,
    ErrorScale,
)
from app.model.state.state import State
from app.panels.widgets.error_scale import BAR, BESIDE, build_scale, build_ticks, make_error_colours, to_bytes
from app.panels.widgets.layer_switches import LayerSwitches, Switch
from app.panels.widgets.parts import Colour, read_colour
from engine.lab.race.definition import COLOURS

COLUMNS = (76, 98, 76, 80, 78, 90)  # pixels of each column of switches
NARROW_COLUMNS = (76, 98, 82)  # of a panel that has no room for those
UNDOCKED = 120  # width of a panel in the first frames, at most, before it has got its place; pixels
TICKS_DEG = (0.1, 0.3, 1.0, 3.0, 10.0)
TICKS_PX = (0.3, 1.0, 3.0, 10.0)
AXES: tuple[Colour, ...] = ((230, 84, 79, 255), (112, 194, 82, 255), (79, 143, 237, 255))
AMBER, GREY = to_bytes(REFERENCE), to_bytes(INITIAL)

SWITCHES = (
    Switch(
        "fitted",
        "fitted",
        make_error_colours(3),
        "The cameras at their present fitted poses, coloured by their rotation error where there is a reference, else "
        "by the reprojection error of their tracks. Dashed grey: excluded.",
    ),
    Switch(
        "reference",
        "reference",
        (AMBER,),
        "The poses of the data set or of COLMAP, aligned to the fitted cameras by a similarity.",
    ),
    Switch("initial", "initial", (GREY,), "Where registration started."),
    Switch(
        "links",
        "links",
        (make_error_colours(3)[2], AMBER),
        "From each fitted camera to its reference: the shorter, the better.",
    ),
    Switch(
        "trails",
        "trails",
        tuple(to_bytes(ACCENT, opacity) for opacity in (0.25, 0.5, 0.9)),
        "Where the cameras have been since the run began; older is fainter.",
    ),
    Switch(
        "colmap",
        "COLMAP",
        (to_bytes(COLMAP),),
        "Cameras and sparse points of COLMAP's pipeline, once it runs in its panel, aligned to the fitted cameras.",
    ),
    Switch("thumbnails", "photos", (), "The photos, in the image planes of the fitted cameras."),
    Switch("volume", "volume", (), "The field as it is now, among the cameras."),
    Switch(
        "rays",
        "rays",
        make_error_colours(3),
        "Local rays of the selected frame against its fitted frustum, coloured by their residual, 0.01 to 10 px.",
    ),
    Switch("ground", "ground", (), "A grid under the scene, and the axes of its world: x red, y green, z blue."),
    Switch("gizmo", "gizmo", AXES, "Arrows and rings to drag and turn the selected camera, also while training runs."),
    Switch(
        "contestants",
        "race",
        tuple(map(read_colour, COLOURS)),
        "In a race: the cameras of all contestants, aligned to each other, a colour each. Off: those of the one that "
        "is shown, coloured by their error.",
    ),
)


class CamerasLegend:
    """Two rows of switches with swatches, with the error scale beside them; in a narrow panel four short rows."""

    def __init__(self, state: State) -> None:
        self._switches = LayerSwitches(state.cameras.layers, SWITCHES)
        self._narrow = LayerSwitches(state.cameras.layers, SWITCHES)
        self._scale: list[int | str] = []
        self._parts: dict[ErrorScale, list[int | str]] = {ROTATION_DEG: [], REPROJECTION_PX: []}

    def build(self) -> None:
        """Adds it to the container that is open."""
        with dpg.group() as self._wide_group:
            self._scale = self._switches.build(COLUMNS, BAR + BESIDE, (self._add_scales, self._add_ticks))
        with dpg.group(show=False) as self._narrow_group:
            rows = -(-len(SWITCHES) // len(NARROW_COLUMNS))
            self._narrow.build(NARROW_COLUMNS, 1, (dpg.add_spacer,) * rows)

    def update(self, width: float, scale: ErrorScale, racing: bool) -> None:
        """Brings it up to date for a panel `width` pixels wide; one that is not wide enough hides the error scale.

        Args:
            width: of the panel, pixels.
            scale: on which frusta are coloured now.
            racing: whether there are other contestants to be shown or hidden.
        """
        room = width >= sum(COLUMNS) + BAR + 100
        for part in self._scale:
            if dpg.is_item_shown(part) != room:
                dpg.configure_item(part, show=room)
        for kind, parts in self._parts.items():
            for part in parts:
                if dpg.is_item_shown(part) != (kind == scale):
                    dpg.configure_item(part, show=kind == scale)
        # A narrow panel has no room for them; the panels of COLMAP and of the race have the same switches.
        for layer, wanted in (("colmap", True), ("contestants", racing)):
            self._switches.show(layer, wanted and width >= sum(COLUMNS) + 60)
        self._narrow.show("contestants", racing)
        narrow = UNDOCKED < width < sum(COLUMNS[:-1]) + 60
        for group, shown in ((self._narrow_group, narrow), (self._wide_group, not narrow)):
            if dpg.is_item_shown(group) != shown:
                dpg.configure_item(group, show=shown)
        (self._narrow if narrow else self._switches).update()

    def _add_scales(self) -> int | str:
        with dpg.group() as group:
            for scale, (title, sentence) in TITLES.items():
                self._parts[scale].append(build_scale(title, sentence))
        return group

    def _add_ticks(self) -> int | str:
        with dpg.group() as group:
            self._parts[ROTATION_DEG].append(build_ticks(TICKS_DEG, "°", ROTATION_DEG))
            self._parts[REPROJECTION_PX].append(build_ticks(TICKS_PX, "", REPROJECTION_PX))
        return group


TITLES: dict[ErrorScale, tuple[str, str]] = {
    ROTATION_DEG: (
        "rotation error",
        "Rotation error of the fitted cameras against the aligned reference; logarithmic.",
    ),
    REPROJECTION_PX: (
        "reprojection error, px",
        "There is no reference: the median distance in a photo between its features and where their matches in other "
        "photos say that they are, in pixels; logarithmic.",
    ),
}
