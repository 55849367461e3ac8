"""What a run can be asked to do. Commands are applied between two steps, in order; each leaves an `Event`.

Commands of one gesture of the user (one drag, one click) carry one `gesture`, an id that no other gesture has
(`time.time_ns()` when it began); None is a gesture of its own. Undo and redo take a gesture as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32


@dataclass(frozen=True)
class SetLambda:
    """lambda = 10^exponent from the next step on."""

    exponent: float
    gesture: int | None = None


@dataclass(frozen=True)
class AutoLambda:
    """Whether lambda is chosen as the run goes, from the next step on; `SetLambda` ends it."""

    auto: bool
    gesture: int | None = None


@dataclass(frozen=True)
class SetMu:
    """mu = 10^exponent, the weight of the matches, from the next step on."""

    exponent: float
    gesture: int | None = None


@dataclass(frozen=True)
class UseMatches:
    """Whether the matches of the photos help to register them, from the next step on."""

    use: bool
    gesture: int | None = None


@dataclass(frozen=True)
class ExcludeFrame:
    """Leaves a frame out of training and measuring, or brings it back: it is searched for, where there is assistance.

    Attributes:
        frame: index among the training frames.
        exclude: False brings it back.
    """

    frame: int
    exclude: bool
    gesture: int | None = None


@dataclass(frozen=True)
class PerturbPose:
    """Perturbs one frame: exp(rotation, translation) is applied in the camera's own axes.

    Attributes:
        frame: index among the training frames.
        rotation: rotation vector, radians.
        translation: scene units.
    """

    frame: int
    rotation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gesture: int | None = None


@dataclass(frozen=True)
class PerturbPatch:
    """Perturbs one patch of a planar scene: puts its corners there, as nearly as its family of warps allows.

    Attributes:
        frame: index of the patch.
        corners: where its corners shall lie, in pixels of the whole image: top left, top right, bottom right,
            bottom left of the patch.
    """

    frame: int
    corners: tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]
    gesture: int | None = None


@dataclass(frozen=True)
class PerturbAll:
    """Perturbs every frame by seeded noise of these standard deviations (radians, scene units).

    Attributes:
        rotation_sigma, translation_sigma, seed: of the noise.
        frames: so many of the first frames only: those that there were when it was given first; None for all.
    """

    rotation_sigma: float
    translation_sigma: float
    seed: int = 0
    frames: int | None = None
    gesture: int | None = None


@dataclass(frozen=True)
class UndoPerturbation:
    """Takes the last gesture of perturbations back that was not taken back yet."""


@dataclass(frozen=True)
class RedoPerturbation:
    """Does again, from where the cameras now are, what the last `UndoPerturbation` took back."""


@dataclass(frozen=True)
class SetRates:
    """Multiplies the schedule's learning rates from the next step on, for the rest of the run.

    Attributes:
        field, pose: factors, above 0 and at most 100.
    """

    field: float = 1.0
    pose: float = 1.0
    gesture: int | None = None


@dataclass(frozen=True)
class Pause:
    """No step until `Resume` or `Step`."""


@dataclass(frozen=True)
class Resume:
    """Go on; where the schedule has ended, beyond its end."""


@dataclass(frozen=True)
class Step:
    """One step, then pause."""


@dataclass(frozen=True)
class Restart:
    """Start the same scene anew with other settings (None: the same)."""

    settings: object | None = None


@dataclass(frozen=True)
class SelectFrame:
    """The frame whose warp field the snapshots carry from now on; None for none, as at the start of a run."""

    frame: int | None


@dataclass(frozen=True)
class UseReference:
    """Measures errors against these poses from now on, and those of the history anew.

    Attributes:
        poses: world-to-camera, of all frames of the scene, in any gauge; its scale is that of the errors.
        source: where they come from, in a word.
    """

    poses: Float32[np.ndarray, "frames 3 4"]
    source: str


@dataclass(frozen=True)
class AddFrames:
    """Adds photos to the run: read in the background, searched for in the field, then trained with the others.

    Attributes:
        paths: photos of the same camera, or folders of them.
    """

    paths: tuple[Path, ...]


@dataclass(frozen=True)
class SaveCheckpoint:
    """Write a checkpoint now, into the run folder or to a path."""

    path: Path | None = None


@dataclass(frozen=True)
class Stop:
    """Leave the loop after the step under way."""


Command = (
    SetLambda
    | AutoLambda
    | SetMu
    | UseMatches
    | ExcludeFrame
    | PerturbPose
    | PerturbPatch
    | PerturbAll
    | UndoPerturbation
    | RedoPerturbation
    | SetRates
    | Pause
    | Resume
    | Step
    | Restart
    | SelectFrame
    | UseReference
    | AddFrames
    | SaveCheckpoint
    | Stop
)
