"""`python -m engine.cli.export_in_background` is `l2g-export` at a lower priority, so that it does not slow training.

The window starts it as a process.
"""

from __future__ import annotations

import os

from engine.cli.main import export

NICENESS = 5  # of 19; added to that of the window

if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    export()
