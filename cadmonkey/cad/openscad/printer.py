"""A tree to OpenSCAD as people write it: named parameters first, then a body that uses them."""

from collections.abc import Iterator, Sequence
from itertools import groupby, product

from cadmonkey.cad import csg, shell
from cadmonkey.cad.program import Facets, NotationError, Parameter, Program
from cadmonkey.cad.quantity import Quantity, number_text, quantity

LINE_WIDTH = 100
_LOOP_NAMES = ("i", "j", "k", "m", "n")
_DEFAULTS = Facets()


def print_openscad(program: Program | csg.Node) -> str:
    """Print a program with its parameters, or a bare tree with plain numbers.

    Reading the text back gives an equal tree, number for number; only a shell, which OpenSCAD has no word for, reads
    back as the difference that it is.

    Raises:
        NotationError: a fillet or chamfer, which OpenSCAD cannot say.
    """
    if not isinstance(program, Program):
        program = Program(program)
    printer = _Printer({parameter.name for parameter in program.parameters}, program.facets.fn)
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

    def __init__(self, names: set[str], fn: float) -> None:
        self.names = names
        self.fn = fn
        self.inherited: int | None = None
        self.loop_names = [name for name in _LOOP_NAMES if name not in names]
        self.open_loops = 0

    def number(self, value: float) -> str:
        if isinstance(value, Quantity) and _names_in(value) <= self.names:
            return value.text
        return number_text(value)

    def vector(self, vector: Sequence[float]) -> str:
        return f"[{', '.join(self.number(value) for value in vector)}]"

    def statement(self, node: csg.Node, indent: int) -> list[str]:
        """The lines of one node, ending in `;` or `}`."""
        pad = "  " * indent
        match node:
            case csg.Cube() | csg.Cylinder() | csg.Cone() | csg.Sphere() | csg.Square() | csg.Circle():
                return [f"{pad}{self.primitive(node)};"]
            case csg.Polygon() | csg.Polyhedron():
                return self.table(node, pad)
            case csg.Union() | csg.Difference() | csg.Intersection() | csg.Hull():
                body = [line for group in self.groups(node) for line in self.group(group, indent + 1)]
                return [f"{pad}{type(node).__name__.lower()}() {{", *body, f"{pad}}}"]
            case csg.LinearPattern() | csg.CircularPattern():
                return self.pattern(node, indent)
            case csg.Shell() | csg.Fillet() | csg.Chamfer():
                return self.statement(_expressed(node), indent)
        centred = self.centred(node)
        if centred is not None:
            return [f"{pad}{centred};"]
        head, child = self.head(node)
        outer = self.inherited
        if isinstance(node, csg.RotateExtrude) or (isinstance(node, csg.Offset) and node.corners == "round"):
            self.inherited = node.fn
        lines = self.statement(child, indent)
        self.inherited = outer
        return self.prefixed(pad + head, lines, indent)

    def own(self, fn: int | None) -> str:
        """A `$fn` of its own; the program's, where an operation around it would hand down another."""
        if fn is None and self.inherited is None:
            return ""
        return f"$fn = {number_text(self.fn) if fn is None else fn}"

    def head(self, node: csg.Move | csg.Extrusion | csg.Offset) -> tuple[str, csg.Node]:
        """What stands before the child of a move, an extrusion or an offset, and that child."""
        match node:
            case csg.LinearExtrude():
                return self.linear_extrude(node), node.child
            case csg.Translate(child=csg.LinearExtrude() as inner) if _is_centred(node.offset, inner.height):
                return self.linear_extrude(inner, ", center = true"), inner.child
            case csg.RotateExtrude():
                angle = f"angle = {self.number(node.angle)}" if node.angle != 360 else ""
                return f"rotate_extrude({_listed(angle, self.own(node.fn))})", node.child
            case csg.Offset():
                return f"offset({self.offset(node)})", node.child
        return self.transformation(node), node.child

    def offset(self, node: csg.Offset) -> str:
        distance = self.number(node.distance)
        if node.corners == "round":
            return _listed(f"r = {distance}", self.own(node.fn))
        return f"delta = {distance}{', chamfer = true' if node.corners == 'chamfer' else ''}"

    def linear_extrude(self, node: csg.LinearExtrude, suffix: str = "") -> str:
        twist = f"twist = {self.number(node.twist)}" if node.twist else ""
        slices = f"slices = {node.slices}" if node.slices is not None else ""
        x, y = node.scale
        scale = f"scale = {self.number(x) if x == y else self.vector(node.scale)}" if node.scale != (1, 1) else ""
        return f"linear_extrude({_listed(f'height = {self.number(node.height)}{suffix}', twist, slices, scale)})"

    def table(self, node: csg.Polygon | csg.Polyhedron, pad: str) -> list[str]:
        """A primitive of lists: on one line where it fits, else a few items to the line."""
        lists = {"points": [self.vector(point) for point in node.points]}
        indices = node.faces if isinstance(node, csg.Polyhedron) else node.paths
        if indices:
            lists["faces" if isinstance(node, csg.Polyhedron) else "paths"] = [str(list(row)) for row in indices]
        names = {key: f"{key} = " if len(lists) > 1 else "" for key in lists}
        name = type(node).__name__.lower()
        line = f"{pad}{name}({', '.join(f'{names[key]}[{_listed(*items)}]' for key, items in lists.items())});"
        if len(line) <= LINE_WIDTH:
            return [line]
        lines = []
        for key, items in lists.items():
            lines += [f"{pad}  {names[key]}[", *_filled(items, pad + "    "), f"{pad}  ],"]
        return [f"{pad}{name}(", *lines[:-1], f"{pad}  ]", f"{pad});"]

    def prefixed(self, head: str, lines: list[str], indent: int) -> list[str]:
        """Put `head` before a statement: on its line where it fits, else above it, one step further in."""
        first = f"{head} {lines[0].lstrip()}"
        if len(first) <= LINE_WIDTH and not lines[0].lstrip().startswith("for "):
            return [first, *lines[1:]]
        return [head, *("  " + line for line in lines)]

    def primitive(
        self, node: csg.Cube | csg.Cylinder | csg.Cone | csg.Sphere | csg.Square | csg.Circle, suffix: str = ""
    ) -> str:
        match node:
            case csg.Cube() | csg.Square():
                sides = {self.number(side) for side in node.size}
                name = type(node).__name__.lower()
                return f"{name}({sides.pop() if len(sides) == 1 else self.vector(node.size)}{suffix})"
            case csg.Cylinder():
                sizes = f"{self.radius(node.r)}, h = {self.number(node.h)}"
            case csg.Cone():
                sizes = f"{self.radius(node.r1, '1')}, {self.radius(node.r2, '2')}, h = {self.number(node.h)}"
            case csg.Sphere() | csg.Circle():
                sizes = self.radius(node.r)
        name = "cylinder" if isinstance(node, csg.Cone) else type(node).__name__.lower()
        return f"{name}({_listed(sizes + suffix, self.own(node.fn))})"

    def radius(self, value: float, end: str = "") -> str:
        """`d = …` where the radius was written as half of a diameter."""
        diameter = quantity(value).halved_from()
        if diameter is not None and _names_in(diameter) <= self.names:
            return f"d{end} = {diameter.text}"
        return f"r{end} = {self.number(value)}"

    def transformation(self, node: csg.Move) -> str:
        """The call without its child; a flat child moves in its plane, so z is left out."""
        flat = csg.dimension(node.child) == 2
        match node:
            case csg.Translate():
                return f"translate({self.vector(node.offset[:2] if flat and node.offset[2] == 0 else node.offset)})"
            case csg.Rotate():
                in_plane = flat and node.angles[:2] == (0, 0)
                return f"rotate({self.number(node.angles[2]) if in_plane else self.vector(node.angles)})"
            case csg.Turn():
                return f"rotate(a = {self.number(node.angle)}, v = {self.vector(node.axis)})"
            case csg.Scale():
                return f"scale({self.vector(node.factors[:2] if flat and node.factors[2] == 1 else node.factors)})"
            case csg.Mirror():
                return f"mirror({self.vector(node.normal[:2] if flat and node.normal[2] == 0 else node.normal)})"
            case csg.Transform():
                return f"multmatrix([{', '.join(self.vector(row) for row in node.matrix)}])"

    def centred(self, node: csg.Node) -> str | None:
        """A primitive moved by minus half its size, as `center = true`."""
        if not isinstance(node, csg.Translate):
            return None
        child, offset = node.child, tuple(map(float, node.offset))
        match child:
            case csg.Cube() | csg.Square() if offset == tuple(-float(size) / 2 for size in (*child.size, 0)[:3]):
                return self.primitive(child, ", center = true")
            case csg.Cylinder() | csg.Cone() if _is_centred(offset, child.h):
                return self.primitive(child, ", center = true")
        return None

    def groups(self, node: csg.Boolean | csg.Hull) -> Iterator[list[csg.Node]]:
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

    def pattern(self, node: csg.Pattern, indent: int) -> list[str]:
        """A `for` over `[0 : count - 1]` that the parser reads back as the same pattern."""
        if isinstance(node, csg.CircularPattern):
            return self.loop([node.count], self.circular(node), node.child, indent)
        levels = list(_levels(node))
        names = self.take_names(len(levels))
        slots = ["0", "0", "0"]
        for name, level in zip(names, levels, strict=True):
            axis = _axis_of(level.direction)
            if axis is None:
                return self.loop([node.count], self.directed(node, name), node.child, indent)
            slots[axis] = f"{name} * {self.factor(level.spacing)}"
        head = f"translate([{', '.join(slots)}])"
        return self.loop([level.count for level in levels], head, levels[-1].child, indent)

    def circular(self, node: csg.CircularPattern) -> str:
        (name,) = self.take_names(1)
        angle = f"{name} * {self.factor(node.angle)} / {self.factor(node.count)}"
        upright = node.axis == csg.Z_AXIS
        turn = f"rotate([0, 0, {angle}])" if upright else f"rotate(a = {angle}, v = {self.vector(node.axis)})"
        if node.origin == csg.ORIGIN:
            return turn
        back = self.vector([-value for value in node.origin])
        return f"translate({self.vector(node.origin)}) {turn} translate({back})"

    def directed(self, node: csg.LinearPattern, name: str) -> str:
        direction = self.vector(node.direction)
        length = "" if csg.length_of(node.direction) == 1 else f" / norm({direction})"
        return f"translate({direction} * {name} * {self.factor(node.spacing)}{length})"

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
    inner, axis = node.child, _axis_of(node.direction)
    if isinstance(inner, csg.LinearPattern) and axis is not None:
        below = _axis_of(inner.direction)
        if below is not None and below > axis:
            yield from _levels(inner)


