"""The methods: where rays come from and how the band limit opens. A new method is a row of `METHODS`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.errors import UserError

RegistrationName = Literal["local-to-global", "direct", "fixed"]
Bands = Literal["coarse-to-fine", "all", "none"]
Rows = Literal["coarse-to-fine", "finest"]


@dataclass(frozen=True)
class Method:
    """What one value of `--method` means.

    Attributes:
        label: short name for the window.
        sentence: what it does, in the window's tool tips.
        registration: key of `engine.registration.REGISTRATIONS`: what is fitted, and where rays come from.
        bands: frequencies of a positional encoding that are open: one after the other as the run proceeds, all of
            them from the first step on, or none ever. A field on a lattice has no encoding.
        rows: the band limit of photos and lattices: that of each row of the schedule, or that of the finest row from
            the first step on.
    """

    label: str
    sentence: str
    registration: RegistrationName
    bands: Bands = "coarse-to-fine"
    rows: Rows = "coarse-to-fine"

    @property
    def fits_poses(self) -> bool:
        """Whether poses (transforms of patches) are fitted at all."""
        return self.registration != "fixed"

    @property
    def warps_pixels(self) -> bool:
        """Whether every pixel has a warp of its own, so that lambda, the weight of the alignment term, matters."""
        return self.registration == "local-to-global"

    @property
    def needs_encoding(self) -> bool:
        """Whether it makes sense only with a field that has a positional encoding to leave out."""
        return self.bands == "none"


METHODS: dict[str, Method] = {
    "l2g": Method(
        label="L2G",
        sentence="L2G: a rigid warp per pixel, one pose per frame (transform per patch) fitted to them, tied together "
        "by λ",
        registration="local-to-global",
    ),
    "barf": Method(
        label="BARF",
        sentence="BARF: one pose per frame (transform per patch), optimised directly, coarse to fine",
        registration="direct",
    ),
    "naive": Method(
        label="Naive",
        sentence="Naive: one pose per frame (transform per patch), all detail from the start",
        registration="direct",
        bands="all",
        rows="finest",
    ),
    "no-encoding": Method(
        label="No encoding",
        sentence="A network without positional encoding (field mlp only)",
        registration="direct",
        bands="none",
    ),
    "reference": Method(
        label="Reference poses",
        sentence="Poses stay where the data set or COLMAP says (patches: where they were cut)",
        registration="fixed",
        bands="all",
    ),
}


def find_method(name: str) -> Method:
    """The row of `METHODS`.

    Raises:
        UserError: there is none of that name; the message lists those that there are.
    """
    if name not in METHODS:
        raise UserError(f"There is no method {name}; choose one of {', '.join(METHODS)}.")
    return METHODS[name]
