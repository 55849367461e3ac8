"""Parsing of a command line, and the exit code of the process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TypeVar

import tyro

from engine.errors import UserError

Arguments = TypeVar("Arguments")


def parse_arguments(arguments: type[Arguments]) -> Arguments:
    """Parses the command line; a wrong one ends the process with a message and exit code 2."""
    return tyro.cli(arguments, config=(tyro.conf.FlagCreatePairsOff,))


def exit_with(act: Callable[[], int], program: str) -> None:
    """Ends the process with the exit code that `act` returns.

    A `UserError` is printed on stderr and gives code 2, Ctrl-C gives 130.
    """
    try:
        code = act()
    except UserError as error:
        print(f"{program}: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
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
        code = 2
    except BrokenPipeError:  # the program that reads the output has ended, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)
