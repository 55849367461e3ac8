"""A run in one HTML file that opens anywhere: its settings, how it went, what it looks like, how far off it is."""

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
from engine.evaluation.pictures import picture_name, side_by_side
from engine.evaluation.views import image_points, render_view
from engine.export.cameras import read_evaluation
from engine.export.images import Progress
from engine.results.error_plot import plot_errors
from engine.results.result import CAMERAS_VIDEO, training_psnr
from engine.run.history import Row, summary
from engine.run.saved_run import SavedRun
from engine.scenes.scene import Scene
from engine.system.durations import format_duration
from engine.system.files import replace_file
from engine.training.radiance import Trainer

PICTURES = 6  # training frames that are shown; as many held-out ones
WIDEST = 1600  # pixels of a row of pictures
LARGEST_FILM = 12_000_000  # bytes: a longer one stays beside the report
UNKNOWN = "–"


@dataclass(frozen=True)
class Shown:
    """A picture or film inside the page: a `data:` address and its caption."""

    data: str
    words: str
    film: bool = False


@dataclass(frozen=True)
class Listed:
    """A table: the names of its columns and its cells, as they are read."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def write_report(run: SavedRun, path: Path, progress: Progress) -> None:
    """Writes the page; nothing in it is fetched from elsewhere, and text is text, whatever it looks like.

    Raises:
        UserError: it could not be written.
    """
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    page = environment.get_template("report.html.jinja").render(content(run, progress))
    progress(1.0, "writing")
    with replace_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def content(run: SavedRun, progress: Progress) -> dict[str, Any]:
    """What the template shows."""
    trainer, history = run.trainer, run.checkpoint.history
    scene, settings, last = trainer.scene, trainer.settings, history.rows[-1]
    evaluation = read_evaluation(run.folder, trainer.iteration)
    progress(0.0, "plots")
    return {
        "title": f"{scene.name} · {settings.method} · {settings.field}",
        "subtitle": f"A run of l2g-viewer: {len(scene.training_frames)} frames, last stage {last.stage}, "
        f"{last.iteration:,} of {trainer.iterations:,} iterations.",
        "tiles": tiles(run, last, evaluation),
        "plots": plots(run),
        "held_out_scores": held_out_scores(evaluation),
        "held_out_pictures": held_out_pictures(run, evaluation),
        "pictures": training_pictures(trainer, progress),
        "frames": frames(trainer, last),
        "settings": [(name.replace("_", " "), as_words(value)) for name, value in asdict(settings).items()],
        "scene": scene_words(run, scene),
        "events": Listed(
            ("second", "iteration", "what", "detail"),
            [(f"{event.seconds:.1f}", f"{event.iteration:,}", event.kind, event.detail) for event in history.events],
        ),
    }


def tiles(run: SavedRun, last: Row, evaluation: dict[str, Any] | None) -> list[tuple[str, str]]:
    """The numbers that one looks for first."""
    found = [
        (format_duration(run.checkpoint.seconds), "of training"),
        (decibels(training_psnr(run.checkpoint.history)), "training PSNR"),
        (decibels(evaluation["psnr"] if evaluation else None), "held-out PSNR"),
    ]
    if last.rotation_error_deg is not None and last.translation_error is not None:
        rotation, translation = summary(last.rotation_error_deg), summary(last.translation_error)
        found += [
            (f"{rotation['mean']:.3f}°", f"rotation error, mean (largest {rotation['max']:.2f}°)"),
            (f"{translation['mean']:.4f}", f"translation error, mean, scene units (largest {translation['max']:.4f})"),
        ]
    return found


def plots(run: SavedRun) -> list[Shown]:
    """The curves of the run, and the film of its cameras where its folder has one."""
    scene = run.trainer.scene
    with tempfile.TemporaryDirectory() as folder:
        plot_errors(run.checkpoint.history, scene, Path(folder) / "errors.png")
        curves = (Path(folder) / "errors.png").read_bytes()
    shown = [Shown(inlined(curves, "image/png"), "Errors and PSNR over the run; lines mark stages and events.")]
    film = run.folder / CAMERAS_VIDEO
    if film.is_file() and film.stat().st_size <= LARGEST_FILM:
        shown.append(Shown(inlined(film.read_bytes(), "video/mp4"), "The cameras converging.", film=True))
    return shown


def training_pictures(trainer: Trainer, progress: Progress) -> list[Shown]:
    """Some training frames, evenly chosen, beside what the field looks like from them."""
    scene, shown = trainer.scene, []
    intrinsics = trainer.calibration.intrinsics(scene.intrinsics).to(trainer.device)
    poses, count = trainer.poses(), len(trainer.frames)
    chosen = sorted({round(place) for place in np.linspace(0, count - 1, min(PICTURES, count))})
    for done, index in enumerate(chosen):
        progress(0.1 + 0.8 * done / len(chosen), "renderings")
        frame = trainer.frames[index]
        view = render_view(trainer.field, poses[index], image_points(intrinsics, frame))
        view = view._replace(colour=trainer.calibration.seen_by(index, view.colour).detach().clamp(0, 1))
        photo = scene.images[frame].to(view.colour) / 255
        scores = Scores(psnr(view.colour, photo), ssim(view.colour, photo), None)
        sheet = side_by_side(HeldOutFrame(frame, scene.names[frame], photo, view, poses[index], scores), scene.kind)
        shown.append(Shown(jpeg(sheet), scene.names[frame]))
    return shown


def held_out_pictures(run: SavedRun, evaluation: dict[str, Any] | None) -> list[Shown]:
    """What the evaluation has drawn of its frames, if it is of this run as it stands."""
    if evaluation is None:
        return []
    names, shown = {str(row["name"]) for row in evaluation["per_frame"]}, list[Shown]()
    scene = run.trainer.scene
    for frame in scene.held_out_frames:
        path = run.folder / "held_out" / picture_name(frame, scene.names[frame])
        if scene.names[frame] in names and path.is_file() and len(shown) < PICTURES:
            with Image.open(path) as picture:
                shown.append(Shown(jpeg(picture.convert("RGB")), scene.names[frame]))
    return shown


def held_out_scores(evaluation: dict[str, Any] | None) -> Listed:
    """A row per evaluated frame, and the means."""
    columns = ("frame", "PSNR", "SSIM", "LPIPS")
    if evaluation is None or not evaluation["per_frame"]:
        return Listed(columns, [])
    entries = [*evaluation["per_frame"], evaluation | {"name": f"mean of {evaluation['frames']}"}]
    return Listed(
        columns,
        [
            (str(entry["name"]), decibels(entry["psnr"]), fraction(entry["ssim"]), fraction(entry["lpips"]))
            for entry in entries
        ],
    )


def frames(trainer: Trainer, last: Row) -> Listed:
    """A row per training frame: how well it is rendered and how far its pose is from the reference."""
    rows, found = [], trainer.frame_psnr().tolist()
    for index, frame in enumerate(trainer.frames):
        rows.append(
            (
                trainer.scene.names[frame],
                decibels(found[index]),
                one_of(last.rotation_error_deg, index, "{:.3f}°"),
                one_of(last.relative_rotation_error_deg, index, "{:.3f}°"),
                one_of(last.translation_error, index, "{:.4f}"),
            )
        )
    return Listed(("frame", "training PSNR", "rotation", "rotations alone aligned", "translation, scene units"), rows)


def scene_words(run: SavedRun, scene: Scene) -> list[tuple[str, str]]:
    """What was read, and how."""
    intrinsics = run.trainer.calibration.intrinsics(scene.intrinsics)
    focal = intrinsics.focal[0].tolist()
    options = run.checkpoint.options
    return [
        ("name", scene.name),
        ("kind", scene.kind),
        ("training frames", str(len(scene.training_frames))),
        ("held-out frames", str(len(scene.held_out_frames))),
        ("image size", f"{intrinsics.width} x {intrinsics.height}"),
        ("focal length, pixels", f"{focal[0]:.2f}, {focal[1]:.2f}"),
        ("reference poses", "yes" if scene.reference_poses is not None else "none"),
        *([(name.replace("_", " "), as_words(value)) for name, value in asdict(options).items()] if options else []),
    ]


# ---------------------------------------------------------------------- words and bytes


def as_words(value: Any) -> str:
    """A setting, for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return UNKNOWN if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def decibels(value: float | None) -> str:
    return f"{value:.2f} dB" if value is not None and math.isfinite(value) else UNKNOWN


def fraction(value: float | None) -> str:
    return f"{value:.4f}" if value is not None else UNKNOWN


def one_of(values: Sequence[float] | np.ndarray | None, index: int, form: str) -> str:
    return form.format(values[index]) if values is not None and math.isfinite(values[index]) else UNKNOWN


def jpeg(picture: Image.Image) -> str:
    """A picture for the page, no wider than it can show."""
    if picture.width > WIDEST:
        size = WIDEST, max(round(picture.height * WIDEST / picture.width), 1)
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    held = io.BytesIO()
    picture.save(held, format="JPEG", quality=88)
    return inlined(held.getvalue(), "image/jpeg")


def inlined(content: bytes, kind: str) -> str:
    """A `data:` address."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
