"""A syntax tree to a `Program`: scopes, arithmetic, loops and modules, all bounded."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product

from cadmonkey.cad import csg
from cadmonkey.cad.openscad import syntax
from cadmonkey.cad.openscad.syntax import Block, Expression, LanguageError
from cadmonkey.cad.program import Facets, Parameter, Program
from cadmonkey.cad.quantity import PRECEDENCE, Quantity, binary

MAX_NODES = 20_000
"""Nodes that one program may build, loops unrolled."""
MAX_FACETS = 1_000
"""Sides of one circle."""
MAX_CALLS = 30
"""Modules within modules."""

Value = Quantity | bool | str | None | tuple["Value", ...]
FINENESS = ("$fn", "$fa", "$fs")
_AXES: tuple[csg.Vector, ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def parse_openscad(code: str) -> Program:
    """Read OpenSCAD source.

    Raises:
        LanguageError: the line, and what is wrong or refused there.
    """
    try:
        return _program(syntax.parse(code))
    except RecursionError as error:
        raise LanguageError(1, "the program nests too deeply") from error


def _program(block: Block) -> Program:
    values: dict[str, Value] = {"PI": Quantity(math.pi), "$fn": Quantity(0), "$fa": Quantity(12), "$fs": Quantity(2)}
    parameters = []
    builder = _Builder()
    for statement in _assignments(block):
        value = builder.evaluate(statement.value, values)
        values[statement.name] = _named(statement.name, value)
        if statement.name not in FINENESS and isinstance(value, Quantity):
            parameters.append(Parameter(statement.name, value, statement.comment))
    builder.facets = Facets(*(_number(values[name], name, 1) for name in FINENESS))
    children = builder.block(block, values, assigned=True)
    return Program(csg.union(*children), tuple(parameters), builder.facets)


def _named(name: str, value: Value) -> Value:
    return Quantity.named(name, value) if isinstance(value, Quantity) and name not in FINENESS else value


def _assignments(block: Block) -> Iterator[syntax.Assignment]:
    """The block's assignments at the place of the first, with the value of the last, as OpenSCAD evaluates them."""
    last = {s.name: s for s in block if isinstance(s, syntax.Assignment)}
    seen: set[str] = set()
    for statement in block:
        if isinstance(statement, syntax.Assignment) and statement.name not in seen:
            seen.add(statement.name)
            yield last[statement.name]


Scope = dict[str, Value]


