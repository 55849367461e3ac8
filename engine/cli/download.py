"""`l2g-download`: public data sets, fetched and unpacked."""

from __future__ import annotations

import contextlib
from pathlib import Path

import platformdirs
from rich.console import Console

from engine.cli.arguments import DownloadArguments
from engine.cli.step_display import StepDisplay
from engine.datasets.catalogue import DATA_SETS, Archive, DataSet, find_data_sets
from engine.datasets.transfer import Progress, UnreachableError, fetch
from engine.datasets.unpacking import DamagedError, unpack
from engine.errors import UserError


def download(arguments: DownloadArguments) -> int:
    """Fetches and unpacks data sets, or lists them; returns the exit code.

    Raises:
        UserError: a wrong argument, an unreachable server or a damaged archive.
    """
    console = Console(highlight=False)
    if arguments.name is None:
        for terms in dict.fromkeys(one.terms for one in DATA_SETS.values()):
            names = ", ".join(one.name for one in DATA_SETS.values() if one.terms == terms)
            console.print(f"{names}: {terms}", soft_wrap=True)
        console.print(f"Source: {SOURCES}", soft_wrap=True)
        return 0
    wanted = find_data_sets(arguments.name)
    if arguments.output is not None and len(wanted) > 1:
        targets = [arguments.output / one.scene for one in wanted]
    else:
        targets = [arguments.output or cache_folder() / "scenes" / one.name for one in wanted]
    for one, target in zip(wanted, targets, strict=True):
        _fetch_and_unpack(one, target, arguments, console)
    return 0


SOURCES = ", ".join(sorted({one.source for one in DATA_SETS.values()}))


def cache_folder() -> Path:
    """The folder of downloaded archives and, by default, of scenes."""
    return Path(platformdirs.user_cache_dir("l2g-viewer", appauthor=False))


def _fetch_and_unpack(data_set: DataSet, target: Path, arguments: DownloadArguments, console: Console) -> None:
    console.print(f"{data_set.name}: {data_set.terms}", soft_wrap=True)
    console.print(f"Source: {data_set.source}", soft_wrap=True)
    if (target / data_set.marker).is_file() and not arguments.force:
        console.print(f"It is there already: {target}", soft_wrap=True)
        return
    if target.is_file() or (target.is_dir() and any(target.iterdir()) and not (target / data_set.marker).is_file()):
        raise UserError(f"{target} holds other things; give another --output.")
    with StepDisplay(console) as display:
        if arguments.archive is not None:
            _unpack(arguments.archive, data_set, target, display.show)
        else:
            _unpack_from_sources(data_set, target, arguments.mirror, display.show)
    console.print(f"Scene: {target}", soft_wrap=True)


def _unpack_from_sources(data_set: DataSet, target: Path, mirror: str | None, progress: Progress) -> None:
    """Unpacks the first archive that is downloaded already or can be fetched."""
    folder = cache_folder() / "archives"
    archives = sorted(data_set.archives, key=lambda archive: not (folder / archive.name).is_file())
    failures = []
    for archive in archives:
        path = folder / archive.name
        try:
            if not path.is_file():
                _fetch(archive, mirror, path, progress)
            _unpack(path, data_set, target, progress)
            return
        except UnreachableError as error:
            failures.append(str(error))
        except DamagedError:
            with contextlib.suppress(OSError):
                path.unlink()  # so that the next attempt fetches it again
            raise
    raise UserError(
        f"{' '.join(failures)} Check the network; or download {archives[-1].name} yourself from {data_set.source} and "
        "give it by --archive."
    )


def _fetch(archive: Archive, mirror: str | None, path: Path, progress: Progress) -> None:
    url = archive.url if mirror is None else f"{mirror.rstrip('/')}/{archive.name}"
    fetch(archive, url, path, lambda part, what: progress(0.9 * part, f"{archive.name}   {what}"))


def _unpack(path: Path, data_set: DataSet, target: Path, progress: Progress) -> None:
    if not path.is_file():
        raise UserError(f"There is no archive {path}; give the path of a zip file.")
    unpack(path, data_set.scene, data_set.marker, target, lambda part, what: progress(0.9 + 0.1 * part, what))
