"""Gauges of corners, straight edges and pairs of flat faces: what any part with flat sides has."""

import numpy as np

from cadmonkey.cad.facets import Floats
from cadmonkey.cad.gauges import SIDES, Gauge, distinct
from cadmonkey.cad.measure import Measured

MOST_PLANES = 400
"""Pairs of faces are looked for among so many at the most."""


def corner_from(side: str) -> Gauge:
    """From a side of the box to the corners of the solid."""
    axis, high = SIDES[side]

    def measured(part: Measured) -> list[float]:
        places = part.corners[:, axis]
        return distinct(part.high[axis] - places if high else places - part.low[axis])

    return measured


def edge(axis: int) -> Gauge:
    """How far straight edges reach along an axis."""

    def measured(part: Measured) -> list[float]:
        facets = part.surfaces.facets
        ends = facets.points[facets.border_ends][:, :, axis]
        return distinct(np.abs(ends[:, 1] - ends[:, 0]))

    return measured


def bars(part: Measured) -> list[float]:
    """Between any two flat faces that look away from each other, with material between."""
    return distinct(_between(part))


def openings(part: Measured) -> list[float]:
    """Between any two flat faces that look at each other."""
    return distinct(-_between(part))


def _between(part: Measured) -> Floats:
    """From each flat face to each that looks the other way; negative where they look at each other."""
    planes = part.surfaces.planes
    if not 1 < len(planes) <= MOST_PLANES:
        return np.zeros(0)
    normals = np.array([plane.normal for plane in planes])
    offsets = np.array([plane.offset for plane in planes])
    opposite = np.triu(normals @ normals.T < -1 + 1e-9)
    return np.asarray((offsets[:, None] + offsets)[opposite])
