"""A frame of which nobody knows where it stands is looked for once the others have a field."""

from __future__ import annotations

from dataclasses import replace

from engine.geometry.pose_errors import pose_errors
from tests.support.runs.short_runs import errors, fern, run, stage, trainer

ROWS = (stage(4, 120, rays=1500), stage(2, 40, rays=1500))


def test_it_starts_from_a_neighbour_and_is_found() -> None:
    scene = fern(init="reference")
    lost, neighbour = scene.training_frames[5], scene.training_frames[14]
    initial = scene.initial_poses.clone()
    initial[lost] = initial[neighbour]
    assert scene.reference_poses is not None
    made = trainer(ROWS, replace(scene, initial_poses=initial, uncertain_frames=(lost,)), method="barf")
    run(made)
    assert [event.detail for event in made.events if event.kind == "found"] == [scene.names[lost]]
    start = pose_errors(initial[list(scene.training_frames)], scene.reference_poses[list(scene.training_frames)])
    assert errors(made).translation[5] < 0.3 * start.translation[5]
    assert errors(made).relative_rotation_deg[5] < 3
