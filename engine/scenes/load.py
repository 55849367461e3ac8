"""Loading of a scene: the layout of its folder is recognised and the reader of that layout called."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from engine.errors import UserError
from engine.scenes.excluded_frames import exclude_frames
from engine.scenes.formats.blender import SPACES as BLENDER_SPACES
from engine.scenes.formats.blender import read_blender
from engine.scenes.formats.single_image import read_planar
from engine.scenes.layouts import KNOWN_LAYOUTS, LAYOUTS, AnyScene, Layout, find_layouts, find_reader
from engine.scenes.matches import add_kept_matches, add_matches
from engine.scenes.options import (
    OptionError,
    SceneOptions,
    SpaceName,
    check_options,
    check_photo_options,
    check_planar_options,
)
from engine.scenes.paths import describe_unread_files, is_image, is_video, resolve_scene_path
from engine.scenes.photos.files import find_photo_folder
from engine.scenes.photos.reader import read_photos
from engine.scenes.progress import ProgressListener, ignore_progress
from engine.scenes.scene import Scene

logger = logging.getLogger(__name__)


def load_scene(
    path: Path | str,
    options: SceneOptions | None = None,
    watch: ProgressListener = ignore_progress,
    *,
    wait_for_matches: bool = True,
) -> AnyScene:
    """Reads the scene in a folder of any known layout, a video, or an image (a planar scene).

    Photos without poses and videos become a scene whose cameras are unknown; reading these can take minutes.

    Args:
        path: of the folder or the file.
        options: how to read; None takes the defaults.
        watch: receives the progress of reading photos and videos.
        wait_for_matches: whether the frames of a scene with poses are matched if they are not in the cache; else
            `engine.scenes.matches.add_matches` does it later.
    Raises:
        UserError: there is no such folder, its layout is unknown, its files are missing, damaged or disagree, or an
            option does not fit this kind of scene.
    """
    options = options or SceneOptions()
    check_options(options)
    scene = _read_scene(path, options, watch, wait_for_matches)
    return exclude_frames(scene, options.exclude) if isinstance(scene, Scene) else scene


def _read_scene(path: Path | str, options: SceneOptions, watch: ProgressListener, wait_for_matches: bool) -> AnyScene:
    """By the layout of its folder; arguments and errors are those of `load_scene`."""
    folder = resolve_scene_path(path)
    image, video = is_image(folder), is_video(folder)
    layouts = [] if video else LAYOUTS[:1] if image else find_layouts(folder)
    if not layouts and (video or find_photo_folder(folder)):
        check_planar_options(options, False)
        return read_photos(folder, options, watch)
    if not layouts:
        if (below := _find_scene_below(folder)) is not None:
            raise UserError(f"{folder} has no photos or cameras of its own, but {below} has; give that folder.")
        if (unread := describe_unread_files(folder)) is not None:
            raise UserError(unread)
        raise UserError(f"{folder} is no scene: it has neither {KNOWN_LAYOUTS}; give the folder that has one.")
    planar = layouts[0].read is read_planar
    check_planar_options(options, planar)
    check_photo_options(options)
    try:
        scene = read_layouts(folder, layouts[:1] if planar else layouts, options)
        if not options.matches or not isinstance(scene, Scene):
            return scene
        return add_matches(scene, watch) if wait_for_matches else add_kept_matches(scene)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{error.filename or folder} cannot be read ({reason}); check its permissions.") from error


def read_layouts(folder: Path, layouts: Sequence[Layout], options: SceneOptions) -> AnyScene:
    """The scene of the first of a folder's layouts that can be read; a note says what was passed over.

    Raises:
        UserError: none can be read (then it says why the first cannot), or an option does not fit the first.
    """
    errors: list[UserError] = []
    for layout in layouts:
        try:
            scene = layout.read(folder, options)
        except OptionError:
            raise
        except UserError as error:
            errors.append(error)
            continue
        if errors and isinstance(scene, Scene):
            names = zip(layouts, errors, strict=False)
            notes = [f"{passed.name} was passed over, and {layout.name} is read: {error}" for passed, error in names]
            for note in notes:
                logger.warning(note)
            return replace(scene, notes=(*notes, *scene.notes))
        return scene
    raise errors[0]


def list_spaces(path: Path) -> tuple[SpaceName, ...]:
    """The kinds that the scene at a path can be of, by its layout, beside `auto`; none for one image."""
    reader = None if is_video(path) else read_planar if is_image(path) else find_reader(path)
    if reader is read_planar:
        return ()
    if reader is read_blender:
        return BLENDER_SPACES
    return tuple(space for space in get_args(SpaceName) if space != "auto")


def has_poses(path: Path) -> bool:
    """Whether the files of the scene at a path bring poses: a video and a folder of photos alone do not."""
    return not is_video(path) and not is_image(path) and find_reader(path) is not None


def _find_scene_below(folder: Path) -> Path | None:
    """A folder in this one that holds a scene, or photos; None if there is none."""
    for entry in sorted(folder.iterdir())[:1000]:
        if entry.is_dir() and (find_reader(entry) or find_photo_folder(entry)):
            return entry
    return None
