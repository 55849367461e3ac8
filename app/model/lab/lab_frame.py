"""The selected frame as the lab's panels see it: its axes, its units, and the stages of its run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.model.perturb.camera_motion import measure_spread
from app.model.state.scene_kinds import as_planar, as_posed
from app.model.state.state import State
from engine.fields.stages import stages

CAMERA_AXES = ("rx", "ry", "rz", "tx", "ty", "tz")
PATCH_AXES = ("x", "y", "turn", "scale")
GROWTH = 100 * math.radians(1)  # per cent by which a patch grows whose corners move as far as in a turn of a degree


@dataclass(frozen=True)
class LabFrame:
    """What can be measured of the selected frame.

    Attributes:
        name: of its photo, or of the patch.
        axes: short names, in the engine's order.
        unit: of shifts, as shown: `%` of the cameras' spread, or pixels.
        scale: scene units (or pixels) per shown unit.
        stages: names of the stages of the run's schedule.
    """

    name: str
    axes: tuple[str, ...]
    unit: str
    scale: float
    stages: tuple[str, ...]

    @property
    def planar(self) -> bool:
        """Whether it is a patch of an image."""
        return self.axes == PATCH_AXES

    def find_reach(self, turn_deg: float, shift: float) -> tuple[float, ...]:
        """How far along each axis, in the engine's units: degrees, scene units, pixels, per cent."""
        if self.planar:
            return shift, shift, turn_deg, GROWTH * turn_deg
        return (turn_deg,) * 3 + (shift * self.scale,) * 3

    def shows(self, axis: int) -> float:
        """Engine's units per shown unit of an axis."""
        return 1.0 if self.planar or axis < 3 else self.scale

    def unit_of(self, axis: int) -> str:
        """In which an axis is shown."""
        if self.planar:
            return ("px", "px", "°", "%")[axis]
        return "°" if axis < 3 else self.unit


def look_at(state: State) -> LabFrame | None:
    """The selected frame; None while there is no run that has begun."""
    run = state.run
    if run is None or run.opened is None or run.snapshot is None or run.scene is None:
        return None
    names = tuple(stage.name for stage in stages(run.scene, run.settings))
    scene, posed = run.scene, as_posed(run.scene)
    frame = scene.training_frames[min(state.selected, len(scene.training_frames) - 1)]
    if as_planar(scene) is not None:
        return LabFrame(scene.names[frame], PATCH_AXES, "px", 1.0, names)
    assert posed is not None
    spread = measure_spread(run.snapshot.poses, posed.near)
    return LabFrame(scene.names[frame], CAMERA_AXES, "%", spread / 100, names)
