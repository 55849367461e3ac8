"""A run of photos with masks: nothing that is masked has any influence, and what counts is learned as ever."""

from dataclasses import replace

import pytest
import torch

from engine.evaluation.held_out import evaluate_held_out
from engine.messages import FrameStatus
from engine.scenes.scene import Scene
from tests.support.runs.short_runs import TINY, advance, alike, fern, run, stage, trainer

ROWS = (*TINY[:2], stage(2, 12, rays=400, bundle=(2,)))


def masked(seed: int) -> Scene:
    """The fern with a masked window in every photo, at another place in each; in the window stands noise."""
    scene = fern()
    generator = torch.Generator().manual_seed(seed)
    places = torch.Generator().manual_seed(0)
    images, masks = scene.images.clone(), torch.ones(scene.images.shape[:3], dtype=torch.bool)
    for frame in range(len(images)):
        top, left = int(torch.randint(50, (), generator=places)), int(torch.randint(70, (), generator=places))
        masks[frame, top : top + 40, left : left + 50] = False
    noise = torch.randint(256, images.shape, generator=generator, dtype=torch.uint8)
    return replace(scene, images=torch.where(masks[..., None], images, noise), masks=masks)


@pytest.mark.parametrize("method", ["l2g", "barf"])
def test_what_is_masked_has_no_influence_on_training_and_adjustments(method):
    states = []
    for seed in (1, 2):
        made = trainer(ROWS, masked(seed), method=method)
        run(made)
        assert "bundle" in [event.kind for event in made.events]
        tensors, _ = made.state()
        states.append(tensors | {"psnr": made.frame_psnr()})
    assert alike(*states) == []


def test_what_is_masked_has_no_influence_on_a_search():
    found = []
    for seed in (1, 2):
        made = trainer(ROWS, masked(seed), method="barf")
        run(made, 20)
        made.perturb(3, torch.tensor([0.05, 0.1, 0.0, 0.02, 0.0, 0.0]))
        assert made.frame_status()[3] is FrameStatus.SEARCHING
        while made.frame_status()[3] is FrameStatus.SEARCHING:
            advance(made, 1)
        found.append(made.poses())
    assert torch.equal(*found)


def test_what_is_masked_has_no_influence_on_held_out_frames():
    made = trainer(TINY, fern())
    run(made)
    results = []
    for seed in (1, 2):
        frames = evaluate_held_out(made.field, masked(seed), made.poses(), limit=1)
        results.append([(frame.pose, frame.scores) for frame in frames])
    (one, first), (other, second) = results[0][0], results[1][0]
    assert torch.equal(one, other)
    assert first.psnr == second.psnr
    assert first.ssim == second.ssim
    whole = next(evaluate_held_out(made.field, replace(masked(1), masks=None), made.poses(), limit=1))
    assert whole.scores.psnr < first.psnr - 1.5, "the noise counts where there is no mask"


def test_masks_leave_the_psnr_of_training_to_what_counts():
    """Noise in the windows: with masks the run fits as well as without noise, without masks it cannot."""
    psnr = {}
    rows = (stage(4, 160, rays=1500),)
    for name, scene in (("clean", fern()), ("masked", masked(1)), ("noise", replace(masked(1), masks=None))):
        made = trainer(rows, scene, method="barf")
        run(made)
        psnr[name] = float(made.frame_psnr().mean())
    assert psnr["masked"] > psnr["clean"] - 1.5
    assert psnr["noise"] < psnr["masked"] - 3
