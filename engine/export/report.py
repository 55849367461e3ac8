"""A report on a run as one HTML file without external links: settings, curves, renderings and errors."""

from __future__ import annotations

import base64
import io
import math
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from engine.evaluation.held_out import HeldOutFrame, Scores
from engine.evaluation.metrics import psnr, ssim
from engine.evaluation.pictures import draw_side_by_side, picture_name
from engine.evaluation.views import image_points, render_view
from engine.evidence.verdict import Verdict
from engine.export.cameras import read_evaluation
from engine.export.progress import Progress
from engine.results.error_plot import plot_errors
from engine.results.result import CAMERAS_VIDEO, training_psnr
from engine.run.history import Row, summary
from engine.run.saved_run import SavedRun
from engine.scenes.canvas import list_sizes
from engine.scenes.options import PLANAR_OPTIONS
from engine.scenes.scene import Scene
from engine.system.durations import format_duration
from engine.system.files import replace_file
from engine.training.radiance import RadianceTrainer

UNKNOWN = "–"
OPTION_LABELS = {
    "init": "initial poses",
    "noise_rotation": "noise of rotations, radians",
    "noise_translation": "noise of translations, scene units",
    "seed": "seed of the noise",
    "maximum_pixels": "largest photo, pixels",
}
ALONE = "Rotations alone aligned: errors after one rotation of all cameras together, whatever their centres."


@dataclass(frozen=True)
class ReportLimits:
    """Bounds on the size of the page.

    Attributes:
        pictures: training frames that are shown, and held-out frames.
        width: of a row of pictures, pixels.
        jpeg_quality: of the pictures, 1 to 95.
        video_bytes: a larger video of the cameras is not put into the page.
    """

    pictures: int = 6
    width: int = 1600
    jpeg_quality: int = 88
    video_bytes: int = 12_000_000


LIMITS = ReportLimits()


@dataclass(frozen=True)
class Figure:
    """A picture or video inside the page: a `data:` URL and its caption."""

    data: str
    words: str
    film: bool = False


