"""The frame panel: photo, rendering and error map of the selected frame, and a strip of all frames."""

from __future__ import annotations

from pathlib import PurePath

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.cameras.frame_note import describe_frame
from app.model.cameras.replay import make_moment
from app.model.common.error_colours import STATUS_COLOURS
from app.model.common.photo_sizes import make_frame_camera, resize_mask, resize_photo, straighten_photo
from app.model.common.pictures import NovelPicture
from app.model.frame.frame_errors import describe_frame_verdict, describe_tracks
from app.model.frame.frame_words import describe_status, get_status
from app.model.state.excluding import describe_exclusion, toggle_exclusion
from app.model.state.scene_kinds import get_posed_scene
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun, describe_absence
from app.panels.frame.thumbnail_strip import HEIGHT as STRIP_HEIGHT
from app.panels.frame.thumbnail_strip import ThumbnailStrip
from app.panels.widgets.compared_pictures import ComparedPictures
from app.panels.widgets.error_scale import to_bytes
from app.panels.widgets.parts import (
    AMBER,
    PADDING,
    RED,
    TEXT,
    Colour,
    add_step_button,
    add_tool_tip,
    measure_inner_width,
    measure_size,
    measure_text,
    set_text,
    shorten_text,
)
from app.render.renderer import Renderer
from engine.messages import FrameStatus, Snapshot
from engine.scenes.scene import Scene

AROUND = 24 + 26 + STRIP_HEIGHT + 12  # height of title, header, strip and gaps, pixels
SHORTEST_NAME = "name…"  # as wide as a photo's name is at least, where it is shown


class FramePanel:
    """Asks the render thread for the picture at the frame's fitted pose, in the size that is shown."""

    title = "Frame"

    def __init__(self, state: State, renderer: Renderer) -> None:
        self._state, self._renderer = state, renderer
        self._parent: int | str = 0
        self._pictures = ComparedPictures("Rendering")
        self._scene: Scene | None = None
        self._picture: NovelPicture | None = None
        self._key: tuple[object, ...] = ()
        self._strip = ThumbnailStrip(state)
        self._since = 0  # number of the last rendering of the scene that was shown before

    def build(self, parent: int | str) -> None:
        self._parent = parent
        with dpg.group(parent=parent):
            with dpg.group(horizontal=True):
                add_step_button(-1, "The previous frame (left arrow).", self._go)
                self._index = dpg.add_text("")
                add_step_button(1, "The next frame (right arrow).", self._go)
                self._exclude = dpg.add_button(label="Exclude", callback=lambda: toggle_exclusion(self._state))
                add_tool_tip(self._exclude, EXCLUDE_TIP)
                self._name = dpg.add_text("")
                self._name_tip = add_tool_tip(self._name, "")
            self._pictures.build(
                "Photo",
                "The photo, at the size of the rendering.",
                "The field as it is now, from the pose fitted to this frame.",
            )
            self._strip.build()

    def update(self, state: State) -> None:
        run = state.run
        scene = get_posed_scene(run)
        if run is None or scene is None or run.snapshot is None or not len(run.snapshot.poses):
            self._show_nothing(describe_absence(run))
            return
        if not dpg.is_item_visible(self._name):
            return
        snapshot = run.snapshot
        self._scene = scene  # kept, so that no other scene gets the same id
        count, selected = len(scene.training_frames), state.selected
        index = scene.training_frames[selected]
        digits = len(str(count))
        set_text(self._index, f"{selected + 1:>{digits}} / {count}")
        room = measure_size(self._parent)[0] - dpg.get_item_pos(self._name)[0] - PADDING
        set_text(self._name, fit_line(scene.names[index], describe_errors(snapshot, selected), room))
        set_text(self._name_tip, describe_frame(run, make_moment(snapshot), selected))
        dpg.configure_item(self._name, color=choose_colour(snapshot, selected))
        label = f"{describe_exclusion(run, selected)}###exclude"
        if dpg.get_item_label(self._exclude) != label:
            dpg.configure_item(self._exclude, label=label)
        width = measure_inner_width(self._parent)
        height = measure_size(self._parent)[1] - AROUND
        size = self._pictures.place(scene.intrinsics.own_size(index), width, height)
        photo = (id(scene), index, size)
        counts = None if scene.masks is None else lambda: show_mask(scene, index, size)
        self._pictures.show_photo(photo, lambda: show_photo(scene, index, size), counts)
        self._renderer.request("frame", self._wanted(run, scene, index, snapshot.poses[selected], size))
        drawn = self._renderer.latest("frame")
        # A picture of an earlier pose is shown too, the newest follows. One of another size belongs to another frame.
        fits = drawn is not None and drawn.pixels.shape[:2] == self._pictures.photo.shape[:2]
        if drawn is not None and fits and drawn.serial > self._since:
            key = (*photo, drawn.serial)
            if key != self._pictures.shown:
                self._pictures.compare(key, drawn.pixels[..., :3])
        self._strip.update(scene, snapshot, width)

    def _show_nothing(self, why: str) -> None:
        """Empties the panel of the scene before, while the next one is being opened."""
        set_text(self._name, why)
        set_text(self._name_tip, "")
        dpg.configure_item(self._name, color=TEXT)
        set_text(self._index, "")
        self._pictures.clear()
        self._strip.clear()
        drawn = self._renderer.latest("frame")
        self._since = drawn.serial if drawn is not None else 0

    def _wanted(
        self, run: ViewedRun, scene: Scene, index: int, pose: np.ndarray, size: tuple[int, int]
    ) -> NovelPicture:
        """The picture to ask for; the same object as before for the same pose."""
        key = (run.key, id(scene), index, size, pose.tobytes())
        if self._picture is None or key != self._key:
            camera = make_frame_camera(scene.intrinsics, index, pose, size)
            self._key, self._picture = key, NovelPicture(camera, volume=run.key)
        return self._picture

    def _go(self, step: int) -> None:
        self._state.select(self._state.selected + step)