def _axis_of(direction: csg.Vector) -> int | None:
    """0, 1 or 2 for exactly +x, +y or +z."""
    axes = (csg.X_AXIS, csg.Y_AXIS, csg.Z_AXIS)
    return axes.index(direction) if direction in axes else None


def _is_centred(offset: Sequence[float], height: float) -> bool:
    return tuple(map(float, offset)) == (0, 0, -float(height) / 2)


def _expressed(node: csg.Finish) -> csg.Node:
    """A shell as the difference that it is."""
    if not isinstance(node, csg.Shell):
        kind = type(node).__name__.lower()
        raise NotationError(f"{kind}: OpenSCAD has no word for it; write the part as Compact IR")
    void = shell.resized(node.child, -node.thickness)
    if void is None:
        raise NotationError("shell: the void of this shape has no expression in OpenSCAD; shell its parts")
    return csg.difference(node.child, void)


def _listed(*items: str) -> str:
    return ", ".join(item for item in items if item)


def _filled(items: list[str], pad: str) -> Iterator[str]:
    """As many items to a line as fit."""
    line = ""
    for number, item in enumerate(items):
        text = item + ("," if number + 1 < len(items) else "")
        if line and len(pad) + len(line) + 1 + len(text) > LINE_WIDTH:
            yield pad + line
            line = ""
        line = f"{line} {text}".lstrip()
    yield pad + line


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
