"""Called by Dask in each worker process of this machine before it begins; it imports nothing that takes long."""

from __future__ import annotations

import signal


def dask_setup(worker: object) -> None:
    """Ctrl-C reaches all processes of a terminal; workers leave it to the command, which ends them in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
