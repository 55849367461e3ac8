"""The main function of a process of `engine.sfm.quick.workers`."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from typing import Any, BinaryIO

from engine.errors import UserError
from engine.sfm.background_call import silence_pycolmap
from engine.sfm.quick.workers import NICENESS


def serve() -> None:
    """Performs tasks from standard input until it is closed, and writes what they yield to standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the program handles Ctrl-C and ends this process
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries that print must not disturb the answers
    silence_pycolmap()
    while True:
        try:
            function, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            for item in function(*arguments):
                _answer(answers, "item", item)
            _answer(answers, "done", None)
        except BrokenPipeError:  # the program has ended
            return
        except Exception as error:
            kept = error if isinstance(error, UserError) else RuntimeError(f"{type(error).__name__}: {error}")
            _answer(answers, "error", kept)


def _answer(answers: BinaryIO, kind: str, item: Any) -> None:
    pickle.dump((kind, item), answers, protocol=pickle.HIGHEST_PROTOCOL)
    answers.flush()