@dataclass(slots=True)
class _Builder:
    """Builds nodes; knows the file's modules and how much it has built."""

    facets: Facets = field(default_factory=Facets)
    modules: dict[str, syntax.Module] = field(default_factory=dict)
    nodes: int = 0
    calls: int = 0

    def block(self, block: Block, scope: Scope, assigned: bool = False) -> list[csg.Node]:
        """The nodes of a block's statements, in order."""
        for statement in block:
            if isinstance(statement, syntax.Module):
                self.modules[statement.name] = statement
        if not assigned:
            scope = dict(scope)
            for statement in _assignments(block):
                value = self.evaluate(statement.value, scope)
                scope[statement.name] = value
        return [node for statement in block for node in self.statement(statement, scope)]

    def statement(self, statement: syntax.Statement, scope: Scope) -> list[csg.Node]:
        match statement:
            case syntax.If():
                chosen = statement.yes if _truth(self.evaluate(statement.test, scope)) else statement.no
                return _grouped(self.block(chosen, scope))
            case syntax.Instance():
                self.nodes += 1
                if self.nodes > MAX_NODES:
                    raise LanguageError(statement.line, f"the program builds more than {MAX_NODES} nodes")
                return self.instance(statement, scope)
            case _:
                return []

    def instance(self, call: syntax.Instance, scope: Scope) -> list[csg.Node]:
        if call.name == "for":
            return self.loop(call, scope)
        if call.name in self.modules:
            return self.module(self.modules[call.name], call, scope)
        arguments = _Arguments(call, [(a.name, self.evaluate(a.value, scope)) for a in call.arguments])
        scope = {**scope, **arguments.take_fineness()}
        if call.name in _PRIMITIVES:
            return [self.primitive(arguments, scope)]
        if call.name in ("union", "difference", "intersection", "group", "color", "render", *_TRANSFORMATIONS):
            children = self.block(call.children, scope)
            return [_combine(call.name, arguments, children)] if children else []
        raise LanguageError(call.line, f"unknown or unsupported module '{call.name}'")

    def primitive(self, arguments: "_Arguments", scope: Scope) -> csg.Node:
        fineness = Facets(*(_number(scope[name], name, arguments.line) for name in FINENESS))
        node = _PRIMITIVES[arguments.module](arguments)
        radius = max((float(n) for n in _radii(node)), default=0.0)
        if radius and fineness.around(radius) > MAX_FACETS:
            raise LanguageError(arguments.line, f"expected at most {MAX_FACETS} facets, got {fineness.around(radius)}")
        return _refined(node, None if fineness == self.facets else fineness.around(radius))

    def module(self, module: syntax.Module, call: syntax.Instance, scope: Scope) -> list[csg.Node]:
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise LanguageError(call.line, f"modules call each other deeper than {MAX_CALLS} levels")
        inner = dict(scope)
        names = [name for name, _ in module.parameters]
        for name, default in module.parameters:
            inner[name] = self.evaluate(default, scope) if default is not None else None
        for position, argument in enumerate(call.arguments):
            if argument.name is None and position >= len(names):
                raise LanguageError(call.line, f"'{call.name}' takes {len(names)} arguments, got more")
            inner[argument.name or names[position]] = self.evaluate(argument.value, scope)
        if call.children:
            raise LanguageError(call.line, f"children of the module '{call.name}' are outside the subset")
        nodes = self.block(module.body, inner)
        self.calls -= 1
        return _grouped(nodes)

    def loop(self, call: syntax.Instance, scope: Scope) -> list[csg.Node]:
        pattern = self.pattern(call, scope)
        if pattern is not None:
            return [pattern]
        names = [argument.name or "" for argument in call.arguments]
        if not all(names):
            raise LanguageError(call.line, "expected for (name = values), got a value without a name")
        spans = [_items(self.evaluate(a.value, scope), call.line) for a in call.arguments]
        if math.prod(len(span) for span in spans) > MAX_NODES:
            raise LanguageError(call.line, f"the loop runs more than {MAX_NODES} times")
        nodes = []
        for combination in product(*spans):
            nodes += _grouped(self.block(call.children, {**scope, **dict(zip(names, combination, strict=True))}))
        return _grouped(nodes)

    def pattern(self, call: syntax.Instance, scope: Scope) -> csg.Node | None:
        """The loop as linear or circular patterns, where it is written as the printer writes them."""
        if len(call.children) != 1 or not isinstance(step := call.children[0], syntax.Instance):
            return None
        vector = step.arguments[0].value if len(step.arguments) == 1 else None
        counts = [self.count(argument.value, scope) for argument in call.arguments]
        names = [argument.name for argument in call.arguments]
        if not isinstance(vector, syntax.Vector) or len(vector.items) != 3 or None in counts:
            return None
        if any(_mentions(step.children, str(name)) for name in names):
            return None
        if step.name == "rotate" and len(names) == 1:
            return self.circular(names[0], counts[0], vector, step, scope)
        return self.linear(names, counts, vector, step, scope) if step.name == "translate" else None

    def count(self, span: Expression, scope: Scope) -> Quantity | None:
        """`count` in `[0 : count - 1]`."""
        if not (isinstance(span, syntax.Range) and span.step is None and _is_number(span.first, 0)):
            return None
        if isinstance(span.last, syntax.Binary) and span.last.operator == "-" and _is_number(span.last.right, 1):
            value = self.evaluate(span.last.left, scope)
            if isinstance(value, Quantity) and value.is_integer() and 1 <= value <= MAX_NODES:
                return value
        return None

    def circular(
        self, name: str | None, count: Quantity | None, vector: syntax.Vector, step: syntax.Instance, scope: Scope
    ) -> csg.Node | None:
        x, y, turn = vector.items
        if not (_is_number(x, 0) and _is_number(y, 0) and isinstance(turn, syntax.Binary) and turn.operator == "/"):
            return None
        angle = self.multiple(turn.left, name, scope)
        if angle is None or self.evaluate(turn.right, scope) != count:
            return None
        children = self.block(step.children, scope)
        return csg.CircularPattern(_checked(count), angle, csg.union(*children)) if children else None

    def linear(
        self,
        names: list[str | None],
        counts: list[Quantity | None],
        vector: syntax.Vector,
        step: syntax.Instance,
        scope: Scope,
    ) -> csg.Node | None:
        used = [(axis, item) for axis, item in enumerate(vector.items) if not _is_number(item, 0)]
        if len(used) != len(names) or not used:
            return None
        spacings = [self.multiple(item, name, scope) for (_, item), name in zip(used, names, strict=True)]
        children = self.block(step.children, scope) if None not in spacings else []
        if not children:
            return None
        node = csg.union(*children)
        for (axis, _), count, spacing in reversed(list(zip(used, counts, spacings, strict=True))):
            node = csg.LinearPattern(_AXES[axis], _checked(count), _checked(spacing), node)
        return node

    def multiple(self, value: Expression, name: str | None, scope: Scope) -> Quantity | None:
        """`factor` in `name * factor`."""
        if not (isinstance(value, syntax.Binary) and value.operator == "*"):
            return None
        if not (isinstance(value.left, syntax.Name) and value.left.name == name):
            return None
        if _mentions_in(value.right, str(name)):
            return None
        factor = self.evaluate(value.right, scope)
        return factor if isinstance(factor, Quantity) else None

    def evaluate(self, expression: Expression, scope: Scope) -> Value:
        match expression:
            case syntax.Number():
                return Quantity(expression.value)
            case syntax.Constant():
                return expression.value
            case syntax.Name():
                if expression.name not in scope:
                    raise LanguageError(expression.line, f"unknown variable '{expression.name}'")
                return scope[expression.name]
            case syntax.Unary():
                return _unary(expression, self.evaluate(expression.operand, scope))
            case syntax.Binary():
                return self.operation(expression, scope)
            case syntax.Conditional():
                chosen = expression.yes if _truth(self.evaluate(expression.test, scope)) else expression.no
                return self.evaluate(chosen, scope)
            case syntax.Vector():
                return tuple(self.evaluate(item, scope) for item in expression.items)
            case syntax.Range():
                return self.range(expression, scope)
            case syntax.Index():
                return _index(
                    expression, self.evaluate(expression.value, scope), self.evaluate(expression.index, scope)
                )
            case syntax.Call():
                return _call(expression, [self.evaluate(a.value, scope) for a in expression.arguments])

    def operation(self, expression: syntax.Binary, scope: Scope) -> Value:
        left = self.evaluate(expression.left, scope)
        if expression.operator in ("&&", "||"):
            decided = _truth(left) is (expression.operator == "||")
            return _truth(left) if decided else _truth(self.evaluate(expression.right, scope))
        right = self.evaluate(expression.right, scope)
        if expression.operator in PRECEDENCE:
            return _arithmetic(expression, left, right)
        if expression.operator in ("==", "!="):
            return (left == right) is (expression.operator == "==")
        a, b = _number(left, expression.operator, expression.line), _number(right, expression.operator, expression.line)
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[expression.operator]

    def range(self, expression: syntax.Range, scope: Scope) -> Value:
        first, last = (
            _number(self.evaluate(end, scope), "range", expression.line) for end in (expression.first, expression.last)
        )
        step = 1.0
        if expression.step is not None:
            step = _number(self.evaluate(expression.step, scope), "range", expression.line)
        if not all(map(math.isfinite, (first, step, last))) or step == 0:
            raise LanguageError(expression.line, "expected a finite range with a step other than 0")
        count = math.floor((last - first) / step + 1e-9) + 1
        if count > MAX_NODES:
            raise LanguageError(expression.line, f"the range holds more than {MAX_NODES} values")
        return tuple(Quantity(first + i * step) for i in range(max(count, 0)))


