"""Whose features, matches and cameras the COLMAP panel shows: its own pipeline's, else those of the run's start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import UInt8
from torch import Tensor

from app.model.state.colmap_progress import ColmapProgress, Stage
from app.model.state.colmap_run import ColmapRun
from app.model.state.colmap_view import Shown
from app.model.state.opening import Opening
from app.model.state.scene_kinds import get_posed_scene
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from engine.sfm.events import Pair
from engine.sfm.process import SfmProcessStatus


@dataclass(frozen=True)
class ShownMatches:
    """What there is to show.

    Attributes:
        progress: features, matches and cameras so far.
        size: gives (width, height) of a photo by its number, pixels.
        photo: gives a photo by its number, which is that of the frame of the scene.
        status: of what finds them.
        message: why it failed, in a sentence.
        frame: number of the photo that is looked at.
        own: whether they are those of COLMAP's pipeline; else those with which the run began.
    """

    progress: ColmapProgress
    size: Callable[[int], tuple[int, int]]
    photo: Callable[[int], UInt8[Tensor, "height width 3"]]
    status: SfmProcessStatus
    message: str
    frame: int
    own: bool

    def has_ended(self, stage: Stage) -> bool:
        """Whether a stage has ended; the start of a run makes no mesh."""
        if not self.own and self.status == "finished":
            return stage != "mesh"
        return self.progress.done(stage)


def find_shown_matches(state: State) -> ShownMatches | None:
    """What the panel shows now; None where nothing is known of the photos' matches."""
    if state.colmap.run is not None:
        return _of_pipeline(state, state.colmap.run)
    return _of_start(state, state.run) if state.run is not None else None


def choose_shown(state: State, matches: ShownMatches) -> Shown:
    """The stage to show: the chosen one, else the one under way."""
    if state.colmap.chosen is not None:
        return state.colmap.chosen
    match matches.progress.stage:
        case "features":
            return "keypoints"
        case "matching" | "verification":
            return "matches"
        case _:
            return "mapping"


def choose_pair(state: State, matches: ShownMatches | None) -> Pair | None:
    """The pair of photos to show: the chosen one, else the best of the frame; None while there is none."""
    if state.colmap.pair is not None or matches is None:
        return state.colmap.pair
    return matches.progress.partner(matches.frame)


def _of_pipeline(state: State, run: ColmapRun) -> ShownMatches:
    return ShownMatches(
        progress=run.progress,
        size=run.scene.intrinsics.own_size,
        photo=run.scene.picture,
        status=run.status,
        message=run.message,
        frame=_find_selected(state),
        own=True,
    )


def _of_start(state: State, run: ViewedRun) -> ShownMatches | None:
    opening: Opening = run.opening
    progress, scene = opening.progress, get_posed_scene(run)
    if opening.photos is None or progress is None or not progress.features:
        return None
    if scene is not None and scene.names[: scene.frames_read] != opening.photos.names:
        return None  # photos were left out since
    return ShownMatches(
        progress=progress,
        size=opening.size,
        photo=opening.photo,
        status="running" if run.opened is None else "finished",
        message="",
        frame=_find_selected(state) if scene is not None else opening.latest or 0,
        own=False,
    )


def _find_selected(state: State) -> int:
    """The selected frame, as its number in the scene."""
    scene = get_posed_scene(state.run)
    return scene.training_frames[state.selected] if scene is not None else 0
