"""The words between the engine and whoever looks at it: commands go in, snapshots come out. Nothing else is here."""

from engine.messages.commands import (
    AddFrames,
    Command,
    Pause,
    PerturbAll,
    PerturbPatch,
    PerturbPose,
    RedoPerturbation,
    Restart,
    Resume,
    SaveCheckpoint,
    SelectFrame,
    SetLambda,
    SetRates,
    Step,
    Stop,
    UndoPerturbation,
    UseReference,
)
from engine.messages.event import CommandKind, Event, EventKind
from engine.messages.frame_status import FrameStatus
from engine.messages.snapshot import PatchWarpSnapshot, PlanarSnapshot, Snapshot, Status, WarpSnapshot

__all__ = [
    "AddFrames",
    "Command",
    "CommandKind",
    "Event",
    "EventKind",
    "FrameStatus",
    "PatchWarpSnapshot",
    "Pause",
    "PerturbAll",
    "PerturbPatch",
    "PerturbPose",
    "PlanarSnapshot",
    "RedoPerturbation",
    "Restart",
    "Resume",
    "SaveCheckpoint",
    "SelectFrame",
    "SetLambda",
    "SetRates",
    "Snapshot",
    "Status",
    "Step",
    "Stop",
    "UndoPerturbation",
    "UseReference",
    "WarpSnapshot",
]
