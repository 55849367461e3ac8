"""The cameras' 3D view, drawn without a window: what a user would see in its pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from jaxtyping import Bool, Float

from app.model.cameras.picking import find_screen_place, pick_frame
from app.model.cameras.segments import make_frustum_corners
from app.model.common.error_colours import colour_errors
from app.model.common.orbit import OrbitCamera
from app.model.common.pictures import CameraSet, CamerasPicture, Gizmo, Ground, RayBundle, Thumbnails
from app.render.gl.lines import Veil
from tests.support.window.cameras_scene import (
    IMAGE_PLANE,
    SIZE,
    Easel,
    at,
    from_behind,
    one_colour,
    picture_of,
    seen_at,
)

RED, GREEN, BLUE, WHITE = (1, 0, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1), (1, 1, 1, 1)
Pixels = Float[np.ndarray, "height width 3"]


def like(pixels: Pixels, red: bool, green: bool, blue: bool) -> Bool[np.ndarray, "height width"]:
    """Where these channels are strong and the others are not."""
    strong = pixels > 0.35
    return (strong == np.array([red, green, blue])).all(axis=-1)


def around(mask: Bool[np.ndarray, "height width"], x: float, y: float, reach: int = 1) -> bool:
    """Whether something is set near a pixel."""
    row, column = int(y), int(x)
    return bool(mask[row - reach : row + reach + 1, column - reach : column + reach + 1].any())


def test_a_frustum_is_drawn_at_its_projected_pixels(easel: Easel) -> None:
    picture = picture_of(one_colour(at(0, 0, 0)[None], *RED))
    red = like(easel.draw(picture), True, False, False)
    for fraction in (0.1, 0.5, 0.9):
        assert around(red, *seen_at(picture, fraction * np.array([*IMAGE_PLANE, 1.0])))
    corners = [seen_at(picture, corner) for corner in make_frustum_corners(at(0, 0, 0)[None], IMAGE_PLANE, 1.0)[0]]
    rows, columns = np.nonzero(red)
    drawn_box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert np.allclose(drawn_box, [*np.min(corners, axis=0), *np.max(corners, axis=0)], atol=2.5)
    assert red.mean() < 0.05  # lines, not faces


def test_lines_keep_their_width_at_any_distance_and_get_thinner_with_the_picture(easel: Easel) -> None:
    near = picture_of(one_colour(at(0, 0, 0)[None], *WHITE), camera=from_behind(), frustum_depth=0.5)
    far = replace(near, camera=OrbitCamera((0, 0, 0.5), 12.0, 0.0, 0.0).view(SIZE), frustum_depth=2.0)
    for picture in (near, far):
        x, y = seen_at(picture, picture.frustum_depth * np.array([0.5 * IMAGE_PLANE[0], -IMAGE_PLANE[1], 1.0]))
        column = easel.draw(picture)[:, int(x), 1]
        assert column[round(y) - 5 : round(y) + 5].sum() == pytest.approx(1.7, abs=0.5)
    half = easel.draw(near, size=(SIZE[0] // 2, SIZE[1] // 2))
    x, y = seen_at(near, 0.5 * np.array([0.5 * IMAGE_PLANE[0], -IMAGE_PLANE[1], 1.0])) / 2
    assert half[round(y) - 2 : round(y) + 3, int(x), 1].sum() == pytest.approx(0.85, abs=0.3)


def test_frusta_have_the_colours_of_their_errors(easel: Easel) -> None:
    poses = np.stack([at(-1.2, 0, 0), at(0, 0, 0), at(1.2, 0, 0)])
    colours = colour_errors(np.array([0.1, 1.0, 10.0]))
    picture = picture_of(CameraSet(poses, colours), camera=OrbitCamera((0, 0, 0.5), 5.0, 0, 0).view(SIZE))
    pixels = easel.draw(replace(picture, frustum_depth=0.6))
    thirds = [pixels[:, :110], pixels[:, 110:210], pixels[:, 210:]]
    brightest = [third.reshape(-1, 3)[third.sum(axis=-1).argmax()] for third in thirds]
    green, yellow, red = brightest
    assert green[1] > 2 * green[0]
    assert abs(yellow[0] - yellow[1]) < 0.25
    assert yellow[2] < 0.5 * yellow[1]
    assert red[0] > 2 * red[1]


def test_the_nearer_frustum_hides_the_farther(easel: Easel) -> None:
    """Whichever comes first in the list: the photo that is nearer to the viewer covers the other's lines."""
    near, far = at(0, 0, 0), at(0, 0, 2.0)
    photos = Thumbnails("dark", np.full((2, 6, 8, 3), 10, np.uint8))
    for order in (0, 1):
        poses = np.stack([near, far] if order == 0 else [far, near])
        colours = np.array([GREEN, RED] if order == 0 else [RED, GREEN], np.float32)
        picture = picture_of(CameraSet(poses, colours), camera=from_behind(), thumbnails=photos)
        pixels = easel.draw(replace(picture, frustum_depth=0.5))
        assert like(pixels, False, True, False).any()
        # the far frustum's photo is smaller on screen and lies behind the near one's
        assert not like(pixels, True, False, False).any()
        assert like(easel.draw(replace(picture, frustum_depth=0.5, thumbnails=None)), True, False, False).any()


