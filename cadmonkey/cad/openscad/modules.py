"""What each built-in module makes of its arguments and children."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from cadmonkey.cad import csg
from cadmonkey.cad.openscad import syntax
from cadmonkey.cad.openscad.expressions import Value, Variables, number, shown, truth
from cadmonkey.cad.program import MAX_FACETS, Facets, LanguageError
from cadmonkey.cad.quantity import Quantity

FINENESS = ("$fn", "$fa", "$fs")
BOOLEANS = ("union", "difference", "intersection", "hull", "group", "color", "render")
_ZERO, _ONE = Quantity(0), Quantity(1)


@dataclass(slots=True)
class Arguments:
    """The evaluated arguments of one call, taken by name or position; the fineness that holds for it."""

    call: syntax.Instance
    given: list[tuple[str | None, Value]]
    fineness: Facets = field(default_factory=Facets)
    own: bool = False
    """Whether that fineness differs from the program's."""

    @property
    def line(self) -> int:
        """Where the call stands."""
        return self.call.line

    @property
    def module(self) -> str:
        """What is called."""
        return self.call.name

    def take_fineness(self) -> Variables:
        """Remove `$fn`, `$fa` and `$fs` from the arguments, and return them."""
        fineness = {name: value for name, value in self.given if name in FINENESS}
        self.given = [(name, value) for name, value in self.given if name not in FINENESS]
        return {str(name): value for name, value in fineness.items()}

    def match(self, *names: str, positional: int) -> dict[str, Value]:
        """The arguments by name; the first `positional` names may be given by position.

        Raises:
            LanguageError: an argument that this module does not have.
        """
        found: dict[str, Value] = {}
        position = 0
        for name, value in self.given:
            if name is None:
                if position >= positional:
                    raise LanguageError(self.line, f"'{self.module}' has too many arguments")
                name, position = names[position], position + 1
            if name not in (*names, "convexity"):
                raise LanguageError(self.line, f"'{self.module}' has no argument '{name}'; it has {', '.join(names)}")
            found[name] = value
        return found

    def number(self, value: Value, what: str) -> Quantity:
        """`value`, if it is a number; `what` names it in the error."""
        return number(value, f"{self.module}: {what}", self.line)

    def vector(self, value: Value, what: str, fill: float) -> csg.Vector:
        """Three numbers; a shorter vector is filled up with `fill`."""
        if not isinstance(value, tuple) or not 1 <= len(value) <= 3:
            raise LanguageError(self.line, f"expected {self.module}([x, y, z]), got {shown(value)}")
        x, y, z = (*(self.number(item, what) for item in value), *[Quantity(fill)] * (3 - len(value)))
        return (x, y, z)

    def rows(self, value: Value, what: str, lengths: tuple[int, ...]) -> tuple[tuple[Quantity, ...], ...]:
        """A vector of vectors of numbers, each of one of `lengths` (of any, if there are none)."""
        if not isinstance(value, tuple) or not value:
            raise LanguageError(self.line, f"{self.module}: {what}: expected a list of vectors, got {shown(value)}")
        for row in value:
            if not isinstance(row, tuple) or (lengths and len(row) not in lengths):
                size = f" of {' or '.join(map(str, lengths))} numbers" if lengths else ""
                raise LanguageError(self.line, f"{self.module}: {what}: expected vectors{size}, got {shown(row)}")
        return tuple(tuple(self.number(item, what) for item in row) for row in value if isinstance(row, tuple))

    def indices(self, value: Value, what: str, points: int) -> tuple[tuple[int, ...], ...]:
        """A list of lists of indices into `points` points; a single list counts as one of them."""
        if isinstance(value, tuple) and value and all(isinstance(item, Quantity) for item in value):
            value = (value,)
        lists = self.rows(value, what, ())
        for index in (index for row in lists for index in row):
            if not (index.is_integer() and 0 <= index < points):
                raise LanguageError(
                    self.line, f"{self.module}: {what}: expected indices below {points}, got {shown(index)}"
                )
        return tuple(tuple(int(index) for index in row) for row in lists)

    def sides(self, radius: float) -> int | None:
        """The sides of a circle by its own fineness, None where the program's holds.

        Raises:
            LanguageError: more than MAX_FACETS.
        """
        sides = self.fineness.around(radius)
        if sides > MAX_FACETS:
            raise LanguageError(self.line, f"expected at most {MAX_FACETS} facets, got {sides}")
        return sides if self.own else None


