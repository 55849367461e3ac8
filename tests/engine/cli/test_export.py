"""`l2g-export` on a short real run: every format, and every error."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
import pycolmap
import pytest
import torch
import trimesh

from engine.cli.arguments import ExportArguments, TrainArguments
from engine.cli.export import export_folder
from engine.cli.train import train_scene
from engine.errors import UserError
from engine.geometry.pose_errors import pose_errors
from engine.geometry.similarity import align_cameras
from engine.scenes import SceneOptions, load_scene
from tests.support.runs.short_video import shorten_video
from tests.support.scenes.scenes_on_disk import REPOSITORY

pytestmark = pytest.mark.slow  # whole commands, some in processes of their own

FERN = REPOSITORY / "scenes" / "fern"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of training, evaluated."""
    folder = tmp_path_factory.mktemp("export") / "run"
    arguments = TrainArguments(
        FERN, downscale=8, device="cpu", output=folder, max_iterations=60, evaluate=True, matches=False
    )
    with shorten_video():
        assert train_scene(arguments) == 0
    return folder


def exported(run: Path, form: str, output: Path, **more: object) -> Path:
    assert export_folder(ExportArguments(run, form, output, device="cpu", **more)) == 0  # type: ignore[arg-type]
    return output


def fitted(run: Path) -> torch.Tensor:
    """The fitted poses as `poses.json` has them, aligned to the references: what an export should say."""
    content = json.loads((run / "poses.json").read_text())
    poses = torch.tensor([frame["world_to_camera"] for frame in content["frames"]]).double()
    scene = load_scene(FERN, SceneOptions(downscale=8))
    assert scene.reference_poses is not None
    aligned = pose_errors(poses, scene.reference_poses[:18].double()).alignment.apply_to_poses(poses)
    return torch.cat([aligned[..., :3], aligned[..., 3:] / content["file_scale"]], dim=-1)


def test_colmap_has_the_fitted_poses_in_the_files_units(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = pycolmap.Reconstruction(str(exported(run, "colmap", tmp_path / "out", points=500) / "sparse" / "0"))
    found = {image.name: torch.from_numpy(image.cam_from_world().matrix()) for image in model.images.values()}
    assert sorted(found) == [f"view_{index:02d}.jpg" for index in range(20)], "the held-out ones were evaluated"
    poses = torch.stack([found[f"view_{index:02d}.jpg"] for index in range(18)])
    torch.testing.assert_close(poses, fitted(run), atol=1e-5, rtol=0)
    camera = next(iter(model.cameras.values()))
    assert (camera.width, camera.height) == (504, 378), "the photos themselves, not what the run saw of them"
    assert (tmp_path / "out" / "images" / "view_03.jpg").read_bytes() == (FERN / "images" / "view_03.jpg").read_bytes()
    assert "view_18.jpg, view_19.jpg" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["colmap", "nerfstudio", "llff"])
def test_an_export_opens_as_a_scene_of_the_same_cameras(run: Path, tmp_path: Path, form: str) -> None:
    scene = load_scene(exported(run, form, tmp_path / "out", points=2000), SceneOptions(downscale=8))
    assert scene.reference_poses is not None
    assert len(scene.names) == 20
    found = scene.reference_poses[:18].double()
    wanted = fitted(run)
    torch.testing.assert_close(align_cameras(found, wanted).apply_to_poses(found), wanted, atol=1e-5, rtol=0)
    original = load_scene(FERN, SceneOptions(downscale=8))
    torch.testing.assert_close(scene.intrinsics.focal, original.intrinsics.focal)
    assert torch.equal(scene.images, original.images)


