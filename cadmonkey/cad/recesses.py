"""Slots, pockets, windows and pads: what a flat face shows as a closed outline within it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from manifold3d import Manifold

from cadmonkey.cad.facets import Facets, Floats, Integers, components, cross, distinct, lengths
from cadmonkey.cad.surfaces import ON_SURFACE_MM, Surfaces, round_fit

BESIDE = 0.0137
"""Rays pass so much of a width beside the middle, where the corners of triangles meet."""
JUST_BEYOND_MM = 0.01
STRAIGHT_MM = 1e-5
FEWEST_ROUND = 8
"""A ring of fewer corners is a polygon, one of more a circle, as surfaces are told apart."""
Shape = Literal["circle", "slot", "rectangle", "polygon", "other"]


@dataclass(frozen=True, slots=True)
class Outline:
    """The shape of a closed line in a plane, seen along its longest edge."""

    shape: Shape
    sides_mm: tuple[float, float]
    """Its extents along that edge and across; of a slot, the longer one first."""
    directions: tuple[Floats, Floats]
    """Unit vectors of the two."""
    centre: Floats
    corners: int


@dataclass(frozen=True, slots=True)
class Recess:
    """What goes down from a face or, where it is `raised`, stands on it."""

    outline: Outline
    normal: Floats
    """Of the face around it, out of the material."""
    depth: float
    """How far its walls go down (or up)."""
    raised: bool
    through: bool
    walls: frozenset[int]
    """The faces around it."""


def recesses_of(part: Manifold, surfaces: Surfaces) -> list[Recess]:
    """Find what stands on flat faces or goes down from them; what goes through from face to face is found once."""
    facets = surfaces.facets
    found: list[Recess] = []
    for face, edges in _inner_loops(facets, np.array([plane.face for plane in surfaces.planes], np.int64)):
        recess = _recess(part, facets, face, edges)
        if not (recess.through and any(other.through and other.walls & recess.walls for other in found)):
            found.append(recess)
    return found


def _inner_loops(facets: Facets, planes: Integers) -> list[tuple[int, Integers]]:
    """Return the borders that close within a face, with that face."""
    flat = np.zeros(len(facets), bool)
    flat[planes] = True
    border, side = np.nonzero(flat[facets.borders])
    faces = facets.borders[border, side]
    # A point of a face; two of them are linked by each border of the face.
    corners = faces[:, None] * len(facets.points) + facets.border_ends[border]
    names, ends = np.unique(corners, return_inverse=True)
    ends = ends.reshape(-1, 2)
    loop = components(len(names), ends)[ends[:, 0]]
    loops_of_face = np.unique(np.column_stack([faces, loop]), axis=0)
    several = np.flatnonzero(np.bincount(loops_of_face[:, 0], minlength=len(facets)) > 1)
    found: list[tuple[int, Integers]] = []
    for face in several:
        loops = [border[loop == number] for number in loops_of_face[loops_of_face[:, 0] == face, 1]]
        spans = [float(np.ptp(_points(facets, edges), axis=0).sum()) for edges in loops]
        outer = spans.index(max(spans))
        found += [(int(face), e) for i, e in enumerate(loops) if i != outer and spans[i] > ON_SURFACE_MM]
    return found


def _recess(part: Manifold, facets: Facets, face: int, edges: Integers) -> Recess:
    outline = outline_of(facets.points, facets.border_ends[edges], facets.normals[face])
    walls = frozenset(int(f) for f in facets.borders[edges].ravel() if f != face)
    normal = facets.normals[face]
    rise = facets.corners_of(np.array(sorted(walls))) @ normal - facets.offsets[face]
    raised = bool(rise.max() > -rise.min())
    depth = float(np.abs(rise).max())
    return Recess(outline, normal, depth, raised, not raised and not _closed(part, outline, normal, depth), walls)


def outline_of(points: Floats, ends: Integers, normal: Floats) -> Outline:
    """Tell the shape of a closed line from the points of its edges, (n, 2)."""
    along = points[ends[:, 1]] - points[ends[:, 0]]
    spans = lengths(along)
    first = along[spans.argmax()] / spans.max()
    frame = np.array([first, cross(normal, first)])
    points = points[distinct(ends.ravel())]
    flat = points @ frame.T
    low, high = flat.min(axis=0), flat.max(axis=0)
    centre, sides = (low + high) / 2, high - low
    shape = _shape(flat - centre, sides, float(spans.sum()))
    middle = points.mean(axis=0)
    middle = middle + (centre - middle @ frame.T) @ frame
    if shape == "circle":
        sides = np.full(2, 2 * round_fit(flat)[1])
    if shape == "slot" and sides[1] > sides[0]:
        sides, frame = sides[::-1], frame[::-1]
    return Outline(shape, (float(sides[0]), float(sides[1])), (frame[0], frame[1]), middle, len(points))


def _shape(points: Floats, sides: Floats, length: float) -> Shape:
    """Tell the shape of (n, 2) corners around the middle of their box; its first side is along an edge."""
    centre, ring = round_fit(points)
    if len(points) != 4 and ring and np.abs(lengths(points - centre) - ring).max() < _slack(sides):
        return "circle" if len(points) >= FEWEST_ROUND else "polygon"
    outer = np.abs(points)[np.abs(points[:, 1]) > sides[1] / 2 - STRAIGHT_MM]
    radius = float(sides[0] / 2 - outer[:, 0].max())
    # The corners of a rounded rectangle are as far from a smaller rectangle as their radius.
    beyond = np.maximum(np.abs(points) - (sides / 2 - radius), 0)
    around = 2 * float(sides.sum()) - (8 - 2 * np.pi) * radius
    if np.abs(lengths(beyond) - radius).max() > _slack(sides) or abs(length - around) > 0.02 * around:
        return "other"
    return "slot" if radius > min(sides) / 2 - _slack(sides) else "rectangle"


def _slack(sides: Floats) -> float:
    return max(2 * ON_SURFACE_MM, float(max(sides)) / 1000)


def _closed(part: Manifold, outline: Outline, normal: Floats, depth: float) -> bool:
    """Whether there is material just beyond the walls of a recess."""
    first, second = (side * direction for side, direction in zip(outline.sides_mm, outline.directions, strict=True))
    middle = outline.centre + BESIDE * first + 0.7 * BESIDE * second
    end = middle - (depth + JUST_BEYOND_MM) * normal
    return bool(part.ray_cast(tuple(middle - depth / 2 * normal), tuple(end)))


def _points(facets: Facets, edges: Integers) -> Floats:
    return np.asarray(facets.points[facets.border_ends[edges]].reshape(-1, 3))
