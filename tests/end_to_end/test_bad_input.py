"""What is wrong with a folder, a run or a disk, through the command that users type: one sentence, nothing lost."""

from __future__ import annotations

import json
import shutil
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import SafetensorError

from engine.cli import arguments as cli
from engine.cli.train import train_scene
from engine.fields.field import Rendering
from engine.fields.voxel_grid.field import VoxelGrid
from engine.run.checkpoint import load_checkpoint
from tests.support.in_process import Command, commands, is_one_sentence
from tests.support.scenes.synthetic import (
    forward_poses,
    object_poses,
    write_blender,
    write_image,
    write_json,
    write_llff,
    write_nerfstudio,
)

CHECKPOINT = "checkpoint.safetensors"
QUICK = ("--device", "cpu", "--output", "run", "--max-iterations", "3")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.setattr("engine.results.error_plot.plot_errors", lambda *_: None)  # seconds that nobody looks at here
    return commands(tmp_path, monkeypatch, capsys)


# ---------------------------------------------------------------------- scenes


def llff(folder: Path, frames: int = 6) -> None:
    write_llff(folder, forward_poses(frames))


def blender(folder: Path) -> None:
    write_blender(folder, object_poses(4))


def nerfstudio(folder: Path) -> None:
    write_nerfstudio(folder, object_poses(4))


def photo(folder: Path, number: int = 2) -> Path:
    return folder / "images_4" / f"IMG_{number:03d}.png"


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@contextmanager
def table(folder: Path) -> Iterator[np.ndarray]:
    """`poses_bounds.npy`, written back as changed."""
    values = np.load(folder / "poses_bounds.npy")
    yield values
    np.save(folder / "poses_bounds.npy", values)


@contextmanager
def keys(file: Path) -> Iterator[dict[str, Any]]:
    """A JSON file, written back as changed."""
    content = json.loads(file.read_text())
    yield content
    write_json(file, content)


