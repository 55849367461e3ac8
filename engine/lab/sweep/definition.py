"""What a sweep consists of: the values of each axis, and the runs that their product gives."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.config.methods import find_method
from engine.config.settings import Settings
from engine.errors import UserError
from engine.fields import check_settings, find_field
from engine.scenes.paths import is_video
from engine.system.files import to_json_values, write_json

DEFINITION_FILE = "sweep.json"
VERSION = 1
DEFAULT_LAMBDA = 2.0
Values = Mapping[str, Any]
"""Arguments of `l2g-train` by the names of `TrainArguments`; what is missing has the default value."""

# Parts of a run's name that are left out where they have these values: those of `l2g-train`.
_UNNAMED: dict[str, Any] = {
    "assist": "auto",
    "init": "auto",
    "lambda_exponent": DEFAULT_LAMBDA,
    "noise_rotation": 0.0,
    "noise_translation": 0.0,
    "noise_h": None,
    "noise_t": None,
    "noise_r": None,
}
_WORDS = {"lambda_exponent": "lambda", "noise_rotation": "rot", "noise_translation": "trans"}


@dataclass(frozen=True)
class SweptRun:
    """One run of a sweep.

    Attributes:
        name: of its folder, unique within the sweep; it stays the same where the sweep gets more values.
        values: arguments of `l2g-train`, as JSON has them.
    """

    name: str
    values: Values


@dataclass(frozen=True)
class SweepDefinition:
    """The product of these values.

    Attributes:
        scenes: folders or images.
        methods, fields, assists, inits: as `l2g-train` has them.
        lambda_exponents: x of lambda = 10^x. Methods without a warp per pixel, in which lambda means nothing, get one
            run for all of them.
        noise: pairs of standard deviations of the initial noise: rotation (radians), translation (scene units).
        noise_h, noise_t, noise_r: of planar scenes; None is what the scene's file says.
        seeds: of everything random.
        fixed: further arguments of `l2g-train`, the same for all runs.
    """

    scenes: tuple[Path, ...]
    methods: tuple[str, ...] = ("l2g",)
    fields: tuple[str, ...] = ("grid",)
    assists: tuple[str, ...] = ("auto",)
    inits: tuple[str, ...] = ("auto",)
    lambda_exponents: tuple[float, ...] = (DEFAULT_LAMBDA,)
    noise: tuple[tuple[float, float], ...] = ((0.0, 0.0),)
    noise_h: tuple[float | None, ...] = (None,)
    noise_t: tuple[float | None, ...] = (None,)
    noise_r: tuple[float | None, ...] = (None,)
    seeds: tuple[int, ...] = (0,)
    fixed: Values = field(default_factory=dict)

    def runs(self) -> list[SweptRun]:
        """All runs, by seeds first: every combination has its first run before one has its second.

        Where any noise is above 0, the start `auto` is `noise`: the reference poses, perturbed by that much, so that a
        forward-facing scene does not start from the identity whatever the noise is. Methods and fields that do not go
        together (`impossible`) have none.
        """
        names, found = _scene_names(self.scenes), dict[str, SweptRun]()
        perturbed = any(max(pair) > 0 for pair in self.noise)
        axes = itertools.product(
            self.seeds,
            self.scenes,
            self.fields,
            self.inits,
            self.noise,
            itertools.product(self.noise_h, self.noise_t, self.noise_r),
            self.assists,
            self.lambda_exponents,
            self.methods,
        )
        impossible = self.impossible()
        for seed, scene, field_name, init, (rotation, translation), planar, assist, exponent, method in axes:
            if (method, field_name) in impossible:
                continue
            values: dict[str, Any] = {
                "scene": str(scene.resolve()),
                "method": method,
                "field": field_name,
                "assist": assist,
                "init": "noise" if perturbed and init == "auto" else init,
                "lambda_exponent": float(exponent) if find_method(method).warps_pixels else DEFAULT_LAMBDA,
                "noise_rotation": float(rotation),
                "noise_translation": float(translation),
                **dict(zip(("noise_h", "noise_t", "noise_r"), planar, strict=True)),
                "seed": int(seed),
            }
            name = _run_name(names[scene], values)
            found.setdefault(name, SweptRun(name, to_json_values(values | dict(self.fixed))))
        return list(found.values())

    def impossible(self) -> dict[tuple[str, str], str]:
        """Pairs of a method and a field that do not go together, and the sentences that say why.

        Raises:
            UserError: there is no such method or field.
        """
        found = {}
        for method, field_name in itertools.product(self.methods, self.fields):
            find_method(method), find_field(field_name)
            try:
                check_settings(Settings(method=method, field=field_name))
            except UserError as error:
                found[method, field_name] = str(error)
        return found


def _scene_names(scenes: Sequence[Path]) -> dict[Path, str]:
    """Short names; where several scenes have the same one, the later ones are numbered."""
    names: dict[Path, str] = {}
    for scene in scenes:
        name = scene.resolve().stem if scene.is_file() or is_video(scene) else scene.resolve().name
        count = sum(other.rpartition("~")[0] == name or other == name for other in names.values())
        names.setdefault(scene, f"{name}~{count + 1}" if count else name)
    return names


def _run_name(scene: str, values: Values) -> str:
    """Such as `fern-l2g-grid-assist_off-rot_0.05-seed_3`."""
    parts = [scene, values["method"], values["field"]]
    for name, usual in _UNNAMED.items():
        if values[name] != usual:
            value = values[name]
            parts.append(f"{_WORDS.get(name, name)}_{value:g}" if isinstance(value, float) else f"{name}_{value}")
    return "-".join([*parts, f"seed_{values['seed']}"])


@dataclass(frozen=True)
class KnownRuns:
    """What `sweep.json` says.

    Attributes:
        current: the runs of the sweep, by name.
        former: those that were part of it and have folders still.
        success: when a run has succeeded, as `engine.lab.sweep.statistics.Success` has it; None in older files.
    """

    current: Mapping[str, Values]
    former: Mapping[str, Values]
    success: Values | None = None


def read_definition(folder: Path) -> KnownRuns | None:
    """The runs of the sweep that a folder holds; None where it holds none.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / DEFINITION_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise ValueError(f"version {content['version']}")
        current, former = (
            {str(name): dict(values) for name, values in content[key].items()} for key in ("runs", "former")
        )
        success = content.get("success")
        return KnownRuns(current, former, None if success is None else dict(success))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} is damaged ({error}); give another folder, or begin this sweep anew: l2g-sweep --overwrite."
        ) from error


