"""The surfaces of a solid, found from its mesh alone: cylinders, cones, spheres and planes, in millimetres.

Curves are polygons whose corners lie on the true circle, so every size is fitted to corners and a circle of any
fineness measures its stated diameter. Nothing here looks at the program that made the solid.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from manifold3d import Manifold
from numpy.typing import NDArray

from cadmonkey.cad.facets import Facets, Floats, Integers, components, cross, distinct, dots, facets_of, lengths

Mask = NDArray[np.bool_]
_Surface = TypeVar("_Surface")

ON_SURFACE_MM = 0.004
"""How far corners may lie from the surface fitted to them; a thousandth of the radius where that is more."""
LEAST_TOUCH = 0.9
"""How near the faces of a sphere come to its centre at the least, as a share of the radius."""
FEWEST_BENDS = 3
"""Fewer bends than this around an axis are not taken for a cylinder."""
FLATTEST = 1e-12
"""The corners of a circle spread across an arc by so much more than nothing, as a share (squared) of its length."""
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
    spheres += _each_patch(facets, free, _sphere) if cylinders else []
    cones = _each_patch(facets, free, _cone)
    flats = map(int, np.flatnonzero(free))
    planes = [Plane(facets.normals[f], float(facets.offsets[f]), float(facets.areas[f]), f) for f in flats]
    return Surfaces(tuple(cylinders), tuple(cones), tuple(spheres), tuple(planes), facets)


def _each_patch(
    facets: Facets, free: Mask, fit: Callable[[Facets, Integers, Floats, Floats], _Surface | None]
) -> list[_Surface]:
    """Fit a surface to every smooth patch of free faces; the faces of those that fit are free no more."""
    bends = facets.bends[free[facets.bends].all(axis=1)]
    if len(bends) < FEWEST_BENDS:
        return []
    faces, starts = _groups(components(len(facets), bends), FEWEST_BENDS + 1)
    if not len(faces):
        return []
    found = []
    for patch, spread, directions in zip(_split(faces, starts), *_spread(facets.normals[faces], starts), strict=True):
        if (surface := fit(facets, patch, spread, directions)) is not None:
            found.append(surface)
            free[patch] = False
    return found


def _sphere(facets: Facets, faces: Integers, spread: Floats, directions: Floats) -> Sphere | None:
    """Fit a sphere: its normals point every way, and its corners, but for those at a cut, are equally far from it."""
    if spread[0] < 1e-3:
        return None
    corners = facets.points[_inner_corners(facets, faces)]
    if len(corners) < 6:
        return None
    centre, radius = round_fit(corners)
    if not radius or np.abs(lengths(corners - centre) - radius).max() > _slack(radius):
        return None
    outward = facets.offsets[faces] - facets.normals[faces] @ centre
    if np.abs(outward).min() < LEAST_TOUCH * radius:
        return None
    return Sphere(centre, 2 * radius, bool(np.median(outward) < 0))


def _cone(facets: Facets, faces: Integers, spread: Floats, directions: Floats) -> Cone | None:
    """Fit a cone: its faces bend one way, at one angle to an axis, and their planes meet in its tip."""
    normals = facets.normals[faces]
    axis = _upright(directions[:, 0][None])[0]
    slope = float((normals @ axis).mean())
    if spread[0] > 1e-6 or abs(slope) < 0.005 or spread[1] < 1e-4:
        return None
    tip = np.asarray(np.linalg.lstsq(normals, facets.offsets[faces], rcond=None)[0], np.float64)
    away = facets.corners_of(faces) - tip
    along = away @ axis
    far = np.abs(along) > np.abs(along).max() / 2
    widening = 2 * float((lengths(away - along[:, None] * axis)[far] / np.abs(along)[far]).max())
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
    start, end = facets.points[facets.bend_ends[bends].T]
    along = end - start
    length = lengths(along)
    long = length > 1e-5
    bends, start, along = bends[long], start[long], along[long] / length[long, None]
    if len(bends) < FEWEST_BENDS:
        return []
    centres, radii = _circles(facets, bends, start, along)
    order, starts = _groups(
        components(len(bends), _same_circle(facets.bends[bends], along, centres, radii)), FEWEST_BENDS
    )
    found = _fit_cylinders(facets, bends[order], start[order], along[order], starts) if len(order) else []
    for _, faces in found:
        free[faces] = False
    return [cylinder for cylinder, _ in found]


def _groups(label: Integers, least: int) -> tuple[Integers, Integers]:
    """Return the things of the labels that at least so many have, label by label, and where each label begins."""
    counts = np.bincount(label)
    order = np.argsort(label, kind="stable")
    many = counts >= least
    begin = np.cumsum(counts[many]) - counts[many]
    return np.asarray(order[many[label[order]]]), begin


def _split(things: Integers, starts: Integers) -> list[Integers]:
    """The things of each group."""
    ends = [*starts[1:].tolist(), len(things)]
    return [things[start:end] for start, end in zip(starts.tolist(), ends, strict=True)]


def _circles(facets: Facets, bends: Integers, points: Floats, along: Floats) -> tuple[Floats, Floats]:
    """Return centre (n, 3) and radius (n,) of the circle through each bend and the far sides of its two faces."""
    arms = []
    for side in (0, 1):
        faces = facets.bends[bends, side]
        across = cross(facets.normals[faces], along)
        corner, begin = facets.spans_of(faces)
        counts = facets.starts[faces + 1] - facets.starts[faces]
        away = facets.points[facets.corners[corner]] - np.repeat(points, counts, axis=0)
        reach = dots(away, np.repeat(across, counts, axis=0))
        low, high = np.minimum.reduceat(reach, begin), np.maximum.reduceat(reach, begin)
        arms.append(np.where(high > -low, high, low)[:, None] * across)
    one, other = arms
    normal = cross(one, other)
    squares = dots(one, one)[:, None] * other - dots(other, other)[:, None] * one
    # The circle through 0, a and b has its centre at (|a|² b - |b|² a) x (a x b) / 2 |a x b|².
    centre = cross(squares, normal) / np.maximum(2 * dots(normal, normal), 1e-300)[:, None]
    return points + centre, lengths(centre)


def _same_circle(faces: Integers, along: Floats, centres: Floats, radii: Floats) -> Integers:
    """Return pairs of bends that share a face and lie on one cylinder."""
    face, bend = faces.ravel(), np.repeat(np.arange(len(faces)), 2)
    order = np.lexsort((radii[bend], face))
    face, bend = face[order], bend[order]
    pairs = np.concatenate([np.stack([bend[:-step], bend[step:]], axis=1) for step in (1, 2, 3)])
    pairs = pairs[np.concatenate([face[:-step] == face[step:] for step in (1, 2, 3)])]
    one, other = pairs.T
    parallel = np.abs(dots(along[one], along[other])) > 1 - 1e-7
    apart = lengths(cross(centres[one] - centres[other], along[one]))
    slack = 2 * np.maximum(ON_SURFACE_MM, radii[one] / 500)
    return np.asarray(pairs[parallel & (apart < slack) & (np.abs(radii[one] - radii[other]) < slack)])


def _fit_cylinders(
    facets: Facets, bends: Integers, points: Floats, along: Floats, starts: Integers
) -> list[tuple[Cylinder, Integers]]:
    """Fit a cylinder to each group of bends that run along it, all at once; return those that fit, and their faces.

    Args:
        facets: of the solid.
        bends: the bends of all groups, one group after the other.
        points: a point of each bend.
        along: the direction of each bend.
        starts: where each group begins.
    """
    group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(bends))))
    forward = np.sign(dots(along, along[starts][group]))[:, None] * along
    axes = _upright(np.add.reduceat(forward, starts))
    right = _perpendicular(axes)
    frame = np.stack([right, cross(axes, right)], axis=1)
    flat = np.einsum("gij,gj->gi", frame[group], points)
    centres, radii = _circle_fits(flat, group, starts)
    off = np.maximum.reduceat(np.abs(np.hypot(*(flat - centres[group]).T) - radii[group]), starts)
    faces = distinct((group[:, None] * len(facets) + facets.bends[bends]).ravel())
    owner, faces = np.divmod(faces, len(facets))
    begin = np.searchsorted(owner, np.arange(len(starts)))
    corner, first = facets.spans_of(faces)
    counts = facets.starts[faces + 1] - facets.starts[faces]
    heights = dots(facets.points[facets.corners[corner]], np.repeat(axes[owner], counts, axis=0))
    low = np.minimum.reduceat(np.minimum.reduceat(heights, first), begin)
    high = np.maximum.reduceat(np.maximum.reduceat(heights, first), begin)
    one, other = facets.normals[facets.bends[bends].T]
    turns = np.degrees(np.add.reduceat(np.arccos(np.clip(dots(one, other), -1, 1)), starts))
    middles = np.einsum("gi,gij->gj", centres, frame)
    inward = np.add.reduceat(dots(facets.normals[faces], middles[owner]) >= facets.offsets[faces], begin, dtype=int)
    found = []
    for g, its_faces in enumerate(_split(faces, begin)):
        radius, height = float(radii[g]), float(high[g] - low[g])
        if radius and off[g] <= _slack(radius) and not _is_gore(facets, its_faces, height, radius):
            hollow = bool(inward[g] > len(its_faces) / 2)
            turn = float(turns[g])
            cylinder = Cylinder(axes[g], middles[g], 2 * radius, float(low[g]), float(high[g]), hollow, turn)
            found.append((cylinder, its_faces))
    return found


def _circle_fits(points: Floats, group: Integers, starts: Integers) -> tuple[Floats, Floats]:
    """Fit a circle to each group of (n, 2) points as `round_fit` does: centres (groups, 2) and radii, or 0."""
    counts = np.diff(np.append(starts, len(points)))[:, None]
    middle = np.add.reduceat(points, starts) / counts
    away = points - middle[group]
    u, v = away.T
    square = u * u + v * v
    moments = np.stack([u * u, u * v, v * v, square * u, square * v, square], axis=1)
    uu, uv, vv, us, vs, total = np.add.reduceat(moments, starts).T
    determinant = uu * vv - uv * uv
    curved = determinant > FLATTEST * (uu + vv) ** 2
    x, y = np.array([us * vv - vs * uv, vs * uu - us * uv]) / (2 * np.where(curved, determinant, np.inf))
    radii = np.where(curved, np.sqrt(x * x + y * y + total / counts[:, 0]), 0.0)
    return middle + np.stack([x, y], axis=1), radii


def _is_gore(facets: Facets, faces: Integers, height: float, radius: float) -> bool:
    """Whether these are a row of small faces of a doubly curved surface, which bends across the row as well."""
    if height >= radius / 4:
        return False
    inside = np.zeros(len(facets), bool)
    inside[faces] = True
    leaving = inside[facets.bends].sum(axis=1) == 1
    return bool(np.count_nonzero(leaving) > len(faces))


def _inner_corners(facets: Facets, faces: Integers) -> Integers:
    """Return the points that only these faces have."""
    inside = np.zeros(len(facets), bool)
    inside[faces] = True
    inside = np.repeat(inside, np.diff(facets.starts))
    outer = np.zeros(len(facets.points), bool)
    outer[facets.corners[~inside]] = True
    corners = distinct(facets.corners[inside])
    return corners[~outer[corners]]


def round_fit(points: Floats) -> tuple[Floats, float]:
    """Fit a circle to (n, 2) points, or a sphere to (n, 3), by least squares (Kåsa 1976): centre, and radius or 0."""
    middle = points.mean(axis=0)
    away = points - middle
    terms = np.concatenate([2 * away, np.ones((len(points), 1))], axis=1)
    solution, _, rank, _ = np.linalg.lstsq(terms, np.einsum("ij,ij->i", away, away), rcond=None)
    square = solution[-1] + solution[:-1] @ solution[:-1]
    return middle + solution[:-1], float(np.sqrt(square)) if rank == terms.shape[1] and square > 0 else 0.0


def _spread(normals: Floats, starts: Integers) -> tuple[Floats, Floats]:
    """Return the variances of each group of unit vectors along its principal directions, and those as columns.

    The smallest comes first: (groups, 3) and (groups, 3, 3).
    """
    counts = np.diff(np.append(starts, len(normals)))
    away = normals - np.repeat(np.add.reduceat(normals, starts) / counts[:, None], counts, axis=0)
    products = np.add.reduceat(away[:, :, None] * away[:, None, :], starts) / counts[:, None, None]
    spread, directions = np.linalg.eigh(products)
    return spread, directions


def _slack(radius: float) -> float:
    return max(ON_SURFACE_MM, radius / 1000)


def _upright(axes: Floats) -> Floats:
    """The axes (n, 3) as unit vectors whose largest components are positive."""
    largest = np.abs(axes).argmax(axis=1)
    sign = np.sign(axes[np.arange(len(axes)), largest])
    return np.asarray(axes * (sign / lengths(axes))[:, None])


def _perpendicular(axes: Floats) -> Floats:
    """A unit vector across each of (n, 3) unit vectors."""
    across = cross(axes, np.eye(3)[np.abs(axes).argmin(axis=1)])
    return across / lengths(across)[:, None]
