"""The checkpoint of a run: one file with everything that it needs to be resumed. safetensors, no pickle."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from engine.config.settings import Settings
from engine.errors import UserError
from engine.geometry.intrinsics import Intrinsics
from engine.run.history import History
from engine.scenes.added_frames import add_frames, find_copies
from engine.scenes.load import AnyScene
from engine.scenes.options import SceneOptions
from engine.scenes.planar import PlanarScene
from engine.scenes.scene import AddedFrames, PoseNoise, Scene
from engine.system.arrays import OwnTensors, tensors_below
from engine.system.files import replace_file

FORMAT = "l2g-viewer checkpoint"
VERSION = "2"
ADDED_FOLDER = "added"  # in the run's folder: copies of added photos, for exports


@dataclass(frozen=True)
class Checkpoint:
    """A run between two steps.

    Attributes:
        settings: of the run.
        options: how the scene was read, or None where it was not read from a folder.
        scene: what `scene_identity` says of the scene.
        noise: of the initial poses, or None.
        trainer: what `Trainer.state` gave.
        history: of the run, its clock included.
        seconds: the run's clock.
        session: what the session itself has to remember.
        added: frames that have joined the scene since it was read, or None.
        reference: poses that errors are measured against, of all frames, or None.
    """

    settings: Settings
    options: SceneOptions | None
    scene: dict[str, Any]
    noise: PoseNoise | None
    trainer: tuple[dict[str, Tensor], dict[str, Any]]
    history: History
    seconds: float
    session: dict[str, Any]
    added: AddedFrames | None = None
    reference: Float[Tensor, "frames 3 4"] | None = None


def scene_identity(scene: AnyScene) -> dict[str, Any]:
    """What identifies a scene as it was read: JSON-able."""
    if isinstance(scene, PlanarScene):
        images, size = scene.patches, scene.patch_size
    else:
        images, size = scene.images, (scene.intrinsics.width, scene.intrinsics.height)
    digest = hashlib.blake2b(images.contiguous().cpu().numpy().tobytes(), digest_size=16)
    return {
        "name": scene.name,
        "path": str(scene.path.resolve()),
        "number of frames": len(scene.names),
        "image size": list(size),
        "frame names": list(scene.names),
        "training frames": list(scene.training_frames),
        "pixels": digest.hexdigest(),
    }


def check_same_scene(checkpoint: Checkpoint, scene: AnyScene, path: Path | str) -> None:
    """Raises `UserError` that names the first difference, unless the checkpoint is of this scene.

    Neither the folder nor its name counts: a scene may have been moved.
    """
    here = scene_identity(scene)
    for key in ("number of frames", "image size", "frame names", "training frames", "pixels"):
        was, now = checkpoint.scene[key], here[key]
        if was == now:
            continue
        if key in ("frame names", "training frames"):  # both of one length or not: the first that differs
            index = next(
                (i for i, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(map(len, (was, now)))
            )
            was, now = (repr(items[index]) if index < len(items) else "none" for items in (was, now))
            key = f"{key}, number {index}"
        elif key == "image size":
            was, now = (f"{width}x{height}" for width, height in (was, now))
        raise UserError(
            f"{path} is a checkpoint of another scene ({checkpoint.scene['name']}, {checkpoint.scene['path']}) than "
            f"{scene.path}: {key} {was} there, {now} here; give the scene it was made of, read in the same way."
        )


def scene_of_run(checkpoint: Checkpoint, scene: AnyScene, path: Path) -> AnyScene:
    """The scene of a run: read again, with the frames that were added and the reference that was set since.

    Args:
        checkpoint: of the run.
        scene: read in the same way as for the run.
        path: of the checkpoint.
    Raises:
        UserError: the checkpoint is of another scene, or damaged.
    """
    if checkpoint.added is not None and isinstance(scene, Scene):
        scene = add_frames(scene, find_copies(checkpoint.added, path.parent / ADDED_FOLDER))
    check_same_scene(checkpoint, scene, path)
    if checkpoint.reference is not None and isinstance(scene, Scene):
        if checkpoint.reference.shape != (len(scene.names), 3, 4):
            raise UserError(f"{path} is damaged: its reference is not of the frames of the scene; start the run anew.")
        scene = replace(scene, reference_poses=checkpoint.reference)
    return scene


class Restorable(Protocol):
    """What can be put into a saved state: a trainer."""

    def load_state(self, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None: ...


def restore(trainer: Restorable, checkpoint: Checkpoint, path: Path | str) -> None:
    """Puts a trainer into the state of the checkpoint.

    Raises:
        UserError: the file can be read but lacks part of a run's state, or holds it in other shapes.
    """
    try:
        trainer.load_state(*checkpoint.trainer)
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} does not hold the whole state of this run ({reason}); start the run anew.") from error


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint completely or not at all.

    Raises:
        UserError: it could not be written; an earlier checkpoint at `path` is intact.
    """
    trainer_tensors, trainer_metadata = checkpoint.trainer
    history_tensors, history_metadata = checkpoint.history.state()
    noise = checkpoint.noise
    tensors = {f"trainer/{name}": tensor for name, tensor in trainer_tensors.items()}
    tensors |= {f"history/{name}": tensor for name, tensor in history_tensors.items()}
    if checkpoint.added is not None:
        tensors |= _added_tensors(checkpoint.added)
    if checkpoint.reference is not None:
        tensors |= {"reference/poses": checkpoint.reference}
    if noise is not None:
        tensors |= {"noise/rotation": noise.rotation, "noise/translation": noise.translation}
    content = {
        "settings": asdict(checkpoint.settings),
        "options": asdict(checkpoint.options) if checkpoint.options else None,
        "scene": checkpoint.scene,
        "noise_seed": noise.seed if noise else None,
        "trainer": trainer_metadata,
        "history": history_metadata,
        "seconds": checkpoint.seconds,
        "session": checkpoint.session,
        "added": _added_words(checkpoint.added),
    }
    header = {"format": FORMAT, "version": VERSION, "content": json.dumps(content)}
    with replace_file(path) as temporary:
        temporary.touch()
        permissions = temporary.stat().st_mode  # the user's own; the library makes files that others cannot read
        try:
            save_file(_separate(tensors), temporary, header)
        except SafetensorError as error:  # how the library wraps what the system refused, a full disk included
            number = re.search(r"os error (\d+)", str(error))
            if number is None:
                raise
            raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
        temporary.chmod(permissions)


