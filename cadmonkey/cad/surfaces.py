"""The surfaces of a solid, found from its mesh alone: cylinders, cones, spheres and planes, in millimetres.

Curves are polygons whose corners lie on the true circle, so every size is fitted to corners and a circle of any
fineness measures its stated diameter. Nothing here looks at the program that made the solid.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from manifold3d import Manifold
from numpy.typing import NDArray

from cadmonkey.cad.facets import Facets, Floats, Integers, components, facets_of

Mask = NDArray[np.bool_]
_Surface = TypeVar("_Surface")

ON_SURFACE_MM = 0.004
"""How far corners may lie from the surface fitted to them; a thousandth of the radius where that is more."""
LEAST_TOUCH = 0.9
"""How near the faces of a sphere come to its centre at the least, as a share of the radius."""
FEWEST_BENDS = 3
"""Fewer bends than this around an axis are not taken for a cylinder."""
FULL_TURN_DEG = 345.0
ROUND = 0.1
"""The normals of a cone that goes all the way round cancel out but for so much, along the axis left aside."""


@dataclass(frozen=True, slots=True)
class Cylinder:
    """A piece of a round surface about an axis."""

    axis: Floats
    """Unit vector; its largest component is positive."""
    point: Floats
    """The point of the axis that is nearest to the origin."""
    diameter: float
    start: float
    """Where the surface begins along the axis, in mm from `point`."""
    end: float
    hollow: bool
    """Whether the material lies outside, as around a hole."""
    turn_deg: float
    """How far it goes round the axis; 360 is a whole cylinder."""

    @property
    def whole(self) -> bool:
        """Whether it goes all the way round."""
        return self.turn_deg >= FULL_TURN_DEG

    def at(self, along: float) -> Floats:
        """The point of the axis at this distance along it."""
        return np.asarray(self.point + along * self.axis)


@dataclass(frozen=True, slots=True)
class Cone:
    """A conical surface between two circles, the first where it begins along the axis; a tip has diameter 0."""

    axis: Floats
    tip: Floats
    diameters: tuple[float, float]
    start: float
    """Where it begins along the axis, in mm from the point of the axis that is nearest to the origin."""
    end: float
    hollow: bool
    whole: bool
    """Whether it goes all the way round."""

    @property
    def angle_deg(self) -> float:
        """The angle between opposite sides."""
        widening = abs(self.diameters[0] - self.diameters[1]) / 2
        return float(np.degrees(2 * np.arctan2(widening, self.end - self.start)))

    @property
    def point(self) -> Floats:
        """The point of the axis that is nearest to the origin."""
        return np.asarray(self.tip - (self.tip @ self.axis) * self.axis)

    def at(self, along: float) -> Floats:
        """The point of the axis at this distance along it."""
        return np.asarray(self.point + along * self.axis)


@dataclass(frozen=True, slots=True)
class Sphere:
    """A piece of a sphere, such as a dome."""

    centre: Floats
    diameter: float
    hollow: bool


@dataclass(frozen=True, slots=True)
class Plane:
    """A flat face."""

    normal: Floats
    offset: float
    area: float
    face: int
    """Its number among the facets."""


@dataclass(frozen=True, slots=True)
class Surfaces:
    """What a solid is bounded by."""

    cylinders: tuple[Cylinder, ...]
    cones: tuple[Cone, ...]
    spheres: tuple[Sphere, ...]
    planes: tuple[Plane, ...]
    facets: Facets


def surfaces_of(part: Manifold) -> Surfaces:
    """Find the surfaces of a solid that is not empty."""
    facets = facets_of(part)
    free = np.ones(len(facets), bool)
    spheres = _each_patch(facets, free, _sphere)
    cylinders = _cylinders(facets, free)
    # A sphere that goes over into a cylinder is a patch of its own once that is found.
    spheres += _each_patch(facets, free, _sphere)
    cones = _each_patch(facets, free, _cone)
    flats = map(int, np.flatnonzero(free))
    planes = [Plane(facets.normals[f], float(facets.offsets[f]), float(facets.areas[f]), f) for f in flats]
    return Surfaces(tuple(cylinders), tuple(cones), tuple(spheres), tuple(planes), facets)


def _each_patch(facets: Facets, free: Mask, fit: Callable[[Facets, Integers], _Surface | None]) -> list[_Surface]:
    """Fit a surface to every smooth patch of free faces; the faces of those that fit are free no more."""
    label = components(len(facets), facets.bends[free[facets.bends].all(axis=1)])
    found = []
    for faces in _groups(label, FEWEST_BENDS + 1):
        if (surface := fit(facets, faces)) is not None:
            found.append(surface)
            free[faces] = False
    return found


def _sphere(facets: Facets, faces: Integers) -> Sphere | None:
    """Fit a sphere: its normals point every way, and its corners, but for those at a cut, are equally far from it."""
    if _spread(facets.normals[faces])[0][0] < 1e-3:
        return None
    corners = facets.points[_inner_corners(facets, faces)]
    if len(corners) < 6:
        return None
    centre, radius = round_fit(corners)
    if not radius or np.abs(np.linalg.norm(corners - centre, axis=1) - radius).max() > _slack(radius):
        return None
    outward = facets.offsets[faces] - facets.normals[faces] @ centre
    if np.abs(outward).min() < LEAST_TOUCH * radius:
        return None
    return Sphere(centre, 2 * radius, bool(np.median(outward) < 0))


def _cone(facets: Facets, faces: Integers) -> Cone | None:
    """Fit a cone: its faces bend one way, at one angle to an axis, and their planes meet in its tip."""
    normals = facets.normals[faces]
    spread, directions = _spread(normals)
    axis = _upright(directions[:, 0])
    slope = float((normals @ axis).mean())
    if spread[0] > 1e-6 or abs(slope) < 0.005 or spread[1] < 1e-4:
        return None
    tip = np.asarray(np.linalg.lstsq(normals, facets.offsets[faces], rcond=None)[0], np.float64)
    away = facets.corners_of(faces) - tip
    along = away @ axis
    far = np.abs(along) > np.abs(along).max() / 2
    widening = 2 * float((np.linalg.norm(away - along[:, None] * axis, axis=1)[far] / np.abs(along)[far]).max())
    start, end = float(along.min()), float(along.max())
    diameters = (abs(start) * widening, abs(end) * widening)
    base = float(tip @ axis)
    whole = bool(np.linalg.norm(normals.mean(axis=0) - slope * axis) < ROUND)
    # Outside, the normals lean towards the tip.
    hollow = bool((slope > 0) == (start + end > 0))
    return Cone(axis, tip, diameters, base + start, base + end, hollow, whole)


def _cylinders(facets: Facets, free: Mask) -> list[Cylinder]:
    """Group the bends between free faces by the circle through three corners in a row, and fit each group."""
    bends = np.flatnonzero(free[facets.bends].all(axis=1))
    ends = facets.points[facets.bend_ends[bends]]
    along = ends[:, 1] - ends[:, 0]
    length = np.linalg.norm(along, axis=1)
    long = length > 1e-5
    bends, ends, along = bends[long], ends[long], along[long] / length[long, None]
    if not len(bends):
        return []
    centres, radii = _circles(facets, bends, ends[:, 0], along)
    label = components(len(bends), _same_circle(facets.bends[bends], along, centres, radii))
    found = []
    for group in _groups(label, FEWEST_BENDS):
        cylinder = _cylinder(facets, bends[group], ends[group], along[group])
        if cylinder is not None:
            found.append(cylinder)
            free[np.unique(facets.bends[bends[group]])] = False
    return found


def _groups(label: Integers, least: int) -> Iterator[Integers]:
    """Yield the things of each label that at least so many have."""
    counts = np.bincount(label)
    order = np.argsort(label, kind="stable")
    starts = np.cumsum(counts) - counts
    for group in np.flatnonzero(counts >= least):
        yield order[starts[group] : starts[group] + counts[group]]


def _circles(facets: Facets, bends: Integers, points: Floats, along: Floats) -> tuple[Floats, Floats]:
    """Return centre (n, 3) and radius (n,) of the circle through each bend and the far sides of its two faces."""
    arms = []
    for side in (0, 1):
        faces = facets.bends[bends, side]
        across = np.cross(facets.normals[faces], along)
        counts = facets.starts[faces + 1] - facets.starts[faces]
        begin = np.cumsum(counts) - counts
        corner = np.arange(counts.sum()) - np.repeat(begin - facets.starts[faces], counts)
        away = facets.points[facets.corners[corner]] - np.repeat(points, counts, axis=0)
        reach = np.einsum("ij,ij->i", away, np.repeat(across, counts, axis=0))
        low, high = np.minimum.reduceat(reach, begin), np.maximum.reduceat(reach, begin)
        arms.append(np.where(high > -low, high, low)[:, None] * across)
    one, other = arms
    normal = np.cross(one, other)
    squares = np.einsum("ij,ij->i", one, one)[:, None] * other - np.einsum("ij,ij->i", other, other)[:, None] * one
    # The circle through 0, a and b has its centre at (|a|² b - |b|² a) x (a x b) / 2 |a x b|².
    centre = np.cross(squares, normal) / np.maximum(2 * np.einsum("ij,ij->i", normal, normal), 1e-300)[:, None]
    return points + centre, np.linalg.norm(centre, axis=1)


def _same_circle(faces: Integers, along: Floats, centres: Floats, radii: Floats) -> Integers:
    """Return pairs of bends that share a face and lie on one cylinder."""
    face, bend = faces.ravel(), np.repeat(np.arange(len(faces)), 2)
    order = np.lexsort((radii[bend], face))
    face, bend = face[order], bend[order]
    pairs = []
    for step in (1, 2, 3):
        one, other = bend[:-step], bend[step:]
        parallel = np.abs(np.einsum("ij,ij->i", along[one], along[other])) > 1 - 1e-7
        apart = np.cross(centres[one] - centres[other], along[one])
        slack = 2 * np.maximum(ON_SURFACE_MM, radii[one] / 500)
        near = (np.linalg.norm(apart, axis=1) < slack) & (np.abs(radii[one] - radii[other]) < slack)
        same = (face[:-step] == face[step:]) & parallel & near
        pairs.append(np.column_stack([one, other])[same])
    return np.concatenate(pairs)


def _cylinder(facets: Facets, bends: Integers, ends: Floats, along: Floats) -> Cylinder | None:
    """Fit a cylinder to bends that run along it."""
    axis = _upright((along * np.sign(along @ along[0])[:, None]).mean(axis=0))
    across = np.linalg.svd(axis[None])[2][1:]
    point, radius = round_fit(ends[:, 0] @ across.T)
    if not radius or np.abs(np.linalg.norm(ends[:, 0] @ across.T - point, axis=1) - radius).max() > _slack(radius):
        return None
    faces = np.unique(facets.bends[bends])
    heights = facets.corners_of(faces) @ axis
    if _is_gore(facets, faces, axis, float(np.ptp(heights)), radius):
        return None
    turn = np.degrees(np.arccos(np.clip(np.einsum("ij,ij->i", *facets.normals[facets.bends[bends].T]), -1, 1))).sum()
    centre = point @ across
    outward = (facets.normals[faces] @ centre) < facets.offsets[faces]
    hollow = bool(np.count_nonzero(outward) < len(faces) / 2)
    return Cylinder(axis, centre, 2 * radius, float(heights.min()), float(heights.max()), hollow, float(turn))


def _is_gore(facets: Facets, faces: Integers, axis: Floats, height: float, radius: float) -> bool:
    """Whether these are a row of small faces of a doubly curved surface, which bends across the row as well."""
    inside = np.zeros(len(facets), bool)
    inside[faces] = True
    leaving = facets.bends[inside[facets.bends].sum(axis=1) == 1]
    return len(leaving) > len(faces) and height < radius / 4


def _inner_corners(facets: Facets, faces: Integers) -> Integers:
    """Return the points that only these faces have."""
    inside = np.zeros(len(facets), bool)
    inside[faces] = True
    inside = np.repeat(inside, np.diff(facets.starts))
    outer = np.zeros(len(facets.points), bool)
    outer[facets.corners[~inside]] = True
    corners = np.unique(facets.corners[inside])
    return corners[~outer[corners]]


def round_fit(points: Floats) -> tuple[Floats, float]:
    """Fit a circle to (n, 2) points, or a sphere to (n, 3), by least squares (Kåsa 1976): centre, and radius or 0."""
    middle = points.mean(axis=0)
    away = points - middle
    terms = np.column_stack([2 * away, np.ones(len(points))])
    solution, _, rank, _ = np.linalg.lstsq(terms, np.einsum("ij,ij->i", away, away), rcond=None)
    square = solution[-1] + solution[:-1] @ solution[:-1]
    return middle + solution[:-1], float(np.sqrt(square)) if rank == terms.shape[1] and square > 0 else 0.0


def _spread(normals: Floats) -> tuple[Floats, Floats]:
    """Return the variances of unit vectors along their principal directions, smallest first, and those as columns."""
    away = normals - normals.mean(axis=0)
    spread, directions = np.linalg.eigh(away.T @ away / len(away))
    return spread, directions


def _slack(radius: float) -> float:
    return max(ON_SURFACE_MM, radius / 1000)


def _upright(axis: Floats) -> Floats:
    """The axis as a unit vector whose largest component is positive."""
    return np.asarray(axis / np.linalg.norm(axis) * np.sign(axis[np.argmax(np.abs(axis))]))