def quarters() -> Thumbnails:
    """A photo that is red at the top left, green at the top right, blue at the bottom left and white at the right."""
    pixels = np.zeros((1, 40, 60, 3), np.uint8)
    pixels[0, :20, :30], pixels[0, :20, 30:] = (255, 0, 0), (0, 255, 0)
    pixels[0, 20:, :30], pixels[0, 20:, 30:] = (0, 0, 255), (255, 255, 255)
    return Thumbnails("quarters", pixels)


def quarter_colours(easel: Easel, picture: CamerasPicture) -> list[Float[np.ndarray, "3"]]:
    """The drawn colours in the middles of a photo's quarters: top left, top right, bottom left, bottom right."""
    pixels = easel.draw(picture)
    spots = []
    for v in (-0.3, 0.3):
        for u in (-0.6, 0.6):  # beside the edges, which cross the photo from corner to corner
            x, y = seen_at(picture, np.array([u * IMAGE_PLANE[0], v * IMAGE_PLANE[1], 1.0]))
            spots.append(pixels[int(y), int(x)])
    return spots


def test_photos_are_upright_and_not_mirrored_and_dimmer_from_behind(easel: Easel) -> None:
    fitted = one_colour(at(0, 0, 0)[None], *WHITE)
    front = picture_of(fitted, camera=from_behind(), thumbnails=quarters())
    top_left, top_right, bottom_left, bottom_right = quarter_colours(easel, front)
    assert top_left.argmax() == 0
    assert top_right.argmax() == 1
    assert bottom_left.argmax() == 2
    assert bottom_right.min() > 0.5
    # on screen, too, left is left and up is up
    assert seen_at(front, np.array([-0.2, 0, 1.0]))[0] < seen_at(front, np.array([0.2, 0, 1.0]))[0]
    assert seen_at(front, np.array([0, -0.2, 1.0]))[1] < seen_at(front, np.array([0, 0.2, 1.0]))[1]
    back = replace(front, camera=OrbitCamera((0, 0, 1.0), 4.0, np.pi, 0.0).view(SIZE))
    from_the_scene = quarter_colours(easel, back)
    assert [colour.argmax() for colour in from_the_scene[:3]] == [0, 1, 2]
    assert 0.1 < from_the_scene[3].mean() < 0.7 * bottom_right.mean()


def test_other_photos_replace_the_ones_before(easel: Easel) -> None:
    fitted = one_colour(at(0, 0, 0)[None], *WHITE)
    quarter_colours(easel, picture_of(fitted, camera=from_behind(), thumbnails=quarters()))
    blue = Thumbnails("blue", np.tile(np.array([0, 0, 255], np.uint8), (1, 10, 10, 1)))
    picture = picture_of(fitted, camera=from_behind(), thumbnails=blue)
    assert all(colour.argmax() == 2 and colour[0] < 0.1 for colour in quarter_colours(easel, picture))


