"""A tree to OpenSCAD as people write it: named parameters first, then a body that uses them."""

from collections.abc import Iterator, Sequence
from itertools import groupby, product

from cadmonkey.cad import csg
from cadmonkey.cad.program import Facets, Parameter, Program
from cadmonkey.cad.quantity import Quantity, number_text, quantity

LINE_WIDTH = 100
_LOOP_NAMES = ("i", "j", "k", "m", "n")
_DEFAULTS = Facets()


def print_openscad(program: Program | csg.Node) -> str:
    """Print a program with its parameters, or a bare tree with plain numbers.

    Reading the text back gives an equal tree, number for number.
    """
    if not isinstance(program, Program):
        program = Program(program)
    printer = _Printer({parameter.name for parameter in program.parameters})
    lines = [*_header(program), *printer.statement(program.root, 0)]
    return "\n".join(lines)


def _header(program: Program) -> Iterator[str]:
    for parameter in program.parameters:
        yield _assignment(parameter)
    for name, value, default in zip(
        ("$fn", "$fa", "$fs"), _fineness(program.facets), _fineness(_DEFAULTS), strict=True
    ):
        if value != default:
            yield f"{name} = {number_text(value)};"


def _fineness(facets: Facets) -> tuple[float, float, float]:
    return (facets.fn, facets.fa, facets.fs)


def _assignment(parameter: Parameter) -> str:
    comment = f" // {parameter.comment}" if parameter.comment else ""
    return f"{parameter.name} = {parameter.value.text};{comment}"


