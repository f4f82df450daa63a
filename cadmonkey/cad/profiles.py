"""Gauges of outlines: polygons, gears, fins and rolled profiles, measured on slices and along lines."""

from itertools import pairwise

import numpy as np

from cadmonkey.cad.facets import Floats
from cadmonkey.cad.measure import SAME_PLACE_MM, Measured
from cadmonkey.cad.surfaces import Plane

MIDDLE = 0.4987
"""Slices and lines pass a little beside the middle, where faces may lie."""
NEAR_RIM = 0.97
"""Walls are measured at this share of a part's height or length, away from floors and holes."""
MOST_SIDES = 12
"""A regular profile with more corners is taken for a circle."""
CHORD = 1.001
"""Corners of one circle differ by no more than this factor, where flats cut off a little."""


def outline(part: Measured) -> Floats:
    """The corners of the outer profile at mid height around their middle, (n, 2); those on a straight side left out."""
    loops = _slice(part)
    if not loops:
        return np.zeros((0, 2))
    points = max(loops, key=lambda loop: abs(_turns_left(loop)))
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    bend = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0])
    points = points[bend > 1e-6 * np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)]
    return np.asarray(points - _centroid(points))


def sides(part: Measured) -> list[float]:
    """The number of sides of a regular outer profile."""
    points = outline(part)
    if not 3 <= len(points) <= MOST_SIDES:
        return []
    lengths = np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1)
    return [len(points)] if np.ptp(lengths) < SAME_PLACE_MM and np.ptp(_radii(points)) < SAME_PLACE_MM else []


def side_lengths(part: Measured) -> list[float]:
    """How long each side of a regular outer profile is."""
    points = outline(part) if sides(part) else np.zeros((0, 2))
    return [float(length) for length in np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1)]


def across_flats(part: Measured) -> list[float]:
    """Twice the distance of a regular profile's sides from its middle, where each has one opposite."""
    if not (found := sides(part)) or found[0] % 2:
        return []
    points = outline(part)
    return [2 * float(np.linalg.norm(middle)) for middle in (points + np.roll(points, 1, axis=0)) / 2]


def across_corners(part: Measured) -> list[float]:
    """Twice the distance of the furthest corner from the middle; also the tips of a gear."""
    return [2 * float(_radii(outline(part)).max(initial=0.0))]


def root_diameters(part: Measured) -> list[float]:
    """Twice the distance of the nearest corners from the middle, the furthest of those on one circle."""
    radii = _radii(outline(part))
    return [2 * float(radii[radii <= CHORD * radii.min()].max())] if len(radii) else []


def teeth(part: Measured) -> list[float]:
    """How often the outer profile rises from its feet to its tips on the way round."""
    radii = _radii(outline(part))
    if not len(radii) or np.ptp(radii) < SAME_PLACE_MM:
        return []
    high = radii > (radii.max() + radii.min()) / 2
    return [int(np.count_nonzero(high & ~np.roll(high, 1)))]


def modules(part: Measured) -> list[float]:
    """The module of a gear: the diameter at the tips over the number of teeth and two."""
    return [tip / (count + 2) for tip in across_corners(part) for count in teeth(part)]


def tooth_depths(part: Measured) -> list[float]:
    """From the tips of the teeth to their feet, along the radius."""
    return [(tip - foot) / 2 for tip in across_corners(part) for foot in root_diameters(part)]


def spokes(part: Measured) -> list[float]:
    """The openings at mid height that the middle of the part does not lie in: as many as spokes between them."""
    openings = [loop for loop in _slice(part) if _turns_left(loop) < 0]
    return [sum(not _encloses(loop, part.centre[:2]) for loop in openings)]


def fins(part: Measured) -> list[tuple[float, float]]:
    """The pieces of material on a line near the top, along x or y, where there are more."""
    return _most_pieces(part, NEAR_RIM)


def slats(part: Measured) -> list[tuple[float, float]]:
    """The pieces of material between openings on a line through the middle, without the frame at both ends."""
    return _most_pieces(part, MIDDLE)[1:-1]


def tines(part: Measured) -> list[tuple[float, float]]:
    """The pieces of material on a line along x near the back."""
    return part.material_along(0, _point(part, {1: NEAR_RIM}))


def notches(part: Measured) -> list[tuple[float, float]]:
    """The gaps between the pieces of material on a line along x near the top."""
    pieces = part.material_along(0, _point(part, {2: NEAR_RIM}))
    return [(before[1], after[0]) for before, after in pairwise(pieces)]


def box_walls(part: Measured) -> list[float]:
    """The walls of a hollow box that lines through its middle along x, y and z pass, a floor and a lid included."""
    found: list[float] = []
    for axis in range(3):
        pieces = part.material_along(axis, part.centre)
        found += [t for t in thicknesses(pieces[:1] + pieces[1:][-1:]) if t < part.size[axis] - SAME_PLACE_MM]
    return found