def show_photo(scene: Scene, frame: int, size: tuple[int, int]) -> np.ndarray:
    """A photo at a size, without its lens's distortion: the rendering beside it has none."""
    return straighten_photo(resize_photo(scene.picture(frame), size), scene.intrinsics, frame)


def show_mask(scene: Scene, frame: int, size: tuple[int, int]) -> np.ndarray:
    """The mask that belongs to `show_photo`: True for pixels that count."""
    counts = resize_mask(scene.mask(frame), size).astype(np.float32)
    straight = straighten_photo(np.repeat(counts[..., None], 3, axis=-1), scene.intrinsics, frame)
    return straight[..., 0] > 0.999


def fit_line(name: str, errors: str, room: float) -> str:
    """A photo's name and its errors in so many pixels; where they are too few, the name is shortened first."""
    errors = f"   {errors}" if errors else ""
    if measure_text(name + errors) > room:
        name = PurePath(name).name  # the folder says less than the errors do
    left = room - measure_text(errors)
    name = shorten_text(name, left) if left >= measure_text(SHORTEST_NAME) else ""
    return shorten_text(f"{name}{errors}".strip(), room)


def describe_errors(snapshot: Snapshot, frame: int) -> str:
    """Status, errors and training PSNR of a frame in a line; what its tracks say where there is no reference."""
    word = describe_status(snapshot.frame_status, frame)
    parts = [word] if word else []
    errors, shifts = snapshot.rotation_error_deg, snapshot.translation_error
    if errors is not None and shifts is not None and np.isfinite(errors[frame]):
        parts.append(f"{errors[frame]:.2f}°")
        parts.append(f"{shifts[frame]:.4f} units")
    elif not word:
        parts += filter(None, [describe_frame_verdict(snapshot, frame) or describe_tracks(snapshot, frame)])
        if parts:  # there is no room for more; the tool tip has everything
            return parts[0]
    if np.isfinite(snapshot.frame_psnr[frame]):
        parts.append(f"{snapshot.frame_psnr[frame]:.1f} dB")
    return "   ".join(parts)


def choose_colour(snapshot: Snapshot, frame: int) -> Colour:
    """Of a frame's line: of its status, else of its verdict."""
    status = get_status(snapshot.frame_status, frame)
    if status is not FrameStatus.REGISTERED:
        return to_bytes(STATUS_COLOURS[status])
    verdict = snapshot.verdict
    if verdict is None or frame >= len(verdict.frames) or verdict.frames[frame].state == "registered":
        return TEXT
    return VERDICT_COLOURS[verdict.frames[frame].state]


VERDICT_COLOURS: dict[str, Colour] = {"doubtful": AMBER, "failed": RED}
EXCLUDE_TIP = (
    "Leaves this frame out of training and measuring, or brings it back (X). Excluded frames keep their place and are "
    "drawn grey and dashed."
)