@dataclass(frozen=True)
class CellTable:
    """A table: the names of its columns and its cells as text."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def write_report(run: SavedRun, path: Path, progress: Progress) -> None:
    """Writes the page. It loads nothing from other files or servers, and all text is escaped.

    Args:
        run: with its checkpoint and its history.
        path: of the page.
        progress: called while it is made.
    Raises:
        UserError: it cannot be written.
    """
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    page = environment.get_template("report.html.jinja").render(_collect_content(run, progress))
    progress(1.0, "writing")
    with replace_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _collect_content(run: SavedRun, progress: Progress) -> dict[str, Any]:
    """The variables of the template."""
    trainer, history = run.trainer, run.checkpoint.history
    scene, settings, last = trainer.scene, trainer.settings, history.rows[-1]
    evaluation = read_evaluation(run.folder, trainer.iteration)
    progress(0.0, "plots")
    verdict = trainer.verdict(evaluation["psnr"] if evaluation else None)
    return {
        "title": f"{scene.name} · {settings.method} · {settings.field}",
        "subtitle": f"A run of l2g-viewer: {len(scene.training_frames)} frames, last stage {last.stage}, "
        f"{last.iteration:,} of {trainer.iterations:,} iterations.",
        "tiles": _list_key_numbers(run, last, evaluation),
        "plots": _draw_plots(run),
        "held_out_scores": _list_held_out_scores(evaluation),
        "held_out_pictures": _read_held_out_pictures(run, evaluation),
        "pictures": _render_training_pictures(trainer, progress),
        "verdict": verdict,
        "frames": _list_frames(trainer, last, verdict),
        "settings": [(name.replace("_", " "), format_value(value)) for name, value in asdict(settings).items()],
        "scene": _describe_scene(run, scene),
        "events": CellTable(
            ("second", "iteration", "what", "detail"),
            [(f"{event.seconds:.1f}", f"{event.iteration:,}", event.kind, event.detail) for event in history.events],
        ),
    }


def _list_key_numbers(run: SavedRun, last: Row, evaluation: dict[str, Any] | None) -> list[tuple[str, str]]:
    """The most important numbers, each with its label."""
    found = [
        (format_duration(run.checkpoint.seconds), "of training"),
        (format_decibels(training_psnr(run.checkpoint.history)), "training PSNR"),
        (
            format_decibels(evaluation["psnr"] if evaluation else None),
            "held-out PSNR" if evaluation else "held-out PSNR: not measured, l2g-eval does",
        ),
    ]
    if last.rotation_error_deg is not None and last.translation_error is not None:
        rotation, translation = summary(last.rotation_error_deg), summary(last.translation_error)
        found += [
            (f"{rotation['mean']:.3f}°", f"rotation error, mean (largest {rotation['max']:.2f}°)"),
            (f"{translation['mean']:.4f}", f"translation error, mean, scene units (largest {translation['max']:.4f})"),
        ]
    return found


def _draw_plots(run: SavedRun) -> list[Figure]:
    """The curves of the run, and the video of its cameras if its folder has one."""
    scene = run.trainer.scene
    with tempfile.TemporaryDirectory() as folder:
        plot_errors(run.checkpoint.history, scene, Path(folder) / "errors.png")
        curves = (Path(folder) / "errors.png").read_bytes()
    shown = [
        Figure(
            encode_data_url(curves, "image/png"),
            "Errors and PSNR over the run; lines mark stages and events. " + ALONE,
        )
    ]
    video = run.folder / CAMERAS_VIDEO
    if video.is_file() and video.stat().st_size <= LIMITS.video_bytes:
        shown.append(Figure(encode_data_url(video.read_bytes(), "video/mp4"), "The cameras converging.", film=True))
    return shown


def _render_training_pictures(trainer: RadianceTrainer, progress: Progress) -> list[Figure]:
    """Some training frames, evenly spread, each beside the rendering from its pose."""
    scene, shown = trainer.scene, []
    intrinsics = trainer.calibration.intrinsics(scene.intrinsics).to(trainer.device)
    poses, count = trainer.poses(), len(trainer.frames)
    chosen = sorted({round(place) for place in np.linspace(0, count - 1, min(LIMITS.pictures, count))})
    for done, index in enumerate(chosen):
        progress(0.1 + 0.8 * done / len(chosen), "renderings")
        frame = trainer.frames[index]
        view = render_view(trainer.field, poses[index], image_points(intrinsics, frame))
        view = view._replace(colour=trainer.calibration.seen_by(index, view.colour).detach().clamp(0, 1))
        photo = scene.picture(frame).to(view.colour) / 255
        mask = scene.mask(frame)
        mask = None if mask is None else mask.to(view.colour.device)
        scores = Scores(psnr(view.colour, photo, mask), ssim(view.colour, photo, mask), None)
        sheet = draw_side_by_side(
            HeldOutFrame(frame, scene.names[frame], photo, view, poses[index], scores, mask), scene.kind
        )
        shown.append(Figure(encode_picture(sheet), scene.names[frame]))
    return shown


def _read_held_out_pictures(run: SavedRun, evaluation: dict[str, Any] | None) -> list[Figure]:
    """Pictures that an evaluation of this iteration of the run has written."""
    if evaluation is None:
        return []
    names, shown = {str(row["name"]) for row in evaluation["per_frame"]}, list[Figure]()
    scene = run.trainer.scene
    for frame in scene.held_out_frames:
        path = run.folder / "held_out" / picture_name(frame, scene.names[frame])
        if scene.names[frame] in names and path.is_file() and len(shown) < LIMITS.pictures:
            with Image.open(path) as picture:
                shown.append(Figure(encode_picture(picture.convert("RGB")), scene.names[frame]))
    return shown


def _list_held_out_scores(evaluation: dict[str, Any] | None) -> CellTable:
    """A row per evaluated frame, and one with the means."""
    columns = ("frame", "PSNR", "SSIM", "LPIPS")
    if evaluation is None or not evaluation["per_frame"]:
        return CellTable(columns, [])
    entries = [*evaluation["per_frame"], evaluation | {"name": f"mean of {evaluation['frames']}"}]
    return CellTable(
        columns,
        [
            (
                str(entry["name"]),
                format_decibels(entry["psnr"]),
                format_fraction(entry["ssim"]),
                format_fraction(entry["lpips"]),
            )
            for entry in entries
        ],
    )


def _list_frames(trainer: RadianceTrainer, last: Row, verdict: Verdict) -> CellTable:
    """A row per training frame: its PSNR, its pose errors and what its matches say."""
    rows, found = [], trainer.frame_psnr().tolist()
    for index, frame in enumerate(trainer.frames):
        rows.append(
            (
                trainer.scene.names[frame],
                format_decibels(found[index]),
                format_entry(last.rotation_error_deg, index, "{:.3f}°"),
                format_entry(last.relative_rotation_error_deg, index, "{:.3f}°"),
                format_entry(last.translation_error, index, "{:.4f}"),
                verdict.frames[index].state,
                str(verdict.frames[index].tracks),
                format_entry([verdict.frames[index].share or math.nan], 0, "{:.0%}"),
                format_entry([verdict.frames[index].reprojection_px or math.nan], 0, "{:.2f}"),
            )
        )
    return CellTable(
        (
            *("frame", "training PSNR", "rotation", "rotations alone aligned", "translation, scene units"),
            *("verdict", "matches", "that fit", "reprojection error, px"),
        ),
        rows,
    )


def _describe_scene(run: SavedRun, scene: Scene) -> list[tuple[str, str]]:
    """The properties of the scene and the options it was read with."""
    intrinsics = run.trainer.calibration.intrinsics(scene.intrinsics)
    focal = intrinsics.focal[0].tolist()
    options = run.checkpoint.options
    return [
        ("name", scene.name),
        ("kind", scene.kind),
        ("training frames", str(len(scene.training_frames))),
        ("held-out frames", str(len(scene.held_out_frames))),
        ("image size", ", ".join(f"{width} x {height}" for width, height in dict.fromkeys(list_sizes(intrinsics)))),
        ("focal length, pixels", f"{focal[0]:.2f}, {focal[1]:.2f}"),
        ("reference poses", "yes" if scene.reference_poses is not None else "none"),
        *(
            [
                (label_option(name), format_value(value))
                for name, value in asdict(options).items()
                if name not in PLANAR_OPTIONS
            ]
            if options
            else []
        ),
    ]


# ---------------------------------------------------------------------- text and bytes


def label_option(name: str) -> str:
    """The name of an option as words, with its unit."""
    return OPTION_LABELS.get(name, name.replace("_", " "))


def format_value(value: Any) -> str:
    """The value of a setting as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return UNKNOWN if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def format_decibels(value: float | None) -> str:
    return f"{value:.2f} dB" if value is not None and math.isfinite(value) else UNKNOWN


def format_fraction(value: float | None) -> str:
    return f"{value:.4f}" if value is not None else UNKNOWN


def format_entry(values: Sequence[float] | np.ndarray | None, index: int, form: str) -> str:
    return form.format(values[index]) if values is not None and math.isfinite(values[index]) else UNKNOWN


def encode_picture(picture: Image.Image) -> str:
    """A picture as a JPEG in a `data:` URL, scaled down to the width of the page."""
    if picture.width > LIMITS.width:
        size = LIMITS.width, max(round(picture.height * LIMITS.width / picture.width), 1)
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    held = io.BytesIO()
    picture.save(held, format="JPEG", quality=LIMITS.jpeg_quality)
    return encode_data_url(held.getvalue(), "image/jpeg")


def encode_data_url(content: bytes, kind: str) -> str:
    """A `data:` URL of the given MIME type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