def _cube(arguments: Arguments) -> csg.Node:
    given = arguments.match("size", "center", positional=2)
    size = given.get("size", _ONE)
    if isinstance(size, tuple) and len(size) != 3:  # OpenSCAD warns and draws a cube of 1 mm
        raise LanguageError(arguments.line, f"expected cube([x, y, z]), got {shown(size)}")
    x, y, z = (size,) * 3 if isinstance(size, Quantity) else arguments.vector(size, "size", 0)
    node = csg.Cube((x, y, z))
    return csg.Translate((-x / 2, -y / 2, -z / 2), node) if truth(given.get("center")) else node


def _square(arguments: Arguments) -> csg.Node:
    given = arguments.match("size", "center", positional=2)
    size = given.get("size", _ONE)
    if isinstance(size, tuple) and len(size) != 2:
        raise LanguageError(arguments.line, f"expected square([x, y]), got {shown(size)}")
    x, y, _ = (size,) * 3 if isinstance(size, Quantity) else arguments.vector(size, "size", 0)
    node = csg.Square((x, y))
    return csg.Translate((-x / 2, -y / 2, _ZERO), node) if truth(given.get("center")) else node


def _radius(arguments: Arguments, given: dict[str, Value], r: str, d: str, default: Quantity) -> Quantity:
    if given.get(d) is not None:
        return arguments.number(given[d], d) / Quantity(2)
    return arguments.number(given[r], r) if given.get(r) is not None else default


def _cylinder(arguments: Arguments) -> csg.Node:
    given = arguments.match("h", "r1", "r2", "center", "r", "d", "d1", "d2", positional=4)
    both = _radius(arguments, given, "r", "d", _ONE)
    r1, r2 = _radius(arguments, given, "r1", "d1", both), _radius(arguments, given, "r2", "d2", both)
    h = arguments.number(given.get("h", _ONE), "h")
    sides = arguments.sides(max(r1, r2))
    node = csg.Cylinder(r1, h, sides) if r1 == r2 else csg.Cone(r1, r2, h, sides)
    return csg.Translate((_ZERO, _ZERO, -h / 2), node) if truth(given.get("center")) else node


def _sphere(arguments: Arguments) -> csg.Node:
    radius = _radius(arguments, arguments.match("r", "d", positional=1), "r", "d", _ONE)
    return csg.Sphere(radius, arguments.sides(radius))


def _circle(arguments: Arguments) -> csg.Node:
    radius = _radius(arguments, arguments.match("r", "d", positional=1), "r", "d", _ONE)
    return csg.Circle(radius, arguments.sides(radius))


def _polygon(arguments: Arguments) -> csg.Node:
    given = arguments.match("points", "paths", positional=2)
    points = cast("tuple[csg.Point, ...]", arguments.rows(given.get("points"), "points", (2,)))
    paths = given.get("paths")
    listed = () if paths is None else arguments.indices(paths, "paths", len(points))
    if any(len(path) < 3 for path in listed or (points,)):
        raise LanguageError(arguments.line, "polygon: expected at least 3 points in every path")
    return csg.Polygon(points, listed)


def _polyhedron(arguments: Arguments) -> csg.Node:
    given = arguments.match("points", "faces", positional=2)
    points = cast("tuple[csg.Vector, ...]", arguments.rows(given.get("points"), "points", (3,)))
    faces = arguments.indices(given.get("faces"), "faces", len(points))
    if any(len(face) < 3 for face in faces):
        raise LanguageError(arguments.line, "polyhedron: expected at least 3 corners in every face")
    return csg.Polyhedron(points, faces)


PRIMITIVES: dict[str, Callable[[Arguments], csg.Node]] = {
    "cube": _cube,
    "cylinder": _cylinder,
    "sphere": _sphere,
    "polyhedron": _polyhedron,
    "square": _square,
    "circle": _circle,
    "polygon": _polygon,
}


def _translate(arguments: Arguments, child: csg.Node) -> csg.Node:
    return csg.Translate(arguments.vector(arguments.match("v", positional=1).get("v"), "v", 0), child)


def _rotate(arguments: Arguments, child: csg.Node) -> csg.Node:
    given = arguments.match("a", "v", positional=2)
    angle = given.get("a", _ZERO)
    if isinstance(angle, tuple):
        return csg.Rotate(arguments.vector(angle, "a", 0), child)
    axis = arguments.vector(given.get("v", (_ZERO, _ZERO, _ONE)), "v", 0)
    turn = arguments.number(angle, "a")
    turned = sum(value != 0 for value in axis)
    if turned == 0:
        raise LanguageError(arguments.line, "rotate: expected an axis that is not zero, got [0, 0, 0]")
    if turned > 1:
        return csg.Turn(turn, axis, child)
    x, y, z = (_ZERO if value == 0 else (turn if value > 0 else -turn) for value in axis)
    return csg.Rotate((x, y, z), child)


