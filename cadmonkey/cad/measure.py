"""What a machinist would measure on a solid: its box, holes, bosses, cavities and the material along a line, in mm."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from manifold3d import Manifold

from cadmonkey.cad.bores import SAME_AXIS_MM, Bore, bores_of, coaxial
from cadmonkey.cad.facets import Floats, cross, lengths, off_line
from cadmonkey.cad.prism import Shape, finished
from cadmonkey.cad.recesses import Recess, recesses_of
from cadmonkey.cad.ribs import ribs_of
from cadmonkey.cad.surfaces import Cylinder, Surfaces, surfaces_of

SAME_PLACE_MM = 0.03
"""How far a measured size or place may be from the stated one."""
FLAT = 1e-7
"""The normals around a point within a flat face differ by no more."""
LONG = 3
"""What stands on a face and is so many times longer than wide is a rib, not a boss."""
FEATURES = (
    "through hole",
    "blind hole",
    "counterbore",
    "countersink",
    "slot",
    "blind slot",
    "window",
    "pocket",
    "polygonal hole",
    "polygonal pocket",
    "cutout",
    "recess",
    "boss",
    "rectangular boss",
    "rib",
    "cavity",
)
"""What people count, in the order in which a fault is reported."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing that people count."""

    kind: str
    """One of FEATURES."""
    size_mm: tuple[float, ...] = ()
    """The diameter of what is round, length and width of what is not, the thickness of a rib."""


@dataclass(frozen=True)
class Measured:
    """A solid that is not empty; what is not asked for is not looked for, and of its box alone it is not even made."""

    shape: Shape
    low: Floats
    """The corner of the bounding box with the least coordinates."""
    high: Floats

    @cached_property
    def part(self) -> Manifold:
        """The solid."""
        return finished(self.shape)

    @cached_property
    def surfaces(self) -> Surfaces:
        """What it is bounded by."""
        return surfaces_of(self.part)

    @property
    def size(self) -> Floats:
        """The sides of the bounding box."""
        return np.asarray(self.high - self.low)

    @property
    def centre(self) -> Floats:
        """The middle of the bounding box."""
        return np.asarray((self.low + self.high) / 2)

    @cached_property
    def corners(self) -> Floats:
        """The points but for those within a flat face, (n, 3); on a round surface they are on the true one."""
        mesh = self.part.to_mesh64()
        points, triangles = np.asarray(mesh.vert_properties, np.float64)[:, :3], np.asarray(mesh.tri_verts, np.int64)
        a, b, c = points[triangles.T]
        normals = cross(b - a, c - a)
        normals /= np.maximum(lengths(normals), 1e-150)[:, None]
        around, faces = triangles.ravel(), np.bincount(triangles.ravel(), minlength=len(points))
        sums = np.array([np.bincount(around, np.repeat(n, 3), len(points)) for n in normals.T], np.float64).T
        return np.asarray(points[lengths(sums) < (1 - FLAT) * faces])

    @cached_property
    def bores(self) -> list[Bore]:
        """Round holes, each with its counterbore, countersink and drill point; not the inside of a cavity."""
        return [bore for bore in bores_of(self.part, self.surfaces) if bore.open_start or bore.open_end]

    @cached_property
    def holes(self) -> list[Cylinder]:
        """What the drill of each hole left."""
        return [bore.drill for bore in self.bores]

    @cached_property
    def recesses(self) -> list[Recess]:
        """Slots, pockets, windows and what stands on a face."""
        return recesses_of(self.part, self.surfaces)

    @cached_property
    def ribs(self) -> list[float]:
        """The thickness of each rib."""
        return ribs_of(self.surfaces)

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
        return float(off_line(self.centre, hole.point, hole.axis)) < SAME_AXIS_MM

    def material_along(self, axis: int, through: Floats) -> list[tuple[float, float]]:
        """Where a line along x, y or z (0, 1 or 2) through a point enters and leaves the material, in mm."""
        start, end = through.copy(), through.copy()
        start[axis], end[axis] = self.low[axis] - 1, self.high[axis] + 1
        crossings = [hit.position[axis] for hit in self.part.ray_cast(tuple(start), tuple(end))]
        return list(zip(crossings[::2], crossings[1::2], strict=False))

    def features(self) -> list[Feature]:
        """Everything that people count, one feature each."""
        found = [Feature("cavity") for shell in self.part.decompose() if shell.volume() < 0]
        for bore in self.bores:
            found.append(Feature("through hole" if bore.through else "blind hole", (bore.drill.diameter,)))
            found += [Feature("counterbore", (piece.diameter,)) for piece in bore.counterbores]
            found += [Feature("countersink", (max(piece.diameters),)) for piece in bore.countersinks]
        found += [Feature("boss", (boss.diameter,)) for boss in self.bosses]
        found += [Feature(name, r.outline.sides_mm) for r in self.recesses if (name := _name(r)) is not None]
        return found + [Feature("rib", (thickness,)) for thickness in self.ribs]


def measure(part: Shape) -> Measured:
    """Take the measures of a solid that is not empty."""
    box = np.asarray(part.bounding_box())
    return Measured(part, box[:3], box[3:])


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
    for kind in FEATURES:
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
    return all(abs(a - b) < 2 * SAME_AXIS_MM for a, b in zip(one.size_mm, other.size_mm, strict=True))


def _counted(features: list[Feature]) -> list[tuple[Feature, int]]:
    """Equal features once, with their number."""
    kinds: list[Feature] = []
    for feature in features:
        if not any(_same_size(feature, kind) for kind in kinds):
            kinds.append(feature)
    return [(kind, sum(_same_size(feature, kind) for feature in features)) for kind in kinds]


def _words(feature: Feature, count: int) -> str:
    plural = {"boss": "bosses", "cavity": "cavities"}.get(feature.kind, feature.kind + "s")
    size = f" of {' x '.join(map(number_text, feature.size_mm))} mm" if feature.size_mm else ""
    return (feature.kind if count == 1 else plural) + size


def _name(recess: Recess) -> str | None:
    """What people call it; round ones are holes and bosses, found by their cylinders."""
    shape, wide = recess.outline.shape, recess.outline.sides_mm
    if shape == "circle":
        return None
    if recess.raised:
        return "rectangular boss" if shape == "rectangle" and max(wide) < LONG * min(wide) else None
    if shape == "slot":
        return "slot" if recess.through else "blind slot"
    if shape == "rectangle":
        return "window" if recess.through else "pocket"
    if shape == "polygon":
        return "polygonal hole" if recess.through else "polygonal pocket"
    return "cutout" if recess.through else "recess"


def _openings(measured: Measured) -> int:
    """How often a string can be passed through the part: the genus of its shells."""
    return sum(shell.genus() for shell in measured.part.decompose())


def number_text(number: float) -> str:
    """`5.5`: to a hundredth, without trailing zeros."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
