"""The numbers that decide when the render thread draws, and how finely."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Seconds, unless said otherwise.

    Attributes:
        moving_picture: what one picture may take while the user moves its view; 18 pictures per second still look like
            a movement.
        moving_rest: pause after a picture of a moving view, as a share of the time that it took: otherwise a drag
            would keep one core busy that training and the window need.
        finer_below: share of `moving_picture` that a finer picture is predicted to take before it is tried: with less
            room the next measurement would make it coarser again.
        smoothing: weight in [0, 1] of the earlier estimate of drawing speed when a new measurement arrives.
        share: of the time that may go into pictures that no one waits for, in (0, 1].
        most_credit: drawing time that can be saved up for such pictures.
        most_debt: drawing time that can be owed for them, so that the next one is not delayed for long after much was
            drawn at once.
        request: how long a request is valid; panels repeat theirs in every frame of the window.
        volume_period: at least this long between two pictures that differ only in the volume.
        quick_shift_px: pixels by which the content must move before a quick picture is drawn ahead of a complete one.
        quick_gain: how many times longer a complete picture must take for a quick one to be drawn ahead of it.
        band: what one band of a picture should take: a moving view waits no longer than this for another view.
        unused_view: after this long without a request a view gives its memory back.
        poll: between two looks for work that has become due.
        poll_moving: the same while a moving view pauses.
    """

    moving_picture: float = 1 / 18
    moving_rest: float = 0.5
    finer_below: float = 0.7
    smoothing: float = 0.6
    share: float = 0.15
    most_credit: float = 0.5
    most_debt: float = 1.0
    request: float = 1.0
    volume_period: float = 1 / 3
    quick_shift_px: float = 8.0
    quick_gain: float = 2.5
    band: float = 0.03
    unused_view: float = 30.0
    poll: float = 0.05
    poll_moving: float = 0.004


TIMING = Timing()
