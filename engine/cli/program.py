"""Parsing of a command line, and the exit code of the process. Importing this takes no time."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TypeVar

from engine.errors import UserError
from engine.system.interruption import end_at_once, noting_interrupts

Arguments = TypeVar("Arguments")


def parse_arguments(arguments: type[Arguments]) -> Arguments:
    """Parses the command line; a wrong one ends the process with a message and exit code 2."""
    import tyro

    return tyro.cli(arguments, config=(tyro.conf.FlagCreatePairsOff,))


def run_command(prepare: Callable[[], Callable[[], int]], program: str) -> None:
    """Runs a command, and ends the process with its exit code.

    Args:
        prepare: parses the command line and imports what the command needs, which takes seconds and writes nothing:
            Ctrl-C ends it at once. Returns the command's work, which returns the exit code.
        program: name of the command.
    """

    def act() -> int:
        with end_at_once():
            work = prepare()
        return work()

    exit_with(act, program)


def exit_with(act: Callable[[], int], program: str) -> None:
    """Ends the process with the exit code that `act` returns.

    A `UserError` is printed on stderr and gives code 2, as a package that cannot be imported does; Ctrl-C gives 130.
    """
    with noting_interrupts() as interrupts:
        try:
            code = _find_code(act, program)
        except Exception as error:
            if interrupts:
                code = 130  # an import or a library has made another error of the interrupt
            elif isinstance(error, ImportError) and (error.name or "").partition(".")[0] not in ("engine", "app"):
                # It is missing, or does not go with another: Numba refuses a numpy that is newer than itself.
                print(
                    f"{program}: A package that it needs cannot be used ({error}): pip install --upgrade l2g-viewer",
                    file=sys.stderr,
                )
                code = 2
            else:
                raise
    sys.exit(code)


def _find_code(act: Callable[[], int], program: str) -> int:
    try:
        return act()
    except UserError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except RuntimeError as error:
        if "torch" not in sys.modules:  # whose memory it could be
            raise
        from engine.system.devices import is_out_of_memory

        if not is_out_of_memory(error):
            raise
        what = str(error).splitlines()[0]
        print(
            f"{program}: The GPU's memory is full ({what}): close other programs that use it, or take the CPU "
            "(--device cpu).",
            file=sys.stderr,
        )
        return 2
    except BrokenPipeError:  # the program that reads the output has ended, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
