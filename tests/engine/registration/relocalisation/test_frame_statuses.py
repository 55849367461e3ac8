"""Every frame has one status, and each change of it is one call."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.config.settings import Settings
from engine.geometry import se3
from engine.messages import FrameStatus
from engine.registration.relocalisation.frame_statuses import FrameStatuses, first_statuses
from engine.registration.relocalisation.relocaliser import Relocaliser
from tests.support.runs.fake_trainer import tiny_scene

REGISTERED, SEARCHING, WAITING, REJECTED, EXCLUDED = FrameStatus


def relocaliser_of(statuses: FrameStatuses) -> Relocaliser:
    """Whose waiting frames are searched for."""
    relocaliser = Relocaliser(statuses)
    images = torch.rand(len(statuses), 3, 12, 16, generator=torch.Generator().manual_seed(0))
    relocaliser.begin_waiting(images, se3.identity(len(statuses)), iteration=0)
    return relocaliser


def test_an_added_frame_waits_is_searched_for_and_registered() -> None:
    statuses = FrameStatuses(4)
    statuses.add(2)
    assert statuses.frames(WAITING) == [4, 5]
    relocaliser = relocaliser_of(statuses)
    assert [search.frame for search in relocaliser.searches] == [4, 5]
    assert statuses.frames(WAITING) == []
    assert statuses.unregistered() == [4, 5]
    statuses.register(4)
    statuses.reject(5)
    statuses.retry_rejected()
    assert statuses.frames(WAITING) == [5]
    assert statuses.never_registered == {5}
    assert statuses.ever_registered() == [0, 1, 2, 3, 4]


def test_a_frame_that_is_searched_for_does_not_wait_again() -> None:
    statuses = FrameStatuses(6, waiting=[4, 5])
    relocaliser_of(statuses)
    statuses.reject(5)
    statuses.retry_rejected()
    assert statuses.frames(WAITING) == [5]
    assert statuses[4] is SEARCHING


def test_a_search_that_is_given_up_leaves_a_frame_as_it_was() -> None:
    statuses = FrameStatuses(6, waiting=[5])
    relocaliser = relocaliser_of(statuses)
    relocaliser.begin(2, se3.identity(6), 0)
    for frame in (2, 5, 0):
        relocaliser.cancel(frame)
    assert (statuses[0], statuses[2], statuses[5]) == (REGISTERED, REGISTERED, WAITING)
    assert relocaliser.searches == []


def test_without_registration_frames_without_a_reference_fit_nowhere() -> None:
    scene = tiny_scene()
    assert scene.reference_poses is not None
    poses = scene.reference_poses.clone()
    poses[1] = torch.nan
    scene = replace(scene, reference_poses=poses)
    frames = list(scene.training_frames)
    assert first_statuses(scene, frames, Settings(method="reference")).frames(REJECTED) == [1]
    assert first_statuses(scene, frames, Settings()).all() == (REGISTERED,) * len(frames)


@pytest.mark.parametrize("waiting", [[], [1], [0, 2]])
def test_a_checkpoint_keeps_them(waiting: list[int]) -> None:
    statuses = FrameStatuses(4, waiting=waiting, rejected=[3])
    again = FrameStatuses.from_state(statuses.state())
    assert again.all() == statuses.all()
    assert again.never_registered == statuses.never_registered


CHANGES = st.lists(st.tuples(st.sampled_from(["begin", "register", "reject", "cancel", "retry"]), st.integers(0, 4)))


@given(CHANGES)
def test_a_registered_frame_has_a_pose_and_the_others_are_out_of_the_loss(changes: list[tuple[str, int]]) -> None:
    statuses = FrameStatuses(5, waiting=[3], rejected=[4])
    act = {"begin": statuses.begin_search, "register": statuses.register, "reject": statuses.reject}
    for name, frame in changes:
        if name == "retry":
            statuses.retry_rejected()
        else:
            act.get(name, statuses.cancel_search)(frame)
        registered = statuses.frames(REGISTERED)
        assert not set(registered) & statuses.never_registered
        assert sorted([*registered, *statuses.unregistered()]) == list(range(5))


def test_an_excluded_frame_stays_out_until_it_is_brought_back() -> None:
    statuses = FrameStatuses(4, waiting=[3])
    for frame in (1, 3):
        statuses.exclude(frame)
    statuses.retry_rejected()
    assert statuses.frames(EXCLUDED) == statuses.unregistered() == [1, 3]
    assert statuses.ever_registered() == [0, 2]
    for frame in (1, 3):
        statuses.bring_back(frame)
    assert (statuses[1], statuses[3]) == (REGISTERED, WAITING)
