"""Loops that are patterns: a `for` written as the printer writes one reads back as the pattern it was printed from."""

from collections.abc import Callable
from dataclasses import dataclass

from cadmonkey.cad import csg
from cadmonkey.cad.openscad import syntax
from cadmonkey.cad.openscad.expressions import Value
from cadmonkey.cad.openscad.syntax import Block, Expression
from cadmonkey.cad.program import MAX_NODES
from cadmonkey.cad.quantity import Quantity

_AXES: tuple[csg.Vector, ...] = (csg.X_AXIS, csg.Y_AXIS, csg.Z_AXIS)


@dataclass(frozen=True, slots=True)
class Found:
    """A pattern found in a loop: what is copied, and the function that makes the pattern of it."""

    body: Block
    build: Callable[[csg.Node], csg.Node]


@dataclass(frozen=True, slots=True)
class Patterns:
    """Finds patterns; `evaluate` computes an expression in the scope of the loop."""

    evaluate: Callable[[Expression], Value]

    def find(self, loop: syntax.Instance) -> Found | None:
        """The pattern that the loop is written as, if it is one; else the loop is to be unrolled."""
        step = _only(loop.children)
        names = [str(argument.name) for argument in loop.arguments]
        if step is None or not names:
            return None
        counts = [count for argument in loop.arguments if (count := self.count(argument.value)) is not None]
        if len(counts) < len(names):
            return None
        if len(names) > 1:
            return self.axial(names, counts, step)
        return (
            self.axial(names, counts, step)
            or self.directed(names[0], counts[0], step)
            or self.circular(names[0], counts[0], step)
        )

    def count(self, span: Expression) -> Quantity | None:
        """`count` in `[0 : count - 1]`."""
        if not (isinstance(span, syntax.Range) and span.step is None and _is_number(span.first, 0)):
            return None
        match span.last:
            case syntax.Binary(operator="-", left=written, right=syntax.Number(value=1)):
                value = self.evaluate(written)
                if isinstance(value, Quantity) and value.is_integer() and 1 <= value <= MAX_NODES:
                    return value
        return None

    def axial(self, names: list[str], counts: list[Quantity], step: syntax.Instance) -> Found | None:
        """`translate([i * pitch, j * pitch, 0])`: rows, grids and blocks along the axes."""
        vector = _vector(step, "translate")
        if vector is None or any(_mentions(step.children, name) for name in names):
            return None
        used = [(axis, item) for axis, item in zip(_AXES, vector.items, strict=True) if not _is_number(item, 0)]
        if len(used) != len(names):
            return None
        spacings = [
            None if any(_mentions(item, other) for other in names if other != name) else self.multiple(item, name)
            for (_, item), name in zip(used, names, strict=True)
        ]
        levels = [
            (axis, count, pitch)
            for (axis, _), count, pitch in zip(used, counts, spacings, strict=True)
            if pitch is not None
        ]
        return Found(step.children, lambda child: _nested(levels, child)) if len(levels) == len(names) else None

    def directed(self, name: str, count: Quantity, step: syntax.Instance) -> Found | None:
        """`translate([1, 2, 0] * i * pitch / norm([1, 2, 0]))`; without the norm where that is 1."""
        if step.name != "translate" or len(step.arguments) != 1 or _mentions(step.children, name):
            return None
        value = step.arguments[0].value
        divisor: Expression | None = None
        match value:
            case syntax.Binary(operator="/", left=dividend, right=divisor):
                value = dividend
        match value:
            case syntax.Binary(
                operator="*",
                left=syntax.Binary(operator="*", left=syntax.Vector() as written, right=syntax.Name(name=used)),
                right=pitch,
            ) if used == name and not _mentions((written, pitch), name):
                direction, spacing = self.vector(written), self.evaluate(pitch)
            case _:
                return None
        if direction is None or not isinstance(spacing, Quantity) or not self.is_length(divisor, direction):
            return None
        return Found(step.children, lambda child: csg.LinearPattern(direction, count, spacing, child))

    def circular(self, name: str, count: Quantity, step: syntax.Instance) -> Found | None:
        """`rotate(a = i * angle / count, v = axis)`, between a move from and to the origin if it is elsewhere."""
        vector, origin, turn = _vector(step, "translate"), csg.ORIGIN, step
        if vector is not None and not _mentions(vector, name):
            centre, inner = self.vector(vector), _only(step.children)
            if centre is None or inner is None:
                return None
            origin, turn = centre, inner
        found = self.turned(name, count, turn)
        body = turn.children
        if found is None or (turn is not step and (body := self.moved_back(body, origin)) == ()):
            return None
        angle, axis = found
        if _mentions(body, name):
            return None
        return Found(body, lambda child: csg.CircularPattern(count, angle, child, axis, origin))

    def turned(self, name: str, count: Quantity, turn: syntax.Instance) -> tuple[Quantity, csg.Vector] | None:
        """The whole angle and the axis of one step of a circular pattern."""
        vector = _vector(turn, "rotate")
        axis: csg.Vector | None = csg.Z_AXIS
        if vector is not None and _is_number(vector.items[0], 0) and _is_number(vector.items[1], 0):
            value = vector.items[2]
        elif turn.name == "rotate" and [a.name or n for a, n in zip(turn.arguments, "av", strict=False)] == ["a", "v"]:
            value, written = turn.arguments[0].value, turn.arguments[1].value
            axis = self.vector(written) if isinstance(written, syntax.Vector) else None
        else:
            return None
        if axis is None or not (isinstance(value, syntax.Binary) and value.operator == "/"):
            return None
        angle = self.multiple(value.left, name)
        return None if angle is None or self.evaluate(value.right) != count else (angle, axis)

    def moved_back(self, body: Block, origin: csg.Vector) -> Block:
        """What stands behind `translate(-origin)`; nothing if that is not what the body is."""
        back = _only(body)
        vector = _vector(back, "translate") if back is not None else None
        moved = self.vector(vector) if vector is not None else None
        if back is None or moved is None or moved != tuple(-value for value in origin):
            return ()
        return back.children

    def multiple(self, value: Expression, name: str) -> Quantity | None:
        """`factor` in `name * factor`."""
        if not (isinstance(value, syntax.Binary) and value.operator == "*"):
            return None
        if not (isinstance(value.left, syntax.Name) and value.left.name == name):
            return None
        if _mentions(value.right, name):
            return None
        factor = self.evaluate(value.right)
        return factor if isinstance(factor, Quantity) else None

    def vector(self, written: syntax.Vector) -> csg.Vector | None:
        """Three numbers, or None."""
        match self.evaluate(written):
            case (Quantity() as x, Quantity() as y, Quantity() as z):
                return (x, y, z)
        return None

    def is_length(self, divisor: Expression | None, direction: csg.Vector) -> bool:
        """Whether a step along `direction` is divided by its length, or need not be."""
        if divisor is None:
            return csg.length_of(direction) == 1
        match divisor:
            case syntax.Call(name="norm", arguments=(syntax.Argument(value=syntax.Vector() as written),)):
                return self.vector(written) == direction
        return False


def _nested(levels: list[tuple[csg.Vector, Quantity, Quantity]], child: csg.Node) -> csg.Node:
    for axis, count, spacing in reversed(levels):
        child = csg.LinearPattern(axis, count, spacing, child)
    return child


def _only(block: Block) -> syntax.Instance | None:
    return block[0] if len(block) == 1 and isinstance(block[0], syntax.Instance) else None


def _vector(step: syntax.Instance, name: str) -> syntax.Vector | None:
    """The vector of three in `name([x, y, z])`."""
    if step.name != name or len(step.arguments) != 1:
        return None
    value = step.arguments[0].value
    return value if isinstance(value, syntax.Vector) and len(value.items) == 3 else None


def _is_number(expression: Expression, value: float) -> bool:
    return isinstance(expression, syntax.Number) and expression.value == value


def _mentions(part: object, name: str) -> bool:
    """Whether a piece of syntax names the variable anywhere."""
    if isinstance(part, tuple):
        return any(_mentions(item, name) for item in part)
    if isinstance(part, syntax.Name):
        return part.name == name
    slots = getattr(type(part), "__slots__", ())
    return any(_mentions(getattr(part, slot), name) for slot in slots) if hasattr(part, "line") else False
