"""The user's choices and the runs that are shown. No Dear PyGui and no OpenGL: it is tested without a window.

Panels read this and the snapshots, and write the user's choices into it. What the engine keeps (λ, poses, settings)
is not here: it comes back in snapshots.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from app.model.common.orbit import FlyCamera, OrbitCamera
from app.model.common.pictures import Channel, GizmoPart
from app.model.common.plane_view import PlaneView
from app.model.lab.race import RaceView
from app.model.state.colmap_view import ColmapView
from app.model.state.viewed_run import ViewedRun
from engine.config.settings import Settings
from engine.geometry.view_camera import ViewCamera
from engine.lab.race.definition import Race
from engine.lab.sweep.definition import Values
from engine.messages import Command, ExcludeFrame, FrameStatus, Restart
from engine.scenes.options import SceneOptions

NovelMode = Literal["orbit", "fly", "follow"]


@dataclass
class Layers:
    """What the 3D view shows, each on or off."""

    fitted: bool = True
    initial: bool = True
    reference: bool = True
    links: bool = True
    trails: bool = True
    thumbnails: bool = True
    volume: bool = True
    rays: bool = True
    ground: bool = True
    gizmo: bool = False
    colmap: bool = True
    contestants: bool = True


@dataclass
class CamerasView:
    """The 3D view.

    Attributes:
        frustum_scale: factor of the frusta's size.
        hovered_part: of the gizmo, under the mouse or being dragged, or None.
        framed: whether the camera was placed for this scene.
        moving: whether the view is being moved; it is then drawn fast and coarse.
    """

    orbit: OrbitCamera = field(default_factory=OrbitCamera)
    layers: Layers = field(default_factory=Layers)
    frustum_scale: float = 1.0
    hovered_part: GizmoPart | None = None
    framed: bool = False
    moving: bool = False


@dataclass
class NovelView:
    """The view of the field.

    Attributes:
        mode: `follow` looks from the pose of the selected frame.
        wipe: fraction of the width, from the left, that shows the photo while following.
        keyframes: views that a film flies through.
        filmed: keys of the runs that are seen in a film under way.
        field_of_view_deg: vertical; while following that of the frame is used.
        framed: whether the cameras were placed for this scene.
        moving: whether the view is being moved.
    """

    mode: NovelMode = "orbit"
    channel: Channel = "colour"
    orbit: OrbitCamera = field(default_factory=OrbitCamera)
    fly: FlyCamera = field(default_factory=FlyCamera)
    field_of_view_deg: float = 45.0
    wipe: float = 0.0
    keyframes: list[ViewCamera] = field(default_factory=list)
    filmed: tuple[int, ...] = ()
    framed: bool = False
    moving: bool = False


@dataclass
class PlanarLayers:
    """What the view of the image shows, each on or off."""

    learned: bool = True
    photo: bool = False
    fitted: bool = True
    reference: bool = True
    initial: bool = False
    links: bool = True
    trails: bool = True
    names: bool = True


@dataclass
class PlanarView:
    """The view of the image of a planar scene.

    Attributes:
        opacity: of the learned image over the true one.
        framed: whether all of the image was brought into view.
    """

    plane: PlaneView = field(default_factory=PlaneView)
    layers: PlanarLayers = field(default_factory=PlanarLayers)
    opacity: float = 1.0
    framed: bool = False


@dataclass
class Timeline:
    """The moment of the run that is shown, in seconds of the run; None is the newest."""

    seconds: float | None = None
    playing: bool = False

    @property
    def live(self) -> bool:
        return self.seconds is None


@dataclass
class Perturbation:
    """The sliders of the perturb panel: in the camera's axes, degrees and per cent of the cameras' spread."""

    rotation_deg: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    translation_percent: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    sigma_rotation_deg: float = 5.0
    sigma_translation_percent: float = 5.0


@dataclass
class PatchPerturbation:
    """The same sliders for patches: pixels of the image, degrees."""

    shift_px: list[float] = field(default_factory=lambda: [0.0, 0.0])
    turn_deg: float = 0.0
    sigma_shift_px: float = 20.0
    sigma_turn_deg: float = 10.0
    sigma_bend_px: float = 10.0


@dataclass
class Plots:
    """How curves are drawn."""

    over: Literal["iterations", "seconds"] = "seconds"
    logarithmic: bool = True


@dataclass
class Hooks:
    """What panels have the window do, because it opens runs and dialogs; None in tests without a window.

    Attributes:
        reopen: reads the scene of the active run again and starts it with these settings. Needed for other initial
            poses, which `Restart` does not change.
        compare: starts a second run of the scene by another method beside the active one; None ends it.
        race: starts the runs of a race in the place of those that are shown; None ends it, and the active run goes on.
        open_swept: opens a run of a sweep, by its values and its folder, in the place of those that are shown.
    """

    reopen: Callable[[Settings, SceneOptions], None] | None = None
    compare: Callable[[str | None], None] | None = None
    race: Callable[[Race | None], None] | None = None
    open_swept: Callable[[Values, Path], None] | None = None


@dataclass
class State:
    """Everything that the window shows and the engine does not keep.

    Attributes:
        runs: one, two side by side, or those of a race; panels that show one run show the `active`.
        selected: index of a training frame.
        banner: a sentence that the user must read, or None.
        notice: a sentence that is shown for a few seconds, or None.
        exporting: the step of an export that is under way, in a few words, or None.
        lab: what each panel of the lab says of its experiment, by its title.
    """

    runs: list[ViewedRun] = field(default_factory=list)
    active: int = 0
    selected: int = 0
    cameras: CamerasView = field(default_factory=CamerasView)
    novel: NovelView = field(default_factory=NovelView)
    planar: PlanarView = field(default_factory=PlanarView)
    timeline: Timeline = field(default_factory=Timeline)
    perturbation: Perturbation = field(default_factory=Perturbation)
    patch_perturbation: PatchPerturbation = field(default_factory=PatchPerturbation)
    plots: Plots = field(default_factory=Plots)
    colmap: ColmapView = field(default_factory=ColmapView)
    race: RaceView = field(default_factory=RaceView)
    banner: str | None = None
    notice: str | None = None
    exporting: str | None = None
    lab: dict[str, str] = field(default_factory=dict)
    help_open: bool = False
    hooks: Hooks = field(default_factory=Hooks)

    @property
    def run(self) -> ViewedRun | None:
        """The run that is shown, or None while no scene is open."""
        return self.runs[self.active] if self.active < len(self.runs) else None

    @property
    def beside(self) -> ViewedRun | None:
        """The contestant that the novel view shows beside the active one, or None."""
        place = self.race.beside
        if self.race.race is None or place is None or place == self.active or place >= len(self.runs):
            return None
        return self.runs[place]

    @property
    def seen(self) -> list[ViewedRun]:
        """The runs whose fields are looked at: the active one, the one beside it, and those of a film under way."""
        found = [run for run in (self.run, self.beside) if run is not None]
        return found + [run for run in self.runs if run.key in self.novel.filmed and run not in found]

    def show(self, place: int) -> None:
        """Shows another run; where it was seen beside the active one, the two change their parts."""
        if place >= len(self.runs):
            return
        if self.race.beside == place:
            self.race.beside = self.active
        self.active = place

    def select(self, frame: int) -> None:
        """Selects a training frame, wrapping around at the ends; snapshots carry its warp from then on."""
        run = self.run
        if run is None or run.scene is None:
            return
        frame %= len(run.scene.training_frames)
        if frame != self.selected or run.told_frame != frame:
            self.selected = frame
            run.tell_frame(frame)

    def restart(self, settings: Settings) -> None:
        """Restarts the active run with these settings, and a second run with the same settings but its own method.

        Frames that the user has excluded stay so.
        """
        for run in self.runs:
            excluded = () if run.snapshot is None else run.snapshot.frames_that_are(FrameStatus.EXCLUDED)
            run.send(Restart(settings if run is self.run else replace(settings, method=run.settings.method)))
            for frame in excluded:
                run.send(ExcludeFrame(frame, True))

    def send(self, command: Command) -> None:
        """Sends a command to the active run; in a race to all, where the user wants that."""
        for run in self.runs if self.race.race is not None and self.race.all else filter(None, [self.run]):
            run.send(command)

    def send_together(self, command: Command) -> None:
        """Sends a command to both of two runs side by side; in a race as `send`."""
        (self.send if self.race.race is not None else self.send_all)(command)

    def send_all(self, command: Command) -> None:
        """Sends a command to every run: two side by side pause and go on together."""
        for run in self.runs:
            run.send(command)
