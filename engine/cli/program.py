"""From the words of a command line to the exit code of the process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TypeVar

import tyro

from engine.errors import UserError

Words = TypeVar("Words")


def parsed(words: type[Words]) -> Words:
    """The command line; leaves with a message and code 2 where it makes no sense."""
    return tyro.cli(words, config=(tyro.conf.FlagCreatePairsOff,))


def leave(act: Callable[[], int], program: str) -> None:
    """Ends the process with what `act` returns; what a user can mend is one line on stderr and code 2."""
    try:
        code = act()
    except UserError as error:
        print(f"{program}: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # whoever read our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)
