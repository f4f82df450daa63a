"""Expressions to values: numbers that remember how they were written, vectors, ranges, functions; all bounded."""

import math
from collections.abc import Callable

from cadmonkey.cad import affine
from cadmonkey.cad.openscad import syntax
from cadmonkey.cad.openscad.syntax import Expression
from cadmonkey.cad.program import MAX_NODES, LanguageError
from cadmonkey.cad.quantity import PRECEDENCE, Quantity, binary

MAX_STEPS = 2_000_000
"""Operations and vector items that the expressions of one program may take."""

Value = Quantity | bool | str | None | tuple["Value", ...]
Variables = dict[str, Value]


class Expressions:
    """Evaluates expressions and counts what they cost."""

    def __init__(self) -> None:
        self.steps = 0

    def spend(self, steps: int, line: int) -> None:
        """Count steps.

        Raises:
            LanguageError: the program takes more than MAX_STEPS.
        """
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise LanguageError(line, f"the program computes more than {MAX_STEPS} values")

    def evaluate(self, expression: Expression, variables: Variables) -> Value:
        """The value of an expression.

        Raises:
            LanguageError: the line, and what cannot be computed there.
        """
        self.spend(1, expression.line)
        match expression:
            case syntax.Number():
                return Quantity(expression.value)
            case syntax.Constant():
                return expression.value
            case syntax.Name():
                if expression.name not in variables:
                    raise LanguageError(expression.line, f"unknown variable '{expression.name}'")
                return variables[expression.name]
            case syntax.Conditional():
                chosen = expression.yes if truth(self.evaluate(expression.test, variables)) else expression.no
                return self.evaluate(chosen, variables)
            case syntax.Vector():
                items = tuple(self.evaluate(item, variables) for item in expression.items)
                self.spend(_size(items), expression.line)
                return items
            case syntax.Range():
                return self._range(expression, variables)
            case _:
                return self._computed(expression, variables)

    def _computed(
        self, expression: syntax.Unary | syntax.Binary | syntax.Index | syntax.Call, variables: Variables
    ) -> Value:
        match expression:
            case syntax.Unary():
                operand = self.evaluate(expression.operand, variables)
                self.spend(_size(operand), expression.line)
                return _unary(expression, operand)
            case syntax.Binary():
                return self._operation(expression, variables)
            case syntax.Index():
                value, index = self.evaluate(expression.value, variables), self.evaluate(expression.index, variables)
                return _index(expression, value, index)
            case syntax.Call():
                return _call(expression, [self.evaluate(a.value, variables) for a in expression.arguments])

    def _operation(self, expression: syntax.Binary, variables: Variables) -> Value:
        left = self.evaluate(expression.left, variables)
        if expression.operator in ("&&", "||"):
            decided = truth(left) is (expression.operator == "||")
            return truth(left) if decided else truth(self.evaluate(expression.right, variables))
        right = self.evaluate(expression.right, variables)
        self.spend(_size(left) + _size(right), expression.line)
        if expression.operator in PRECEDENCE:
            return _arithmetic(expression, left, right)
        if expression.operator in ("==", "!="):
            return (left == right) is (expression.operator == "==")
        a, b = number(left, expression.operator, expression.line), number(right, expression.operator, expression.line)
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[expression.operator]

    def _range(self, expression: syntax.Range, variables: Variables) -> Value:
        first, last = (
            number(self.evaluate(end, variables), "range", expression.line)
            for end in (expression.first, expression.last)
        )
        step = 1.0
        if expression.step is not None:
            step = number(self.evaluate(expression.step, variables), "range", expression.line)
        elif first > last:
            first, last = last, first  # OpenSCAD does this, and calls it deprecated
        if not all(map(math.isfinite, (first, step, last))) or step == 0:
            raise LanguageError(expression.line, "expected a finite range with a step other than 0")
        steps = (last - first) / step + 1e-9
        if steps >= MAX_NODES:
            raise LanguageError(expression.line, f"the range holds more than {MAX_NODES} values")
        self.spend(max(int(steps), 0), expression.line)
        return tuple(Quantity(first + i * step) for i in range(math.floor(max(steps, -1)) + 1))


