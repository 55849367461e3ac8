"""Where the reference is drawn."""

from __future__ import annotations

import numpy as np
import torch

from app.model.cameras.drawn_reference import draw_reference
from engine.geometry import se3
from engine.geometry.pose_errors import pose_errors
from engine.geometry.view_camera import centres
from tests.support.runs.registered_scene import spread


def grid(frames: int = 16) -> torch.Tensor:
    """Cameras on a bent plane that look ahead, a little turned."""
    generator = torch.Generator().manual_seed(0)
    twists = 0.1 * torch.randn(frames, 6, generator=generator)
    twists[:, 3:] = torch.randn(frames, 3, generator=generator) * torch.tensor([0.2, 0.15, 0.03])
    return se3.exponential(twists.double()).float()


def moved(poses: torch.Tensor, scale: float) -> torch.Tensor:
    """The same cameras in a world that is turned, shifted and larger."""
    world = se3.exponential(torch.tensor([0.3, -0.2, 0.1, 0.5, 0.2, -0.3]))
    rotation = poses[:, :, :3] @ world[:, :3].T
    places = scale * torch.from_numpy(centres(poses.numpy())).float() @ world[:, :3].T + world[:, 3]
    return torch.cat([rotation, -(rotation @ places[..., None])], dim=-1)


def test_where_centres_agree_it_is_the_alignment_of_the_errors() -> None:
    reference = grid()
    fitted = moved(reference, 0.8)
    fitted[:, :, 3] += 1e-4 * torch.randn(len(fitted), 3, generator=torch.Generator().manual_seed(1))
    drawn = draw_reference(reference.numpy(), fitted.numpy())
    engine = pose_errors(fitted, reference).aligned_reference.numpy()
    assert np.allclose(drawn, engine, atol=1e-4)
    assert np.allclose(centres(drawn), centres(fitted.numpy()), atol=2e-3)


def test_while_all_stand_in_one_place_it_keeps_its_size_and_direction() -> None:
    reference = grid()
    generator = torch.Generator().manual_seed(2)
    start = se3.exponential(torch.cat([torch.zeros(16, 3), 1e-4 * torch.randn(16, 3, generator=generator)], dim=1))
    drawn = draw_reference(reference.numpy(), start.numpy())
    assert np.isclose(spread(drawn), spread(reference.numpy()), rtol=1e-3)
    assert (drawn[:, 2, 2] > 0.8).all()  # all look ahead, as the fitted ones do
    assert np.allclose(centres(drawn).mean(axis=0), centres(start.numpy()).mean(axis=0), atol=1e-3)


def test_one_kicked_frame_moves_the_reference_of_the_others_little() -> None:
    reference = grid()
    fitted = reference.clone()
    fitted[3, :, 3] += torch.tensor([0.5, 0.0, 0.0])
    drawn = draw_reference(reference.numpy(), fitted.numpy())
    others = [frame for frame in range(16) if frame != 3]
    apart = np.linalg.norm(centres(drawn) - centres(reference.numpy()), axis=1)
    assert apart[others].max() < 0.12
    assert np.linalg.norm(centres(drawn)[3] - centres(fitted.numpy())[3]) > 0.3


def test_frames_that_are_not_finite_do_not_count() -> None:
    reference = grid()
    fitted = reference.clone()
    fitted[5] = torch.nan
    drawn = draw_reference(reference.numpy(), fitted.numpy())
    assert np.allclose(drawn, reference.numpy(), atol=1e-4)
    assert np.isnan(draw_reference(reference.numpy(), np.full((16, 3, 4), np.nan))).all()


def test_one_and_two_frames_are_drawn_too() -> None:
    for frames in (1, 2):
        reference = grid(frames)
        assert np.isfinite(draw_reference(reference.numpy(), moved(reference, 1.0).numpy())).all()
