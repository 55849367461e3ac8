"""The formats that the export dialog offers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ExportChoice:
    """A format.

    Attributes:
        form: name of the format for `l2g-export --to`; None for files that the window writes itself.
        label: in the list of the dialog.
        name: of the file or folder that is proposed.
        words: what is written, in a sentence.
    """

    form: str | None
    label: str
    name: str
    words: str


CAMERAS = "Refined cameras with their photos, in the units of the scene's files"
CHOICES: tuple[ExportChoice, ...] = (
    ExportChoice("colmap", "COLMAP model", "colmap", f"{CAMERAS}: a folder with sparse/0 and images."),
    ExportChoice("nerfstudio", "nerfstudio transforms.json", "nerfstudio", f"{CAMERAS}: a folder for ns-train."),
    ExportChoice("llff", "LLFF poses_bounds.npy", "llff", f"{CAMERAS}: a folder, without lens distortion."),
    ExportChoice("ply", "Point cloud (.ply)", "points.ply", "Coloured points on the surfaces that the cameras see."),
    ExportChoice(
        "splat",
        "Gaussian splats (.ply)",
        "splats.ply",
        "3D Gaussians for viewers of splats, fitted to the photos for a minute; a .json beside it has their PSNR.",
    ),
    ExportChoice("mesh", "Mesh (.ply, .obj, .glb)", "mesh.glb", "Coloured triangles of the surfaces."),
    ExportChoice(
        "video",
        "Film (.mp4, .gif)",
        "flight.mp4",
        "A flight through the keys of the novel view; without keys, round the scene. Rendered by the engine.",
    ),
    ExportChoice("report", "Report (.html)", "report.html", "Settings, plots, renderings and errors in one page."),
)
PLAIN_POSES = ExportChoice(None, "Poses as JSON", "poses.json", "The fitted poses, as the run keeps them.")
PLAIN_TRANSFORMS = ExportChoice(
    None, "Transforms as JSON", "transforms.json", "Where the patches lie, as the run keeps it."
)


def list_choices(planar: bool) -> tuple[ExportChoice, ...]:
    """The formats for a scene of one image (`planar`) or with cameras."""
    return (PLAIN_TRANSFORMS,) if planar else (*CHOICES, PLAIN_POSES)


def propose_path(choice: ExportChoice, folder: Path) -> Path:
    """A path in the run's folder that does not exist yet."""
    first = folder / "export" / choice.name
    numbered = (first.with_name(f"{first.stem}-{number}{first.suffix}") for number in range(2, 10_000))
    return first if not first.exists() else next((path for path in numbered if not path.exists()), first)