def number(value: Value, what: str, line: int) -> Quantity:
    """`value`, if it is a number.

    Raises:
        LanguageError: it is not.
    """
    if not isinstance(value, Quantity):
        raise LanguageError(line, f"{what}: expected a number, got {shown(value)}")
    return value


def shown(value: Value, depth: int = 2) -> str:
    """The value as an error message shows it, shortened."""
    match value:
        case None:
            return "undef"
        case bool():
            return str(value).lower()
        case tuple():
            items = ", ".join(shown(item, depth - 1) for item in value[:4]) if depth else ""
            return f"[{items}{', …' if len(value) > 4 else ''}]"
        case Quantity():
            return Quantity(value).text
        case _:
            return f'"{value[:40]}"'


def truth(value: Value) -> bool:
    """Whether OpenSCAD takes the value for true."""
    return bool(value)


def _size(value: Value) -> int:
    return sum(map(_size, value)) + 1 if isinstance(value, tuple) else 1


def _unary(expression: syntax.Unary, value: Value) -> Value:
    if expression.operator == "!":
        return not truth(value)
    if isinstance(value, tuple):
        return tuple(_unary(expression, item) for item in value)
    operand = number(value, expression.operator, expression.line)
    return -operand if expression.operator == "-" else operand


def _arithmetic(expression: syntax.Binary, left: Value, right: Value) -> Value:
    operator, line = expression.operator, expression.line
    if isinstance(left, tuple) and isinstance(right, tuple) and operator in "+-*":
        if len(left) != len(right):
            raise LanguageError(line, f"expected vectors of one length, got {len(left)} and {len(right)}")
        if operator == "*":
            return _dot([number(a, "*", line) for a in left], [number(b, "*", line) for b in right])
        return tuple(_arithmetic(expression, a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, tuple) and isinstance(right, Quantity) and operator in "*/":
        return tuple(_arithmetic(expression, item, right) for item in left)
    if isinstance(right, tuple) and isinstance(left, Quantity) and operator == "*":
        return tuple(_arithmetic(expression, left, item) for item in right)
    return binary(operator, number(left, operator, line), number(right, operator, line))


def _dot(left: list[Quantity], right: list[Quantity]) -> Quantity:
    return sum((a * b for a, b in zip(left, right, strict=True)), Quantity(0))


def _index(expression: syntax.Index, value: Value, index: Value) -> Value:
    position = number(index, "index", expression.line)
    if not isinstance(value, tuple) or not (0 <= position < len(value)):
        raise LanguageError(expression.line, f"expected an index into a vector, got {shown(value)}[{position:g}]")
    return value[int(position)]


_FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "sign": lambda x: (x > 0) - (x < 0),
    "ceil": math.ceil,
    "floor": math.floor,
    "round": lambda x: math.floor(x + 0.5),
    "sqrt": math.sqrt,
    "exp": math.exp,
    "ln": math.log,
    "log": math.log10,
    "min": min,
    "max": max,
    "pow": math.pow,
    "sin": affine.sine,
    "cos": affine.cosine,
    "tan": lambda x: math.tan(math.radians(x)),
    "asin": lambda x: math.degrees(math.asin(x)),
    "acos": lambda x: math.degrees(math.acos(x)),
    "atan": lambda x: math.degrees(math.atan(x)),
    "atan2": lambda y, x: math.degrees(math.atan2(y, x)),
    "norm": math.hypot,
}


def _call(call: syntax.Call, values: list[Value]) -> Value:
    if call.name == "len" and len(values) == 1 and isinstance(values[0], tuple):
        return Quantity(len(values[0]))
    if call.name not in _FUNCTIONS:
        raise LanguageError(call.line, f"unknown function '{call.name}'; known: {', '.join(sorted(_FUNCTIONS))}, len")
    if call.name in ("min", "max", "norm") and len(values) == 1 and isinstance(values[0], tuple):
        values = list(values[0])
    numbers = [float(number(value, call.name, call.line)) for value in values]
    try:
        return Quantity(_FUNCTIONS[call.name](*numbers))
    except (TypeError, ValueError, OverflowError) as error:
        listed = ", ".join(map(str, numbers[:4]))
        raise LanguageError(call.line, f"{call.name}({listed}): {error}") from error
