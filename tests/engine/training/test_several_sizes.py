"""A run of photos of several sizes and cameras: each counts for what its own picture shows."""

from dataclasses import replace

import torch

from engine.evaluation.held_out import evaluate_held_out
from engine.scenes.canvas import mark_pictures
from engine.scenes.scene import Scene
from tests.support.runs.short_runs import TINY, alike, errors, fern, run, stage, trainer

ROWS = (*TINY[:2], stage(2, 12, rays=400, bundle=(2,)))
LEARNS = (
    stage(8, 60, rays=1500, settle=60),
    stage(4, 80, rays=1500, settle=40, bundle=(4, 2), pose_rate=(1e-3, 5e-4)),
)


def mixed(seed: int = 0) -> Scene:
    """The fern, whose frames are whole, upright (cut out of the middle) or flat in turn; noise lies outside."""
    scene = fern(init="reference")
    known = scene.intrinsics
    width, height = known.width, known.height
    upright, flat = (height * 3 // 4, height), (width, height // 2)
    sizes = torch.tensor([[(width, height), upright, flat][frame % 3] for frame in range(known.frames)])
    corner = (torch.tensor([width, height]) - sizes) // 2
    noise = torch.Generator().manual_seed(seed)
    images = torch.randint(256, scene.images.shape, generator=noise, dtype=torch.uint8)
    for frame, ((across, down), (left, top)) in enumerate(zip(sizes.tolist(), corner.tolist(), strict=True)):
        images[frame, :down, :across] = scene.images[frame, top : top + down, left : left + across]
    cameras = torch.arange(known.frames) % 3
    intrinsics = replace(known, centre=known.centre - corner, sizes=sizes, cameras=cameras)
    return replace(scene, images=images, intrinsics=intrinsics, masks=mark_pictures(sizes, (width, height)))


def test_what_lies_outside_the_own_picture_has_no_influence() -> None:
    states = []
    for seed in (1, 2):
        made = trainer(ROWS, mixed(seed), refine_intrinsics=True)
        run(made)
        assert "bundle" in [event.kind for event in made.events]
        tensors, _ = made.state()
        states.append(tensors | {"psnr": made.frame_psnr()})
    assert alike(*states) == []


def test_cameras_that_are_right_stay_right_and_the_photos_are_learned() -> None:
    scene = mixed()
    made = trainer(LEARNS, scene)
    run(made)
    assert errors(made).relative_rotation_deg.max() < 1.0
    assert made.frame_psnr().min() > 22
    evaluated = list(evaluate_held_out(made.field, scene, made.poses(), refine=False))
    assert len(evaluated) == len(scene.held_out_frames)
    for frame in evaluated:
        width, height = scene.intrinsics.own_size(frame.frame)
        assert frame.photo.shape == frame.view.colour.shape == (height, width, 3)
        assert frame.mask is None
        assert frame.scores.psnr > 15


def test_coarse_levels_average_nothing_from_outside() -> None:
    scene = mixed()
    photos = trainer(ROWS, scene).photos
    for factor in (2, 4, 8):
        level = photos.level(factor)
        assert level.masks is not None
        for place, frame in enumerate(scene.training_frames):
            width, height = (side // factor for side in scene.intrinsics.own_size(frame))
            counts = torch.zeros_like(level.masks.counts[place])
            counts[:height, :width] = True
            assert torch.equal(level.masks.counts[place], counts)
            assert level.intrinsics.own_size(place) == (width, height)