def forged_png(width: int, height: int) -> bytes:
    """A PNG whose header promises more than the file holds."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def no_poses(folder: Path) -> None:
    llff(folder)
    (folder / "poses_bounds.npy").unlink()


def truncated_poses(folder: Path) -> None:
    llff(folder)
    halve(folder / "poses_bounds.npy")


def empty_poses(folder: Path) -> None:
    llff(folder)
    (folder / "poses_bounds.npy").write_bytes(b"")


def no_photos(folder: Path) -> None:
    llff(folder)
    for path in (folder / "images_4").iterdir():
        path.unlink()


def missing_photo(folder: Path) -> None:
    llff(folder)
    photo(folder).unlink()


def photo_that_is_text(folder: Path) -> None:
    llff(folder)
    photo(folder).write_text("not a picture")


def truncated_photo(folder: Path) -> None:
    llff(folder)
    halve(photo(folder))


def empty_photo(folder: Path) -> None:
    llff(folder)
    photo(folder).write_bytes(b"")


def photo_without_pixels(folder: Path) -> None:
    llff(folder)
    photo(folder).write_bytes(forged_png(0, 24))


def photo_of_another_size(folder: Path) -> None:
    llff(folder)
    write_image(photo(folder), 40, 24)


def photos_of_100_megapixels(folder: Path) -> None:
    llff(folder)
    for path in (folder / "images_4").iterdir():
        path.write_bytes(forged_png(10_000, 10_000))


def nan_pose(folder: Path) -> None:
    llff(folder)
    with table(folder) as values:
        values[2, 1] = np.nan


def mirrored_pose(folder: Path) -> None:
    llff(folder)
    with table(folder) as values:
        values[2, [0, 5, 10]] *= -1


def zero_focal(folder: Path) -> None:
    llff(folder)
    with table(folder) as values:
        values[2, 14] = 0


def nan_bounds(folder: Path) -> None:
    llff(folder)
    with table(folder) as values:
        values[2, 16] = np.nan


def single_photo(folder: Path) -> None:
    llff(folder, frames=1)


def truncated_json(folder: Path) -> None:
    blender(folder)
    halve(folder / "transforms_train.json")


def no_frames(folder: Path) -> None:
    blender(folder)
    with keys(folder / "transforms_train.json") as content:
        content["frames"] = []


def single_frame(folder: Path) -> None:
    blender(folder)
    with keys(folder / "transforms_train.json") as content:
        del content["frames"][1:]


def missing_rendering(folder: Path) -> None:
    blender(folder)
    (folder / "train" / "r_2.png").unlink()


def path_out_of_the_folder(folder: Path) -> None:
    blender(folder)
    write_image(folder.parent / "secret.png")
    with keys(folder / "transforms_train.json") as content:
        content["frames"][2]["file_path"] = "../secret"


def scaled_rotation(folder: Path) -> None:
    blender(folder)
    with keys(folder / "transforms_train.json") as content:
        content["frames"][2]["transform_matrix"][0] = [2 * x for x in content["frames"][2]["transform_matrix"][0]]


def zero_angle(folder: Path) -> None:
    blender(folder)
    with keys(folder / "transforms_train.json") as content:
        content["camera_angle_x"] = 0.0


def infinite_pose(folder: Path) -> None:
    nerfstudio(folder)
    with keys(folder / "transforms.json") as content:
        content["frames"][2]["transform_matrix"][1][3] = float("inf")


def zero_focal_in_json(folder: Path) -> None:
    nerfstudio(folder)
    with keys(folder / "transforms.json") as content:
        content["fl_x"] = 0


def absolute_path(folder: Path) -> None:
    nerfstudio(folder)
    with keys(folder / "transforms.json") as content:
        content["frames"][2]["file_path"] = str(write_image(folder.parent / "secret.png"))


def truncated_model(folder: Path) -> None:
    write_image(folder / "images" / "a.png")
    (folder / "sparse" / "0").mkdir(parents=True)
    for name in ("cameras", "images", "points3D"):
        (folder / "sparse" / "0" / f"{name}.bin").write_bytes(struct.pack("<Q", 7) + b"\1\2\3")


BAD_SCENES: dict[Callable[[Path], object], tuple[str, ...]] = {
    Path.mkdir: ("it has neither", "transforms_train.json", "poses_bounds.npy (LLFF)", "sparse/0"),
    no_poses: ("it has neither", "poses_bounds.npy"),
    truncated_poses: ("poses_bounds.npy is damaged",),
    empty_poses: ("poses_bounds.npy is damaged",),
    no_photos: ("has no images in images, images_2",),
    missing_photo: ("poses_bounds.npy has 6 poses but", "images_4 has 5 images"),
    photo_that_is_text: ("IMG_002.png is not an image that can be read",),
    truncated_photo: ("IMG_002.png is damaged or cut short",),
    empty_photo: ("IMG_002.png is empty (0 bytes)",),
    photo_without_pixels: ("IMG_002.png",),
    photo_of_another_size: ("IMG_000.png has 32 x 24 pixels but", "IMG_002.png has 40 x 24"),
    nan_pose: ("poses_bounds.npy has a pose that is not finite for IMG_002.png",),
    mirrored_pose: ("poses_bounds.npy has a pose for IMG_002.png whose 3x3 part is not a rotation",),
    zero_focal: ("poses_bounds.npy gives IMG_002.png the focal length 0, 0",),
    nan_bounds: ("poses_bounds.npy has depth bounds that are not finite",),
    single_photo: ("poses_bounds.npy has a single training frame",),
    truncated_json: ("transforms_train.json is not valid JSON (line 1)",),
    no_frames: ("transforms_train.json has an empty list of frames",),
    single_frame: ("transforms_train.json has a single training frame",),
    missing_rendering: ("transforms_train.json names the image ./train/r_2, which does not exist",),
    path_out_of_the_folder: ("secret leads out of the scene folder",),
    scaled_rotation: ("transforms_train.json has a pose for r_2.png whose 3x3 part is not a rotation",),
    zero_angle: ("transforms_train.json has camera_angle_x = 0",),
    infinite_pose: ("transforms.json has a pose that is not finite for frame_1.png",),
    zero_focal_in_json: ("transforms.json gives", "the focal length 0,"),
    absolute_path: ("secret.png leads out of the scene folder",),
    truncated_model: ("cameras.bin is damaged or cut short",),
}


@pytest.mark.parametrize(("make", "words"), BAD_SCENES.items(), ids=lambda case: getattr(case, "__name__", ""))
def test_a_scene_that_cannot_be_read(
    command: Command, tmp_path: Path, make: Callable[[Path], object], words: tuple[str, ...]
) -> None:
    make(tmp_path / "scene")
    before = sorted(tmp_path.rglob("*"))
    is_one_sentence(command("l2g-train", "scene", *QUICK), str(tmp_path / "scene"), *words)
    assert sorted(tmp_path.rglob("*")) == before  # no run folder was made, nothing taken away


def test_a_folder_that_is_not_there(command: Command, tmp_path: Path) -> None:
    llff(tmp_path / "fern")
    is_one_sentence(command("l2g-train", "fren", *QUICK), "There is no folder fren (did you mean fern?)")
    is_one_sentence(command("l2g-train", tmp_path / "fern" / "poses_bounds.npy", *QUICK), "is a file", "fern.")


def test_photos_of_100_megapixels_are_not_decoded(command: Command, tmp_path: Path) -> None:
    photos_of_100_megapixels(tmp_path / "scene")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # outside of tests they go to stderr
        left = command("l2g-train", "scene", *QUICK)
    is_one_sentence(left, "IMG_000.png has 10000 x 10000 pixels, more than the bound of 40,000,000")


@pytest.mark.slow
def test_a_scene_without_held_out_frames_is_trained(command: Command, tmp_path: Path) -> None:
    llff(tmp_path / "scene", frames=4)
    left = command("l2g-train", "scene", *QUICK, "--evaluate")
    assert (left.code, left.errors) == (0, "")
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert (result["frames"], result["test"]["psnr"], result["test"]["frames"]) == (4, None, 0)
    left = command("l2g-eval", "run", "--device", "cpu")
    assert (left.code, left.errors) == (0, "")
    assert "nothing to evaluate" in left.output


# ---------------------------------------------------------------------- runs


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scene in `scene` and a finished run of it in `run`, to be copied."""
    folder = tmp_path_factory.mktemp("trained")
    llff(folder / "scene")
    arguments = cli.TrainArguments(folder / "scene", device="cpu", output=folder / "run", max_iterations=3)
    assert train_scene(arguments) == 0
    return folder


