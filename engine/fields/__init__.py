"""The fields: what a ray sees. A new field is a folder and a row of `FIELDS`. Importing this needs no torch."""

from __future__ import annotations

from typing import Any

from engine.config.methods import find_method
from engine.config.settings import Settings
from engine.errors import UserError
from engine.fields.hash import schedule as hash_schedule
from engine.fields.mlp import schedule as mlp_schedule
from engine.fields.spec import FieldSpec
from engine.fields.voxel_grid import schedule as grid_schedule

__all__ = ["FIELDS", "FieldSpec", "check_settings", "find_field"]


def _voxel_grid(scene: Any, settings: Settings, generator: Any, device: Any) -> Any:
    from engine.fields.spaces import space_of
    from engine.fields.voxel_grid.field import VoxelGrid

    return VoxelGrid(space_of(scene), scene.background, generator, device)


def _pixel_grid(scene: Any, settings: Settings, generator: Any, device: Any) -> Any:
    from engine.fields.image.pixel_grid import PixelGrid
    from engine.scenes.planar import half_extent

    return PixelGrid(half_extent(scene), device)


def _network(scene: Any, settings: Settings, generator: Any, device: Any) -> Any:
    from engine.fields.mlp.field import paper_network
    from engine.fields.mlp.quick import quick_network

    make = paper_network if settings.preset == "paper" else quick_network
    return make(scene, settings, generator, device)


def _hash(scene: Any, settings: Settings, generator: Any, device: Any) -> Any:
    from engine.fields.hash.field import hash_field

    return hash_field(scene, settings, generator, device)


def _neural_image(scene: Any, settings: Settings, generator: Any, device: Any) -> Any:
    from engine.fields.image.neural_image import NeuralImage

    return NeuralImage(settings.method_spec.bands, settings.preset, generator, device)


FIELDS: dict[str, FieldSpec] = {
    "grid": FieldSpec(
        label="Voxel grid",
        sentence="A voxel grid (planar: a grid of pixels): fast, and what the window shows is what trains.",
        make=_voxel_grid,
        make_image=_pixel_grid,
        rows=grid_schedule.ROWS,
    ),
    "mlp": FieldSpec(
        label="Network",
        sentence="A network with a positional encoding that opens from coarse to fine, as in the papers.",
        make=_network,
        make_image=_neural_image,
        rows=mlp_schedule.ROWS,
        encodes=True,
    ),
    "hash": FieldSpec(
        label="Hash",
        sentence="Features in hashed tables with a small decoder, as in instant-ngp: the finest detail.",
        make=_hash,
        rows=hash_schedule.ROWS,
    ),
}


def find_field(name: str) -> FieldSpec:
    """The row of `FIELDS`.

    Raises:
        UserError: there is none of that name; the message lists those that there are.
    """
    if name not in FIELDS:
        raise UserError(f"There is no field {name}; choose one of {', '.join(FIELDS)}.")
    return FIELDS[name]


def check_settings(settings: Settings, kind: str | None = None) -> None:
    """Method and field exist, go together, and the field can live in a kind of scene, where one is given.

    Raises:
        UserError: they do not; the message says what would.
    """
    method, field = find_method(settings.method), find_field(settings.field)
    if method.needs_encoding and not field.encodes:
        others = " or ".join(f"--field {name}" for name, spec in FIELDS.items() if spec.encodes)
        raise UserError(
            f"--method {settings.method} needs {others}: a {settings.field} has no positional encoding to leave out."
        )
    if kind is not None and kind not in field.kinds:
        others = ", ".join(name for name, spec in FIELDS.items() if kind in spec.kinds)
        raise UserError(
            f"--field {settings.field} is for {' and '.join(field.kinds)} scenes, and this one is {kind}; choose one "
            f"of {others}."
        )