def test_points_and_mesh_lie_in_front_of_the_cameras(run: Path, tmp_path: Path) -> None:
    points = trimesh.load(exported(run, "ply", tmp_path / "points.ply", points=2000))
    mesh = trimesh.load(exported(run, "mesh", tmp_path / "mesh.obj", resolution=32), force="mesh")
    poses = fitted(run).numpy()
    for places in (points.vertices, mesh.vertices):
        depths = np.einsum("j,nj->n", poses[:, 2, :3].mean(axis=0), places) + poses[:, 2, 3].mean()
        assert len(depths) > 200
        assert (depths > 0).mean() > 0.99
    assert len(points.vertices) <= 2000


@pytest.mark.parametrize(("name", "height"), [("film.mp4", 32), ("film.gif", 17)])
def test_a_video_has_its_frames(run: Path, tmp_path: Path, name: str, height: int) -> None:
    exported(run, "video", tmp_path / name, seconds=0.5, frames_per_second=10, height=height)
    pictures = list(imageio.get_reader(tmp_path / name).iter_data())
    assert len(pictures) == 5
    assert pictures[0].shape[0] == height - height % 2
    assert np.abs(pictures[0].astype(float)[..., :3] - pictures[2][..., :3]).mean() > 0.1, "the camera moves"


class Page(HTMLParser):
    """The tags, addresses and texts of a report."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_a_report_loads_no_other_files_and_escapes_text(run: Path, tmp_path: Path) -> None:
    scene = shutil.copytree(FERN, tmp_path / "<script>alert(1)&co")
    text = exported(run, "report", tmp_path / "report.html", scene=scene).read_text()
    page = Page(text)
    assert "script" not in page.tags
    assert any("<script>alert(1)&co" in words for words in page.words)
    assert all(address.startswith("data:") for address in page.addresses)
    assert not re.search(r"https?://", text)
    assert page.tags.count("img") == 1 + 6 + 2
    assert page.tags.count("video") == 1
    for words in ("l2g", "view_00.jpg", "held-out PSNR", "rotation error", "lambda exponent", "Settings", "Events"):
        assert any(words in data for data in page.words), words


def test_nothing_is_overwritten_without_force(run: Path, tmp_path: Path) -> None:
    out = exported(run, "llff", tmp_path / "out")
    before = (out / "poses_bounds.npy").read_bytes()
    with pytest.raises(UserError, match="exists already; give another --output, or --force"):
        exported(run, "llff", out)
    (out / "images" / "stale.jpg").write_text("stale")
    exported(run, "llff", out, force=True)
    assert (out / "poses_bounds.npy").read_bytes() == before
    assert not (out / "images" / "stale.jpg").exists()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds mine\.txt, which is no part of such an export"):
        exported(run, "llff", out, force=True)
    (tmp_path / "points.ply").write_text("mine")
    with pytest.raises(UserError, match="exists already"):
        exported(run, "ply", tmp_path / "points.ply")
    assert (tmp_path / "points.ply").read_text() == "mine"


def test_the_scene_is_never_replaced_by_its_export(run: Path, tmp_path: Path) -> None:
    scene = shutil.copytree(FERN, tmp_path / "fern")
    with pytest.raises(UserError, match="which is being exported"):
        exported(run, "llff", scene, scene=scene, force=True)
    assert len(list((scene / "images").iterdir())) == 20


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"to": "mesh", "output": Path("mesh.stl")}, r"mesh\.stl should end in \.ply or \.obj or \.glb"),
        ({"to": "video", "output": Path("film.avi")}, r"should end in \.mp4 or \.gif"),
        ({"to": "splat", "output": Path("a.spz")}, r"a\.spz should end in \.ply"),
        ({"to": "splat", "output": Path("a.ply"), "fit_seconds": -1.0}, "--fit-seconds is -1"),
        ({"to": "ply", "output": Path("a.ply"), "points": 0}, "--points is 0"),
        ({"to": "mesh", "output": Path("a.ply"), "density": -1.0}, "--density is -1"),
        ({"to": "mesh", "output": Path("a.ply"), "resolution": 4}, "--resolution is 4"),
        ({"to": "video", "output": Path("a.mp4"), "seconds": 0.0}, "--seconds is 0"),
        ({"to": "video", "output": Path("a.mp4"), "height": 4}, "--height is 4"),
        ({"to": "video", "output": Path("a.mp4"), "frames_per_second": 0}, "--frames-per-second is 0"),
        ({"to": "video", "output": Path("a.mp4"), "camera_path": Path("none.json")}, r"no camera path none\.json"),
        ({"to": "colmap", "output": Path(__file__)}, "is a file; give the name of a folder"),
        ({"to": "report", "output": Path("r.html"), "run": Path("nowhere")}, "There is no checkpoint nowhere"),
    ],
)
def test_wrong_arguments_are_one_sentence(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = replace(ExportArguments(run, "ply", Path("x.ply"), device="cpu"), **changes)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=sentence) as failure:
        export_folder(arguments)
    assert "\n" not in str(failure.value)
    assert not list(tmp_path.iterdir())


def test_a_truncated_checkpoint_is_one_sentence(run: Path, tmp_path: Path) -> None:
    content = (run / "checkpoint.safetensors").read_bytes()
    for length in (0, 100, len(content) // 2):
        (tmp_path / "checkpoint.safetensors").write_bytes(content[:length])
        with pytest.raises(UserError, match=r"checkpoint\.safetensors is damaged and cannot be read") as failure:
            exported(tmp_path, "report", tmp_path / "report.html")
        assert "\n" not in str(failure.value)
    assert os.listdir(tmp_path) == ["checkpoint.safetensors"]


@pytest.mark.usefixtures("short_video")
def test_an_untrained_field_has_no_surface(run: Path, tmp_path: Path) -> None:
    arguments = TrainArguments(
        FERN, downscale=8, device="cpu", output=tmp_path / "run", max_iterations=1, matches=False
    )
    assert train_scene(arguments) == 0
    for form, name in (("ply", "a.ply"), ("mesh", "b.glb"), ("splat", "c.ply")):
        with pytest.raises(UserError, match="surface"):
            exported(tmp_path / "run", form, tmp_path / name)
    exported(tmp_path / "run", "nerfstudio", tmp_path / "cameras")
    assert sorted(os.listdir(tmp_path / "cameras")) == ["images", "transforms.json"]
    assert "ply_file_path" not in (tmp_path / "cameras" / "transforms.json").read_text()
    assert sorted(os.listdir(tmp_path)) == ["cameras", "run"]


@pytest.mark.skipif(os.name == "nt", reason="limits on the size of files are POSIX's")
def test_a_full_disk_leaves_no_incomplete_files(run: Path, tmp_path: Path) -> None:
    program = """
