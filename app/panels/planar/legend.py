"""The legend above the image: switches of its layers, the colours of errors, and the choice of a second run."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app.model.common.error_colours import ACCENT, CORNER_PX
from app.model.planar.planar_shapes import AMBER, GREY
from app.model.state.state import State
from app.panels.widgets.error_scale import BESIDE, build_scale, build_ticks, make_error_colours, to_bytes
from app.panels.widgets.layer_switches import LayerSwitches, Switch
from app.panels.widgets.parts import MUTED, add_tool_tip, set_text
from engine.config.methods import METHODS, find_method

COLUMNS = (94, 76, 66, 74)  # pixels of each column of switches
BAR = 112  # width of the error scale, pixels
TICKS_PX = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)

SWITCHES = (
    Switch("learned", "learned", (), "The image as learned so far from the patches."),
    Switch(
        "fitted",
        "fitted",
        make_error_colours(3),
        "The patches at their present fitted places, coloured by their corner error; the selected one is teal.",
    ),
    Switch("reference", "true", (AMBER,), "Where the patches were cut; unknown to the registration."),
    Switch(
        "links",
        "links",
        (make_error_colours(3)[2], AMBER),
        "From each fitted corner to its true place: the shorter, the better.",
    ),
    Switch("photo", "true image", (), "The image that the patches were cut from, behind the learned one."),
    Switch("initial", "start", (GREY,), "Where registration started."),
    Switch("names", "names", (), "The names of the patches, with the status of those that are not registered."),
    Switch(
        "trails",
        "trails",
        tuple(to_bytes(ACCENT, opacity) for opacity in (0.25, 0.5, 0.9)),
        "Where the middles of the patches have been since the run began; older is fainter.",
    ),
)
COMPARE = (
    "Starts a second run beside this one, with the same patches and initial transforms and another method. Pause, "
    "Play and Restart then apply to both; a click on a picture chooses the run that the other panels show."
)
END = "Ends and saves the run that the other panels do not show: the one without a border."


class PlanarLegend:
    """A row for the comparison, and two rows of switches with the error scale beside them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._switches = LayerSwitches(state.planar.layers, SWITCHES)

    def build(self) -> None:
        """Adds it to the container that is open."""
        with dpg.group(horizontal=True):
            self._word = dpg.add_text("Compare with", color=MUTED)
            with dpg.group() as self._choice:  # hidden as a group: a hidden item would still show its tool tip
                self._method = dpg.add_combo((), width=110)
                self._method_tip = add_tool_tip(self._method, "")
            self._start = dpg.add_button(label="Compare", callback=self._compare)
            self._tip = add_tool_tip(self._start, COMPARE)
            with dpg.group(show=False) as self._blend:
                slider = dpg.add_slider_float(
                    width=140, max_value=100, default_value=100, format="learned %.0f %%", callback=self._blended
                )
                add_tool_tip(slider, "Opacity of the learned image over the true one.")
        self._switches.build(COLUMNS, BAR + BESIDE, (_add_scale, _add_ticks))

    def update(self) -> None:
        """Brings it up to date with the state."""
        state = self._state
        self._switches.update()
        both = state.planar.layers.photo and state.planar.layers.learned
        dpg.configure_item(self._blend, show=both)
        comparing = len(state.runs) > 1
        racing = state.race.race is not None
        set_text(
            self._word, "The runs of a race" if racing else "Two runs side by side" if comparing else "Compare with"
        )
        dpg.configure_item(self._start, show=not racing)
        dpg.configure_item(self._choice, show=not comparing)
        set_text(self._tip, END if comparing else COMPARE)
        dpg.set_item_label(self._start, "End comparison###compare" if comparing else "Compare###compare")
        if state.run is not None and not comparing:
            offered = list_other_methods(state.run.settings.method)
            if dpg.get_item_configuration(self._method)["items"] != offered:
                dpg.configure_item(self._method, items=offered)
            if dpg.get_value(self._method) not in offered:
                dpg.set_value(self._method, offered[0])
            set_text(self._method_tip, find_method(self._chosen()).sentence)

    def _chosen(self) -> str:
        return dpg.get_value(self._method)

    def _compare(self) -> None:
        compare = self._state.hooks.compare
        if compare is not None and self._state.run is not None:
            compare(None if len(self._state.runs) > 1 else self._chosen())

    def _blended(self, _: int, percent: float) -> None:
        self._state.planar.opacity = percent / 100


def list_other_methods(method: str) -> list[str]:
    """The methods that a run can be compared with."""
    return [other for other, spec in METHODS.items() if other != method and spec.fits_poses]


def _add_scale() -> int | str:
    return build_scale("corner error, px", "Mean distance of a patch's corners from their true places.", BAR)


def _add_ticks() -> int | str:
    return build_ticks(TICKS_PX, "", CORNER_PX, BAR)
