"""`l2g-sweep`: many runs on workers, a table, a report."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from engine.cli.sweep_arguments import SweepArguments
from engine.cli.sweep_display import SweepDisplay
from engine.cli.sweep_run import train_run
from engine.cli.sweep_values import KEEP_CHECKPOINT
from engine.config.settings import is_exponent
from engine.errors import UserError
from engine.lab.sweep.cluster import DaskPool, divide_machine, open_local_pool, open_pool_of
from engine.lab.sweep.definition import SweepDefinition
from engine.lab.sweep.report import format_rate, write_sweep_report
from engine.lab.sweep.rows import Row
from engine.lab.sweep.runner import prepare_sweep, run_sweep
from engine.lab.sweep.statistics import Success, find_unmeasured_scenes
from engine.lab.sweep.summary import map_success
from engine.lab.sweep.table import write_table
from engine.system.devices import resolve_device
from engine.system.interruption import Interruption

FIXED = (
    *("preset", "matches", "downscale", "space", "frames", "warp", "patches", "crop"),
    *("max_iterations", "max_seconds", "evaluate", "device"),
)
MOST_REASONS = 5  # that are printed


def sweep_scenes(arguments: SweepArguments) -> int:
    """Carries out a sweep, or what is left of it, and writes its table and report.

    Returns:
        the exit code: 0, also where runs have failed; 130 or 143 after an interruption.
    Raises:
        UserError: a wrong argument, a folder that holds something else, or workers that cannot be reached.
    """
    console = Console(highlight=False)
    definition, success = define_sweep(arguments), success_of(arguments)
    for reason in definition.impossible().values():
        _say(console, f"Left out: {reason}")
    folder = arguments.output or Path("sweeps") / arguments.scenes[0].resolve().stem
    sweep = prepare_sweep(folder, definition, success, overwrite=arguments.overwrite, again=arguments.retry_failed)
    if sweep.change:
        _say(console, sweep.change)
    if sweep.rows:
        _say(console, f"{len(sweep.rows)} of {len(sweep.runs)} runs have ended before.")
    with Interruption("Ending the sweep; once more to abort.") as interruption:
        if sweep.waiting:
            with _open_pool(arguments, console) as pool, SweepDisplay(console, sweep, lambda: pool.workers) as display:
                run_sweep(sweep, train_run, pool, display.show, lambda: bool(interruption.signal), arguments.retries)
        else:
            write_table(sweep.rows.values(), folder)
        rows = [sweep.rows[run.name] for run in sweep.runs if run.name in sweep.rows]
        if rows:
            report = write_sweep_report(rows, sweep.runs, folder, success)
            console.print(_success_table(rows, success))
            _say_what_failed(console, rows)
            for scene in find_unmeasured_scenes(rows, success):
                _say(console, f"{scene} has no reference poses to measure errors by; give --success verdict.")
            _say(console, f"Written: {report}, and table.parquet and table.csv beside it.")
        if sweep.waiting:
            _say(console, f"{len(sweep.waiting)} of {len(sweep.runs)} runs are left; the same command makes them.")
    return interruption.exit_code


def define_sweep(arguments: SweepArguments) -> SweepDefinition:
    """The product that was asked for.

    Raises:
        UserError: an argument makes no sense.
    """
    _check(arguments)
    noise = tuple(
        (rotation, translation) for rotation in arguments.noise_rotation for translation in arguments.noise_translation
    )
    if arguments.noise_pairs:
        if any(max(pair) > 0 for pair in noise):
            raise UserError("--noise-pairs replaces --noise-rotation and --noise-translation; give one or the other.")
        noise = tuple(map(_parse_pair, arguments.noise_pairs))
    fixed = {name: getattr(arguments, name) for name in FIXED} | {KEEP_CHECKPOINT: arguments.keep_checkpoints}
    definition = SweepDefinition(
        scenes=arguments.scenes,
        methods=arguments.methods,
        fields=arguments.fields,
        assists=arguments.assist,
        inits=arguments.init,
        lambda_exponents=arguments.lambda_exponents,
        noise=noise,
        noise_h=arguments.noise_h or (None,),
        noise_t=arguments.noise_t or (None,),
        noise_r=arguments.noise_r or (None,),
        seeds=tuple(range(arguments.first_seed, arguments.first_seed + arguments.seeds)),
        fixed=fixed,
    )
    reasons = list(definition.impossible().values())
    if len(reasons) == len(set(definition.methods)) * len(set(definition.fields)):
        raise UserError(reasons[0])
    return definition


def _check(arguments: SweepArguments) -> None:
    if not arguments.scenes:
        raise UserError("There is nothing to sweep; give a scene, several of them, or a TOML file.")
    for scene in arguments.scenes:
        if not scene.exists():
            raise UserError(f"There is no scene {scene}.")
    for name in ("methods", "fields", "assist", "init", "lambda_exponents", "noise_rotation", "noise_translation"):
        if not getattr(arguments, name):
            raise UserError(f"--{name.removesuffix('_exponents').replace('_', '-')} has no values; give one or more.")
    for name, least in (("seeds", 1), ("first_seed", 0), ("max_iterations", 1), ("retries", 0)):
        value = getattr(arguments, name)
        if value is not None and value < least:
            raise UserError(f"--{name.replace('_', '-')} is {value}; give {least} or more.")
    if arguments.max_seconds is not None and not arguments.max_seconds > 0:
        raise UserError(f"--max-seconds is {arguments.max_seconds}; give more than 0.")
    for exponent in arguments.lambda_exponents:
        if not is_exponent(exponent):
            raise UserError(f"--lambda is {exponent}; give exponents between -30 and 30.")
    for name in ("noise_rotation", "noise_translation", "noise_h", "noise_t", "noise_r"):
        for value in getattr(arguments, name):
            if not (math.isfinite(value) and value >= 0):
                raise UserError(f"--{name.replace('_', '-')} is {value}; give standard deviations of 0 or more.")


def _parse_pair(words: str) -> tuple[float, float]:
    with contextlib.suppress(ValueError):
        rotation, translation = map(float, words.split("/"))
        if min(rotation, translation) >= 0 and math.isfinite(rotation + translation):
            return rotation, translation
    raise UserError(f"--noise-pairs has {words}; give ROTATION/TRANSLATION, such as 0.07/0.5.")


def success_of(arguments: SweepArguments) -> Success:
    """When a run counts as one that has succeeded; raises `UserError` where a limit makes no sense."""
    return Success(
        arguments.success,
        arguments.success_rotation,
        arguments.success_translation / 100,
        arguments.success_corners,
    )


@contextlib.contextmanager
def _open_pool(arguments: SweepArguments, console: Console) -> Iterator[DaskPool]:
    """Workers, and a sentence on them."""
    if arguments.scheduler is not None:
        with open_pool_of(arguments.scheduler) as pool:
            _say(console, f"{pool.workers} runs at a time, on the workers of {arguments.scheduler}.")
            yield pool
        return
    gpu = resolve_device(arguments.device).type == "cuda"
    division = divide_machine(arguments.processes, arguments.threads, arguments.memory, gpu=gpu)
    with open_local_pool(division) as pool:
        _say(
            console,
            f"{division.processes} process{'es' if division.processes > 1 else ''}, each with {division.threads} "
            f"thread{'s' if division.threads > 1 else ''} and at most {division.memory_bytes / 2**30:.1f} GiB.",
        )
        yield pool


def _success_table(rows: list[Row], success: Success) -> Table:
    """Success rates of each scene, over the first number that differs."""
    table = Table(title="Runs that succeeded, with 95 % intervals", title_justify="left")
    maps = [found for found in map_success(rows, success) if ": " not in found.title]
    table.add_column("scene")
    table.add_column("")
    for name in maps[0].columns:
        table.add_column(name, justify="right")
    for found in maps:
        for name, rates, counts in zip(found.rows, found.cells, found.counts, strict=True):
            cells = [
                "–" if rate is None else f"{count[0]}/{count[1]}  {format_rate(rate)}"
                for rate, count in zip(rates, counts, strict=True)
            ]
            table.add_row(found.title, name, *cells)
    return table


def _say_what_failed(console: Console, rows: list[Row]) -> None:
    reasons = Counter(row.reason for row in rows if row.state == "failed")
    for reason, count in reasons.most_common(MOST_REASONS):
        _say(console, f"Failed, {count} of {len(rows)} runs: {reason}")
    if len(reasons) > MOST_REASONS:
        _say(console, f"Failed for {len(reasons) - MOST_REASONS} other reasons: see the report.")


def _say(console: Console, words: str) -> None:
    console.print(words, soft_wrap=True, markup=False)
