"""What the words of `l2g-sweep` mean, on the command line and in a TOML file."""

from __future__ import annotations

import contextlib
import io
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from engine.cli.arguments import Device
from engine.config.methods import METHODS
from engine.config.settings import Preset
from engine.errors import UserError
from engine.fields import FIELDS
from engine.geometry.warp_names import PlanarWarp


def _some_of(table: Mapping[str, object], default: str) -> Any:
    """Several names of a table as it stands when the command line is parsed: more may have been registered by then."""

    def choices() -> Any:
        return tuple[Literal[tuple(table)], ...]  # type: ignore[misc]

    return tyro.conf.arg(constructor_factory=choices, help_behavior_hint=f"(default: {default})")


@dataclass(frozen=True)
class SweepArguments:
    """Train one run for each combination of scene, method, field, help, start, lambda, noise and seed.

    Scenes may be a TOML file with the same names as the options (methods = ["l2g", "barf"]); options beside it win.
    The same command goes on with a sweep that was interrupted. The folder gets table.parquet, table.csv, report.html
    and a folder per run.
    """

    scenes: tyro.conf.Positional[tuple[Path, ...]] = ()
    """Scenes as l2g-train takes them, or a TOML file."""
    methods: Annotated[tuple[str, ...], _some_of(METHODS, "l2g")] = ("l2g",)
    """Where rays come from and how the band limit opens."""
    fields: Annotated[tuple[str, ...], _some_of(FIELDS, "grid")] = ("grid",)
    """What a ray sees."""
    assist: tuple[Literal["auto", "on", "off"], ...] = ("auto",)
    """Help that every method gets alike."""
    init: tuple[Literal["auto", "identity", "reference", "noise", "sfm"], ...] = ("auto",)
    """Initial poses; where any noise is above 0, auto is noise: the reference poses, perturbed by that much."""
    lambda_exponents: Annotated[tuple[float, ...], tyro.conf.arg(name="lambda")] = (2.0,)
    """x of lambda = 10^x; methods in which it means nothing get one run for all."""
    noise_rotation: tuple[float, ...] = (0.0,)
    """Standard deviations of the initial noise, radians."""
    noise_translation: tuple[float, ...] = (0.0,)
    """Standard deviations of the initial noise, scene units; each with each of the rotations."""
    noise_pairs: tuple[str, ...] = ()
    """ROTATION/TRANSLATION, such as 0.07/0.5, in place of the product of the two."""
    noise_h: tuple[float, ...] = ()
    """Planar: standard deviations of the homographies, in sl(3)."""
    noise_t: tuple[float, ...] = ()
    """Planar: standard deviations of the translations, in halves of the image's longer side."""
    noise_r: tuple[float, ...] = ()
    """Planar: standard deviations of the rotations, radians."""
    seeds: int = 1
    """How many, counted from --first-seed."""
    first_seed: int = 0
    """The smallest seed."""
    preset: Preset = "default"
    """For all runs, like the next ones: see l2g-train."""
    matches: bool = True
    """Whether the matches of the photos' features help, where there is assistance; this turns them off."""
    downscale: int | None = None
    """Integer factor against the scene's largest images."""
    space: Literal["auto", "forward-facing", "object", "unbounded"] = "auto"
    """Where the scenes lie."""
    frames: int | None = None
    """Use so many frames of a video, or photos of a folder without poses."""
    warp: PlanarWarp | None = None
    """Planar: the family of warps."""
    patches: int | None = None
    """Planar: how many patches."""
    crop: int | None = None
    """Planar: side of a patch, pixels."""
    max_iterations: int | None = None
    """Stop each run after so many iterations."""
    max_seconds: float | None = None
    """Fit each run's schedule to so many seconds."""
    evaluate: bool = False
    """Evaluate each run on its held-out photos."""
    device: Device = "auto"
    """Where to train."""
    success: Literal["errors", "verdict"] = "errors"
    """When a run counts as one that succeeded: errors: the limits below; verdict: its verdict is registered."""
    success_rotation: float = 1.0
    """Largest mean rotation error, degrees."""
    success_translation: float = 2.0
    """Largest mean error of camera centres, percent of their spread."""
    success_corners: float = 1.0
    """Planar: largest mean corner error, pixels."""
    scheduler: str | None = None
    """Address of a Dask scheduler whose workers shall train, such as tcp://host:8786; by default this machine does."""
    processes: int | None = None
    """Worker processes on this machine; by default one per core, while there are 3 GiB of memory for each."""
    threads: int | None = None
    """Threads per process; by default the cores divided by the processes."""
    memory: float | None = None
    """GiB that a process may use; one that needs more is ended. By default 0.9 of the machine's, divided."""
    retries: int = 2
    """A run whose worker process ends in mid-run is begun again so often."""
    keep_checkpoints: bool = False
    """Write a checkpoint into each run's folder, so that it can be continued and looked at; up to 0.9 GB each."""
    retry_failed: bool = False
    """Make runs again that have failed."""
    output: Path | None = None
    """Folder of the sweep; by default sweeps/<scene or TOML file>."""
    overwrite: bool = False
    """Replace the sweep in --output."""


def parse_sweep(words: list[str]) -> SweepArguments:
    """The arguments of a command line, where a TOML file among the scenes gives defaults.

    A wrong command line ends the process with a message and exit code 2.

    Raises:
        UserError: the file cannot be read, or says what the command does not know.
    """
    files = [Path(word) for word in words if word.endswith(".toml") and not word.startswith("-")]
    given = SweepArguments()
    if files:
        given = read_sweep_file(files[0])
        words = [word for word in words if word != str(files[0])]
        if given.output is None:
            words = ["--output", str(Path("sweeps") / files[0].stem), *words]
    return _parse(words, given)


def read_sweep_file(path: Path) -> SweepArguments:
    """The arguments that a TOML file gives; names as on the command line, with - or _, paths as seen from here.

    Raises:
        UserError: it cannot be read, a name is unknown, or a value does not fit.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UserError(f"{path} cannot be read ({reason}).") from error
    known = {f.name: f for f in fields(SweepArguments)} | {"lambda": None}
    found = SweepArguments()
    for key, value in content.items():
        name = key.replace("-", "_")
        if name not in known or name == "lambda_exponents":
            raise UserError(f"{path} has {key}, which l2g-sweep does not know; l2g-sweep --help lists the names.")
        several = name == "lambda" or isinstance(getattr(found, name), tuple)
        values = [str(one) for one in value] if isinstance(value, list) and several else [str(value)]
        flag = "--" + name.replace("_", "-")
        words = values if name == "scenes" else [flag, *values]
        if isinstance(getattr(found, name, None), bool):
            if not isinstance(value, bool):
                raise UserError(f"{path} says {key} = {value}; give true or false.")
            usual = getattr(SweepArguments(), name)
            words = [] if value == usual else [flag.replace("--", "--no-", 1) if usual else flag]
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                found = _parse(words, found)
        except SystemExit as error:
            raise UserError(
                f"{path} says {key} = {value!r}, which does not fit; l2g-sweep --help says what {flag} takes."
            ) from error
    return found


def _parse(words: list[str], default: SweepArguments) -> SweepArguments:
    return tyro.cli(
        SweepArguments, args=words, default=default, prog="l2g-sweep", config=(tyro.conf.FlagCreatePairsOff,)
    )
