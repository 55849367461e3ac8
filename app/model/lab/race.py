"""What the window knows of a race, and the choices for a new one. No Dear PyGui here."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.config.methods import METHODS, find_method
from engine.config.settings import Settings
from engine.errors import UserError
from engine.lab.race.definition import MOST, Contestant, Race, check_race, make_race
from engine.messages import Snapshot
from engine.run.history import mean_of
from engine.run.turns import Equal, Turns
from engine.scenes.options import InitialPoses, SceneOptions

NO_METHOD = "–"
"""In the place of a method: there is no contestant."""


@dataclass
class ContestantChoice:
    """The choices for one contestant; `NO_METHOD` as its method leaves it out."""

    method: str = NO_METHOD
    field: str = "grid"
    assist: bool = True
    lambda_exponent: float = 2.0
    init: InitialPoses = "auto"


@dataclass
class RaceChoice:
    """The choices for a new race: up to four contestants.

    Attributes:
        max_seconds: with equal seconds, of each: its schedule is fitted to them; 0 for the whole schedule.
    """

    contestants: list[ContestantChoice] = field(default_factory=lambda: [ContestantChoice() for _ in range(MOST)])
    equal: Equal = "iterations"
    max_seconds: int = 0


@dataclass
class RaceView:
    """The race in the window.

    Attributes:
        race: under way, or None.
        turns: of its runs.
        all: whether kicks, weights, pauses and undo reach all contestants; else only the one that is shown.
        choice: for the next one.
        beside: place of the contestant that the novel view shows beside the one that is shown, or None.
        apart: whether these two have a half of the novel view each; else one lies under the other's wipe.
        divider: fraction of the width, from the left, where that wipe ends.
    """

    race: Race | None = None
    turns: Turns | None = None
    all: bool = True
    choice: RaceChoice = field(default_factory=RaceChoice)
    beside: int | None = None
    apart: bool = False
    divider: float = 0.5

    def begin(self, race: Race) -> Turns:
        """A race begins; the turns of its runs, held until `Turns.open`. The first two are seen beside each other."""
        self.end()
        self.race, self.turns, self.beside = race, Turns(race.equal, held=True), 1
        return self.turns

    def end(self) -> None:
        """There is no race any more; a run that goes on waits for no other."""
        if self.turns is not None:
            self.turns.close()
        self.race = self.turns = self.beside = None


def make_first_choice(settings: Settings, options: SceneOptions) -> RaceChoice:
    """A race of the method that is shown against the first other one that fits poses, both as the shown run began."""
    other = next(name for name, method in METHODS.items() if name != settings.method and method.fits_poses)
    chosen = [
        ContestantChoice(method, settings.field, bool(settings.assist), settings.lambda_exponent, options.init)
        for method in (settings.method, other, NO_METHOD, NO_METHOD)
    ]
    return RaceChoice(chosen)


def write_contestant(choice: ContestantChoice, settings: Settings, options: SceneOptions) -> str:
    """A contestant as on the command line: its method, and how it differs from the settings and options."""
    warps = find_method(choice.method).warps_pixels
    parts = [
        f"{name}={value}"
        for name, value, usual in (
            ("field", choice.field, settings.field),
            ("assist", _switch(choice.assist), _switch(bool(settings.assist))),
            ("lambda", f"{choice.lambda_exponent:g}", f"{settings.lambda_exponent:g}" if warps else None),
            ("init", choice.init, options.init),
        )
        if value != usual and not (name == "lambda" and not warps)
    ]
    return choice.method + (":" + ",".join(parts) if parts else "")


def make_chosen_race(choice: RaceChoice, settings: Settings, options: SceneOptions, kind: str | None) -> Race:
    """The race that was chosen.

    Args:
        choice: of contestants.
        settings, options: those of the run that is shown, for what is not chosen.
        kind: of the scene.
    Raises:
        UserError: fewer than two contestants, or one that makes no sense in this scene.
    """
    chosen = [one for one in choice.contestants if one.method != NO_METHOD]
    if len(chosen) < 2:
        raise UserError("Choose two contestants or more.")
    words = [write_contestant(one, settings, options) for one in chosen]
    limit = float(choice.max_seconds) if choice.equal == "seconds" and choice.max_seconds > 0 else None
    race = make_race(words, settings, options, choice.equal, limit)
    check_race(race, kind)
    return race


def describe_contestant(contestant: Contestant, snapshot: Snapshot | None, total: float) -> tuple[str, ...]:
    """The words of a contestant's line: iterations, seconds, share of the time, errors, PSNR, what it does.

    Args:
        contestant: of a race.
        snapshot: of its run.
        total: seconds that all contestants have had.
    """
    if snapshot is None:
        return ("", "", "", "", "", "", "preparing")
    share = f"{100 * snapshot.seconds / total:.0f} %" if total > 0 else ""
    angle, shift = "", ""
    if snapshot.rotation_error_deg is not None:
        angle, shift = f"{mean_of(snapshot.rotation_error_deg):.3f}°", f"{mean_of(snapshot.translation_error):.4f}"
    elif snapshot.planar is not None:
        angle = f"{mean_of(snapshot.planar.corner_error_px):.2f} px"
    elif snapshot.reprojection_px is not None:
        angle = f"{mean_of(snapshot.reprojection_px):.2f} px"
    psnr = f"{snapshot.psnr:.2f}" if snapshot.psnr == snapshot.psnr else ""
    work = snapshot.doing.split(" at ")[0].split(":")[0]  # there is no room for how far it is
    doing = snapshot.status if snapshot.status != "running" else work or "trains"
    return (f"{snapshot.iteration:,}", f"{snapshot.seconds:.1f}", share, angle, shift, psnr, doing)


def _switch(on: bool) -> str:
    return "on" if on else "off"
