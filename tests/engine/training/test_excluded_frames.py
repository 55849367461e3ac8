"""Frames that the user leaves out, and brings back."""

from dataclasses import replace

import pytest
import torch

from engine.errors import UserError
from engine.messages import FrameStatus
from engine.scenes.excluded_frames import exclude_frames
from tests.support.runs.short_runs import TINY, alike, fern, trainer


def test_an_excluded_frame_neither_trains_nor_counts():
    scene = fern()
    name = scene.names[scene.training_frames[1]]
    made = trainer(TINY, exclude_frames(scene, (name,)))
    poses = made.poses()
    for _ in range(30):
        made.step()
    assert made.frame_status()[1] is FrameStatus.EXCLUDED
    assert torch.equal(made.frame_psnr().isnan(), torch.arange(len(made.frames)) == 1)
    others = [frame for frame in range(len(made.frames)) if frame != 1]
    assert not torch.equal(made.poses()[others], poses[others])


def test_a_frame_that_is_brought_back_trains_again():
    made = trainer(TINY)
    made.exclude(2, True)
    made.exclude(2, True)  # what is left out cannot be left out again
    assert made.frame_status()[2] is FrameStatus.EXCLUDED
    made.exclude(2, False)
    assert made.frame_status()[2] in (FrameStatus.REGISTERED, FrameStatus.SEARCHING)
    assert [event.kind for event in made.events].count("exclude-frame") == 2


def test_excluded_frames_stay_so_after_a_resume():
    made = trainer(TINY)
    made.exclude(0, True)
    made.set_mu(1.5)
    made.use_matches(False)
    other = trainer(TINY)
    other.load_state(*made.state())
    assert other.frame_status() == made.frame_status()
    assert (other.mu_exponent, other.matches) == (1.5, False)
    assert alike(made.state()[0], other.state()[0]) == []


def test_two_frames_at_least_must_be_left():
    made = trainer(TINY)
    for frame in range(len(made.frames) - 2):
        made.exclude(frame, True)
    with pytest.raises(UserError, match="a run needs 2 frames to train on"):
        made.exclude(len(made.frames) - 1, True)


def test_excluding_by_name():
    scene = replace(fern(), training_frames=tuple(range(1, 18)), held_out_frames=(0,))
    held_out, trained = scene.names[0], scene.names[scene.training_frames[-1]]
    found = exclude_frames(scene, (held_out, trained))
    assert found.held_out_frames == ()
    assert found.excluded_frames == (scene.training_frames[-1],)
    with pytest.raises(UserError, match=r"--exclude nothing.jpg: .* has no photo of this name"):
        exclude_frames(scene, ("nothing.jpg",))
    with pytest.raises(UserError, match="name fewer"):
        exclude_frames(scene, scene.names[1:])
