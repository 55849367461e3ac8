"""What of COLMAP's pipeline is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from app.model.state.colmap_run import ColmapRun
from engine.sfm.events import Pair

Shown = Literal["keypoints", "matches", "mapping"]
SHOWN: tuple[Shown, ...] = get_args(Shown)


@dataclass
class ColmapView:
    """COLMAP's pipeline beside a run.

    Attributes:
        run: the last one that was started on the scene that is open.
        chosen: the stage that the user wants to see; None goes along with the pipeline.
        pair: that the user chose; None for the selected frame's best.
        neighbours: whether each photo is matched with those that follow it only.
        mesh: whether the 3D view shows the mesh.
    """

    run: ColmapRun | None = None
    chosen: Shown | None = None
    pair: Pair | None = None
    neighbours: bool = False
    mesh: bool = False

    @property
    def shown(self) -> Shown:
        """What is to be seen now."""
        if self.chosen is not None or self.run is None:
            return self.chosen or "keypoints"
        match self.run.progress.stage:
            case "features":
                return "keypoints"
            case "matching" | "verification":
                return "matches"
            case _:
                return "mapping"
