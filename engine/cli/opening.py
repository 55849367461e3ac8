"""From the parsed command line to a run that is ready to start, for `l2g-train` and for the window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from engine.cli.arguments import TrainArguments
from engine.cli.settings import check_arguments, continued, options_of, settings_of
from engine.config.settings import Settings
from engine.errors import UserError
from engine.messages import AddFrames
from engine.results.folder import check_new_folder, claim_run_folder, folder_to_resume, new_folder
from engine.run.checkpoint import load_checkpoint, scene_of_run
from engine.run.checkpoint_writer import CHECKPOINT_FILE
from engine.run.photo_queue import check_photos
from engine.run.thread import Run
from engine.scenes import AnyScene, PlanarScene, load_scene
from engine.scenes.options import SceneOptions
from engine.scenes.paths import is_video
from engine.scenes.progress import ProgressListener, ignore_progress
from engine.scenes.scene import Scene
from engine.system.devices import resolve_device


@dataclass(frozen=True)
class OpenedRun:
    """A run that has not started.

    Attributes:
        run: not started.
        scene, settings, options: of the run; for a resumed run those it was started with.
        folder: of the run.
    """

    run: Run
    scene: AnyScene
    settings: Settings
    options: SceneOptions
    folder: Path


def open_run(
    arguments: TrainArguments,
    publish_period: float = 1 / 20,
    watch: ProgressListener = ignore_progress,
    *,
    wait_for_matches: bool = True,
    write_checkpoints: bool = True,
) -> OpenedRun:
    """Reads the scene and, to continue, the checkpoint; makes the folder.

    It may take minutes, prints nothing, and may be called from any thread.

    Args:
        arguments: as on the command line of `l2g-train`.
        publish_period: least seconds between snapshots.
        watch: called with the progress of the reading.
        wait_for_matches: False opens scenes with poses at once, and matches their frames beside the run: poses that
            are known train meanwhile, so that two runs may differ in when the matches join.
        write_checkpoints: False writes none, also not at the end.
    Raises:
        UserError: a wrong argument, or a scene or checkpoint that cannot be read.
    """
    check_arguments(arguments)
    device = resolve_device(arguments.device)
    settings, options = settings_of(arguments), options_of(arguments)
    name = arguments.scene.resolve().stem if is_video(arguments.scene) else arguments.scene.resolve().name
    checkpoint = None
    if arguments.resume:
        folder = folder_to_resume(arguments.output, name, arguments.method)
        claim = claim_run_folder(folder)
        checkpoint = load_checkpoint(folder / CHECKPOINT_FILE)
        settings, options = continued(arguments, checkpoint)
    elif arguments.output is not None:
        check_new_folder(arguments.output, arguments.overwrite)  # now, as reading photos takes minutes
    scene = load_scene(arguments.scene, options, watch, wait_for_matches=wait_for_matches)
    if checkpoint is not None:
        scene = scene_of_run(checkpoint, scene, folder / CHECKPOINT_FILE)
    if arguments.export and isinstance(scene, PlanarScene):
        raise UserError("--export is for scenes with cameras; a scene of one image has none: leave it out.")
    if arguments.add_frames:
        check_photos(arguments.add_frames, scene, settings.registers, options)
    if checkpoint is None:
        if isinstance(scene, Scene) and not scene.focal_known and not arguments.keep_intrinsics:
            settings = replace(settings, refine_intrinsics=True)
        folder = new_folder(arguments.output, name, arguments.method, arguments.overwrite)
        claim = claim_run_folder(folder)
    run = Run(
        scene,
        settings,
        device,
        folder if write_checkpoints else None,
        resume=checkpoint,
        options=options,
        max_seconds=arguments.max_seconds,
        match=options.matches and not wait_for_matches,
        publish_period=publish_period,
        checkpoint_period=arguments.checkpoint_every,
        claim=claim,
    )
    if arguments.add_frames:
        run.send(AddFrames(arguments.add_frames))
    return OpenedRun(run, scene, settings, options, folder)
