"""A scene of a few cameras and a run of it, without files and without an engine."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from app.model.state.opening import Opening
from app.model.state.state import State
from engine.config.settings import Settings
from engine.geometry import se3
from engine.geometry.intrinsics import Intrinsics
from engine.messages import Command, Snapshot
from engine.run.history import History
from engine.run.snapshots import starting_snapshot
from engine.scenes.scene import Scene
from engine.training.camera_snapshot import with_poses

FRAMES = 6


def forward_facing(frames: int = FRAMES, reference: bool = True) -> Scene:
    """Cameras in a row that look along +z, and start in one place."""
    poses = torch.eye(3, 4).repeat(frames, 1, 1)
    poses[:, 0, 3] = -torch.linspace(-0.5, 0.5, frames)
    poses[:, 1, 3] = -0.1 * torch.tensor([frame % 2 for frame in range(frames)])
    intrinsics = Intrinsics(
        torch.full((frames, 2), 40.0), torch.tensor([[24.0, 16.0]]).repeat(frames, 1), torch.zeros(frames, 4), 48, 32
    )
    images = torch.arange(frames, dtype=torch.uint8)[:, None, None, None].expand(frames, 32, 48, 3) * 20
    return Scene(
        name="row",
        path=Path("row"),
        kind="forward-facing",
        names=tuple(f"photo_{frame}.png" for frame in range(frames)),
        images=images.contiguous(),
        intrinsics=intrinsics,
        initial_poses=torch.eye(3, 4).repeat(frames, 1, 1),
        reference_poses=poses if reference else None,
        training_frames=tuple(range(frames)),
        held_out_frames=(),
        near=1.0,
        far=float("inf"),
        background=None,
    )


def snapshot_of(scene: Scene, share: float, seconds: float = 0.0, **changes: Any) -> Snapshot:
    """A run that has come so far (0 to 1) from where it started to where the cameras belong."""
    start = starting_snapshot(scene, Settings(), "running")
    wanted = forward_facing(len(scene.names)).reference_poses
    assert wanted is not None
    poses = torch.cat([scene.initial_poses[..., :3], share * wanted[..., 3:]], dim=-1)
    turned = torch.zeros(len(poses), 6)
    turned[:, 1] = 0.1 * (1 - share)
    snapshot = with_poses(start, scene, se3.compose(se3.exponential(turned), poses))
    return dataclasses.replace(snapshot, seconds=seconds, iteration=round(100 * seconds), **changes)


def state_of(scene: Scene, share: float = 0.5, moments: int = 5) -> tuple[State, list[Command]]:
    """A state with a run of the scene, one row of history a second, and the commands it is sent."""
    history = History()
    for moment in range(moments):
        history.record(snapshot_of(scene, share * moment / max(moments - 1, 1), float(moment)))
    snapshot = snapshot_of(scene, share, float(moments - 1), warp=None)
    sent: list[Command] = []
    run: Any = SimpleNamespace(
        key=1,
        scene=scene,
        snapshot=snapshot,
        history=history,
        volume=None,
        told_frame=None,
        opening=Opening(),
        contestant=None,
        send=sent.append,
    )
    run.tell_frame = lambda frame: setattr(run, "told_frame", frame)
    return State(runs=[run]), sent


def spread(poses: np.ndarray) -> float:
    """Root mean square distance of the centres from their middle."""
    centres = -np.einsum("fij,fi->fj", poses[:, :, :3], poses[:, :, 3])
    return float(np.sqrt(((centres - centres.mean(axis=0)) ** 2).sum(axis=1).mean()))