def load_checkpoint(path: Path) -> Checkpoint:
    """Reads a checkpoint; its tensors are on the CPU, and the run that it is restored to may take them over.

    Raises:
        UserError: there is none, it is damaged, or it is something else.
    """
    if not path.is_file():
        raise UserError(f"There is no checkpoint {path}; give the folder of a run that saved one.")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT:
                raise UserError(
                    f"{path} is not a checkpoint that this version of l2g-viewer can read; give the folder of a run."
                )
            if header.get("version") != VERSION:
                raise UserError(
                    f"{path} is not a checkpoint that this version of l2g-viewer can read: it was saved by another "
                    "version; resume it with that one, or train again (--overwrite)."
                )
            content = json.loads(header["content"])
            # Copies: the library's tensors are views of the whole file, which each of them keeps in memory.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 (not a dict)
        return _checkpoint(content, tensors)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path} is damaged and cannot be read ({type(error).__name__}: {error}); start the run anew."
        ) from error


def _checkpoint(content: dict[str, Any], tensors: dict[str, Tensor]) -> Checkpoint:
    noise = tensors_below("noise/", tensors)
    return Checkpoint(
        settings=Settings(**content["settings"]),
        options=SceneOptions(**content["options"]) if content["options"] else None,
        scene=content["scene"],
        noise=PoseNoise(noise["rotation"], noise["translation"], content["noise_seed"]) if noise else None,
        trainer=(OwnTensors(tensors_below("trainer/", tensors)), content["trainer"]),
        history=History.from_state(tensors_below("history/", tensors), content["history"]),
        seconds=float(content["seconds"]),
        session=content["session"],
        added=_added(content.get("added"), tensors_below("added/", tensors)),
        reference=tensors_below("reference/", tensors).get("poses"),
    )


def _added_words(added: AddedFrames | None) -> dict[str, Any] | None:
    return None if added is None else {"names": list(added.names), "nearest": list(added.nearest)}


def _added(words: dict[str, Any] | None, tensors: dict[str, Tensor]) -> AddedFrames | None:
    """Their images are in the checkpoint itself, so that a run does not need the added photos' files."""
    if words is None:
        return None
    names = tuple(words["names"])
    images, intrinsics = tensors["images"], None
    if "focal" in tensors:
        lens = tensors["focal"], tensors["centre"], tensors["distortion"]
        intrinsics = Intrinsics(*lens, images.shape[2], images.shape[1], tensors["sizes"], tensors["cameras"])
    return AddedFrames(names, images, tuple(words["nearest"]), (None,) * len(names), intrinsics, tensors.get("masks"))


def _added_tensors(added: AddedFrames) -> dict[str, Tensor]:
    """Their images, and what else is known of them."""
    masks = {} if added.masks is None else {"added/masks": added.masks}
    return {"added/images": added.images} | masks | _added_intrinsics(added)


def _added_intrinsics(added: AddedFrames) -> dict[str, Tensor]:
    """Empty where they are those of the nearest frames."""
    own = added.intrinsics
    if own is None:
        return {}
    parts = {"focal": own.focal, "centre": own.centre, "distortion": own.distortion}
    parts |= {"sizes": own.own_sizes, "cameras": own.camera_numbers}
    return {f"added/{name}": tensor for name, tensor in parts.items()}


def _separate(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors on the CPU, contiguous, none sharing memory with another: what safetensors wants."""
    separate: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        copy = tensor.detach().cpu().contiguous()
        storage = copy.untyped_storage().data_ptr()
        if storage in seen or copy.untyped_storage().nbytes() != copy.nbytes:
            copy = copy.clone()
        seen.add(copy.untyped_storage().data_ptr())
        separate[name] = copy
    return separate
