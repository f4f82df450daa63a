"""The CSG tree: immutable nodes in millimetres and degrees, equal when they describe the same construction.

Numbers are floats or `Quantity` (a float that remembers its expression); equality looks at the value only.
Shapes are 3-D, or flat (2-D, in the plane z = 0) until an extrusion makes them 3-D; `dimension` tells which.
Booleans are kept in one canonical form: nested unions and intersections are flat, and `a - (b + c)`,
`(a - b) - c` and `a - b - c` are one tree, so that both notations of a part read back as the same tree.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Literal, get_args

Vector = tuple[float, float, float]
Point = tuple[float, float]
Matrix = tuple[tuple[float, float, float, float], ...]
"""Three rows of an affine map; the last column moves."""
X_AXIS: Vector = (1.0, 0.0, 0.0)
Y_AXIS: Vector = (0.0, 1.0, 0.0)
Z_AXIS: Vector = (0.0, 0.0, 1.0)
ORIGIN: Vector = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Cube:
    """A box with one corner at the origin."""

    size: Vector


@dataclass(frozen=True, slots=True)
class Cylinder:
    """A cylinder on +z, base at z = 0. `fn` is its own number of facets, where it differs from the program's."""

    r: float
    h: float
    fn: int | None = None


@dataclass(frozen=True, slots=True)
class Cone:
    """A cone or frustum on +z, base radius `r1` at z = 0, top radius `r2` at z = h."""

    r1: float
    r2: float
    h: float
    fn: int | None = None


@dataclass(frozen=True, slots=True)
class Sphere:
    """A sphere centred at the origin."""

    r: float
    fn: int | None = None


@dataclass(frozen=True, slots=True)
class Polyhedron:
    """A solid bounded by flat faces; each lists indices of `points`, clockwise as seen from outside."""

    points: tuple[Vector, ...]
    faces: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Square:
    """A flat rectangle with one corner at the origin."""

    size: Point


@dataclass(frozen=True, slots=True)
class Circle:
    """A flat disc centred at the origin."""

    r: float
    fn: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A straight edge of an outline."""

    start: Point
    end: Point


@dataclass(frozen=True, slots=True)
class Arc:
    """A round edge of an outline about `centre`; a full circle where it ends at its start."""

    start: Point
    end: Point
    centre: Point
    ccw: bool


Loop = tuple[Line | Arc, ...]


@dataclass(frozen=True, slots=True)
class Polygon:
    """The flat area between closed paths, by the even-odd rule; no `paths` is one path through all points.

    `outline` remembers the arcs that were cut into flats to give `points`, as a `Quantity` remembers its expression:
    it takes no part in equality.
    """

    points: tuple[Point, ...]
    paths: tuple[tuple[int, ...], ...] = ()
    outline: tuple[Loop, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class LinearExtrude:
    """A flat `child` raised to z = height, turned clockwise by `twist` degrees and scaled by `scale` on its way.

    `slices` is the number of its layers; None follows OpenSCAD's rule.
    """

    height: float
    child: "Node"
    twist: float = 0.0
    slices: int | None = None
    scale: Point = (1.0, 1.0)


@dataclass(frozen=True, slots=True)
class RotateExtrude:
    """A flat `child` swept about z, from the x-z half plane counterclockwise by `angle` degrees; its y becomes z."""

    child: "Node"
    angle: float = 360.0
    fn: int | None = None


@dataclass(frozen=True, slots=True)
class Offset:
    """A flat `child` grown by `distance` (shrunk, if negative)."""

    distance: float
    child: "Node"
    corners: Literal["round", "sharp", "chamfer"] = "round"
    fn: int | None = None


@dataclass(frozen=True, slots=True)
class Translate:
    """`child` moved by `offset`."""

    offset: Vector
    child: "Node"


@dataclass(frozen=True, slots=True)
class Rotate:
    """`child` turned about the fixed axes: x first, then y, then z (degrees)."""

    angles: Vector
    child: "Node"


@dataclass(frozen=True, slots=True)
class Turn:
    """`child` turned by `angle` degrees about `axis` through the origin, counterclockwise as seen from its tip."""

    angle: float
    axis: Vector
    child: "Node"


@dataclass(frozen=True, slots=True)
class Scale:
    """`child` scaled about the origin."""

    factors: Vector
    child: "Node"


@dataclass(frozen=True, slots=True)
class Mirror:
    """`child` mirrored in the plane through the origin with this normal."""

    normal: Vector
    child: "Node"


@dataclass(frozen=True, slots=True)
class Transform:
    """`child` under any affine map: OpenSCAD's multmatrix."""

    matrix: Matrix
    child: "Node"


@dataclass(frozen=True, slots=True)
class LinearPattern:
    """`count` copies of `child`, the first in place, each `spacing` further along `direction` (normalised)."""

    direction: Vector
    count: float
    spacing: float
    child: "Node"


@dataclass(frozen=True, slots=True)
class CircularPattern:
    """`count` copies of `child` about `axis` through `origin`, the first in place, `angle / count` degrees apart."""

    count: float
    angle: float
    child: "Node"
    axis: Vector = Z_AXIS
    origin: Vector = ORIGIN


