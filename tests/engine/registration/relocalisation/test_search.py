"""Frames that were knocked off, on a fern that has been trained for a few seconds."""

import math

import pytest
import torch

from engine.geometry.se3 import camera_centre
from engine.geometry.similarity import spread
from engine.messages import FrameStatus
from engine.registration.relocalisation.frame_statuses import FrameStatuses
from engine.registration.relocalisation.relocaliser import Relocaliser, RunView
from engine.registration.relocalisation.search import DEFAULTS
from engine.training.radiance import RadianceTrainer
from tests.support.runs.short_runs import REGISTERS, TINY, advance, errors, event_kinds, run, stage, trainer

pytestmark = pytest.mark.slow  # several short trainings

Saved = tuple[dict[str, torch.Tensor], dict]
ROWS = (REGISTERS[0], REGISTERS[1], stage(1, 160, bundle=(2, 1), rays=3000, pose_rate=(1e-6, 1e-6)))
SLACK_DEG = 0.2  # on photos 126 pixels wide, a third of a pixel


@pytest.fixture(scope="module")
def registered() -> Saved:
    made = trainer(ROWS, method="barf")
    run(made, points=1500)
    tensors, metadata = made.state()
    return {name: tensor.clone() for name, tensor in tensors.items()}, metadata


@pytest.fixture
def made(registered: Saved) -> RadianceTrainer:
    """A registered fern, its own."""
    again = trainer(ROWS, method="barf")
    again.load_state({name: tensor.clone() for name, tensor in registered[0].items()}, registered[1])
    return again


def knock(made: RadianceTrainer, seed: int, degrees: float = 10.0, spreads: float = 0.2) -> torch.Tensor:
    axis, way = torch.nn.functional.normalize(torch.randn(2, 3, generator=torch.Generator().manual_seed(seed)), dim=-1)
    distance = spreads * float(spread(camera_centre(made.poses())))
    return torch.cat([axis * math.radians(degrees), way * distance])


class Undo:
    """Perturbs frames of a trainer and takes it back in reverse order, as a run's undo does."""

    def __init__(self, made: RadianceTrainer) -> None:
        self._made = made
        self._before: list[tuple[int, torch.Tensor]] = []

    def perturb(self, frame: int, twist: torch.Tensor) -> None:
        self._before.append((frame, self._made.placements()[frame].clone()))
        self._made.perturb(frame, twist)

    def undo(self) -> None:
        self._made.take_back(*self._before.pop())


def search_to_the_end(made: RadianceTrainer) -> None:
    for _ in range(300):
        if not made._relocaliser.searches:
            return
        made.step()
    pytest.fail("a search that does not end")


@pytest.mark.parametrize("frames", [(9,), (2, 14)], ids=["one", "two"])
def test_knocked_frames_find_their_way_back(made, frames):
    old = errors(made)
    for frame in frames:
        made.perturb(frame, knock(made, seed=frame))
    off = errors(made)
    assert (off.relative_rotation_deg[list(frames)] > 8).all()
    assert not made.finished
    search_to_the_end(made)
    new = errors(made)
    for frame in frames:
        assert new.relative_rotation_deg[frame] < 2 * old.relative_rotation_deg[frame] + SLACK_DEG
        assert new.rotation_deg[frame] < 2 * old.rotation_deg[frame] + SLACK_DEG
        assert new.translation[frame] < 2 * old.translation[frame] + 0.008
    others = [frame for frame in range(len(made.frames)) if frame not in frames]
    assert new.relative_rotation_deg[others].mean() < 1.1 * old.relative_rotation_deg[others].mean() + 0.02
    assert new.translation[others].mean() < 1.1 * old.translation[others].mean() + 0.001
    found = [event.detail for event in made.events if event.kind == "found"]
    assert found == [made.scene.names[made.frames[frame]] for frame in frames]


def test_all_frames_are_found_in_the_field_as_it_was(made):
    old = errors(made)
    before, version = made.iteration, made.field.version
    for frame in range(len(made.frames)):
        made.perturb(frame, knock(made, seed=frame, degrees=5.0, spreads=0.1))
    advance(made, 5)
    assert (made.iteration, made.field.version) == (before, version)  # there is nothing to train it with
    search_to_the_end(made)
    new = errors(made)
    assert (new.relative_rotation_deg < 2 * old.relative_rotation_deg + SLACK_DEG).all()
    assert (new.translation < 2 * old.translation + 0.008).all()


def test_a_search_that_ended_in_a_wrong_place_is_made_again(made):
    made.perturb(3, knock(made, seed=3))
    relocaliser = made._relocaliser
    inside = (made.field, made.photos, made.calibration, made.stage.downsample, made.poses())
    attempts = set()
    while relocaliser.searches:
        attempts |= {search.failed_attempts for search in relocaliser.searches}
        ended = relocaliser.advance(RunView(*inside, 1e-9, made.generator))  # nothing is ever as good as that
    assert attempts == set(range(DEFAULTS.attempts))
    assert [search.frame for search in ended] == [3]


def test_undo_takes_a_knocked_frame_back_exactly(made):
    before, hand = made.poses(), Undo(made)
    hand.perturb(4, knock(made, seed=1))
    hand.undo()
    torch.testing.assert_close(made.poses(), before, atol=1e-6, rtol=0)
    assert made._relocaliser.searches == []
    assert set(made.frame_status()) == {FrameStatus.REGISTERED}
    assert event_kinds(made)[-2:] == ["perturb-pose", "undo-perturbation"]


