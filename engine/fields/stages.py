"""The stages of a run: the rows that its field brings along, made for its scene, method and preset."""

from __future__ import annotations

from typing import overload

from engine.config.planar_schedule import make_planar_stages
from engine.config.rows import AnyStage, PlanarStage, Stage
from engine.config.schedule import make_stages
from engine.config.settings import Settings
from engine.fields import find_field
from engine.scenes.planar import PlanarScene
from engine.scenes.scene import Scene


@overload
def stages(scene: Scene, settings: Settings) -> tuple[Stage, ...]: ...
@overload
def stages(scene: PlanarScene, settings: Settings) -> tuple[PlanarStage, ...]: ...
@overload
def stages(scene: Scene | PlanarScene, settings: Settings) -> tuple[AnyStage, ...]: ...
def stages(scene: Scene | PlanarScene, settings: Settings) -> tuple[AnyStage, ...]:
    """The table of any scene (see `engine.config.schedule` and `engine.config.planar_schedule`).

    It is empty for a kind of scene that the field cannot live in; `engine.fields.check_settings` says why.

    Raises:
        UserError: there is no such method or no such field.
    """
    rows = find_field(settings.field).rows
    if isinstance(scene, PlanarScene):
        return make_planar_stages(scene, settings, rows.planar) if rows.planar else ()
    return make_stages(scene, settings, rows) if scene.kind in rows.default else ()