def write_definition(
    folder: Path, runs: Sequence[SweptRun], before: KnownRuns | None = None, success: Values | None = None
) -> None:
    """Writes `sweep.json`; raises `UserError` where that fails.

    Args:
        folder: of the sweep.
        runs: all of them.
        before: what the file says now.
        success: see `KnownRuns`; None leaves what the file says.
    """
    now = {run.name: dict(run.values) for run in runs}
    known = {**before.former, **before.current} if before is not None else {}
    former = {name: values for name, values in known.items() if name not in now}
    success = success or (before.success if before is not None else None)
    more = {} if success is None else {"success": dict(success)}
    write_json(folder / DEFINITION_FILE, {"version": VERSION, **more, "runs": now, "former": former})


def explain_change(before: KnownRuns, runs: Sequence[SweptRun], folder: Path) -> str | None:
    """A sentence on what is different from the sweep that the folder holds; None if nothing is.

    Raises:
        UserError: runs that both have would be made otherwise now, so that old and new results are not comparable.
    """
    known, now = {**before.former, **before.current}, {run.name: run.values for run in runs}
    for name in known.keys() & now.keys():
        for key in sorted(known[name].keys() | now[name].keys()):
            was, asked = known[name].get(key), now[name].get(key)
            if was != asked:
                raise UserError(
                    f"The sweep in {folder} was made with {key.replace('_', '-')} {_say(was)}, not {_say(asked)}; "
                    "give that again to go on with it, or another --output, or --overwrite to begin anew."
                )
    new, gone = len(now.keys() - before.current.keys()), len(before.current.keys() - now.keys())
    if not new and not gone:
        return None
    parts = [f"{new} of its {len(now)} runs are new"] if new else []
    parts += [f"{gone} that it had are not part of it any more (their folders stay)"] if gone else []
    return f"The definition of the sweep in {folder} has changed: {', and '.join(parts)}."


def _say(value: Any) -> str:
    return "its default" if value is None else str(value)