import resource, sys
from pathlib import Path
from engine.cli.arguments import ExportArguments
from engine.errors import UserError
from engine.cli.export import export_folder
run, out = Path(sys.argv[1]), Path(sys.argv[2])
# Kernels are compiled once, and kept on the disk: before it is full.
export_folder(ExportArguments(run, "splat", out.parent / "first.ply", device="cpu", points=3000, fit_seconds=0))
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
for form, name in [("colmap", "colmap"), ("llff", "llff"), ("ply", "a.ply"), ("splat", "b.ply"), ("mesh", "a.glb"),
                   ("video", "a.mp4"), ("report", "a.html")]:
    try:
        export_folder(ExportArguments(run, form, out / name, device="cpu", points=3000, resolution=32, height=32,
                                      fit_seconds=0))
    except UserError as error:
        print("said", form, error)
"""
    (tmp_path / "out").mkdir()
    words = [sys.executable, "-c", program, str(run), str(tmp_path / "out")]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=500)
    assert done.returncode == 0, done.stderr
    said = dict(line.split(" ", 2)[1:] for line in done.stdout.splitlines() if line.startswith("said "))
    assert list(said) == ["colmap", "llff", "ply", "splat", "mesh", "video", "report"]
    for form, sentence in said.items():
        assert "disk" in sentence, (form, sentence)
    assert not list((tmp_path / "out").iterdir())
