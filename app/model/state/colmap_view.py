"""What is shown of COLMAP's pipeline."""

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
        run: the last one that was started on the open scene, or None.
        chosen: the stage that the user wants to see; None shows the one under way.
        pair: that the user chose; None shows the best one of the selected frame.
        neighbours: whether each photo is matched only with those that follow it.
        mesh: whether the 3D view shows the mesh.
    """

    run: ColmapRun | None = None
    chosen: Shown | None = None
    pair: Pair | None = None
    neighbours: bool = False
    mesh: bool = False

    def leave(self) -> None:
        """Stops the pipeline and forgets it: its scene is not open any more."""
        if self.run is not None:
            self.run.stop()
        self.run = self.chosen = self.pair = None
