"""What the automaton of OpenSCAD knows: names, the spans of values that expressions can have, loops, depth.

Every value is followed as an interval, because a loop variable has many. No value may be infinite, undefined or larger
than LARGEST; each operand is refused as soon as it would make one, so an expression may end wherever an operand does.
"""

import math
from typing import NamedTuple

LARGEST = 1e6
"""No number of a part is larger, as in Compact IR."""
MAX_BRACKETS = 10
"""Brackets and signs within one expression."""
MAX_COPIES = 4_000
"""Passes of all open loops together."""
MAX_NODES = 19_000
"""Nodes that the program builds, loops unrolled; the parser refuses a little more than that."""
MAX_WORK = 1_200_000
"""Steps of evaluating; the parser refuses a little more than that."""

Interval = tuple[float, float]
ONE: Interval = (1.0, 1.0)


class Frame(NamedTuple):
    """One expression, or one pair of brackets in it, as far as it is read: `total sign product operator` …"""

    goal: str = ""
    """What its value must be: "nonzero" as the last of a vector that is an axis, "norm" as the last of a divisor,
    "first" and "last" of a range; "bracket" where it is an operand of the frame below."""
    prefer: str = "1"
    """The number that a completion writes where nothing is."""
    total: Interval | None = None
    sign: int = 1
    product: Interval | None = None
    operator: str = ""
    negative: bool = False

    @property
    def value(self) -> Interval:
        """The value, if it ended here."""
        assert self.product is not None
        return self.product if self.total is None else _sum(self.total, self.sign, self.product)

    @property
    def neutral(self) -> str:
        """The operand that changes nothing."""
        if self.operator:
            return f"{LARGEST + 1:.0f}" if self.operator == "%" else "1"
        return "0" if self.total is not None else self.prefer


class Known(NamedTuple):
    """Everything that the acts of the OpenSCAD grammar look at."""

    names: dict[str, Interval] = {}  # noqa: RUF012 - never changed, always replaced
    word: str = ""
    """The letters of the token that is being read."""
    target: str = ""
    """The name that is being assigned."""
    frames: tuple[Frame, ...] = ()
    """Open expressions, the innermost last."""
    items: tuple[Interval, ...] = ()
    """The values of the vector or range that is being read."""
    points: int = 0
    """Points of the polygon or polyhedron that is being read."""
    bound: tuple[tuple[str, Interval], ...] = ()
    """Variables of the loop that is being read."""
    copies: int = 1
    """Passes of the open loops, the one that is being read included."""
    loops: int = 1
    """Passes of the open loops."""
    nodes: int = 0
    work: int = 0
    depth: int = 0
    """Statements and blocks within one another."""
    scopes: tuple[tuple[dict[str, Interval], int, int], ...] = ()
    """Names, loops and depth to go back to at the end of each open statement."""


def put(known: Known, value: Interval) -> Known | None:
    """`known` after an operand; None where some value would leave the limits, the expression's goal included."""
    frame = _with_operand(known.frames[-1], value)
    if frame is None or not _reaches_goal(known, frame, len(known.frames) - 1):
        return None
    return known._replace(frames=(*known.frames[:-1], frame))


def _with_operand(frame: Frame, value: Interval) -> Frame | None:
    if frame.negative:
        value = (-value[1], -value[0])
    product = value if frame.product is None else _product(frame.product, frame.operator, value)
    limit = LARGEST + (frame.goal == "bracket")  # the neutral operand of % may stand in brackets
    if product is None or _most(product) > limit:
        return None
    frame = Frame(frame.goal, frame.prefer, frame.total, frame.sign, product)
    return frame if _most(frame.value) <= limit else None


def _reaches_goal(known: Known, frame: Frame, level: int) -> bool:
    """Whether the expression and all around it may end after `frame`, which stands at `level`."""
    value = frame.value
    match frame.goal:
        case "":
            return True
        case "bracket":
            outer = _with_operand(known.frames[level - 1], value)
            return outer is not None and _reaches_goal(known, outer, level - 1)
        case "norm":
            outer = _with_operand(known.frames[level - 1], norm((*known.items, value)))
            return outer is not None and _reaches_goal(known, outer, level - 1)
        case "nonzero":
            return any(not _holds_zero(item) for item in (*known.items, value))
        case "first":
            return _may_loop(known, (value, (0.0, 0.0)))
        case _:
            return _may_loop(known, (*known.items, value))


def _may_loop(known: Known, ends: tuple[Interval, ...]) -> bool:
    return has_room(known, known.copies * steps(ends))


def has_room(known: Known, copies: int) -> bool:
    """Whether a node may be built so many times."""
    return copies <= MAX_COPIES and known.nodes + copies <= MAX_NODES


def steps(ends: tuple[Interval, ...]) -> int:
    """The most values that a range with these ends can hold."""
    (a, b), (c, d) = ends
    return math.floor(max(abs(d - a), abs(b - c)) + 1e-9) + 1


def norm(items: tuple[Interval, ...]) -> Interval:
    """The length of a vector."""
    shortest = [0.0 if _holds_zero(item) else min(map(abs, item)) for item in items]
    return (math.hypot(*shortest), math.hypot(*(max(map(abs, item)) for item in items)))


def hull(items: tuple[Interval, ...]) -> Interval:
    """The smallest interval around all of them."""
    return (min(low for low, _ in items), max(high for _, high in items))


def add(frame: Frame, sign: int) -> Frame:
    """The frame after `+` or `-`."""
    return Frame(frame.goal, frame.prefer, frame.value, sign)


def multiply(frame: Frame, operator: str) -> Frame | None:
    """The frame after `*`, `/` or `%`; None where no operand could leave the value as it is."""
    assert frame.product is not None
    return frame._replace(operator=operator) if operator != "%" or _most(frame.product) <= LARGEST else None


def _sum(left: Interval, sign: int, right: Interval) -> Interval:
    if sign > 0:
        return (left[0] + right[0], left[1] + right[1])
    return (left[0] - right[1], left[1] - right[0])


def _product(left: Interval, operator: str, right: Interval) -> Interval | None:
    if operator == "*":
        corners = [a * b for a in left for b in right]
        return (min(corners), max(corners))
    if _holds_zero(right):
        return None
    if operator == "%":
        most = _most(left)
        return left if most < min(map(abs, right)) else (-most, most)
    corners = [a / b for a in left for b in right]
    return (min(corners), max(corners))


def _holds_zero(value: Interval) -> bool:
    return value[0] <= 0 <= value[1]


def _most(value: Interval) -> float:
    return max(-value[0], value[1])
