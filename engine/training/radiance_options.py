"""The numbers of a run with cameras that do not belong to a stage of its schedule."""

from __future__ import annotations

from dataclasses import dataclass

from engine.registration.relocalisation.search import DEFAULTS as SEARCH_DEFAULTS
from engine.registration.relocalisation.search import SearchOptions


@dataclass(frozen=True)
class RadianceOptions:
    """When a run does what beside optimising.

    Attributes:
        outlier_period: iterations between two looks for outliers, from the second stage on.
        search_steps: steps of searches between two optimisation steps, while most frames are registered.
        search_from: fraction of the first stage before which no frame is searched for: training itself brings a
            perturbed frame back then, and the field shows too little to search in.
        search_from_iteration: the same in iterations, for first stages that are long; the earlier of the two counts.
        nearest_disparity: nearest things of a forward-facing scene shall lie at this 1/depth at most. The volume
            reaches to 1; where they come nearer, the world is scaled up.
        train_on: iterations that a run goes on for, at least, after an added frame has been registered.
        calibrate_from: fraction of the schedule before which focal length and exposures stand still: a field
            without surfaces cannot tell a focal length from a depth.
        match_steps: steps that one look at the matches stands for, with as many times its weight: drawing pairs and
            warping their rays takes a fifth of a step on the smallest photos, and a twenty-fifth so.
        match_period: iterations between two measurements of the matches while poses stand still, for people to see.
        check_period: iterations between two comparisons of the poses with those that have fitted the tracks best.
        hold: iterations for which poses stand still after some were taken back.
        search: how frames are searched for.
    """

    outlier_period: int = 150
    search_steps: int = 4
    search_from: float = 0.5
    search_from_iteration: int = 1000
    nearest_disparity: float = 0.85
    train_on: int = 300
    calibrate_from: float = 0.1
    match_steps: int = 5
    match_period: int = 25
    check_period: int = 100
    hold: int = 100
    search: SearchOptions = SEARCH_DEFAULTS
