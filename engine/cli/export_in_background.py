"""`python -m engine.cli.export_in_background` is `l2g-export` as the window runs it: a training comes first."""

from __future__ import annotations

import os

from engine.cli.main import export

if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(5)
    export()
