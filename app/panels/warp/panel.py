"""The warp panel: local warps, the global transform fitted to them, and the residual, over the selected photo."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.common.photo_sizes import resize_photo
from app.model.state.scene_kinds import get_posed_scene
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun, describe_absence
from app.model.warp.warp_drawing import choose_magnification
from app.model.warp.warp_vectors import compute_warp_vectors
from app.panels.warp.legend import LABELS, TRACE_HEIGHT, WarpLegend
from app.panels.warp.picture import WarpPicture
from app.panels.widgets.parts import MUTED, add_tool_tip, measure_inner_width, measure_text, set_text
from engine.messages import Snapshot, WarpSnapshot
from engine.scenes.scene import Scene

PERIOD = 0.1  # seconds between updates
GAP = 8  # pixels
SPACING = 4  # between two lines, pixels
WHEEL_UNDER, WHEEL_BESIDE = 88, 104  # size of the colour wheel under the pictures, or beside them, pixels
ABOVE = 78  # height of title, choices and captions, pixels
LEGEND = 2 * 24 + TRACE_HEIGHT + 14  # height of two lines, the curves and the border below the pictures, pixels
BELOW_PICTURES = 38  # height of the line above the curves and of the border, with the wheel beside them, pixels
TIPS = (
    "How far each pixel's own rigid warp has moved it since the start, seen from the frame's initial pose.",
    "The part of it that one rigid motion of the whole camera explains: the solver's fit, which is the frame's pose.",
    "The difference between the two, seen by the fitted camera: the residual, which λ weighs against the photos.",
)
NUMBERS = " Numbers: mean length in pixels of the photo, and the factor by which arrows are drawn longer."


class WarpPanel:
    """Three small pictures, a colour wheel, numbers and a curve."""

    title = "Warp field"

    def __init__(self, state: State) -> None:
        self._state = state
        self._parent: int | str = 0
        self._opacity, self._arrows = 0.85, True
        self._updated_at = 0.0
        self._scene: Scene | None = None
        self._warp: WarpSnapshot | None = None
        self._shown: tuple[object, ...] = ()
        self._steps: list[Callable[[], None]] = []
        self._photo: tuple[tuple[object, ...], np.ndarray] = ((), np.zeros((1, 1, 3), np.float32))
        self._pictures: list[WarpPicture] = []
        self._legend = WarpLegend()

    def build(self, parent: int | str) -> None:
        self._parent = parent
        with dpg.group(parent=parent):
            with dpg.group(horizontal=True):
                self._name = dpg.add_text("")
                opacity = dpg.add_slider_float(
                    width=110, max_value=1.0, default_value=self._opacity, format="colour %.2f", callback=self._choose
                )
                add_tool_tip(
                    opacity, "Opacity of the colours over the photo: hue is the direction, strength the length."
                )
                arrows = dpg.add_checkbox(label="arrows", default_value=self._arrows, callback=self._choose)
                add_tool_tip(
                    arrows,
                    "Arrows of the displacements, drawn longer by the factor that is written above the picture.",
                )
                self._choices = (opacity, arrows)
            self._why = dpg.add_text("", color=MUTED, show=False)
            with dpg.group(horizontal=True):
                self._pictures = [WarpPicture(title, tip + NUMBERS) for title, tip in zip(TITLES, TIPS, strict=True)]
                with dpg.group(show=False) as self._beside:
                    dpg.add_spacer(height=16)
                    self._legend.build_wheel(WHEEL_BESIDE)
            with dpg.group(horizontal=True):
                with dpg.group() as self._under:
                    self._legend.build_wheel(WHEEL_UNDER)
                with dpg.group():
                    self._legend.build()

    def update(self, state: State) -> None:
        now = time.monotonic()
        run = state.run
        scene = get_posed_scene(run)
        if run is None or scene is None or run.snapshot is None:
            self._show_nothing(describe_absence(run))
            return
        if self._steps:  # one picture per frame of the window: all at once would delay a frame noticeably
            self._steps.pop(0)()
            return
        if now - self._updated_at < PERIOD or not dpg.is_item_visible(self._name):
            return
        self._updated_at, self._scene = now, scene  # kept, so that no other scene gets the same id
        self._legend.see(run.snapshot)
        warp = run.snapshot.warp
        set_text(self._name, f"Frame {state.selected + 1}: {scene.names[scene.training_frames[state.selected]]}")
        why = why_no_warp(run)
        set_text(self._why, why)
        dpg.configure_item(self._why, show=bool(why), wrap=measure_inner_width(self._parent))
        size = tuple(int(length) for length in dpg.get_item_rect_size(self._parent))
        choices = (size, self._opacity, self._arrows)
        if warp is None or warp.frame != state.selected or (warp is self._warp and choices == self._shown):
            return
        self._warp, self._shown = warp, choices
        self._steps = self._drawing(scene, run.snapshot, warp, size)

    def _show_nothing(self, why: str) -> None:
        """Empties the panel of the scene before, while the next one is being opened."""
        set_text(self._name, why)
        if self._warp is not None:
            self._warp, self._steps = None, []
            for picture in self._pictures:
                picture.clear()
            self._legend.clear()

    def _drawing(
        self, scene: Scene, snapshot: Snapshot, warp: WarpSnapshot, panel: tuple[int, ...]
    ) -> list[Callable[[], None]]:
        """The steps of drawing a new warp field, to be called in different frames of the window."""
        taken = dpg.get_item_rect_size(self._why)[1] + SPACING if dpg.is_item_shown(self._why) else 0.0
        box, width = self._arrange((panel[0], int(panel[1] - taken)))
        index = scene.training_frames[warp.frame]
        intrinsics = scene.intrinsics.fitted_to(index)
        vectors = compute_warp_vectors(warp, intrinsics, scene.initial_poses[index].numpy())
        image = (intrinsics.width, intrinsics.height)
        photo = self._photo_at(scene, index, self._pictures[0].resolution(image, box))
        cell = image[0] / vectors.columns
        shared = choose_magnification(np.concatenate([vectors.local, vectors.fitted]), cell)
        factors = (shared, shared, choose_magnification(vectors.residual, cell))
        steps: list[Callable[[], None]] = []
        for picture, field, factor in zip(
            self._pictures, (vectors.local, vectors.fitted, vectors.residual), factors, strict=True
        ):
            grid = field.reshape(vectors.rows, vectors.columns, 2)
            look = (self._opacity, self._arrows)
            steps.append(partial(picture.show, photo, grid, vectors.places, factor, image, box, *look))
        return [*steps, lambda: self._legend.show(snapshot, warp, width)]

    def _arrange(self, panel: tuple[int, ...]) -> tuple[tuple[float, float], int]:
        """Puts the wheel where the pictures get more room; (width, height) for a picture, and width of the curve."""
        width = measure_inner_width(self._parent)
        under = ((width - 2 * GAP) / 3, max(panel[1] - ABOVE - LEGEND, 60.0))
        beside = (
            (width - WHEEL_BESIDE - LABELS - 3 * GAP) / 3,
            max(panel[1] - ABOVE - TRACE_HEIGHT - BELOW_PICTURES, 60.0),
        )
        wide = min(beside[0], 4 / 3 * beside[1]) > min(under[0], 4 / 3 * under[1])
        wide &= beside[0] >= measure_text(LONGEST_CAPTION)  # else captions push the wheel out of the panel
        dpg.configure_item(self._beside, show=wide)
        dpg.configure_item(self._under, show=not wide)
        self._legend.arrange(wide)
        return (beside, width) if wide else (under, width - WHEEL_UNDER - LABELS - GAP)

    def _photo_at(self, scene: Scene, index: int, size: tuple[int, int]) -> np.ndarray:
        key = (id(scene), index, size)
        if key != self._photo[0]:
            self._photo = (key, resize_photo(scene.picture(index), size))
        return self._photo[1]

    def _choose(self) -> None:
        self._opacity, self._arrows = (dpg.get_value(item) for item in self._choices)


TITLES = ("Local warp", "Global fit", "Residual")
LONGEST_CAPTION = f"{TITLES[0]}   0.000 px   ×1/2"


def why_no_warp(run: ViewedRun) -> str:
    """Why there is no residual to see with the run's method; empty if there is one."""
    method = run.settings.method
    spec = run.settings.method_spec
    if spec.warps_pixels:
        return ""
    if not spec.fits_poses:
        return "Poses are fixed: nothing is warped, and the residual is zero."
    whole = "patches" if run.scene is not None and run.scene.kind == "planar" else "cameras"
    return f"{method} moves whole {whole} only: local and global are equal, and the residual is zero."