def thicknesses(pieces: list[tuple[float, float]]) -> list[float]:
    """How thick each piece of material on a line is."""
    return [leave - enter for enter, leave in pieces]


def pitches(pieces: list[tuple[float, float]]) -> list[float]:
    """From the middle of each piece to the next."""
    return [(sum(after) - sum(before)) / 2 for before, after in pairwise(pieces)]


def webs(part: Measured) -> list[float]:
    """The thickness of the web of an I, T, C or U profile."""
    return [thickness for _, _, thickness in _webs(part)]


def flanges(part: Measured) -> list[float]:
    """The thickness of its flanges near their ends, those lines left out that run along the web."""
    found: list[float] = []
    for across, along, _ in _webs(part):
        for share in (1 - NEAR_RIM, NEAR_RIM):
            pieces = part.material_along(along, _point(part, {across: share}))
            found += [t for t in thicknesses(pieces) if t < part.size[along] - SAME_PLACE_MM]
    return found


def slopes(part: Measured) -> list[float]:
    """The angle of every slanted plane against the horizontal, in degrees."""
    upright = [abs(float(plane.normal[2])) for plane in part.surfaces.planes]
    return [float(np.degrees(np.arccos(z))) for z in upright if 1e-3 < z < 1 - 1e-6]


def chamfers(part: Measured) -> list[float]:
    """Both legs of each bevel between two of the three directions, and of each bevel around an outside."""
    found: list[float] = []
    for plane in part.surfaces.planes:
        slanted = np.flatnonzero(np.abs(plane.normal) > 1e-3)
        if len(slanted) == 2:
            found += [float(leg) for leg in _extents(part, plane)[slanted]]
    for cone in part.surfaces.cones:
        if cone.whole and not cone.hollow:
            found += [abs(cone.diameters[0] - cone.diameters[1]) / 2, cone.end - cone.start]
    return found


def _webs(part: Measured) -> list[tuple[int, int, float]]:
    """The axis across the web, the axis along it, and its thickness: (0, 1, 4.0)."""
    for axis in range(3):
        if not _is_prism(part, axis):
            continue
        one, other = (a for a in range(3) if a != axis)
        for across, along in ((one, other), (other, one)):
            pieces = part.material_along(across, _point(part, {}))
            if len(pieces) == 1 and thicknesses(pieces)[0] < part.size[across] - SAME_PLACE_MM:
                return [(across, along, thicknesses(pieces)[0])]
    return []


def _is_prism(part: Measured, axis: int) -> bool:
    """Whether the part is its end face moved along an axis."""
    ends = [plane.area for plane in part.surfaces.planes if abs(plane.normal[axis]) > 1 - 1e-9]
    volume = float(part.part.volume())
    return len(ends) == 2 and all(abs(area * part.size[axis] - volume) < 1e-3 * volume for area in ends)


def _most_pieces(part: Measured, height: float) -> list[tuple[float, float]]:
    point = _point(part, {2: height})
    return max((part.material_along(axis, point) for axis in (0, 1)), key=len)


def _point(part: Measured, shares: dict[int, float]) -> Floats:
    """The point at these shares of the box along some axes, and near its middle along the others."""
    return np.asarray(part.low + part.size * np.array([shares.get(axis, MIDDLE) for axis in range(3)]))


def _extents(part: Measured, plane: Plane) -> Floats:
    return np.asarray(np.ptp(part.surfaces.facets.corners_of(np.array([plane.face])), axis=0))


def _radii(points: Floats) -> Floats:
    return np.asarray(np.linalg.norm(points, axis=1))


def _slice(part: Measured) -> list[Floats]:
    """The outlines at mid height, those of openings clockwise."""
    loops = part.part.slice(float(part.low[2] + MIDDLE * part.size[2])).to_polygons()
    return [np.asarray(loop, np.float64) for loop in loops]


def _turns_left(points: Floats) -> float:
    """The area of a polygon, negative where it goes round clockwise."""
    x, y = points.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def _encloses(points: Floats, middle: Floats) -> bool:
    """Whether a ray from a point to the right crosses a polygon an odd number of times."""
    (x, y), (next_x, next_y) = (points - middle).T, (np.roll(points, -1, axis=0) - middle).T
    crosses = (y > 0) != (next_y > 0)
    at = x - y * (next_x - x) / np.where(crosses, next_y - y, 1)
    return bool(np.count_nonzero(crosses & (at > 0)) % 2)


def _centroid(points: Floats) -> Floats:
    """The centre of area of a polygon."""
    following = np.roll(points, -1, axis=0)
    cross = points[:, 0] * following[:, 1] - points[:, 1] * following[:, 0]
    return np.asarray(((points + following) * cross[:, None]).sum(axis=0) / (3 * cross.sum()))