def test_undo_in_the_middle_of_a_search_and_in_reverse_order(made):
    before, hand = made.poses(), Undo(made)
    hand.perturb(4, knock(made, seed=1))
    hand.perturb(7, knock(made, seed=2))
    hand.perturb(4, knock(made, seed=3))
    advance(made, 3)
    after_two = made.poses()
    hand.undo()
    assert [search.frame for search in made._relocaliser.searches] == [7]
    assert not torch.equal(made.poses()[4], before[4])
    for _ in range(2):
        hand.undo()
    torch.testing.assert_close(made.poses()[[4, 7]], before[[4, 7]], atol=1e-5, rtol=0)
    assert torch.equal(made.poses()[11], after_two[11])


def test_a_search_survives_an_interruption(made):
    old, before = errors(made), made.placements()[5].clone()
    made.perturb(5, knock(made, seed=5))
    advance(made, 10)
    tensors, metadata = made.state()
    other = trainer(ROWS, method="barf")
    other.load_state({name: tensor.clone() for name, tensor in tensors.items()}, metadata)
    assert [search.frame for search in other._relocaliser.searches] == [5]
    search_to_the_end(other)
    assert errors(other).relative_rotation_deg[5] < 2 * old.relative_rotation_deg[5] + SLACK_DEG
    other.take_back(5, before)
    torch.testing.assert_close(other.poses()[5], before, atol=1e-6, rtol=0)


def test_a_frame_that_went_astray_is_noticed_and_helped(made):
    old = errors(made)
    poses = made.poses()
    lost = poses[6:7].clone()
    lost[0, :, 3] += 0.3
    made.registration.rebase(torch.tensor([6]), lost)
    for _ in range(400):
        made.step()
        if "outlier" in event_kinds(made):
            break
    assert [event.detail for event in made.events if event.kind == "outlier"] == [made.scene.names[made.frames[6]]]
    search_to_the_end(made)
    assert errors(made).relative_rotation_deg[6] < 2 * old.relative_rotation_deg[6] + SLACK_DEG


@pytest.mark.parametrize("method", ["l2g", "barf"])
@pytest.mark.parametrize("frame", [0, 17])
def test_a_knock_at_any_time_stops_no_run(method, frame):
    made = trainer(TINY, method=method)
    twist = torch.tensor([0.1, -0.1, 0.1, 0.05, 0.02, -0.03])
    made.perturb(frame, twist)  # before the first step
    advance(made, 4)
    made.perturb(frame, twist)  # in the first stage, where the training itself is the search
    assert made._relocaliser.searches == []
    run(made, 8)
    while not made._adjustment.under_way or not made.under_way:
        advance(made, 1)
    made.perturb(frame, twist)  # in the middle of an adjustment's step, which would not know of it
    assert not made.under_way
    hand = Undo(made)
    hand.perturb(3, twist)
    hand.undo()
    advance(made, 3)
    run(made)
    assert made.finished
    assert torch.isfinite(made.poses()).all()
    assert made.skipped_steps == 0


def test_an_adjustment_waits_for_a_lost_frame(made):
    made._adjustment.request([4])
    iteration, others = made.iteration, [frame for frame in range(len(made.frames)) if frame != 5]
    before = made.poses()[others]
    made.perturb(5, knock(made, seed=5))
    while made._relocaliser.searches:
        made.step()
        assert not made._adjustment.under_way
        assert torch.equal(made.poses()[others], before)
    assert made.iteration == iteration, "nobody trains before the adjustment that is due"
    made.step()
    assert made.under_way


def test_a_knock_just_before_the_first_adjustment_is_looked_for():
    made = trainer(TINY)
    run(made, TINY[0].iterations)
    made.perturb(4, torch.tensor([0.1, 0.0, 0.0, 0.0, 0.0, 0.1]))
    assert [search.frame for search in made._relocaliser.searches] == [4]


def test_a_knocked_frame_is_where_it_was_put():
    made = trainer()
    run(made, 3)
    before = made.poses()
    twist = torch.tensor([0.2, 0.0, 0.0, 0.0, 0.0, 0.5])
    made.perturb(8, twist)
    after = made.poses()
    others = [frame for frame in range(len(made.frames)) if frame != 8]
    assert torch.equal(after[others], before[others])
    cosine, sine = math.cos(0.2), math.sin(0.2)
    turn = torch.tensor([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    torch.testing.assert_close(after[8, :, :3], turn @ before[8, :, :3], atol=1e-4, rtol=0)


def test_an_outlier_is_searched_for_once():
    relocaliser, error = Relocaliser(FrameStatuses(9)), torch.full((9,), 0.01)
    patience = relocaliser.options.patience
    assert relocaliser.outliers(error, 1000) == []
    error[4] = 0.2
    assert relocaliser.outliers(error, 1000) == [4]
    poses = torch.eye(3, 4).repeat(9, 1, 1)
    relocaliser.begin(4, poses, 1000)
    assert relocaliser.outliers(error, 1000 + patience) == []  # it is being searched for
    relocaliser.cancel(4)
    assert relocaliser.outliers(error, 1000 + patience - 1) == []
    assert relocaliser.outliers(error, 1000 + patience) == [4]
    error[4] = math.nan
    assert relocaliser.outliers(error, 1000 + patience) == []


def test_hypotheses_are_near_and_those_of_searched_frames_come_last():
    relocaliser = Relocaliser(FrameStatuses(6))
    poses = torch.eye(3, 4).repeat(6, 1, 1)
    poses[:, 0, 3] = torch.arange(6.0)
    relocaliser.begin(1, poses, 0)
    relocaliser.begin(2, poses, 0)
    search = relocaliser.searches[1]
    starts = search.alignment.poses[:, 0, 3].tolist()
    assert starts[0] == 2
    assert starts.index(1) == len(starts) - 1
    assert starts[1] == 3
    relocaliser.begin(2, poses, 5)
    assert [search.frame for search in relocaliser.searches] == [1, 2]
    assert relocaliser.searched_at == {1: 0, 2: 5}
