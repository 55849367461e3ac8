"""What differs between voxel grids in the three kinds of space."""

from __future__ import annotations

from dataclasses import dataclass

from engine.fields.spaces import ProjectiveSpace, Space, UnboundedSpace


@dataclass(frozen=True)
class SpaceOptions:
    """A voxel grid in one kind of space.

    Attributes:
        initial: raw density at the start.
        rate: learning rate of the density relative to that of the colours.
        tint_spacing: distance between the points of the directional coefficients, in spacings of the voxels.
    """

    initial: float
    rate: float
    tint_spacing: int = 4


IN_PROJECTIVE_SPACE = SpaceOptions(initial=-2.0, rate=1.0)
"""A thin medium everywhere: surfaces form where photos agree. Finer coefficients gain nothing, and take memory."""
IN_BOX = SpaceOptions(initial=-12.0, rate=4.0)
"""Almost empty, because most of a box stays empty; the rate makes up for the small slope of softplus there."""
IN_UNBOUNDED_SPACE = SpaceOptions(initial=-6.0, rate=2.0)
"""Nearly empty, so that what few rays see stays quiet. The coefficients take memory that voxels need more."""


def choose_space_options(space: Space) -> SpaceOptions:
    """What holds in a kind of space."""
    if isinstance(space, ProjectiveSpace):
        return IN_PROJECTIVE_SPACE
    return IN_UNBOUNDED_SPACE if isinstance(space, UnboundedSpace) else IN_BOX