@dataclass(slots=True)
class _Arguments:
    """The evaluated arguments of one call, taken by name or position."""

    call: syntax.Instance
    given: list[tuple[str | None, Value]]

    @property
    def line(self) -> int:
        return self.call.line

    @property
    def module(self) -> str:
        return self.call.name

    def take_fineness(self) -> Scope:
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
            if name not in names:
                raise LanguageError(self.line, f"'{self.module}' has no argument '{name}'; it has {', '.join(names)}")
            found[name] = value
        return found

    def number(self, value: Value, what: str) -> Quantity:
        return _number(value, f"{self.module}: {what}", self.line)

    def vector(self, value: Value, what: str, fill: float) -> csg.Vector:
        """Three numbers; a shorter vector is filled up with `fill`."""
        if not isinstance(value, tuple) or not 1 <= len(value) <= 3:
            raise LanguageError(self.line, f"expected {self.module}([x, y, z]), got {_shown(value)}")
        x, y, z = (*(self.number(item, what) for item in value), *[Quantity(fill)] * (3 - len(value)))
        return (x, y, z)


def _cube(arguments: _Arguments) -> csg.Node:
    given = arguments.match("size", "center", positional=2)
    size = given.get("size", Quantity(1))
    x, y, z = (size,) * 3 if isinstance(size, Quantity) else arguments.vector(size, "size", 0)
    node = csg.Cube((x, y, z))
    return csg.Translate((-x / 2, -y / 2, -z / 2), node) if _truth(given.get("center")) else node


