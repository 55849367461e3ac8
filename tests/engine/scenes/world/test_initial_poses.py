"""Initial poses."""

from __future__ import annotations

import pytest
import roma
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UserError
from engine.scenes.options import SceneOptions
from engine.scenes.scene import PoseNoise
from engine.scenes.world.initial_poses import choose_initial_poses, perturb_poses, resolve_init
from tests.support.scenes.synthetic import object_poses

REFERENCE = object_poses(6)
TRAINING = (0, 1, 2, 4)


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("forward-facing", SceneOptions(noise_rotation=0.1), "identity"),
        ("forward-facing", SceneOptions(init="reference"), "reference"),
        ("object", SceneOptions(), "reference"),
        ("object", SceneOptions(noise_rotation=0.1), "noise"),
        ("object", SceneOptions(noise_translation=0.1), "noise"),
        ("object", SceneOptions(init="identity", noise_rotation=0.1), "identity"),
    ],
)
def test_auto(kind, options: SceneOptions, expected: str) -> None:
    assert resolve_init(kind, options) == expected


@given(st.integers(0, 2**31), st.floats(0, 0.5), st.floats(0, 2))
def test_noise_is_undone_by_its_record(seed: int, rotation: float, translation: float) -> None:
    options = SceneOptions(init="noise", noise_rotation=rotation, noise_translation=translation, seed=seed)
    initial, noise = choose_initial_poses(REFERENCE, 6, TRAINING, "object", options, "scene")
    assert noise is not None
    turned = torch.cat([initial[:, :, :3], initial[:, :, 3:] - noise.translation.double()[..., None]], dim=-1)
    backwards = PoseNoise(-noise.rotation, torch.zeros(6, 3), seed)
    torch.testing.assert_close(perturb_poses(turned, backwards), REFERENCE, atol=1e-6, rtol=0)
    again, _ = choose_initial_poses(REFERENCE, 6, TRAINING, "object", options, "scene")
    assert torch.equal(initial, again)
    assert torch.equal(initial[[3, 5]], REFERENCE[[3, 5]])


def test_noise_is_composed_in_the_camera_frame() -> None:
    noise = PoseNoise(torch.full((6, 3), 0.2), torch.full((6, 3), 0.3), 0)
    moved = perturb_poses(REFERENCE, noise)
    rotation = roma.rotvec_to_rotmat(torch.full((3,), 0.2)).double()
    torch.testing.assert_close(moved[2, :, :3], rotation @ REFERENCE[2, :, :3])
    torch.testing.assert_close(moved[2, :, 3], rotation @ REFERENCE[2, :, 3] + 0.3, atol=1e-6, rtol=0)


def test_noise_has_the_spread_that_was_asked_for() -> None:
    frames = 2000
    options = SceneOptions(init="noise", noise_rotation=0.07, noise_translation=0.5, seed=3)
    reference = torch.eye(3, 4).repeat(frames, 1, 1)
    _, noise = choose_initial_poses(reference, frames, tuple(range(frames)), "object", options, "scene")
    assert noise is not None
    assert noise.rotation.std().item() == pytest.approx(0.07, rel=0.05)
    assert noise.translation.std().item() == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("init", ["reference", "noise"])
def test_without_reference_poses_there_is_only_identity(init) -> None:
    with pytest.raises(UserError, match="myscene has no reference poses"):
        choose_initial_poses(None, 4, (0, 1, 2, 3), "object", SceneOptions(init=init), "myscene")
    initial, noise = choose_initial_poses(None, 4, (0, 1, 2, 3), "object", SceneOptions(), "myscene")
    assert torch.equal(initial, torch.eye(3, 4).repeat(4, 1, 1))
    assert noise is None
