"""The tunable numbers of the hash field."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HashOptions:
    """Sizes, rates and sampling of the hash field.

    Attributes:
        levels: lattices of features, each twice as fine as the one before. The finest follows the photos' size, so
            that each stage of a schedule, whose photos are twice as large, opens one more.
        features: numbers per entry of a table; fixed in the kernels, where a loop of known length is unrolled.
        table: entries of a level, at most; a level with more points shares them by their hash. A power of two.
        finest: cells of the finest level along the longer side of the photo, per pixel of it.
        planes: planes of disparity of the finest level of a projective volume. More let photos be explained by
            surfaces at wrong depths.
        coarsest_planes: at least so many planes has every level of a projective volume.
        reach: the lattices of a projective volume go on to this disparity, for worlds that grow.
        initial: features are drawn evenly from minus to plus this, as in instant-ngp: a level that opens changes
            nothing at first.
        width: units of the decoder's hidden layers.
        geometry: numbers that the first part of the decoder hands to the second; the first of them is raw density.
        raw_density: at the start; density is its exponential, per crossing of the volume.
        densest: raw density levels off there; e^10 per crossing makes a thousandth of the volume opaque.
        decoder_rate: learning rate of the decoder relative to that of the tables.
        beta1, beta2, epsilon: Adam's. The small epsilon lets entries learn that few rays see.
        proposal_side: points along the longest side of the lattice of density from which intervals are drawn.
        renew_every: steps after which a part of that lattice is measured anew.
        renewed_parts: so many parts, one after the other.
        newest: weight of the newest look at a cell in its mean opacity; places are drawn at random within cells, and
            a thin surface is not hit every time.
        first_looks: of which that mean consists when a stage begins.
        empty: samples in places whose cell and neighbours have less than this optical depth per cell are left out.
    """

    levels: int = 6
    features: int = 4
    table: int = 2**18
    finest: float = 1.25
    planes: int = 32
    coarsest_planes: int = 8
    reach: float = 2.0
    initial: float = 1e-4
    width: int = 64
    geometry: int = 16
    raw_density: float = -1.0
    densest: float = 10.0
    decoder_rate: float = 0.5
    beta1: float = 0.9
    beta2: float = 0.99
    epsilon: float = 1e-15
    proposal_side: int = 96
    renew_every: int = 16
    renewed_parts: int = 4
    newest: float = 0.3
    first_looks: int = 3
    empty: float = 1e-2


DEFAULT = HashOptions()