def _radius(arguments: _Arguments, given: dict[str, Value], r: str, d: str, default: Quantity) -> Quantity:
    if given.get(d) is not None:
        return arguments.number(given[d], d) / Quantity(2)
    return arguments.number(given[r], r) if given.get(r) is not None else default


def _cylinder(arguments: _Arguments) -> csg.Node:
    given = arguments.match("h", "r1", "r2", "center", "r", "d", "d1", "d2", positional=4)
    both = _radius(arguments, given, "r", "d", Quantity(1))
    r1, r2 = _radius(arguments, given, "r1", "d1", both), _radius(arguments, given, "r2", "d2", both)
    h = arguments.number(given.get("h", Quantity(1)), "h")
    node = csg.Cylinder(r1, h) if r1 == r2 else csg.Cone(r1, r2, h)
    return csg.Translate((Quantity(0), Quantity(0), -h / 2), node) if _truth(given.get("center")) else node


def _sphere(arguments: _Arguments) -> csg.Node:
    given = arguments.match("r", "d", positional=1)
    return csg.Sphere(_radius(arguments, given, "r", "d", Quantity(1)))


_PRIMITIVES: dict[str, Callable[[_Arguments], csg.Node]] = {"cube": _cube, "cylinder": _cylinder, "sphere": _sphere}


def _translate(arguments: _Arguments, child: csg.Node) -> csg.Node:
    return csg.Translate(arguments.vector(arguments.match("v", positional=1).get("v"), "v", 0), child)


def _rotate(arguments: _Arguments, child: csg.Node) -> csg.Node:
    given = arguments.match("a", "v", positional=2)
    angle = given.get("a", Quantity(0))
    if isinstance(angle, tuple):
        return csg.Rotate(arguments.vector(angle, "a", 0), child)
    axis = arguments.vector(given.get("v", (Quantity(0), Quantity(0), Quantity(1))), "v", 0)
    turned = sum(value != 0 for value in axis)
    if turned != 1:
        raise LanguageError(arguments.line, "rotate(a, v) about a slanted axis is outside the subset; use [x, y, z]")
    turn = arguments.number(angle, "a")
    x, y, z = (Quantity(0) if value == 0 else (turn if value > 0 else -turn) for value in axis)
    return csg.Rotate((x, y, z), child)


def _scale(arguments: _Arguments, child: csg.Node) -> csg.Node:
    factors = arguments.match("v", positional=1).get("v")
    if isinstance(factors, Quantity):
        return csg.Scale((factors, factors, factors), child)
    return csg.Scale(arguments.vector(factors, "v", 1), child)


def _mirror(arguments: _Arguments, child: csg.Node) -> csg.Node:
    return csg.Mirror(arguments.vector(arguments.match("v", positional=1).get("v"), "v", 0), child)


_TRANSFORMATIONS: dict[str, Callable[[_Arguments, csg.Node], csg.Node]] = {
    "translate": _translate,
    "rotate": _rotate,
    "scale": _scale,
    "mirror": _mirror,
}


def _combine(name: str, arguments: _Arguments, children: list[csg.Node]) -> csg.Node:
    if name in _TRANSFORMATIONS:
        return _TRANSFORMATIONS[name](arguments, csg.union(*children))
    if name == "difference":
        return csg.difference(*children)
    return csg.intersection(*children) if name == "intersection" else csg.union(*children)


def _grouped(nodes: list[csg.Node]) -> list[csg.Node]:
    """Several nodes of one statement count as one operand of a boolean around them."""
    return [csg.union(*nodes)] if nodes else []


def _refined(node: csg.Node, fn: int | None) -> csg.Node:
    match node:
        case csg.Translate():
            return csg.Translate(node.offset, _refined(node.child, fn))
        case csg.Cylinder() | csg.Cone() | csg.Sphere() if fn is not None:
            return replace(node, fn=fn)
        case _:
            return node


def _radii(node: csg.Node) -> tuple[float, ...]:
    match node:
        case csg.Translate():
            return _radii(node.child)
        case csg.Cylinder() | csg.Sphere():
            return (node.r,)
        case csg.Cone():
            return (node.r1, node.r2)
        case _:
            return ()