@pytest.fixture
def run(tmp_path: Path, trained: Path) -> bytes:
    """The same in this test's own folder; the run's checkpoint."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    return (tmp_path / "run" / CHECKPOINT).read_bytes()


def test_a_run_that_is_there_is_not_overwritten(command: Command, tmp_path: Path, run: bytes) -> None:
    is_one_sentence(command("l2g-train", "scene", *QUICK), "run holds a run already (l2g on scene)")
    assert (tmp_path / "run" / CHECKPOINT).read_bytes() == run


def test_a_checkpoint_of_another_scene(command: Command, tmp_path: Path, run: bytes) -> None:
    llff(tmp_path / "other", frames=7)
    left = command("l2g-train", "other", "--resume", *QUICK)
    is_one_sentence(left, CHECKPOINT, "is a checkpoint of another scene", "number of frames 6 there, 7 here")
    llff(tmp_path / "repainted")
    write_image(photo(tmp_path / "repainted"), seed=99)
    left = command("l2g-train", "repainted", "--resume", *QUICK)
    is_one_sentence(left, CHECKPOINT, "is a checkpoint of another scene", "pixels")
    left = command("l2g-eval", "run", "--scene", "other", "--device", "cpu")
    is_one_sentence(left, "is a checkpoint of another scene")
    assert (tmp_path / "run" / CHECKPOINT).read_bytes() == run


@pytest.mark.parametrize(
    "content",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:100],
        lambda whole: b"",
        lambda whole: b"\xff" * len(whole),
        lambda whole: whole.replace(b'\\"iteration\\"', b'\\"iterration\\"'),
        lambda whole: whole.replace(b'"trainer/error"', b'"trainer/errer"'),
    ],
    ids=["half", "header", "empty", "noise", "key", "tensor"],
)
def test_a_damaged_checkpoint(command: Command, tmp_path: Path, run: bytes, content: Callable[[bytes], bytes]) -> None:
    (tmp_path / "run" / CHECKPOINT).write_bytes(content(run))
    files = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    is_one_sentence(command("l2g-train", "scene", "--resume", *QUICK), CHECKPOINT)
    is_one_sentence(command("l2g-eval", "run", "--device", "cpu"), CHECKPOINT)
    assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == files


# ---------------------------------------------------------------------- disks and numbers


class Disk:
    """Stands in for the function that writes checkpoints; full for the writes it is told to refuse."""

    def __init__(self, write: Callable[..., None], refused: range) -> None:
        self.write, self.refused, self.writes = write, refused, 0

    def __call__(self, tensors: dict[str, Any], path: Path, header: dict[str, str]) -> None:
        self.writes += 1
        if self.writes - 1 in self.refused:
            path.write_bytes(b"the first few bytes")
            raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
        self.write(tensors, path, header)


def test_a_disk_that_is_full_at_the_end(
    command: Command, tmp_path: Path, run: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.run.checkpoint.save_file", Disk(lambda *_: None, range(100)))
    left = command("l2g-train", "scene", "--resume", *QUICK[:-1], "6")
    is_one_sentence(left, f"{CHECKPOINT} was not written: the disk is full; free some space")
    assert (tmp_path / "run" / CHECKPOINT).read_bytes() == run  # the earlier one
    assert json.loads((tmp_path / "run" / "result.json").read_text())["iterations"] == 6
    assert not list((tmp_path / "run").glob(".*"))  # half a file neither


def test_a_disk_that_was_full_for_a_while(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.run.checkpoint import save_file

    llff(tmp_path / "scene")
    monkeypatch.setattr("engine.run.checkpoint.save_file", Disk(save_file, range(1)))
    left = command("l2g-train", "scene", *QUICK, "--checkpoint-every", "0")
    assert (left.code, left.errors) == (0, "")
    events = json.loads((tmp_path / "run" / "result.json").read_text())["events"]
    assert [event["detail"].endswith("choose another folder.") for event in events if event["kind"] == "unsaved"] == [
        True
    ]
    assert load_checkpoint(tmp_path / "run" / CHECKPOINT).trainer[1]["iteration"] == 3


def test_a_loss_that_is_not_a_number_is_left_out_and_reported(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render, calls = VoxelGrid.render, 0

    def spoilt(self: VoxelGrid, *arguments: Any, **options: Any) -> Rendering:
        nonlocal calls
        calls += 1
        rendering = render(self, *arguments, **options)
        return rendering._replace(colour=rendering.colour * float("nan")) if calls == 2 else rendering

    monkeypatch.setattr(VoxelGrid, "render", spoilt)
    llff(tmp_path / "scene")
    left = command("l2g-train", "scene", *QUICK[:-1], "5")
    assert (left.code, left.errors) == (0, "")
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert [(event["iteration"], event["kind"]) for event in result["events"] if event["kind"] == "nan"] == [
        (1, "nan")
    ]
    assert result["iterations"] == 5
    assert np.isfinite(result["train_psnr"])
    poses = json.loads((tmp_path / "run" / "poses.json").read_text())["frames"]
    assert all(np.isfinite(frame["world_to_camera"]).all() for frame in poses)