def _scale(arguments: Arguments, child: csg.Node) -> csg.Node:
    given = arguments.match("v", positional=1).get("v")
    factors = (given,) * 3 if isinstance(given, Quantity) else arguments.vector(given, "v", 1)
    normal = csg.reflection(factors)
    return csg.Scale(factors, child) if normal is None else csg.Mirror(normal, child)


def _mirror(arguments: Arguments, child: csg.Node) -> csg.Node:
    return csg.Mirror(arguments.vector(arguments.match("v", positional=1).get("v"), "v", 0), child)


def _multmatrix(arguments: Arguments, child: csg.Node) -> csg.Node:
    rows = arguments.rows(arguments.match("m", positional=1).get("m"), "m", (4,))
    if len(rows) not in (3, 4) or (len(rows) == 4 and rows[3] != (_ZERO, _ZERO, _ZERO, _ONE)):
        raise LanguageError(arguments.line, "multmatrix: expected 3 rows, or 4 with the last [0, 0, 0, 1]")
    return csg.Transform(cast("csg.Matrix", rows[:3]), child)


def _linear_extrude(arguments: Arguments, child: csg.Node) -> csg.Node:
    given = arguments.match("height", "center", "twist", "slices", "scale", positional=1)
    height = arguments.number(given.get("height", Quantity(100)), "height")
    twist = arguments.number(given.get("twist", _ZERO), "twist")
    scale = given.get("scale", _ONE)
    x, y, _ = (scale,) * 3 if isinstance(scale, Quantity) else arguments.vector(scale, "scale", 1)
    slices = _slices(arguments, given.get("slices"), twist, x != y)
    node = csg.LinearExtrude(height, child, twist, slices, (x, y))
    return csg.Translate((_ZERO, _ZERO, -height / 2), node) if truth(given.get("center")) else node


def _slices(arguments: Arguments, given: Value, twist: Quantity, skewed: bool) -> int | None:
    if given is not None:
        slices = arguments.number(given, "slices")
        if not 1 <= slices <= MAX_FACETS:
            raise LanguageError(arguments.line, f"expected 1 to {MAX_FACETS} slices, got {shown(slices)}")
        return int(slices)
    if not arguments.own or (not twist and not skewed):
        return None
    if arguments.fineness.fn <= 0:
        raise LanguageError(arguments.line, "linear_extrude: its own $fa or $fs is outside the subset; write slices")
    turns = abs(twist) / 360 if twist else _ONE
    return max(arguments.sides(1) or 1, 3) if not twist else _ceiling(max(turns * arguments.fineness.fn, turns * 3))


def _ceiling(value: float) -> int:
    return max(-int(-float(value) // 1), 1)


def _rotate_extrude(arguments: Arguments, child: csg.Node) -> csg.Node:
    given = arguments.match("angle", positional=0)
    if arguments.own and arguments.fineness.fn <= 0:
        raise LanguageError(arguments.line, "rotate_extrude: its own $fa or $fs is outside the subset; use $fn")
    return csg.RotateExtrude(child, arguments.number(given.get("angle", Quantity(360)), "angle"), arguments.sides(1))


def _offset(arguments: Arguments, child: csg.Node) -> csg.Node:
    given = arguments.match("r", "delta", "chamfer", positional=1)
    if given.get("r") is None and given.get("delta") is not None:
        distance = arguments.number(given["delta"], "delta")
        return csg.Offset(distance, child, "chamfer" if truth(given.get("chamfer")) else "sharp")
    radius = arguments.number(given.get("r", _ONE), "r")
    return csg.Offset(radius, child, "round", arguments.sides(abs(radius)))


OPERATIONS: dict[str, Callable[[Arguments, csg.Node], csg.Node]] = {
    "translate": _translate,
    "rotate": _rotate,
    "scale": _scale,
    "mirror": _mirror,
    "multmatrix": _multmatrix,
    "linear_extrude": _linear_extrude,
    "rotate_extrude": _rotate_extrude,
    "offset": _offset,
}
FLAT_ONLY = ("linear_extrude", "rotate_extrude", "offset")
"""The operations that take 2-D children."""


def combine(arguments: Arguments, children: list[csg.Node]) -> csg.Node:
    """The node of a boolean, a transformation or an extrusion of `children`.

    Raises:
        LanguageError: wrong arguments, or 3-D children where flat ones are needed.
    """
    name = arguments.module
    if name in FLAT_ONLY and any(csg.dimension(child) == 3 for child in children):
        raise LanguageError(arguments.line, f"{name}: expected 2-D shapes inside, got a 3-D one")
    if name in OPERATIONS:
        return OPERATIONS[name](arguments, csg.union(*children))
    match name:
        case "difference":
            return csg.difference(*children)
        case "intersection":
            return csg.intersection(*children)
        case "hull":
            return csg.Hull(tuple(children))
        case _:
            return csg.union(*children)
