"""The CSG tree: immutable nodes in millimetres and degrees, equal when they describe the same construction.

Numbers are floats or `Quantity` (a float that remembers its expression); equality looks at the value only.
Booleans are kept in one canonical form: nested unions and intersections are flat, and `a - (b + c)`,
`(a - b) - c` and `a - b - c` are one tree, so that both notations of a part read back as the same tree.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

Vector = tuple[float, float, float]


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
class LinearPattern:
    """`count` copies of `child`, the first in place, each `spacing` further along `direction` (normalised)."""

    direction: Vector
    count: float
    spacing: float
    child: "Node"


@dataclass(frozen=True, slots=True)
class CircularPattern:
    """`count` copies of `child` about +z, the first in place, `angle / count` degrees apart."""

    count: float
    angle: float
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


Boolean = Union | Intersection | Difference
Wrapper = Translate | Rotate | Scale | Mirror | LinearPattern | CircularPattern
Primitive = Cube | Cylinder | Cone | Sphere
Node = Primitive | Wrapper | Boolean


def union(*children: Node) -> Node:
    """The union of `children`; of one child, the child itself."""
    return children[0] if len(children) == 1 else Union(children)


def difference(base: Node, *cuts: Node) -> Node:
    """`base` without `cuts`; `base` itself if there are none."""
    return Difference((base, *cuts)) if cuts else base


def intersection(*children: Node) -> Node:
    """What all `children` share; of one child, the child itself."""
    return children[0] if len(children) == 1 else Intersection(children)


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
        case Union() | Intersection() | Difference():
            return node.children
        case Cube() | Cylinder() | Cone() | Sphere():
            return ()
        case _:
            return (node.child,)


def numbers_of(node: Node) -> Iterator[float]:
    """The numbers of this node itself, in the order of its fields."""
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, int | float):
            yield value
        elif isinstance(value, tuple) and field.name != "children":
            yield from value


def _flat(children: tuple[Node, ...], kind: type[Union] | type[Intersection]) -> tuple[Node, ...]:
    flat: list[Node] = []
    for child in children:
        flat.extend(child.children if isinstance(child, kind) else (child,))
    return tuple(flat)
