"""From a run to the picture of its cameras."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.model.cameras.pictures_of_run import CamerasPictures, Preview, decimate_lattice, make_thumbnails
from app.model.cameras.replay import centres
from app.model.common.error_colours import ACCENT, colour_errors
from engine.messages import WarpSnapshot
from tests.support.runs.registered_scene import FRAMES, forward_facing, snapshot_of, spread, state_of

SIZE = (600, 400)


def test_a_picture_holds_what_the_layers_ask_for() -> None:
    state, _ = state_of(forward_facing())
    pictures = CamerasPictures()
    picture = pictures.picture(state, SIZE)
    assert picture is not None
    assert picture.camera.size == SIZE
    assert picture.fitted.poses.shape == (FRAMES, 3, 4)
    assert picture.initial is not None
    assert len(picture.initial.poses) == 1  # all start in one place: drawn once
    assert picture.reference is not None
    assert picture.thumbnails is not None
    assert picture.trails is not None
    assert picture.ground is not None
    assert picture.gizmo is None
    assert picture.rays is None
    assert picture.image_plane == (0.6, 0.4)
    layers = state.cameras.layers
    layers.initial = layers.reference = layers.links = layers.trails = layers.thumbnails = layers.ground = False
    layers.volume, layers.gizmo = False, True
    bare = pictures.picture(state, SIZE)
    assert bare is not None
    assert bare.initial is bare.reference is bare.trails is bare.thumbnails is bare.ground is None
    assert bare.volume_opacity == 0.0
    assert bare.gizmo is not None
    assert np.array_equal(bare.gizmo.pose, bare.fitted.poses[state.selected])


def test_nothing_is_shown_before_there_is_a_run() -> None:
    state, _ = state_of(forward_facing())
    state.runs = []
    assert CamerasPictures().picture(state, SIZE) is None


def test_colours_tell_the_error_or_the_lack_of_a_reference() -> None:
    state, _ = state_of(forward_facing())
    picture = CamerasPictures().picture(state, SIZE)
    errors = state.run.snapshot.rotation_error_deg  # type: ignore[union-attr]
    assert picture is not None
    assert np.array_equal(picture.fitted.colours, colour_errors(errors))
    unknown, _ = state_of(forward_facing(reference=False))
    plain = CamerasPictures().picture(unknown, SIZE)
    assert plain is not None
    assert plain.reference is None
    assert np.allclose(plain.fitted.colours, ACCENT)
    state.cameras.layers.fitted = False
    hidden = CamerasPictures().picture(state, SIZE)
    assert hidden is not None
    assert (hidden.fitted.colours[:, 3] == 0).all()
    assert hidden.thumbnails is None


def test_arrays_stay_the_same_objects_while_nothing_is_new() -> None:
    """The render thread uploads what is another object."""
    state, _ = state_of(forward_facing())
    pictures = CamerasPictures()
    one, other = pictures.picture(state, SIZE), pictures.picture(state, SIZE)
    assert one is not None
    assert other is not None
    assert one.fitted.poses is other.fitted.poses
    assert one.fitted.colours is other.fitted.colours
    assert one.trails is other.trails
    assert one.reference is other.reference
    assert one.thumbnails is other.thumbnails
    state.run.snapshot = snapshot_of(state.run.scene, 0.7)  # type: ignore[union-attr, arg-type]
    new = pictures.picture(state, SIZE)
    assert new is not None
    assert new.fitted.poses is not one.fitted.poses
    assert new.thumbnails is one.thumbnails


def test_the_timeline_shows_an_earlier_moment() -> None:
    state, _ = state_of(forward_facing(), share=1.0)
    pictures = CamerasPictures()
    state.timeline.seconds = 2.0
    half = pictures.picture(state, SIZE)
    assert half is not None
    assert np.allclose(half.fitted.poses[:, :, 3], state.run.history.rows[2].poses[:, :, 3])  # type: ignore[union-attr]
    assert half.trails is not None
    assert np.allclose(half.trails[:, -1], centres(half.fitted.poses), atol=1e-6)
    assert 0 < half.volume_opacity < 1
    state.timeline.seconds = 2.5
    later = pictures.picture(state, SIZE)
    assert later is not None
    assert spread(half.fitted.poses) < spread(later.fitted.poses)
    state.timeline.seconds = None
    live = pictures.picture(state, SIZE)
    assert live is not None
    assert np.array_equal(live.fitted.poses, state.run.snapshot.poses)  # type: ignore[union-attr]


def test_a_dragged_frame_is_drawn_at_its_dragged_pose() -> None:
    state, _ = state_of(forward_facing())
    pictures = CamerasPictures()
    pose = np.eye(3, 4, dtype=np.float32) + np.float32(0.25)
    picture = pictures.picture(state, SIZE, Preview(2, pose))
    assert picture is not None
    assert np.array_equal(picture.fitted.poses[2], pose)
    others = [frame for frame in range(FRAMES) if frame != 2]
    assert np.array_equal(picture.fitted.poses[others], state.run.snapshot.poses[others])  # type: ignore[union-attr]
    assert not np.array_equal(state.run.snapshot.poses[2], pose)  # type: ignore[union-attr]


def warp_of(frame: int) -> WarpSnapshot:
    x, y = np.meshgrid(np.linspace(-0.6, 0.6, 24), np.linspace(-0.4, 0.4, 16))
    points = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    directions = np.concatenate([points, np.ones((len(points), 1), np.float32)], axis=1)
    zeros = np.zeros_like(directions)
    return WarpSnapshot(frame, points, zeros, directions, zeros, directions, np.full(len(points), 0.5, np.float32))


def test_the_rays_of_the_selected_frame_are_a_coarse_lattice_with_its_border() -> None:
    warp = warp_of(3)
    chosen = decimate_lattice(warp)
    assert 40 <= len(chosen) <= 110
    for column in (0, 1):
        assert warp.points[chosen, column].min() == warp.points[:, column].min()
        assert warp.points[chosen, column].max() == warp.points[:, column].max()
    state, _ = state_of(forward_facing())
    state.run.snapshot = replace(state.run.snapshot, warp=warp)  # type: ignore[union-attr, type-var]
    pictures = CamerasPictures()
    other = pictures.picture(state, SIZE)
    state.selected = 3
    selected = pictures.picture(state, SIZE)
    assert other is not None
    assert selected is not None
    assert other.rays is None
    assert selected.rays is not None
    assert len(selected.rays.origins) == len(chosen)


def test_thumbnails_are_small_and_in_order() -> None:
    thumbnails = make_thumbnails(forward_facing())
    assert thumbnails.pixels.shape[0] == FRAMES
    assert thumbnails.pixels.shape[2] <= 192
    assert [int(photo[0, 0, 0]) for photo in thumbnails.pixels] == [20 * frame for frame in range(FRAMES)]
