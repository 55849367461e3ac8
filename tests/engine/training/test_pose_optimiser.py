"""Adam over the poses: what it knows survives frames that join."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.training.pose_optimiser import PoseOptimiser


class Poses(nn.Module):
    """Something per frame, and something that all frames share."""

    def __init__(self, frames: Tensor, shared: Tensor) -> None:
        super().__init__()
        self.frames, self.shared = nn.Parameter(frames.clone()), nn.Parameter(shared.clone())


def stepped(optimiser: PoseOptimiser, poses: Poses, steps: int) -> None:
    for step in range(steps):
        optimiser.clear()
        ((poses.frames[:3] ** 2).sum() * (1 + step) + poses.shared.sin().sum()).backward()
        optimiser.step(1e-2, calibrates=True, guarded=False)


def test_old_frames_go_on_bit_for_bit_as_if_nobody_had_joined() -> None:
    first = Poses(torch.randn(3, 4, generator=torch.Generator().manual_seed(0)), torch.ones(5))
    alone = PoseOptimiser(first)
    stepped(alone, first, 4)
    grown = Poses(torch.cat([first.frames.detach(), torch.zeros(2, 4)]), first.shared.detach())
    together = alone.followed_by(PoseOptimiser(grown))
    stepped(alone, first, 3)
    stepped(together, grown, 3)
    assert torch.equal(grown.frames[:3], first.frames)
    assert torch.equal(grown.shared, first.shared)
    assert torch.equal(grown.frames[3:], torch.zeros(2, 4))  # nothing has pulled at them


def test_the_first_steps_of_new_frames_are_no_longer_than_those_of_the_others() -> None:
    first = Poses(torch.ones(3, 4), torch.ones(5))
    alone = PoseOptimiser(first)
    stepped(alone, first, 50)
    grown = Poses(torch.cat([first.frames.detach(), torch.ones(1, 4)]), first.shared.detach())
    together = alone.followed_by(PoseOptimiser(grown))
    before = grown.frames.detach().clone()
    together.clear()
    (grown.frames**2).sum().backward()
    together.step(1e-2, calibrates=True, guarded=False)
    moved = grown.frames.detach() - before
    assert moved[3].abs().max() < 1.2e-2


def test_one_that_never_stepped_has_nothing_to_hand_on() -> None:
    poses = Poses(torch.ones(4, 4), torch.ones(5))
    never = PoseOptimiser(Poses(torch.ones(3, 4), torch.ones(5)))
    assert never.followed_by(PoseOptimiser(poses)).state() == {}
