"""Compact IR to a `Program`: one line at a time, every reference backwards, every node used."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cadmonkey.cad import csg
from cadmonkey.cad.ir.sketch import Sketch, extruded, revolved
from cadmonkey.cad.program import MAX_NODES, MAX_SOURCE, Facets, LanguageError, Program

MAX_DEPTH = 200
"""Operations within operations."""
LARGEST = 1e6
"""No number of a part is larger."""
DEFAULT_FACETS = Facets(fn=96)

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LINE = re.compile(r'(?P<words>[^"#]*)(?P<name>"[^"]*")?\s*(?:#.*)?')
ARITY = {
    "C": "x y z",
    "Y": "r h",
    "S": "r",
    "K": "r1 r2 h",
    "T": "n x y z",
    "R": "n x y z",
    "X": "n x y z",
    "U": "a b",
    "D": "a b",
    "I": "a b",
    "LP": "n dx dy dz count spacing",
    "CP": "n ox oy oz ax ay az count angle",
    "SH": "n t",
    "FI": "n r",
    "CH": "n d",
    "SK": "ox oy oz xx xy xz yx yy yz",
    "L": "x1 y1 x2 y2",
    "A": "x1 y1 x2 y2 cx cy ccw",
    "END": "",
    "E": "sk dx dy dz",
    "V": "sk ox oy oz ax ay az deg",
    "ROOT": "n",
}
"""The operands of every operation; `n`, `a`, `b` and `sk` are numbers of nodes."""
_REFERENCES = ("n", "a", "b", "sk")


def parse_ir(text: str) -> Program:
    """Read Compact IR; curves have 96 sides unless an `M $fn` line says otherwise.

    Raises:
        LanguageError: the line, and what is wrong there.
    """
    if len(text) > MAX_SOURCE:
        raise LanguageError(1, f"expected at most {MAX_SOURCE} characters, got {len(text)}")
    lines = text.splitlines()
    reader = _Reader(_fineness(lines))
    for number, line in enumerate(lines, 1):
        reader.read(line, number)
    return Program(reader.finish(len(lines) or 1), (), reader.facets)


def _fineness(lines: list[str]) -> Facets:
    facets = DEFAULT_FACETS
    for number, line in enumerate(lines, 1):
        words = line.split()
        if len(words) == 3 and words[0] == "M" and words[1] in ("$fn", "$fa", "$fs"):
            facets = replace(facets, **{words[1][1:]: _number(words[2], words[1], number)})
    return facets


@dataclass(slots=True)
class _Reader:
    """The nodes so far, by number; a sketch is a node that only `E` and `V` may use."""

    facets: Facets
    nodes: list[csg.Node | Sketch] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    sizes: list[int] = field(default_factory=list)
    depths: dict[int, int] = field(default_factory=dict)
    root: tuple[int, int] | None = None
    sketch: Sketch | None = None

    def read(self, text: str, line: int) -> None:
        """Take one line."""
        match = _LINE.fullmatch(text)
        words = match["words"].split() if match else text.split()
        if words[:1] == ["M"] or (not words and (match is None or match["name"] is None)):
            return
        if match is None or not words:
            raise LanguageError(line, f'expected an operation, its operands and perhaps a "name", got {_short(text)}')
        operation, operands = words[0], words[1:]
        if operation not in ARITY:
            raise LanguageError(line, f"unknown operation {_short(operation)}; known: {' '.join(ARITY)} M")
        names = ARITY[operation].split()
        if len(operands) != len(names):
            raise LanguageError(
                line, f"{operation}: expected {len(names)} operands ({ARITY[operation]}), got {len(operands)}"
            )
        values = [
            self.reference(word, operation, line)
            if name in _REFERENCES
            else _number(word, f"{operation}: {name}", line)
            for name, word in zip(names, operands, strict=True)
        ]
        self.take(operation, values, line)

    def reference(self, word: str, operation: str, line: int) -> int:
        """The number of a node above this line (of any node, for ROOT)."""
        if not (word.isascii() and word.isdigit() and len(word) < 7):
            raise LanguageError(line, f"{operation}: expected the number of a node, got {_short(word)}")
        if operation != "ROOT" and int(word) >= len(self.nodes):
            raise LanguageError(
                line, f"{operation}: node {int(word)} is not above this line (0 to {len(self.nodes) - 1} are)"
            )
        return int(word)

    def take(self, operation: str, values: list[float], line: int) -> None:
        """Build what the line says."""
        if operation in ("L", "A", "END"):
            self.draw(operation, values, line)
        elif self.sketch is not None:
            raise LanguageError(line, f"{operation}: the sketch of line {self.sketch.line} has no END yet")
        elif operation == "ROOT":
            if self.root is not None:
                raise LanguageError(line, f"ROOT stands on line {self.root[1]} already")
            self.root = (int(values[0]), line)
        elif operation == "SK":
            self.sketch = _sketch(values, line)
        else:
            count = sum(name in _REFERENCES for name in ARITY[operation].split())
            references = [int(value) for value in values[:count]]
            self.add(self.build(operation, references, values[count:], line), references, line)

    def draw(self, operation: str, values: list[float], line: int) -> None:
        sketch = self.sketch
        if sketch is None:
            raise LanguageError(line, f"{operation}: expected it inside SK … END")
        if operation == "END":
            sketch.end(line)
            self.sketch = None
            self.add(sketch, [], sketch.line)
            return
        start, end = (values[0], values[1]), (values[2], values[3])
        if operation == "L":
            sketch.add(csg.Line(start, end), line)
            return
        if values[6] not in (0, 1):
            raise LanguageError(line, f"A: ccw: expected 0 or 1, got {values[6]:g}")
        sketch.add(csg.Arc(start, end, (values[4], values[5]), values[6] == 1), line)

    def build(self, operation: str, references: list[int], values: list[float], line: int) -> csg.Node:
        if operation in ("E", "V"):
            sketch = self.nodes[references[0]]
            if not isinstance(sketch, Sketch):
                raise LanguageError(line, f"{operation}: expected a sketch, but node {references[0]} is a solid")
            return _swept(operation, sketch, values, self.facets, line)
        solids = []
        for reference in references:
            node = self.nodes[reference]
            if isinstance(node, Sketch):
                raise LanguageError(line, f"{operation}: node {reference} is a sketch; make a solid of it with E or V")
            solids.append(node)
        return _NODES[operation](_Operands(operation, solids, values, line))

    def add(self, node: csg.Node | Sketch, references: list[int], line: int) -> None:
        self.used.update(references)
        self.nodes.append(node)
        self.lines.append(line)
        self.sizes.append(min(1 + sum(self.sizes[reference] for reference in references), MAX_NODES + 1))
        if self.sizes[-1] > MAX_NODES:
            raise LanguageError(line, f"the program builds more than {MAX_NODES} nodes")
        if not isinstance(node, Sketch):
            depth = 1 + max((self.depths.get(id(child), 4) for child in csg.children_of(node)), default=0)
            self.depths[id(node)] = depth
            if depth > MAX_DEPTH:
                raise LanguageError(line, f"operations nest deeper than {MAX_DEPTH} levels")

    def finish(self, last: int) -> csg.Node:
        """The root, once everything is read."""
        if self.sketch is not None:
            raise LanguageError(self.sketch.line, "the sketch has no END")
        if not self.nodes:
            raise LanguageError(last, "the program is empty")
        loose = [number for number in range(len(self.nodes)) if number not in self.used]
        root, line = self.root or (loose[-1], self.lines[loose[-1]])
        if root >= len(self.nodes):
            raise LanguageError(line, f"ROOT: node {root} does not exist; the last is {len(self.nodes) - 1}")
        unused = next((number for number in loose if number != root), None)
        if unused is not None:
            raise LanguageError(self.lines[unused], f"node {unused} is never used")
        node = self.nodes[root]
        if isinstance(node, Sketch):
            raise LanguageError(line, "the root is a sketch; make a solid of it with E or V")
        return node


def _sketch(values: list[float], line: int) -> Sketch:
    origin, x, y = _vector(values[:3]), _vector(values[3:6]), _vector(values[6:])
    across = (x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0])
    if csg.length_of(across) < 1e-9:
        raise LanguageError(line, "SK: expected two axes that span a plane")
    return Sketch(line, origin, x, y)


def _swept(operation: str, sketch: Sketch, values: list[float], facets: Facets, line: int) -> csg.Node:
    if operation == "E":
        return extruded(sketch, _vector(values), facets, line)
    if not any(values[3:6]) or values[6] == 0:
        raise LanguageError(line, "V: expected an axis and an angle that are not zero")
    return revolved(sketch, _vector(values[:3]), _vector(values[3:6]), values[6], facets, line)


@dataclass(frozen=True, slots=True)
class _Operands:
    """The operands of one operation."""

    operation: str
    solids: list[csg.Node]
    values: list[float]
    line: int

    @property
    def node(self) -> csg.Node:
        return self.solids[0]

    @property
    def vector(self) -> csg.Vector:
        return _vector(self.values[:3])

    def direction(self, start: int) -> csg.Vector:
        vector = _vector(self.values[start : start + 3])
        if not any(vector):
            raise LanguageError(self.line, f"{self.operation}: expected a direction, got 0 0 0")
        return vector

    def count(self, value: float) -> float:
        if not (value.is_integer() and value >= 1):
            raise LanguageError(self.line, f"{self.operation}: count: expected a whole number from 1 on, got {value:g}")
        return value


def _cone(o: _Operands) -> csg.Node:
    r1, r2, h = o.values
    return csg.Cone(r1, r2, h)


def _scaled(o: _Operands) -> csg.Node:
    normal = csg.reflection(o.vector)
    return csg.Scale(o.vector, o.node) if normal is None else csg.Mirror(normal, o.node)


def _row(o: _Operands) -> csg.Node:
    return csg.LinearPattern(o.direction(0), o.count(o.values[3]), o.values[4], o.node)


def _ring(o: _Operands) -> csg.Node:
    return csg.CircularPattern(o.count(o.values[6]), o.values[7], o.node, o.direction(3), o.vector)


_NODES: dict[str, Callable[[_Operands], csg.Node]] = {
    "C": lambda o: csg.Cube(o.vector),
    "Y": lambda o: csg.Cylinder(o.values[0], o.values[1]),
    "S": lambda o: csg.Sphere(o.values[0]),
    "K": _cone,
    "T": lambda o: csg.Translate(o.vector, o.node),
    "R": lambda o: csg.Rotate(o.vector, o.node),
    "X": _scaled,
    "U": lambda o: csg.Union(tuple(o.solids)),
    "D": lambda o: csg.Difference(tuple(o.solids)),
    "I": lambda o: csg.Intersection(tuple(o.solids)),
    "LP": _row,
    "CP": _ring,
    "SH": lambda o: csg.Shell(o.values[0], o.node),
    "FI": lambda o: csg.Fillet(o.values[0], o.node),
    "CH": lambda o: csg.Chamfer(o.values[0], o.node),
}


def _vector(values: list[float]) -> csg.Vector:
    x, y, z = values
    return (x, y, z)


def _number(word: str, what: str, line: int) -> float:
    value = float(word) if _NUMBER.fullmatch(word) else math.nan
    if not abs(value) <= LARGEST:
        raise LanguageError(line, f"{what}: expected a decimal number up to a million, got {_short(word)}")
    return value


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
