"""Gauges of turned parts: the circles about an upright axis that the corners of the solid lie on."""

from itertools import product

import numpy as np

from cadmonkey.cad.facets import Floats, lengths
from cadmonkey.cad.gauges import distinct
from cadmonkey.cad.measure import Measured

SAMPLE = 400
"""Corners that are looked at to find the axis."""
GRAIN_MM = 0.01
"""Corners this near to one circle are on it."""


def diameters(part: Measured) -> list[float]:
    """Of all circles of corners about the axis."""
    return [2 * radius for radius in distinct(_radii(part))]


def steps(part: Measured) -> list[float]:
    """Between any two of these circles, along the radius."""
    radii = np.array(distinct(_radii(part)))
    return distinct((radii[:, None] - radii)[np.triu_indices(len(radii), 1)[::-1]])


def rims(part: Measured) -> list[float]:
    """From the widest circle inwards to each of the others."""
    radii = distinct(_radii(part))
    return [radii[-1] - radius for radius in radii[:-1]]


def eyes(part: Measured) -> list[float]:
    """The narrowest circle: the inside of a ring."""
    return [2 * float(_radii(part).min())]


def centrelines(part: Measured) -> list[float]:
    """The circle midway between the narrowest and the widest."""
    radii = _radii(part)
    return [float(radii.min() + radii.max())]


def _radii(part: Measured) -> Floats:
    """The distance of every corner from the axis: of those through the middle, the sides and the corners of the box
    seen from above, the one that has the corners on the fewest circles. Half a turned part has it on a side.
    """
    points = part.corners[:, :2]
    sample = points[:: max(1, len(points) // SAMPLE)]
    low, middle, high = np.array([part.low, part.centre, part.high])[:, :2]
    others = [axis for axis in product(*zip(low, middle, high, strict=True)) if axis != tuple(middle)]
    axes = np.array([middle, *others])
    circles = np.sort(np.round(lengths(sample - axes[:, None]) / GRAIN_MM), axis=1)
    different = (np.diff(circles, axis=1) > 0).sum(axis=1)
    return lengths(points - axes[different.argmin()])
