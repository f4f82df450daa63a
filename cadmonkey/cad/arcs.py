"""Gauges of round surfaces that go round wholly or in part: clips, saddles, knuckles, shafts with a flat."""

from itertools import combinations

import numpy as np

from cadmonkey.cad.bores import coaxial
from cadmonkey.cad.facets import Floats, lengths, off_line
from cadmonkey.cad.gauges import PARALLEL, SIDES, Gauge, from_side
from cadmonkey.cad.measure import SAME_PLACE_MM, Measured
from cadmonkey.cad.surfaces import Cylinder, Mask

DEEPEST_ROUND = 0.99
"""Share of the radius at which the faces of a round lie at least: those of 24 sides at 0.9914."""
ON_THE_ROUND = 0.001


def diameters(hollow: bool) -> Gauge:
    """Diameters of round surfaces, inside or outside."""
    return lambda part: [arc.diameter for arc in part.surfaces.cylinders if arc.hollow == hollow]


def axis_from(side: str) -> Gauge:
    """From a side of the box to the axes of the round surfaces that run along it."""
    axis, high = SIDES[side]
    return lambda part: [
        from_side(part, axis, high, float(arc.point[axis]))
        for arc in part.surfaces.cylinders
        if abs(arc.axis[axis]) < SAME_PLACE_MM
    ]


def axes_to_faces(axis: int) -> Gauge:
    """Between the axes of round surfaces and the flat faces across an axis of the box."""

    def measured(part: Measured) -> list[float]:
        faces = [plane for plane in part.surfaces.planes if abs(plane.normal[axis]) > 1 - 1e-6]
        arcs = [arc for arc in part.surfaces.cylinders if abs(arc.axis[axis]) < SAME_PLACE_MM]
        places = {float(arc.point[axis]) for arc in arcs}
        return [abs(face.offset * float(face.normal[axis]) - place) for face in faces for place in places]

    return measured


def axis_spacings(part: Measured) -> list[float]:
    """Between the axes of any two parallel round surfaces that are not on one axis."""
    arcs = part.surfaces.cylinders
    pairs = [(one, other) for one, other in combinations(arcs, 2) if abs(one.axis @ other.axis) > PARALLEL]
    apart = [float(lengths(one.point - other.point)) for one, other in pairs]
    return [distance for distance in apart if distance > SAME_PLACE_MM]


def rings(part: Measured) -> list[float]:
    """Between any two round surfaces on one axis, along the radius."""
    arcs = part.surfaces.cylinders
    gaps = [abs(one.diameter - other.diameter) / 2 for one, other in combinations(arcs, 2) if coaxial(one, other)]
    return [gap for gap in gaps if gap > SAME_PLACE_MM]


def face_depths(part: Measured) -> list[float]:
    """How far a flat face along a round outside lies within it, or beside it."""
    return [abs(radius - abs(away)) for radius, away in _faces_along(part)]


def across_flats(part: Measured) -> list[float]:
    """From a flat face along a round outside to the far side of it."""
    return [radius + away for radius, away in _faces_along(part) if away < radius]


def channel_depths(part: Measured) -> list[float]:
    """From the top of the box to the lowest line of each round inside that lies."""
    lying = [arc for arc in part.surfaces.cylinders if arc.hollow and abs(arc.axis[2]) < SAME_PLACE_MM]
    return [float(part.high[2] - arc.point[2]) + arc.diameter / 2 for arc in lying]


def _faces_along(part: Measured) -> list[tuple[float, float]]:
    """The radius of a round outside and how far from its axis a flat face is that runs along it, for each such pair."""
    planes = part.surfaces.planes
    normals = np.array([plane.normal for plane in planes]).reshape(-1, 3)
    offsets = np.array([plane.offset for plane in planes])
    outsides = [arc for arc in part.surfaces.cylinders if not arc.hollow]
    found = [(arc.diameter / 2, float(away)) for arc in outsides for away in _distances(arc, normals, offsets)]
    return found + [(arc.diameter / 2, away) for arc in outsides for away in _chords(part, arc)]


def _chords(part: Measured, arc: Cylinder) -> list[float]:
    """How far the faces are from the axis whose corners are on the arc, but which are too deep to be of its round.

    Where a flat happens to end at corners of the round, it looks like one more of its faces.
    """
    facets, radius = part.surfaces.facets, arc.diameter / 2
    away = facets.offsets - facets.normals @ arc.point
    found = []
    for face in np.flatnonzero(_along(arc, facets.normals) & (away > 0) & (away < DEEPEST_ROUND * radius)):
        corners = facets.corners_of(np.array([face]))
        if np.abs(off_line(corners, arc.point, arc.axis) - radius).max() < ON_THE_ROUND * radius:
            found.append(float(away[face]))
    return found


def _distances(arc: Cylinder, normals: Floats, offsets: Floats) -> Floats:
    along = _along(arc, normals)
    return np.asarray(offsets[along] - normals[along] @ arc.point)


def _along(arc: Cylinder, normals: Floats) -> Mask:
    """Whether planes with these normals run along the axis."""
    return np.asarray(np.abs(normals @ arc.axis) < SAME_PLACE_MM / 100)
