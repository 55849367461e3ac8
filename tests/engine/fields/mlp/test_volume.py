import torch
from torch.nn import functional

from engine.fields.contraction.mapping import expand
from engine.fields.rendering import composite, transmittance_weights
from tests.support.worlds.spheres import WHITE, camera_rays, decibels, facing_field, sphere_field, unbounded_field


@torch.no_grad()
def test_the_volume_gives_the_picture_of_the_field(trained):
    origins, directions = camera_rays(10_000, 500)
    volume = trained.volume(40)
    assert volume.shape == (40, 40, 40, 4)
    t = torch.linspace(2.5, 5.5, 129)
    positions = origins[:, None] + ((t[1:] + t[:-1]) / 2)[:, None] * directions[:, None]
    lattice = (positions / 1.45)[None, :, :, None]
    raw = functional.grid_sample(volume.permute(3, 0, 1, 2)[None], lattice, align_corners=True)[0, ..., 0]
    inside = (lattice.abs() <= 1).all(-1)[0, ..., 0]
    spacings = t.diff() * directions.norm(dim=-1, keepdim=True) / (2 * 1.45 / 39)
    weights, _ = transmittance_weights(functional.softplus(raw[0]) * inside, spacings)
    seen = composite(weights, raw[1:].sigmoid().permute(1, 2, 0), spacings, WHITE)
    assert decibels(seen.colour, trained.render(origins, directions).colour) > 24


@torch.no_grad()
def test_an_objects_volume_is_the_field_at_its_lattice():
    made = sphere_field(box_centre=(0.2, 0.0, -0.1))
    raw = made.volume(5)[1, 4, 2]
    offset = torch.tensor([[0.0, 1.0, -0.5]]) * 1.45
    density, colour = made.query(torch.tensor([0.2, 0, -0.1]) + offset, -functional.normalize(offset, dim=-1))
    torch.testing.assert_close(functional.softplus(raw[:1]), density * 2 * 1.45 / 4)
    torch.testing.assert_close(raw[1:].sigmoid(), colour[0])


@torch.no_grad()
def test_a_forward_facing_volume_is_the_field_at_its_lattice():
    made = facing_field(extent=(0.8, 0.4))
    volume = made.volume(9)
    assert volume.shape == (9, 4, 9, 4)
    raw, far, ray = volume[4, 3, 0], volume[0, 3, 0], torch.tensor([[-0.8, 0.4, 1.0]])
    density, colour = made.query(ray / 0.5, torch.tensor([[0.0, 0, 1]]))
    torch.testing.assert_close(functional.softplus(raw[:1]), density * ray.norm() / 0.5**2 / 9)
    torch.testing.assert_close(raw[1:].sigmoid(), colour[0])
    assert far[0] > 50  # nothing is seen behind infinity
    assert volume.isfinite().all()


@torch.no_grad()
def test_an_unbounded_volume_is_the_field_at_its_lattice_and_reaches_far():
    made = unbounded_field()
    volume, outer = made.volume(13), 0.5
    assert volume.shape == (13, 13, 13, 4)
    assert volume.isfinite().all()
    for index in ((4, 8, 6), (6, 2, 11)):  # in the box, and outside of it
        cube = (torch.tensor(index).flip(0) / 12 * 2 - 1) * (1 + outer) * 0.999
        offset = expand(cube[None], outer) * made.space.box_half_extent
        density, colour = made.query(torch.tensor([0.2, 0, -0.1]) + offset, -functional.normalize(offset, dim=-1))
        raw = volume[index]
        distance = float(offset.abs().max()) / made.space.box_half_extent
        stretched = distance**2 / outer if distance > 1 else 1.0
        spacing = stretched * 2 * (1 + outer) * made.space.box_half_extent / 12
        torch.testing.assert_close(functional.softplus(raw[:1]), (density * spacing).clamp(1e-6, 60.0))
        torch.testing.assert_close(raw[1:].sigmoid(), colour[0])


@torch.no_grad()
def test_an_unbounded_ray_ends_opaque_and_has_a_depth_of_its_units():
    made, rays = unbounded_field(), camera_rays(0)
    seen = made.render(*rays)
    torch.testing.assert_close(seen.opacity, torch.ones(64), atol=1e-4, rtol=0)
    assert (seen.depth > made.space.near).all()
    assert seen.depth.isfinite().all()
