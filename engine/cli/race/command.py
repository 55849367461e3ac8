"""`l2g-train --race`: trains contestants in turns and writes one table and one plot."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from engine.cli.arguments import TrainArguments
from engine.cli.preparation_display import PreparationDisplay
from engine.cli.race.display import RaceDisplay
from engine.cli.settings import check_arguments, options_of, settings_of
from engine.errors import UserError
from engine.lab.race.definition import Race, check_race, make_race
from engine.lab.race.plot import PLOT_FILE, plot_race
from engine.lab.race.rows import RaceRow, make_rows
from engine.lab.race.runner import run_race
from engine.lab.race.scenes import read_scenes
from engine.lab.race.table import CSV_FILE, ENDED, MARKDOWN_FILE, select_columns, write_csv, write_markdown
from engine.results.folder import DEFAULT_PARENT, new_folder
from engine.results.outliers import reading_sentences
from engine.results.result import RESULT_FILE
from engine.scenes import AnyScene, PlanarScene, Scene, load_scene
from engine.scenes.paths import is_video
from engine.system.devices import resolve_device
from engine.system.interruption import Interruption

FILES = (CSV_FILE, MARKDOWN_FILE, PLOT_FILE)
ONE_RUN = ("resume", "add_frames", "evaluate", "export")  # options that make no sense for several runs


def race_scene(arguments: TrainArguments) -> int:
    """Trains the contestants of `--race`, writes the files, prints the table.

    Returns:
        the exit code: 0, also where some contestants failed; 130 or 143 after an interruption.
    Raises:
        UserError: a wrong argument, a scene that cannot be read, all contestants failed, or files that cannot be
            written.
    """
    console = Console(highlight=False)
    race = _define(arguments)
    device = resolve_device(arguments.device)
    with PreparationDisplay(console) as display:
        scenes = read_scenes(
            [contestant.options for contestant in race.contestants],
            lambda options: load_scene(arguments.scene, options, display),
        )
    check_race(race, scenes[0].kind)
    race = _refine_unknown_lenses(race, scenes, arguments.keep_intrinsics)
    folder = _make_folder(arguments)
    for sentence in (*reading_sentences(scenes[0]), *_warnings(race, arguments, scenes[0])):
        console.print(sentence, soft_wrap=True, markup=False)
    with Interruption("Ending the race; once more to abort.") as interruption:
        with RaceDisplay(console, race) as display:
            entrants = run_race(race, scenes, device, watch=display.show, stopped=lambda: bool(interruption.signal))
        rows = make_rows(entrants)
        title = _title(race, scenes[0].name)
        write_csv(rows, folder)
        write_markdown(rows, title, folder)
        plot_race(entrants, title, folder)
        console.print(_table(rows, title))
        for row in rows:
            if row.reason:
                console.print(f"{row.contestant} failed: {row.reason}", soft_wrap=True, markup=False)
        console.print(f"Written: {', '.join(FILES)} in {folder}", soft_wrap=True, markup=False)
    if all(row.state == "failed" for row in rows):
        raise UserError("No contestant could be trained. " + " ".join(dict.fromkeys(row.reason for row in rows)))
    return interruption.exit_code


def _define(arguments: TrainArguments) -> Race:
    """The race that was asked for.

    Raises:
        UserError: arguments that make no sense, or not together.
    """
    check_arguments(arguments)
    for name in ONE_RUN:
        if getattr(arguments, name):
            flag = "--" + name.replace("_", "-")
            raise UserError(f"{flag} is for one run, and --race makes several; leave one of the two away.")
    if arguments.max_seconds is not None and arguments.equal != "seconds":
        raise UserError(
            "--max-seconds would give contestants with equal iterations schedules of different lengths; add --equal "
            "seconds, or give --max-iterations."
        )
    if arguments.equal == "seconds" and not arguments.max_seconds:
        raise UserError("--equal seconds needs to know how many; add --max-seconds.")
    return make_race(
        arguments.race or (), settings_of(arguments), options_of(arguments), arguments.equal, arguments.max_seconds
    )


def _refine_unknown_lenses(race: Race, scenes: Sequence[AnyScene], keep: bool) -> Race:
    """As in single runs: a focal length that is a guess is fitted too, unless `--keep-intrinsics` is given."""
    found = []
    for contestant, scene in zip(race.contestants, scenes, strict=True):
        if isinstance(scene, Scene) and not scene.focal_known and not keep:
            contestant = replace(contestant, settings=replace(contestant.settings, refine_intrinsics=True))
        found.append(contestant)
    return replace(race, contestants=tuple(found))


def _warnings(race: Race, arguments: TrainArguments, scene: AnyScene) -> list[str]:
    fields = {contestant.settings.field for contestant in race.contestants}
    if race.equal == "iterations" and len(fields) > 1 and arguments.max_iterations is None:
        names = " and ".join(sorted(fields))
        return [f"The schedules of {names} may have different lengths: each goes to its own end."]
    starts = {contestant.options.init for contestant in race.contestants}
    if isinstance(scene, PlanarScene) and starts != {"auto"}:
        return ["Patches of one image all start in its middle: init makes no difference."]
    return []


def _make_folder(arguments: TrainArguments) -> Path:
    """A folder for the files, which holds no race yet.

    Raises:
        UserError: it holds a race or a run and `--overwrite` is not given, or it cannot be made.
    """
    scene = arguments.scene.resolve()
    name = scene.stem if is_video(scene) or scene.is_file() else scene.name
    first = DEFAULT_PARENT / f"{name}-race"
    numbered = (first.with_name(f"{first.name}-{number}") for number in itertools.count(2))
    free = (folder for folder in itertools.chain([first], numbered) if not _holds(folder))
    folder = arguments.output if arguments.output is not None else next(free)
    if _holds(folder) and not arguments.overwrite:
        raise UserError(f"{folder} holds a race already; replace it with --overwrite, or give another --output.")
    if (folder / RESULT_FILE).exists():
        raise UserError(f"{folder} holds a run; give another --output for the race.")
    return new_folder(folder, name, "race", overwrite=False)


def _holds(folder: Path) -> bool:
    return any((folder / name).exists() for name in FILES)


def _title(race: Race, scene: str) -> str:
    rule = f"equal seconds ({race.max_seconds:g} each)" if race.equal == "seconds" else "equal iterations"
    return f"{scene}: {', '.join(contestant.name for contestant in race.contestants)}; {rule}"


def _table(rows: Sequence[RaceRow], title: str) -> Table:
    """A column for each contestant: there are few of them, and many figures."""
    table = Table(title=escape(title), title_justify="left")
    first, *others = select_columns(rows)
    table.add_column("")
    for row in rows:
        table.add_column(escape(first.words(row)), justify="right")
    for column in others:
        words = [row.state if column is ENDED else column.words(row) for row in rows]
        table.add_row(*map(escape, (column.heading, *words)))  # else a unit such as [px] is taken for markup
    return table
