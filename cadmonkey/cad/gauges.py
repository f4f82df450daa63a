"""Gauges: what each measures on a solid, as all the values that it has, in mm (or the count, or degrees)."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from cadmonkey.cad.measure import SAME_PLACE_MM, Measured, coaxial
from cadmonkey.cad.surfaces import Cylinder

Gauge = Callable[[Measured], list[float]]
NEAR_RIM = 0.97
"""Walls are measured at this share of a part's height or length, away from floors and holes."""


def extent(axis: int) -> Gauge:
    """The side of the box along an axis."""
    return lambda part: [float(part.size[axis])]


def sides(part: Measured) -> list[float]:
    """The three sides of the box."""
    return [float(side) for side in part.size]


def central(part: Measured) -> list[float]:
    """Diameters of the holes through the middle of the part."""
    return [hole.diameter for hole in part.holes if part.is_central(hole)]


def off_centre(part: Measured) -> list[Cylinder]:
    """One hole of every axis that misses the middle of the part."""
    return [hole for hole in part.hole_axes if not part.is_central(hole)]


def _across(part: Measured, hole: Cylinder) -> list[int]:
    """The two axes of the box that lie across a hole."""
    return [axis for axis in range(3) if axis != int(np.argmax(np.abs(hole.axis)))]


def insets(part: Measured) -> list[float]:
    """From the axis of every hole off the centre to the nearest side, in both directions."""
    found: list[float] = []
    for hole in off_centre(part):
        middle = hole.at((hole.start + hole.end) / 2)
        found += [float(min(middle[a] - part.low[a], part.high[a] - middle[a])) for a in _across(part, hole)]
    return found


def places(holes: list[Cylinder], axis: int) -> list[float]:
    """The distinct coordinates of holes' axes."""
    found: list[float] = []
    for place in sorted(float(hole.at((hole.start + hole.end) / 2)[axis]) for hole in holes):
        if not found or place - found[-1] > SAME_PLACE_MM:
            found.append(place)
    return found


def gaps(holes: list[Cylinder], axis: int) -> list[float]:
    """From each place of holes to the next."""
    return [after - before for before, after in pairwise(places(holes, axis))]


def bolt_circles(part: Measured) -> list[float]:
    """Twice the distance of every hole off the centre from the middle."""
    return [2 * float(np.linalg.norm(np.cross(part.centre - hole.point, hole.axis))) for hole in off_centre(part)]


def outer(part: Measured) -> list[float]:
    """The diameter of the widest round outside."""
    return [max(boss.diameter for boss in part.bosses)] if part.bosses else []


def steps(part: Measured) -> list[Cylinder]:
    """The upright round outsides from below."""
    return sorted((b for b in part.bosses if abs(b.axis[2]) > 0.999), key=lambda boss: boss.start)


def cone_ends(end: int) -> Gauge:
    """Diameters of upright cones at their lower (0) or upper end (1)."""
    return lambda part: [cone.diameters[end] for cone in part.surfaces.cones if abs(cone.axis[2]) > 0.999]


def walls(part: Measured) -> list[float]:
    """Half the difference of coaxial outsides and bores, or the four walls of a box near its rim."""
    rings = [(boss.diameter - hole.diameter) / 2 for boss in part.bosses for hole in part.holes if coaxial(boss, hole)]
    return rings or [wall for axis in (0, 1) for wall in _two_walls(part, axis)]


def _near_rim(part: Measured) -> Any:
    """A point in the middle of the part, near its upper rim."""
    point = part.centre
    point[2] = part.low[2] + NEAR_RIM * part.size[2]
    return point


def _two_walls(part: Measured, axis: int) -> list[float]:
    material = part.material_along(axis, _near_rim(part))
    return [material[0][1] - material[0][0], material[-1][1] - material[-1][0]] if len(material) > 1 else []


def room(axis: int) -> Gauge:
    """The clear width between two walls of a box near its rim."""

    def measured(part: Measured) -> list[float]:
        material = part.material_along(axis, _near_rim(part))
        return [material[-1][0] - material[0][1]] if len(material) > 1 else []

    return measured


def floors(part: Measured) -> list[float]:
    """The thickness of the lowest material in the middle."""
    return [leave - enter for enter, leave in part.material_along(2, part.centre)[:1]]


def depths(part: Measured) -> list[float]:
    """From there to the top of the part."""
    return [float(part.high[2] - leave) for _, leave in part.material_along(2, part.centre)[:1]]


def legs(part: Measured) -> list[float]:
    """The thickness of an L's legs along x and z, measured near the end of each."""
    found: list[float] = []
    for across, along in ((0, 2), (2, 0)):
        point = part.low + part.size * np.array([0.5, 0.1, 0.5])
        point[along] = part.low[along] + NEAR_RIM * part.size[along]
        found.append(sum(leave - enter for enter, leave in part.material_along(across, point)))
    return found
