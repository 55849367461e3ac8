"""The panels of each kind of scene. Those of the other kind are hidden and take no space in the layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

import dearpygui.dearpygui as dpg

from app.model.common import layout
from app.model.lab.sweep_control import SweepControl
from app.model.state.scene_kinds import SceneKind
from app.model.state.state import State
from app.panels.bars.status_line import StatusLine
from app.panels.bars.top_bar import Actions, TopBar
from app.panels.cameras.panel import CamerasPanel
from app.panels.colmap.panel import ColmapPanel
from app.panels.frame.panel import FramePanel
from app.panels.lab.basin import BasinPanel
from app.panels.lab.landscape import LandscapePanel
from app.panels.lab.race import RacePanel
from app.panels.lab.sweep import SweepPanel
from app.panels.novel.panel import NovelViewPanel
from app.panels.perturb.camera_kicks import CameraKicks
from app.panels.perturb.panel import PerturbPanel
from app.panels.perturb.patch_kicks import PatchKicks
from app.panels.planar.image import PlanarImagePanel
from app.panels.planar.patch import PatchPanel
from app.panels.planar.patch_warp import PatchWarpPanel
from app.panels.plots.panel import PLANAR_PLOTS, POSED_PLOTS, PlotsPanel
from app.panels.plots.timeline import TimelinePanel
from app.panels.training.panel import TrainingPanel
from app.panels.warp.panel import WarpPanel
from app.panels.widgets.panel import Panel
from app.render.renderer import Renderer

BARS = {layout.TOP, layout.STATUS, layout.TIMELINE, layout.PLANAR_TIMELINE}
VIEWS = {layout.CAMERAS, layout.NOVEL, layout.IMAGE}  # panels that fill their window and in which the wheel zooms
SETTLED = 3  # frames in which all windows must be shown: one first shown later is not docked by the layout


class View(Protocol):
    """A panel with a view of the whole scene."""

    def frame_all(self) -> None: ...


@runtime_checkable
class Closes(Protocol):
    """A panel that does something in the background."""

    def close(self) -> None: ...


class PanelSets:
    """All panels of the window, of which those for one kind of scene are shown."""

    def __init__(
        self,
        state: State,
        renderer: Renderer,
        actions: Actions,
        ask_path: Callable[[str, str, Callable[[Path], None]], None],
        kind: SceneKind,
    ) -> None:
        self._kind = kind
        self._shown: SceneKind | None = None  # None: the windows of both kinds
        self._cameras, self._image = CamerasPanel(state, renderer), PlanarImagePanel(state)
        self._perturb: dict[SceneKind, PerturbPanel] = {
            "posed": PerturbPanel(state, CameraKicks(state)),
            "planar": PerturbPanel(state, PatchKicks(state)),
        }
        sweep = SweepControl()  # the same one for both kinds
        bars: tuple[Panel, Panel] = TopBar(state, actions), StatusLine(state, renderer)
        self._always = dict(zip((layout.TOP, layout.STATUS), bars, strict=True))
        self._sets: dict[SceneKind, dict[int, Panel]] = {
            "posed": {
                layout.TRAINING: TrainingPanel(state),
                layout.PERTURB: self._perturb["posed"],
                layout.CAMERAS: self._cameras,
                layout.TIMELINE: TimelinePanel(state),
                layout.WARP: WarpPanel(state),
                layout.COLMAP: ColmapPanel(state),
                layout.LANDSCAPE: LandscapePanel(state, "posed", ask_path),
                layout.RACE: RacePanel(state),
                layout.BASIN: BasinPanel(state, "posed", ask_path),
                layout.SWEEP: SweepPanel(state, sweep),
                layout.NOVEL: NovelViewPanel(state, renderer, ask_path),
                layout.FRAME: FramePanel(state, renderer),
                layout.PLOTS: PlotsPanel(state, POSED_PLOTS),
            },
            "planar": {
                layout.PLANAR_TRAINING: TrainingPanel(state),
                layout.PLANAR_PERTURB: self._perturb["planar"],
                layout.IMAGE: self._image,
                layout.PLANAR_TIMELINE: TimelinePanel(state),
                layout.PATCH_WARP: PatchWarpPanel(state),
                layout.PLANAR_LANDSCAPE: LandscapePanel(state, "planar", ask_path),
                layout.PLANAR_BASIN: BasinPanel(state, "planar", ask_path),
                layout.PLANAR_RACE: RacePanel(state),
                layout.PLANAR_SWEEP: SweepPanel(state, sweep),
                layout.PATCH: PatchPanel(state),
                layout.PLANAR_PLOTS: PlotsPanel(state, PLANAR_PLOTS),
            },
        }

    def build(self) -> None:
        """Makes a window for each panel."""
        for panels in (self._always, *self._sets.values()):
            self._build(panels)

    @property
    def kind(self) -> SceneKind:
        """The kind of scene whose panels are shown."""
        return self._kind

    def show(self, kind: SceneKind) -> None:
        """Shows the panels of a kind of scene and hides the others; to be called in every frame."""
        self._kind = kind
        if kind == self._shown or dpg.get_frame_count() < SETTLED:
            return
        self._shown = kind
        for other, panels in self._sets.items():
            for tag in panels:
                dpg.configure_item(tag, show=other == kind)

    def __iter__(self) -> Iterator[Panel]:
        """The panels that are shown."""
        yield from self._always.values()
        yield from self._sets[self._kind].values()

    @property
    def perturb(self) -> PerturbPanel:
        """The perturb panel that is shown."""
        return self._perturb[self._kind]

    def frame_all(self) -> None:
        """Shows all cameras, or all of the image."""
        view: View = self._image if self._kind == "planar" else self._cameras
        view.frame_all()

    @property
    def tags(self) -> list[int]:
        """The windows of all panels, shown or not."""
        return [*self._always, *(tag for panels in self._sets.values() for tag in panels)]

    def close(self) -> None:
        """Ends what panels do in the background."""
        for panels in self._sets.values():
            for panel in panels.values():
                if isinstance(panel, Closes):
                    panel.close()

    def _build(self, panels: dict[int, Panel]) -> None:
        for tag, panel in panels.items():
            still = tag in BARS or tag in VIEWS
            dpg.add_window(
                label=panel.title,
                tag=tag,
                no_close=True,
                no_scrollbar=still,
                no_scroll_with_mouse=still,
            )
            panel.build(tag)