def _checked(value: Quantity | None) -> Quantity:
    assert value is not None
    return value


def _number(value: Value, what: str, line: int) -> Quantity:
    if not isinstance(value, Quantity):
        raise LanguageError(line, f"{what}: expected a number, got {_shown(value)}")
    return value


def _shown(value: Value) -> str:
    match value:
        case None:
            return "undef"
        case bool():
            return str(value).lower()
        case tuple():
            return f"[{', '.join(_shown(item) for item in value[:4])}{', …' if len(value) > 4 else ''}]"
        case Quantity():
            return Quantity(value).text
        case _:
            return f'"{value}"'


def _truth(value: Value) -> bool:
    return bool(value)


def _items(value: Value, line: int) -> tuple[Value, ...]:
    if isinstance(value, tuple):
        return value
    raise LanguageError(line, f"expected a vector or range to loop over, got {_shown(value)}")


def _is_number(expression: Expression, value: float) -> bool:
    return isinstance(expression, syntax.Number) and expression.value == value


def _mentions(block: object, name: str) -> bool:
    """Whether a block names the variable anywhere."""
    if isinstance(block, tuple):
        return any(_mentions(item, name) for item in block)
    return hasattr(block, "line") and _mentions_in(block, name)


def _mentions_in(syntax_node: object, name: str) -> bool:
    if isinstance(syntax_node, syntax.Name):
        return syntax_node.name == name
    slots = getattr(type(syntax_node), "__slots__", ())
    return any(_mentions(getattr(syntax_node, slot), name) for slot in slots)


def _unary(expression: syntax.Unary, value: Value) -> Value:
    if expression.operator == "!":
        return not _truth(value)
    if isinstance(value, tuple):
        return tuple(_unary(expression, item) for item in value)
    number = _number(value, expression.operator, expression.line)
    return -number if expression.operator == "-" else number


def _arithmetic(expression: syntax.Binary, left: Value, right: Value) -> Value:
    if isinstance(left, tuple) and isinstance(right, tuple) and expression.operator in "+-":
        if len(left) != len(right):
            raise LanguageError(expression.line, f"expected vectors of one length, got {len(left)} and {len(right)}")
        return tuple(_arithmetic(expression, a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, tuple) and isinstance(right, Quantity) and expression.operator in "*/":
        return tuple(_arithmetic(expression, item, right) for item in left)
    if isinstance(right, tuple) and isinstance(left, Quantity) and expression.operator == "*":
        return tuple(_arithmetic(expression, left, item) for item in right)
    a, b = _number(left, expression.operator, expression.line), _number(right, expression.operator, expression.line)
    return binary(expression.operator, a, b)


def _index(expression: syntax.Index, value: Value, index: Value) -> Value:
    position = _number(index, "index", expression.line)
    if not isinstance(value, tuple) or not (0 <= position < len(value)):
        raise LanguageError(expression.line, f"expected an index into a vector, got {_shown(value)}[{position:g}]")
    return value[int(position)]


_FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "ceil": math.ceil,
    "floor": math.floor,
    "round": lambda x: math.floor(x + 0.5),
    "sqrt": math.sqrt,
    "min": min,
    "max": max,
    "pow": math.pow,
    "sin": lambda x: math.sin(math.radians(x)),
    "cos": lambda x: math.cos(math.radians(x)),
    "tan": lambda x: math.tan(math.radians(x)),
    "asin": lambda x: math.degrees(math.asin(x)),
    "acos": lambda x: math.degrees(math.acos(x)),
    "atan": lambda x: math.degrees(math.atan(x)),
    "atan2": lambda y, x: math.degrees(math.atan2(y, x)),
}


def _call(call: syntax.Call, values: list[Value]) -> Value:
    if call.name == "len" and len(values) == 1 and isinstance(values[0], tuple):
        return Quantity(len(values[0]))
    if call.name not in _FUNCTIONS:
        raise LanguageError(call.line, f"unknown function '{call.name}'; known: {', '.join(sorted(_FUNCTIONS))}, len")
    if call.name in ("min", "max") and len(values) == 1 and isinstance(values[0], tuple):
        values = list(values[0])
    numbers = [float(_number(value, call.name, call.line)) for value in values]
    try:
        return Quantity(_FUNCTIONS[call.name](*numbers))
    except (TypeError, ValueError, OverflowError) as error:
        raise LanguageError(call.line, f"{call.name}({', '.join(map(str, numbers))}): {error}") from error