def test_the_selected_frustum_is_heavier_and_shines_through_what_hides_it(easel: Easel) -> None:
    poses = np.stack([at(-0.8, 0, 0), at(0.8, 0, 0)])
    picture = picture_of(one_colour(poses, *RED), camera=OrbitCamera((0, 0, 0.3), 4.0, 0, 0).view(SIZE))
    picture = replace(picture, frustum_depth=0.6, selected=0)
    pixels = easel.draw(picture)[..., 0]
    left, right = pixels[:, :160].sum(), pixels[:, 160:].sum()
    assert left > 1.6 * right
    mirrored = easel.draw(replace(picture, selected=1))[..., 0]
    assert mirrored[:, 160:].sum() > 1.6 * mirrored[:, :160].sum()
    wall = Thumbnails("wall", np.zeros((2, 4, 4, 3), np.uint8))
    hiding = CameraSet(np.stack([at(0, 0, 0), at(0, 0, 2.0)]), np.array([GREEN, RED], np.float32))
    hidden = picture_of(hiding, camera=from_behind(), thumbnails=wall, frustum_depth=0.5, selected=1)
    faint = easel.draw(hidden)
    assert 0.1 < faint[..., 0][faint[..., 1] < 0.1].max() < 0.75


def test_initial_and_reference_frusta_and_links_are_fainter_than_fitted_ones(easel: Easel) -> None:
    fitted, elsewhere = at(-0.9, 0, 0)[None], at(0.9, 0, 0)[None]
    camera = OrbitCamera((0, 0, 0.3), 4.0, 0, 0).view(SIZE)
    alone = picture_of(one_colour(fitted, *RED), camera=camera, frustum_depth=0.5)
    weight = easel.draw(alone)[..., 0].sum()
    initial = easel.draw(replace(alone, initial=one_colour(elsewhere, 0, 1, 0, 0.38)))[..., 1].sum()
    assert 0 < initial < 0.5 * weight
    linked = replace(alone, reference=one_colour(elsewhere, 0, 0, 1, 0.6))
    with_link, without = easel.draw(linked), easel.draw(replace(linked, links=False))
    middle = slice(150, 170)
    assert with_link[:, middle].sum() > 5 * max(without[:, middle].sum(), 0.1)
    assert 0 < without[..., 2].sum() < 0.8 * weight
    # the link begins in the fitted colour and ends in the reference's
    row = int(seen_at(linked, np.zeros(3))[1])
    line = with_link[row - 2 : row + 3].sum(axis=0)
    first, last = (int(seen_at(linked, np.array([x, 0, 0]))[0]) for x in (-0.3, 0.3))
    assert line[first, 0] > line[first, 2]
    assert line[last, 2] > line[last, 0]


def test_trails_fade_with_age(easel: Easel) -> None:
    way = np.stack([np.linspace(-1.0, 1.0, 50), np.full(50, 0.6), np.zeros(50)], axis=1).astype(np.float32)
    camera = OrbitCamera((0, 0, 0), 4.0, 0, 0).view(SIZE)
    picture = picture_of(one_colour(at(1, 0.6, 0)[None], *RED), camera=camera, frustum_depth=0.1, trails=way[None])
    red = easel.draw(picture)[..., 0]
    strength = []
    for x in (-0.8, 0.0, 0.8):
        column, row = seen_at(picture, np.array([x, 0.6, 0]))
        strength.append(red[int(row) - 2 : int(row) + 3, int(column)].sum())
    assert 0.0 < strength[0] < strength[1] < strength[2]


