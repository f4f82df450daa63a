"""Numbers that remember how they were written, so that a program keeps its named parameters."""

import math
from typing import Self

PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2}
MAX_TERMS = 64
"""Terms of an expression; a longer one is kept as its value, so that no text grows without bound."""
_ATOM = 4
_UNARY = 3


class Quantity(float):
    """A float with the expression it came from: a name, an operation on other quantities, or a plain literal.

    It compares, hashes and computes as the float it is, so two trees are equal when their numbers are,
    however they were written. Arithmetic keeps the expression:

        >>> length = Quantity.named("length", 96)
        >>> print((length - 9).text, float(length - 9))
        length - 9 87.0
    """

    __slots__ = ("name", "operands", "operator", "terms")

    name: str | None
    operator: str | None
    operands: tuple["Quantity", ...]
    terms: int

    def __new__(
        cls, value: float, name: str | None = None, operator: str | None = None, operands: tuple["Quantity", ...] = ()
    ) -> Self:
        """Make a literal; use `named` and arithmetic for the rest."""
        self = super().__new__(cls, value)
        self.terms = sum(operand.terms for operand in operands) if operands else 1
        if self.terms > MAX_TERMS:
            name, operator, operands, self.terms = None, None, (), 1
        self.name, self.operator, self.operands = name, operator, operands
        return self

    @classmethod
    def named(cls, name: str, value: float) -> Self:
        """A reference to the parameter `name`, whose value is `value`."""
        return cls(value, name=name)

    @property
    def is_literal(self) -> bool:
        """True for a number that was written as a number."""
        return self.name is None and self.operator is None

    @property
    def text(self) -> str:
        """The expression as OpenSCAD source."""
        if self.name is not None:
            return self.name
        if self.operator is None:
            return number_text(self)
        if len(self.operands) == 1:
            return f"-{self.operands[0]._operand(_UNARY)}"
        left, right = self.operands
        strength = PRECEDENCE[self.operator]
        return f"{left._operand(strength)} {self.operator} {right._operand(strength + 1)}"

    def _operand(self, strength: int) -> str:
        return self.text if self._strength >= strength else f"({self.text})"

    @property
    def _strength(self) -> int:
        if self.operator is None:
            return _ATOM if self.name is not None or not math.copysign(1, self) < 0 else _UNARY
        return _UNARY if len(self.operands) == 1 else PRECEDENCE[self.operator]

    def halved_from(self) -> "Quantity | None":
        """The diameter, where this radius was written as `diameter / 2`."""
        return self.operands[0] if self.operator == "/" and self.operands[1]._is_two() else None

    def _is_two(self) -> bool:
        """True for a plain 2."""
        return self.is_literal and float(self) == 2

    def __add__(self, other: float) -> "Quantity":
        return binary("+", self, other)

    def __radd__(self, other: float) -> "Quantity":
        return binary("+", other, self)

    def __sub__(self, other: float) -> "Quantity":
        return binary("-", self, other)

    def __rsub__(self, other: float) -> "Quantity":
        return binary("-", other, self)

    def __mul__(self, other: float) -> "Quantity":
        return binary("*", self, other)

    def __rmul__(self, other: float) -> "Quantity":
        return binary("*", other, self)

    def __truediv__(self, other: float) -> "Quantity":
        return binary("/", self, other)

    def __rtruediv__(self, other: float) -> "Quantity":
        return binary("/", other, self)

    def __neg__(self) -> "Quantity":
        negated = 0.0 - float(self)  # not -0.0, which prints as 0 and divides to another infinity
        return Quantity(negated) if self.is_literal else Quantity(negated, None, "-", (self,))


def quantity(value: float) -> Quantity:
    """`value` itself if it is a Quantity already, else a literal."""
    return value if isinstance(value, Quantity) else Quantity(value)


def binary(operator: str, left: float, right: float) -> Quantity:
    """`left operator right` with IEEE doubles, as OpenSCAD computes it: x / 0 is inf or nan, never an error."""
    return Quantity(_compute(operator, float(left), float(right)), None, operator, (quantity(left), quantity(right)))


def _compute(operator: str, left: float, right: float) -> float:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "%":
            return math.fmod(left, right) if right and math.isfinite(left) else math.nan
        case _:
            if right:
                return left / right
            return (
                math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left * math.copysign(1, right))
            )


def number_text(value: float) -> str:
    """The shortest decimal text that reads back as exactly `value`."""
    number = float(value)
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