class _Printer:
    """Prints statements; names loop variables so that they hide no parameter."""

    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.loop_names = [name for name in _LOOP_NAMES if name not in names]
        self.open_loops = 0

    def number(self, value: float) -> str:
        written = quantity(value)
        return written.text if _names_in(written) <= self.names else number_text(value)

    def vector(self, vector: Sequence[float]) -> str:
        return f"[{', '.join(self.number(value) for value in vector)}]"

    def statement(self, node: csg.Node, indent: int) -> list[str]:
        """The lines of one node, ending in `;` or `}`."""
        pad = "  " * indent
        match node:
            case csg.Cube() | csg.Cylinder() | csg.Cone() | csg.Sphere():
                return [f"{pad}{self.primitive(node)};"]
            case csg.Union() | csg.Difference() | csg.Intersection():
                body = [line for group in self.groups(node) for line in self.group(group, indent + 1)]
                return [f"{pad}{type(node).__name__.lower()}() {{", *body, f"{pad}}}"]
            case csg.LinearPattern() | csg.CircularPattern():
                return self.pattern(node, indent)
        centred = self.centred(node)
        if centred is not None:
            return [f"{pad}{centred};"]
        return self.prefixed(pad + self.transformation(node), self.statement(node.child, indent), indent)

    def prefixed(self, head: str, lines: list[str], indent: int) -> list[str]:
        """Put `head` before a statement: on its line where it fits, else above it, one step further in."""
        first = f"{head} {lines[0].lstrip()}"
        if len(first) <= LINE_WIDTH and not lines[0].lstrip().startswith("for "):
            return [first, *lines[1:]]
        return [head, *("  " + line for line in lines)]

    def primitive(self, node: csg.Primitive, suffix: str = "") -> str:
        match node:
            case csg.Cube():
                sides = {self.number(side) for side in node.size}
                return f"cube({sides.pop() if len(sides) == 1 else self.vector(node.size)}{suffix})"
            case csg.Cylinder():
                sizes = f"{self.radius(node.r)}, h = {self.number(node.h)}"
            case csg.Cone():
                sizes = f"{self.radius(node.r1, '1')}, {self.radius(node.r2, '2')}, h = {self.number(node.h)}"
            case csg.Sphere():
                sizes = self.radius(node.r)
        fn = f", $fn = {node.fn}" if node.fn is not None else ""
        name = "sphere" if isinstance(node, csg.Sphere) else "cylinder"
        return f"{name}({sizes}{suffix}{fn})"

    def radius(self, value: float, end: str = "") -> str:
        """`d = …` where the radius was written as half of a diameter."""
        diameter = quantity(value).halved_from()
        if diameter is not None and _names_in(diameter) <= self.names:
            return f"d{end} = {diameter.text}"
        return f"r{end} = {self.number(value)}"

    def transformation(self, node: csg.Translate | csg.Rotate | csg.Scale | csg.Mirror) -> str:
        match node:
            case csg.Translate():
                return f"translate({self.vector(node.offset)})"
            case csg.Rotate():
                return f"rotate({self.vector(node.angles)})"
            case csg.Scale():
                return f"scale({self.vector(node.factors)})"
            case csg.Mirror():
                return f"mirror({self.vector(node.normal)})"

    def centred(self, node: csg.Node) -> str | None:
        """A primitive moved by minus half its size, as `center = true`."""
        if not isinstance(node, csg.Translate):
            return None
        child, offset = node.child, tuple(map(float, node.offset))
        match child:
            case csg.Cube() if offset == tuple(-float(size) / 2 for size in child.size):
                return self.primitive(child, ", center = true")
            case csg.Cylinder() | csg.Cone() if offset == (0, 0, -float(child.h) / 2):
                return self.primitive(child, ", center = true")
        return None

    def groups(self, node: csg.Boolean) -> Iterator[list[csg.Node]]:
        """The operands in order, runs of moved copies of one thing together; the base of a difference alone."""
        children = list(node.children)
        if isinstance(node, csg.Difference):
            base = children.pop(0)
            yield [base]
        if isinstance(node, csg.Intersection):
            yield from ([child] for child in children)
            return
        for _, run in groupby(children, key=_copied):
            copies = list(run)
            yield from [copies] if len(copies) > 1 and _grid(copies) else ([child] for child in copies)

    def group(self, nodes: list[csg.Node], indent: int) -> list[str]:
        if len(nodes) == 1:
            return self.statement(nodes[0], indent)
        axes = _grid(nodes)
        assert axes is not None
        names = [name if name not in self.names else f"{name}_at" for name in "xyz"]
        looped = [(name, values) for name, values in zip(names, axes, strict=True) if len(values) > 1]
        offset = [name if len(values) > 1 else self.number(values[0]) for name, values in zip(names, axes, strict=True)]
        spans = ", ".join(f"{name} = {self.vector(values)}" for name, values in looped)
        child = nodes[0].child if isinstance(nodes[0], csg.Translate) else nodes[0]
        lines = self.prefixed(f"translate([{', '.join(offset)}])", self.statement(child, 0), 0)
        pad = "  " * indent
        return [f"{pad}for ({spans})", *(f"{pad}  {line}" for line in lines)]

    def pattern(self, node: csg.LinearPattern | csg.CircularPattern, indent: int) -> list[str]:
        """A `for` over `[0 : count - 1]` that the parser reads back as the same pattern."""
        if isinstance(node, csg.CircularPattern):
            (name,) = self.take_names(1)
            head = f"rotate([0, 0, {name} * {self.factor(node.angle)} / {self.factor(node.count)}])"
            return self.loop([node.count], head, node.child, indent)
        levels = list(_levels(node))
        slots = ["0", "0", "0"]
        for name, level in zip(self.take_names(len(levels)), levels, strict=True):
            slots[level.direction.index(1.0)] = f"{name} * {self.factor(level.spacing)}"
        head = f"translate([{', '.join(slots)}])"
        return self.loop([level.count for level in levels], head, levels[-1].child, indent)

    def loop(self, counts: list[float], head: str, child: csg.Node, indent: int) -> list[str]:
        names = self.take_names(len(counts))
        spans = [f"{name} = [0 : {self.number(count)} - 1]" for name, count in zip(names, counts, strict=True)]
        self.open_loops += len(counts)
        body = self.prefixed(head, self.statement(child, 0), 0)
        self.open_loops -= len(counts)
        pad = "  " * indent
        return [f"{pad}for ({', '.join(spans)})", *(f"{pad}  {line}" for line in body)]

    def factor(self, value: float) -> str:
        """`value` as it stands beside `*` and `/`."""
        text = self.number(value)
        return text if quantity(value).name is not None or text.replace(".", "").isdigit() else f"({text})"

    def take_names(self, count: int) -> list[str]:
        return [self.loop_name(self.open_loops + n) for n in range(count)]

    def loop_name(self, depth: int) -> str:
        return self.loop_names[depth] if depth < len(self.loop_names) else f"i{depth}"


def _levels(node: csg.LinearPattern) -> Iterator[csg.LinearPattern]:
    """Patterns along x, then y, then z that sit directly in each other: one loop with several variables."""
    yield node
    inner = node.child
    if isinstance(inner, csg.LinearPattern) and inner.direction.index(1.0) > node.direction.index(1.0):
        yield from _levels(inner)


def _names_in(value: Quantity) -> set[str]:
    if value.name is not None:
        return {value.name}
    return {name for operand in value.operands for name in _names_in(operand)}


def _copied(node: csg.Node) -> object:
    return (node.child,) if isinstance(node, csg.Translate) else object()


def _grid(nodes: Sequence[csg.Node]) -> tuple[list[float], list[float], list[float]] | None:
    """The x, y and z positions whose product, x slowest, gives the nodes' offsets in this order."""
    offsets = [node.offset for node in nodes if isinstance(node, csg.Translate)]
    axes = tuple(list(dict.fromkeys(offset[axis] for offset in offsets)) for axis in range(3))
    return axes if list(product(*axes)) == offsets else None  # type: ignore[return-value]