@dataclass(frozen=True, slots=True)
class Shell:
    """`child` with a closed void inside: walls of `thickness`, no open face, mitred corners."""

    thickness: float
    child: "Node"


@dataclass(frozen=True, slots=True)
class Fillet:
    """`child` with every edge rounded; only a B-rep kernel can evaluate it."""

    radius: float
    child: "Node"


@dataclass(frozen=True, slots=True)
class Chamfer:
    """`child` with every edge cut back by `distance`; only a B-rep kernel can evaluate it."""

    distance: float
    child: "Node"


@dataclass(frozen=True, slots=True)
class Union:
    """Everything in any child; no children is the empty solid."""

    children: tuple["Node", ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "children", _flat(self.children, Union))


@dataclass(frozen=True, slots=True)
class Intersection:
    """What is in every child."""

    children: tuple["Node", ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "children", _flat(self.children, Intersection))


@dataclass(frozen=True, slots=True)
class Difference:
    """The first child without all the others."""

    children: tuple["Node", ...]

    def __post_init__(self) -> None:
        first, cuts = self.children[0], self.children[1:]
        inner = first.children if isinstance(first, Difference) else (first,)
        object.__setattr__(self, "children", (inner[0], *inner[1:], *_flat(cuts, Union)))


@dataclass(frozen=True, slots=True)
class Hull:
    """The smallest convex shape around all children."""

    children: tuple["Node", ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "children", _flat(self.children, Union))


Boolean = Union | Intersection | Difference
Flat = Square | Circle | Polygon
Primitive = Cube | Cylinder | Cone | Sphere | Polyhedron
Move = Translate | Rotate | Turn | Scale | Mirror | Transform
Pattern = LinearPattern | CircularPattern
Extrusion = LinearExtrude | RotateExtrude
Finish = Shell | Fillet | Chamfer
Node = Primitive | Flat | Extrusion | Offset | Move | Pattern | Finish | Boolean | Hull
_NUMBERED: dict[type, tuple[str, ...]] = {
    kind: tuple(slot.name for slot in fields(kind) if slot.name not in ("child", "children", "outline"))
    for kind in get_args(Node)
}
"""The fields of every node that hold numbers."""


def union(*children: Node) -> Node:
    """The union of `children`; of one child, the child itself."""
    return children[0] if len(children) == 1 else Union(children)


def difference(base: Node, *cuts: Node) -> Node:
    """`base` without `cuts`; `base` itself if there are none."""
    return Difference((base, *cuts)) if cuts else base


def intersection(*children: Node) -> Node:
    """What all `children` share; of one child, the child itself."""
    return children[0] if len(children) == 1 else Intersection(children)


def reflection(factors: Vector) -> Vector | None:
    """The normal of the axis plane that scaling by `factors` mirrors in, if that is all it does."""
    for axis in (X_AXIS, Y_AXIS, Z_AXIS):
        if factors == tuple(1 - 2 * part for part in axis):
            return axis
    return None


def walk(node: Node) -> Iterator[Node]:
    """Every node of the tree, parents first."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(children_of(current)))


def children_of(node: Node) -> tuple[Node, ...]:
    """The direct children of `node`, in order."""
    match node:
        case Union() | Intersection() | Difference() | Hull():
            return node.children
        case Cube() | Cylinder() | Cone() | Sphere() | Polyhedron() | Square() | Circle() | Polygon():
            return ()
        case _:
            return (node.child,)


def dimension(node: Node) -> Literal[0, 2, 3]:
    """2 for a flat shape, 3 for a solid one, 0 for nothing; looks at the first child only."""
    match node:
        case Square() | Circle() | Polygon() | Offset():
            return 2
        case Cube() | Cylinder() | Cone() | Sphere() | Polyhedron() | LinearExtrude() | RotateExtrude():
            return 3
        case _:
            return next((found for child in children_of(node) if (found := dimension(child))), 0)


def same_dimension(nodes: tuple[Node, ...] | list[Node]) -> bool:
    """Whether no two of `nodes` mix 2-D and 3-D."""
    return len({dimension(node) for node in nodes} - {0}) < 2


def copies_in(node: Node) -> int:
    """The most copies that nested patterns make of one thing below."""
    own = int(node.count) if isinstance(node, LinearPattern | CircularPattern) else 1
    return own * max(map(copies_in, children_of(node)), default=1)


def numbers_of(node: Node) -> Iterator[float]:
    """The numbers of this node itself, in the order of its fields."""
    for name in _NUMBERED[type(node)]:
        yield from _numbers_in(getattr(node, name))


def length_of(vector: Vector) -> float:
    """The Euclidean length."""
    return math.hypot(*map(float, vector))


def _numbers_in(value: object) -> Iterator[float]:
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _numbers_in(item)


def _flat(children: tuple[Node, ...], kind: type[Union] | type[Intersection]) -> tuple[Node, ...]:
    flat: list[Node] = []
    for child in children:
        flat.extend(child.children if isinstance(child, kind) else (child,))
    return tuple(flat)