def test_the_ground_fades_towards_its_border_and_its_axes_point_along_the_worlds(easel: Easel) -> None:
    ground = Ground((0.0, 0.0, 0.0), (0.0, 0.0, 1.0), 0.5, 10)
    above = OrbitCamera((0.0, 0, 0), 14.0, 0.0, np.radians(85), (0, 0, 1.0), (0, 1.0, 0)).view(SIZE)
    empty = one_colour(np.empty((0, 3, 4), np.float32), *RED)
    picture = picture_of(empty, camera=above, ground=ground)
    pixels = easel.draw(picture)

    def brightness(radius: float) -> float:
        spots = [seen_at(picture, radius * np.array([np.cos(a), np.sin(a), 0])) for a in np.linspace(0, 6.28, 400)]
        return float(np.mean([pixels[int(y), int(x)].mean() for x, y in spots]))

    assert brightness(1.0) > 1.5 * brightness(3.8) > 0
    assert brightness(5.2) == 0
    x_tip, y_tip = (seen_at(picture, 0.4 * np.eye(3)[axis]) for axis in (0, 1))
    assert around(pixels[..., 0] > 0.7, *x_tip)
    assert around((pixels[..., 1] > 0.6) & (pixels[..., 0] < 0.6), *y_tip)


def test_a_volume_hides_lines_behind_it_and_not_lines_before_it(easel: Easel) -> None:
    """The left half of the picture is covered by a volume that is seen from depth 3.4 to 3.6."""
    width, height = SIZE
    colour, depths = np.zeros((height, width, 4), np.float32), np.full((height, width, 4), 1e9, np.float32)
    colour[:, : width // 2, 3], depths[:, : width // 2, :2] = 0.9, (3.4, 3.6)
    textures = [easel.context.texture(SIZE, 4, array.tobytes(), dtype="f4") for array in (colour, depths)]
    cameras = one_colour(np.stack([at(0, 0, -0.6), at(0, 0, 2.0)]), *RED)
    picture = picture_of(cameras, camera=from_behind(), frustum_depth=0.6)  # at depths of 2.4 to 3 and 5 to 5.6
    plain, veiled = easel.draw(picture)[..., 0], easel.draw(picture, veil=Veil(*textures))[..., 0]
    for texture in textures:
        texture.release()
    far = [seen_at(picture, np.array([u * IMAGE_PLANE[0] * 0.6, -IMAGE_PLANE[1] * 0.6, 2.6])) for u in (-0.5, 0.5)]
    near = [seen_at(picture, np.array([u * IMAGE_PLANE[0] * 0.6, -IMAGE_PLANE[1] * 0.6, 0.0])) for u in (-0.5, 0.5)]

    def strength(pixels: Float[np.ndarray, "height width"], spot: Float[np.ndarray, "2"]) -> float:
        return float(pixels[int(spot[1]) - 2 : int(spot[1]) + 3, int(spot[0])].sum())

    assert strength(veiled, far[0]) < 0.25 * strength(plain, far[0])
    for spot in (far[1], *near):
        assert strength(veiled, spot) == pytest.approx(strength(plain, spot), rel=0.05)


def test_local_rays_are_drawn_from_their_origins_in_their_colours(easel: Easel) -> None:
    origins = np.array([[0, 0, 0], [0.3, 0, 0]], np.float32)
    directions = np.array([[0, 0, 1], [0, 0, 2]], np.float32)
    rays = RayBundle(origins, directions, np.array([GREEN, BLUE], np.float32), 0.8)
    empty = one_colour(np.empty((0, 3, 4), np.float32), *RED)
    picture = picture_of(empty, rays=rays)
    pixels = easel.draw(picture)
    assert around(like(pixels, False, True, False), *seen_at(picture, np.array([0, 0, 0.1])))
    assert around(like(pixels, False, False, True), *seen_at(picture, np.array([0.3, 0, 0.1])))
    beyond = seen_at(picture, np.array([0.3, 0, 1.0]))
    assert not around(pixels.max(axis=-1) > 0.05, *beyond)


def test_the_gizmo_lies_over_everything_and_its_part_under_the_mouse_stands_out(easel: Easel) -> None:
    wall = Thumbnails("wall", np.zeros((1, 4, 4, 3), np.uint8))
    fitted = one_colour(at(0, 0, -1.5)[None], 0.2, 0.2, 0.2, 1)  # its photo stands between viewer and gizmo
    gizmo = Gizmo(at(0, 0, 0.5), 0.6)
    picture = picture_of(fitted, camera=from_behind(), thumbnails=wall, gizmo=gizmo)
    pixels = easel.draw(picture)
    x_arrow = seen_at(picture, np.array([0.35, 0, 0.5]))
    y_arrow = seen_at(picture, np.array([0, 0.35, 0.5]))
    assert around(pixels[..., 0] > 0.7, *x_arrow)
    assert around((pixels[..., 1] > 0.6) & (pixels[..., 0] < 0.6), *y_arrow)
    active = easel.draw(replace(picture, gizmo=replace(gizmo, active="move x")))
    row, column = int(x_arrow[1]), int(x_arrow[0])
    window = (slice(row - 4, row + 5), slice(column - 3, column + 4))
    assert active[window].sum() > 1.3 * pixels[window].sum()
    assert not easel.draw(replace(picture, gizmo=Gizmo(np.full((3, 4), np.nan, np.float32), 0.6))).max() > 0.9


def test_picking_agrees_with_drawing(easel: Easel) -> None:
    """Where each frame's photo is seen, pointing gives that frame."""
    generator = np.random.default_rng(3)
    poses = np.stack([at(*place) for place in generator.uniform(-1.2, 1.2, (12, 3))])
    grey = np.array([40 + 15 * frame for frame in range(12)], np.uint8)
    photos = Thumbnails("greys", np.tile(grey[:, None, None, None], (1, 8, 8, 3)))
    camera = OrbitCamera((0, 0, 0), 5.0, 0.5, 0.3).view((640, 480))
    picture = picture_of(one_colour(poses, 0, 0, 0, 1), camera=camera, frustum_depth=0.4, thumbnails=photos)
    pixels = easel.draw(picture)
    seen = 0
    for frame in range(12):
        place = find_screen_place(picture, frame)
        assert place is not None
        found = pick_frame(picture, *place, (640, 480))
        assert found is not None
        row, column = int(place[1]), int(place[0])
        patch = pixels[row - 1 : row + 2, column - 1 : column + 2].mean(axis=-1) * 255
        if np.ptp(patch) < 1 < patch.min():  # no line there
            assert 0.5 < patch.mean() / grey[found] < 1.0, (frame, found)
            seen += found == frame
    assert seen >= 6


def test_poses_that_are_not_finite_are_left_out(easel: Easel) -> None:
    poses = np.stack([at(0, 0, 0), np.full((3, 4), np.nan, np.float32), at(1, 0, np.inf)])
    trails = np.zeros((3, 4, 3), np.float32)
    trails[1:] = np.nan
    cameras = one_colour(poses, *RED)
    photos = Thumbnails("three", np.full((3, 4, 4, 3), 200, np.uint8))
    ground = Ground((0, 1.0, 0), (0, -1.0, 0), 0.2)
    broken = picture_of(cameras, reference=cameras, initial=cameras, trails=trails, thumbnails=photos, ground=ground)
    good = one_colour(poses[:1], *RED)
    whole = picture_of(good, reference=good, initial=good, trails=trails[:1], thumbnails=photos, ground=ground)
    assert np.abs(easel.draw(replace(broken, selected=1)) - easel.draw(whole)).mean() < 2e-3


def test_cameras_that_all_stand_in_one_place_are_drawn(easel: Easel) -> None:
    poses = np.repeat(at(0, 0, 0)[None], 20, axis=0)
    cameras = one_colour(poses, *RED)
    trails = np.zeros((20, 5, 3), np.float32)
    pixels = easel.draw(picture_of(cameras, reference=cameras, initial=cameras, trails=trails, selected=0))
    assert np.isfinite(pixels).all()
    assert (pixels[..., 0] > 0.5).sum() > 100


def test_frusta_of_excluded_frames_are_dashed(easel: Easel) -> None:
    whole = picture_of(one_colour(at(0, 0, 0)[None], *RED))
    dashed = replace(whole, fitted=replace(whole.fitted, dashed=np.array([True])))
    lines, dashes = (like(easel.draw(one), True, False, False) for one in (whole, dashed))
    assert 0.35 < dashes.sum() / lines.sum() < 0.8
    assert not (dashes & ~lines).sum() > 0.02 * lines.sum(), "on the same lines"
