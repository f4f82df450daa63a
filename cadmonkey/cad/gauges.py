"""Gauges: what each measures on a solid, as all the values that it has, in mm (or the count, or degrees)."""

from collections.abc import Callable
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from cadmonkey.cad.bores import coaxial
from cadmonkey.cad.facets import Floats, off_line
from cadmonkey.cad.measure import SAME_PLACE_MM, Measured
from cadmonkey.cad.profiles import NEAR_RIM
from cadmonkey.cad.recesses import Recess
from cadmonkey.cad.surfaces import Cylinder

Gauge = Callable[[Measured], list[float]]
PARALLEL = 0.999
"""Directions whose product is above this are one."""


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


SIDES = {"left": (0, False), "right": (0, True), "front": (1, False), "back": (1, True)}
SIDES |= {"bottom": (2, False), "top": (2, True)}
"""The sides of a part's box: the axis across each, and whether it is the one with the higher coordinate."""


def hole_from(side: str) -> Gauge:
    """From a side of the box to the axes of the holes and bosses that run along it."""
    axis, high = SIDES[side]

    def measured(part: Measured) -> list[float]:
        round_ones = [c for c in (*part.holes, *part.bosses) if abs(c.axis[axis]) < SAME_PLACE_MM]
        return [from_side(part, axis, high, float(c.at((c.start + c.end) / 2)[axis])) for c in round_ones]

    return measured


def face_from(side: str) -> Gauge:
    """From a side of the box to the flat faces parallel to it."""
    axis, high = SIDES[side]

    def measured(part: Measured) -> list[float]:
        planes = [plane for plane in part.surfaces.planes if abs(plane.normal[axis]) > 1 - 1e-6]
        return [from_side(part, axis, high, plane.offset / float(plane.normal[axis])) for plane in planes]

    return measured


def gap(axis: int) -> Gauge:
    """Between any two flat faces across an axis."""

    def measured(part: Measured) -> list[float]:
        faces = [plane for plane in part.surfaces.planes if abs(plane.normal[axis]) > 1 - 1e-6]
        places = np.unique(np.round([plane.offset * float(plane.normal[axis]) for plane in faces], 4))
        return [float(high - low) for low, high in combinations(places, 2)]

    return measured


def from_side(part: Measured, axis: int, high: bool, place: float) -> float:
    """How far a coordinate is from the lower or the higher side of the box."""
    return float(part.high[axis] - place if high else place - part.low[axis])


def distinct(values: Floats) -> list[float]:
    """The different values, to a ten-thousandth of a millimetre, that are above 0."""
    found = np.unique(np.round(values, 4))
    return [float(value) for value in found[found > 0]]


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
    return [2 * float(off_line(part.centre, hole.point, hole.axis)) for hole in off_centre(part)]


def outer(part: Measured) -> list[float]:
    """The diameter of the widest round outside."""
    return [max(boss.diameter for boss in part.bosses)] if part.bosses else []


def steps(part: Measured) -> list[Cylinder]:
    """The upright round outsides from below."""
    return sorted((b for b in part.bosses if abs(b.axis[2]) > PARALLEL), key=lambda boss: boss.start)


def cone_ends(end: int, hollow: bool) -> Gauge:
    """Diameters of upright cones, inside or outside, at their lower (0) or upper end (1)."""
    return lambda part: [
        cone.diameters[end] for cone in part.surfaces.cones if cone.hollow == hollow and abs(cone.axis[2]) > PARALLEL
    ]


def spheres(hollow: bool) -> Gauge:
    """Diameters of spheres, inside or outside."""
    return lambda part: [sphere.diameter for sphere in part.surfaces.spheres if sphere.hollow == hollow]


def balls_from_bottom(part: Measured) -> list[float]:
    """From the bottom of the part to the lowest point of each ball that the outside of a surface belongs to."""
    balls = [sphere for sphere in part.surfaces.spheres if not sphere.hollow]
    return [float(ball.centre[2]) - ball.diameter / 2 - float(part.low[2]) for ball in balls]


def walls(part: Measured) -> list[float]:
    """Half the difference of coaxial outsides and bores or concentric spheres, or a box's four walls near its rim."""
    rings = [(boss.diameter - hole.diameter) / 2 for boss in part.bosses for hole in part.holes if coaxial(boss, hole)]
    balls = part.surfaces.spheres
    rings += [
        (outer.diameter - inner.diameter) / 2
        for outer in balls
        for inner in balls
        if inner.hollow and not outer.hollow and np.linalg.norm(outer.centre - inner.centre) < SAME_PLACE_MM
    ]
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


def rounded_edges(upright: bool) -> Gauge:
    """Radii of outsides that go round in part, along z or not."""
    return lambda part: [
        piece.diameter / 2
        for piece in part.surfaces.cylinders
        if not piece.hollow and not piece.whole and (abs(piece.axis[2]) > PARALLEL) == upright
    ]


def standing(part: Measured) -> list[Recess]:
    """Round bosses that stand on a face."""
    return [recess for recess in part.recesses if recess.raised and recess.outline.shape == "circle"]


def slots(part: Measured) -> list[Recess]:
    """Slots, through or blind."""
    return [recess for recess in part.recesses if not recess.raised and recess.outline.shape == "slot"]


def rectangles(through: bool) -> Callable[[Measured], list[Recess]]:
    """Windows, or pockets."""
    return lambda part: [
        recess
        for recess in part.recesses
        if not recess.raised and recess.through == through and recess.outline.shape == "rectangle"
    ]


def plan(recess: Recess) -> tuple[float, float]:
    """Length and width of a rectangle: along the first and second of the axes in its plane."""
    axes = [axis for axis in range(3) if axis != int(np.argmax(np.abs(recess.normal)))]
    one, other = recess.outline.sides_mm
    turned = abs(recess.outline.directions[0][axes[0]]) < abs(recess.outline.directions[1][axes[0]])
    return (other, one) if turned else (one, other)


def sockets(part: Measured) -> list[float]:
    """Across the flats of regular holes with an even number of sides."""
    outlines = [recess.outline for recess in part.recesses if recess.outline.shape == "polygon" and not recess.raised]
    # Along an edge, a polygon with 4 k + 2 sides reaches from corner to corner; across it, from flat to flat.
    return [outline.sides_mm[1] for outline in outlines if outline.corners % 2 == 0]


def grooves(part: Measured) -> list[tuple[float, float]]:
    """Width and depth of each gap between two rims of one upright outside."""
    rims = steps(part)
    widest = max((rim.diameter for rim in rims), default=0.0)
    rims = [rim for rim in rims if rim.diameter > widest - SAME_PLACE_MM]
    found = []
    for below, above in pairwise(rims):
        if coaxial(below, above) and above.start - below.end > SAME_PLACE_MM:
            found.append((above.start - below.end, widest / 2 - _bottom(part, below, above)))
    return found


def _bottom(part: Measured, below: Cylinder, above: Cylinder) -> float:
    """The least distance from the axis of corners between two rims."""
    points = part.surfaces.facets.points
    along = points @ below.axis
    between = points[(along > below.end - SAME_PLACE_MM) & (along < above.start + SAME_PLACE_MM)]
    return float(off_line(between, below.point, below.axis).min())
