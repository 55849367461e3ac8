"""From `l2g-train`'s command line to settings, for a run that starts and for one that continues."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from engine.cli.arguments import TrainArguments
from engine.config.methods import find_method
from engine.config.settings import Settings, is_exponent
from engine.errors import UserError
from engine.run.checkpoint import Checkpoint
from engine.scenes.options import SceneOptions

AUTO = "auto"  # of --lambda
SETTINGS = (
    "method",
    "field",
    "preset",
    "lambda_exponent",
    "matches",
    "mu_exponent",
    "seed",
    "optimise_focal",
    "optimise_exposure",
    "refine_intrinsics",
)
OPTIONS = (
    *("downscale", "init", "reference", "space", "frames", "noise_rotation", "noise_translation", "background"),
    *("seed", "exclude", "matches"),
    *("warp", "patches", "crop", "noise_h", "noise_t", "noise_r"),
)


def settings_of(arguments: TrainArguments) -> Settings:
    """The settings of a run that starts."""
    chosen = {name: getattr(arguments, name) for name in SETTINGS}
    if chosen["lambda_exponent"] == AUTO:
        chosen |= {"lambda_exponent": Settings.lambda_exponent, "auto_lambda": True}
    return Settings(**chosen, max_iterations=arguments.max_iterations, assist=_assist(arguments))


def options_of(arguments: TrainArguments) -> SceneOptions:
    """How the scene of a run that starts is read; the run's seed is the noise's too."""
    return SceneOptions(**{name: getattr(arguments, name) for name in OPTIONS})


def continued(arguments: TrainArguments, checkpoint: Checkpoint) -> tuple[Settings, SceneOptions]:
    """Settings and options of a run that continues: those that it was started with, but for the limits.

    Raises:
        UserError: another value is asked for on the command line. A value that is the command's default counts as
            not asked for.
    """
    settings, options = checkpoint.settings, checkpoint.options or SceneOptions()
    defaults = {field.name: field.default for field in fields(type(arguments))}
    known = [(n, getattr(settings, n)) for n in SETTINGS if n != "lambda_exponent"]
    known.append(("lambda_exponent", AUTO if settings.auto_lambda else settings.lambda_exponent))
    for name, before in [(n, getattr(options, n)) for n in OPTIONS] + known:
        asked = getattr(arguments, name)
        if asked not in (before, defaults[name]):
            raise UserError(
                f"The run was started with {flag(name)} {before}, not {asked}; leave it away to continue, or start "
                "another run without --resume."
            )
    if arguments.assist != "auto" and _assist(arguments) != settings.assist:
        raise UserError(
            f"The run was started with --assist {'on' if settings.assist else 'off'}, not {arguments.assist}; leave "
            "it away to continue, or start another run without --resume."
        )
    return replace(settings, max_iterations=arguments.max_iterations), options


def _assist(arguments: TrainArguments) -> bool | None:
    return None if arguments.assist == "auto" else arguments.assist == "on"


def check_arguments(arguments: TrainArguments) -> None:
    """Raises `UserError` where a number makes no sense."""
    at_least: tuple[tuple[str, Any, float], ...] = (
        ("max_seconds", arguments.max_seconds, 0),
        ("max_iterations", arguments.max_iterations, 1),
        ("checkpoint_every", arguments.checkpoint_every, 0),
        ("seed", arguments.seed, 0),
    )
    for name, value, least in at_least:
        if value is not None and not value >= least:
            raise UserError(f"{flag(name)} is {value}; give {least} or more.")
    for name in ("lambda_exponent", "mu_exponent"):
        value = getattr(arguments, name)
        if value != AUTO and not is_exponent(value):
            raise UserError(f"{flag(name)} is {value}; give an exponent between -30 and 30.")
    if arguments.lambda_exponent == AUTO and not find_method(arguments.method).warps_pixels:
        raise UserError(f"--lambda auto means nothing to --method {arguments.method}; leave it away, or take l2g.")
    if arguments.resume and arguments.overwrite:
        raise UserError("--resume continues a run and --overwrite replaces it; give one of them.")
    if arguments.output is not None and Path(arguments.output).is_file():
        raise UserError(f"--output {arguments.output} is a file; give a folder.")


def flag(name: str) -> str:
    """A setting as it is typed."""
    return "--" + name.removesuffix("_exponent").replace("_", "-")
