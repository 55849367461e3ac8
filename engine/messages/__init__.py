"""What passes between a run and its clients: commands go in, snapshots and events come out. Nothing else is here."""

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
