"""What a machinist would measure on a solid: its box, holes, bosses, cavities and the material along a line, in mm."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from manifold3d import Manifold

from cadmonkey.cad.facets import Floats
from cadmonkey.cad.surfaces import Cylinder, Surfaces, surfaces_of

JUST_BEYOND_MM = 0.01
"""How far past the end of a hole its floor is looked for."""
SAME_AXIS_MM = 0.02
SAME_PLACE_MM = 0.03
"""How far a measured size or place may be from the stated one."""
AXES = np.eye(3)


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing that people count, and its diameter in mm (None where it has none)."""

    kind: str
    """`through hole`, `blind hole`, `boss` or `cavity`."""
    diameter: float | None = None


@dataclass(frozen=True)
class Measured:
    """A solid with its surfaces found."""

    part: Manifold
    surfaces: Surfaces
    low: Floats
    """The corner of the bounding box with the least coordinates."""
    high: Floats

    @property
    def size(self) -> Floats:
        """The sides of the bounding box."""
        return np.asarray(self.high - self.low)

    @property
    def centre(self) -> Floats:
        """The middle of the bounding box."""
        return np.asarray((self.low + self.high) / 2)

    @cached_property
    def holes(self) -> list[Cylinder]:
        """Round holes: hollow cylinders that go all the way round."""
        return [cylinder for cylinder in self.surfaces.cylinders if cylinder.hollow and cylinder.whole]

    @cached_property
    def bosses(self) -> list[Cylinder]:
        """Round outsides: bosses, discs and the steps of a shaft."""
        return [cylinder for cylinder in self.surfaces.cylinders if not cylinder.hollow and cylinder.whole]

    @cached_property
    def hole_axes(self) -> list[Cylinder]:
        """One hole of every axis: a hole through two walls, or with a counterbore, is drilled once."""
        axes: list[Cylinder] = []
        for hole in self.holes:
            if not any(coaxial(hole, other) for other in axes):
                axes.append(hole)
        return axes

    def is_central(self, hole: Cylinder) -> bool:
        """Whether the axis of a hole goes through the middle of the part."""
        return float(np.linalg.norm(np.cross(self.centre - hole.point, hole.axis))) < SAME_AXIS_MM

    def is_through(self, hole: Cylinder) -> bool:
        """Whether no material closes an end of a hole."""
        return not any(self._closed(hole, end) for end in (hole.start - JUST_BEYOND_MM, hole.end + JUST_BEYOND_MM))

    def material_along(self, axis: int, through: Floats) -> list[tuple[float, float]]:
        """Where a line along x, y or z (0, 1 or 2) through a point enters and leaves the material, in mm."""
        start, end = through.copy(), through.copy()
        start[axis], end[axis] = self.low[axis] - 1, self.high[axis] + 1
        crossings = [hit.position[axis] for hit in self.part.ray_cast(tuple(start), tuple(end))]
        return list(zip(crossings[::2], crossings[1::2], strict=False))

    def features(self) -> list[Feature]:
        """Holes, bosses and cavities, one feature each."""
        found = [Feature("through hole" if self.is_through(h) else "blind hole", h.diameter) for h in self.holes]
        found += [Feature("boss", boss.diameter) for boss in self.bosses]
        return found + [Feature("cavity") for shell in self.part.decompose() if shell.volume() < 0]

    def _closed(self, hole: Cylinder, end: float) -> bool:
        # A little beside the axis, where the corners of triangles meet.
        beside = np.cross(hole.axis, AXES[np.argmin(np.abs(hole.axis))]) * hole.diameter * 0.0137
        middle, beyond = hole.at((hole.start + hole.end) / 2) + beside, hole.at(end) + beside
        return bool(self.part.ray_cast(tuple(middle), tuple(beyond)))


def measure(part: Manifold) -> Measured:
    """Find the surfaces of a solid that is not empty."""
    box = np.asarray(part.bounding_box())
    return Measured(part, surfaces_of(part), box[:3], box[3:])


def coaxial(one: Cylinder, other: Cylinder) -> bool:
    """Whether two cylinders have one axis."""
    # Both points are the nearest to the origin, so where the axes are parallel they are as far apart as these.
    apart = one.point - other.point
    return float(apart @ apart) < SAME_AXIS_MM**2 and abs(float(one.axis @ other.axis)) > 1 - 1e-6


def body_count(part: Manifold) -> int:
    """Bodies that do not touch; a cavity is none."""
    return sum(shell.volume() > 0 for shell in part.decompose())


def differing_features(made: Measured, wanted: Measured) -> tuple[list[str], list[str]]:
    """Name what `made` lacks and what it has too much: ["1 through hole of 5 mm missing"], ["a spurious boss of 8 mm"].

    Only counts are compared: as many holes of another size are a matter of dimensions.
    """
    missing: list[str] = []
    spurious: list[str] = []
    have, want = made.features(), wanted.features()
    for kind in ("through hole", "blind hole", "boss", "cavity"):
        too_many, too_few = _unmatched([f for f in have if f.kind == kind], [f for f in want if f.kind == kind])
        missing += [f"{count} {_words(f, count)} missing" for f, count in _counted(too_few)]
        spurious += [f"a spurious {_words(f, 1)}" for f in too_many]
    openings = _openings(wanted) - _openings(made)
    if openings and not missing and not spurious:
        noun = "opening" if abs(openings) == 1 else "openings"
        (missing if openings > 0 else spurious).append(
            f"{openings} {noun} missing" if openings > 0 else f"{-openings} spurious {noun}"
        )
    return missing, spurious


def _unmatched(have: list[Feature], want: list[Feature]) -> tuple[list[Feature], list[Feature]]:
    """Return the features that one list has more than the other; those of equal size are partners first."""
    have, left = list(have), []
    for feature in want:
        partner = next((f for f in have if _same_size(f, feature)), None)
        if partner is None:
            left.append(feature)
        else:
            have.remove(partner)
    partners = min(len(have), len(left))
    return have[partners:], left[partners:]


def _same_size(one: Feature, other: Feature) -> bool:
    return one.diameter is None or other.diameter is None or abs(one.diameter - other.diameter) < 2 * SAME_AXIS_MM


def _counted(features: list[Feature]) -> list[tuple[Feature, int]]:
    """Equal features once, with their number."""
    kinds: list[Feature] = []
    for feature in features:
        if not any(_same_size(feature, kind) for kind in kinds):
            kinds.append(feature)
    return [(kind, sum(_same_size(feature, kind) for feature in features)) for kind in kinds]


def _words(feature: Feature, count: int) -> str:
    plural = {"boss": "bosses", "cavity": "cavities"}.get(feature.kind, feature.kind + "s")
    size = "" if feature.diameter is None else f" of {number_text(feature.diameter)} mm"
    return (feature.kind if count == 1 else plural) + size


def _openings(measured: Measured) -> int:
    """How often a string can be passed through the part: the genus of its shells."""
    return sum(shell.genus() for shell in measured.part.decompose())


def number_text(number: float) -> str:
    """`5.5`: to a hundredth, without trailing zeros."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
