"""The patch panel: the selected patch, the learned image at its fitted place, and the difference."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.common.error_colours import STATUS_COLOURS
from app.model.common.photo_sizes import resize_photo
from app.model.frame.frame_words import describe_status, get_status
from app.model.planar.patch_pictures import render_patch
from app.model.planar.planar_moments import list_statuses
from app.model.state.scene_kinds import get_planar_scene
from app.model.state.state import State
from app.model.state.viewed_run import describe_absence
from app.panels.widgets.compared_pictures import ComparedPictures
from app.panels.widgets.error_scale import to_bytes
from app.panels.widgets.parts import AMBER, MUTED, add_step_button, measure_inner_width, measure_size, set_text
from engine.messages import FrameStatus, PlanarSnapshot, Snapshot
from engine.run.feeds.learned_image import LearnedImage
from engine.scenes.planar import PlanarScene

HEADER = 24 + 26 + 12  # height of title, header and gaps, pixels


class PatchPanel:
    """Its pictures are made again when the learned image, the patch or its place has changed."""

    title = "Patch"

    def __init__(self, state: State) -> None:
        self._state = state
        self._parent: int | str = 0
        self._pictures = ComparedPictures("Learned")
        self._scene: PlanarScene | None = None

    def build(self, parent: int | str) -> None:
        self._parent = parent
        with dpg.group(parent=parent):
            with dpg.group(horizontal=True):
                add_step_button(-1, "The previous patch (left arrow).", self._go)
                add_step_button(1, "The next patch (right arrow).", self._go)
                self._name = dpg.add_text("")
                self._status = dpg.add_text("", color=MUTED)
            self._pictures.build(
                "Patch",
                "The patch, at the size of the rendering.",
                "The learned image as it is now, through the transform fitted to this patch.",
            )

    def update(self, state: State) -> None:
        run = state.run
        snapshot = run.snapshot if run is not None else None
        scene = get_planar_scene(run)
        if run is None or scene is None or snapshot is None or snapshot.planar is None:
            set_text(self._name, describe_absence(run))
            set_text(self._status, "")
            self._pictures.clear()
            return
        if not dpg.is_item_visible(self._name):
            return
        patch = min(state.selected, len(scene.names) - 1)
        self._describe(scene, snapshot, patch, list_statuses(run, snapshot))
        height = measure_size(self._parent)[1] - HEADER
        size = self._pictures.place(scene.patch_size, measure_inner_width(self._parent), height)
        self._scene = scene  # kept, so that no other scene gets the same id
        photo = (id(scene), patch, size)
        self._pictures.show_photo(photo, lambda: resize_photo(scene.patches[patch], size))
        if run.image is not None:
            self._show_learned(scene, snapshot.planar, run.image, patch, photo)

    def _describe(self, scene: PlanarScene, snapshot: Snapshot, patch: int, statuses: tuple[FrameStatus, ...]) -> None:
        planar = snapshot.planar
        assert planar is not None
        parts = [scene.names[patch]]
        if patch > 0:
            parts.append(f"corners {planar.corner_error_px[patch]:.2f} px off")
        if np.isfinite(snapshot.frame_psnr[patch]):
            parts.append(f"training {snapshot.frame_psnr[patch]:.1f} dB")
        set_text(self._name, "   ".join(parts))
        set_text(self._status, "fixed" if patch == 0 else describe_status(statuses, patch))
        colour = STATUS_COLOURS.get(get_status(statuses, patch))
        dpg.configure_item(self._status, color=AMBER if patch == 0 or colour is None else to_bytes(colour))

    def _show_learned(
        self, scene: PlanarScene, planar: PlanarSnapshot, image: LearnedImage, patch: int, photo: tuple[object, ...]
    ) -> None:
        transform = planar.transforms[patch]
        key = (*photo, id(image), transform.tobytes())
        if key == self._pictures.shown or not np.isfinite(transform).all():
            return
        height, width = self._pictures.photo.shape[:2]
        learned = render_patch(image.pixels, scene.image_size, transform, scene.patch_size, (width, height))
        self._pictures.compare(key, np.clip(learned, 0, 1))

    def _go(self, step: int) -> None:
        self._state.select(self._state.selected + step)
