"""Compact IR as our printer writes it; a stack of unused nodes sees that each is used and one root is left.

References go backwards to a node of the right kind, sketches connect and close, arcs are round, no direction is zero.
It leaves out what the printer never writes: comments, names, `ROOT`, other metadata than the fineness.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from cadmonkey.cad import csg
from cadmonkey.cad.grammar.automaton import Act, Choice, Many, Part, Seq, State, Text, Token, start
from cadmonkey.cad.grammar.numerals import DIGITS, extend_number, is_number, limited, number_ends
from cadmonkey.cad.ir.reader import ARITY, DEFAULT_FACETS, LARGEST
from cadmonkey.cad.ir.sketch import GAP_MM, RADIUS_MM, Sketch, outline, revolved
from cadmonkey.cad.program import MAX_FACETS, Facets, LanguageError
from cadmonkey.cad.quantity import number_text

MAX_LINES = 500
"""Nodes that a program may have before its unused ones are joined."""
MAX_DEPTH = 180
"""Operations within operations; the reader refuses a little more than that."""
MAX_SIZE = 19_000
"""Nodes that the program builds; the reader refuses a little more than that."""
REFERENCES = ("n", "a", "b", "sk")
_SWEPT_DEPTH = 5


class Numbered(NamedTuple):
    """A node that later lines may name."""

    size: int
    depth: int
    sketch: Sketch | None = None
    axes: tuple[tuple[str, ...], ...] = ()
    """The axes that a sketch can be turned about, as `V` writes them."""


class Known(NamedTuple):
    """Everything that the acts of the Compact IR grammar look at."""

    word: str = ""
    operation: str = ""
    operands: tuple[str, ...] = ()
    """The operands of the line so far, as they are written."""
    nodes: tuple[Numbered, ...] = ()
    loose: frozenset[int] = frozenset()
    """The numbers of the nodes that nothing uses yet."""
    plane: tuple[float, ...] = ()
    """The nine numbers of the sketch that is being drawn."""
    loops: tuple[csg.Loop, ...] = ()
    edges: csg.Loop = ()
    """The edges of the loop that is open."""
    ends: tuple[str, ...] = ()
    """Where the open loop begins and where it has come to, as they are written: x y x y."""
    facets: Facets = DEFAULT_FACETS


def ir_start() -> State:
    """The state before the first letter of a Compact IR program."""
    return start(PROGRAM, Known())


# What an operand may be


def _is_possible(known: Known, operands: tuple[str, ...]) -> bool:
    """Whether the line can be ended correctly after these operands."""
    if known.operation not in _CHECKS:
        return True
    if len(operands) == len(ARITY[known.operation].split()):
        return _CHECKS[known.operation](known, operands)
    return any(_fits(known, operands, word) for word in _wanted(known, operands))


def _fits(known: Known, operands: tuple[str, ...], word: str) -> bool:
    """Whether `word` may be the next operand."""
    if abs(float(word)) > LARGEST or (known.operation in ("L", "A") and not _connects(known, (*operands, word))):
        return False
    return _is_possible(known, (*operands, word))


def _connects(known: Known, operands: tuple[str, ...]) -> bool:
    """Whether an edge starts where the one before ends, as far as its start is read."""
    gaps = (float(a) - float(b) for a, b in zip(operands[:2], known.ends[2:], strict=False))
    return math.hypot(*gaps) <= GAP_MM * (1 - 1e-9)


def _near(word: str) -> list[str]:
    """A coordinate, and two that hardly differ: shapes that were computed meet within GAP_MM only."""
    return [word, *(f"{float(word) + shift:.7f}" for shift in (-GAP_MM / 2, GAP_MM / 2))]


def _wanted(known: Known, operands: tuple[str, ...]) -> list[str]:
    """Words for the next operand, among which there is one that serves if any does."""
    match known.operation, len(operands):
        case ("L" | "A", 0 | 1) if known.ends:
            return _near(known.ends[2 + len(operands)])
        case ("L" | "A", 2 | 3 as place):
            begin = [known.ends[place - 2]] if known.ends else []
            return [*begin, "0", "1", "2"] if len(known.edges) > 1 else ["0", "1", "2", *begin]
        case "A", 4 | 5:
            return _centres(operands)
        case "A", 6:
            return ["1", "0"]
        case "SK", place:
            return [["0"], ["0"], ["0"], ["1", "0"], ["0", "1"], ["0", "1"], ["0", "1"], ["1", "0"], ["0", "1"]][place]
        case "E", place if place:
            return [_short(_normal(known, operands)[place - 1]), "1", "0"]
        case "V", place if 0 < place < 7:
            axes = known.nodes[int(operands[0])].axes
            return [axis[place - 1] for axis in axes if axis[: place - 1] == operands[1:]]
        case ("LP", 4) | ("CP", 7):
            return ["1"]
    return ["0", "1"] if known.operation in _CHECKS and known.operation != "V" else ["1"]


def _centres(operands: tuple[str, ...]) -> list[str]:
    """One coordinate of a centre from which both ends of an arc are equally far."""
    x1, y1, x2, y2, *x = map(float, operands)
    middle = ((x1 + x2) / 2, (y1 + y2) / 2)
    if not x:
        return [_rounded(middle[0]), _rounded(middle[0] + 1)]
    if abs(y2 - y1) <= GAP_MM:
        return [_rounded(middle[1]), _rounded(middle[1] + 1)]
    y = middle[1] + (middle[0] - x[0]) * (x2 - x1) / (y2 - y1)
    return [_rounded(y), *(f"{y + shift:.4f}" for shift in (-0.0004, 0.0004))]


def _rounded(value: float) -> str:
    return number_text(round(value, 6) + 0.0)


def _short(value: float) -> str:
    return number_text(round(value, 3) + 0.0)


def _normal(known: Known, operands: tuple[str, ...]) -> tuple[float, ...]:
    """The direction out of a sketch's plane, its largest part 1."""
    normal = _across(known, operands)
    largest = max(map(abs, normal))
    return tuple(part / largest for part in normal)


def _across(known: Known, operands: tuple[str, ...]) -> csg.Vector:
    """The product of a sketch's axes."""
    sketch = known.nodes[int(operands[0])].sketch
    assert sketch is not None
    return _cross(sketch.x, sketch.y)


def _cross(x: csg.Vector, y: csg.Vector) -> csg.Vector:
    return (x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0])


def _floats(operands: tuple[str, ...]) -> tuple[float, ...]:
    return tuple(map(float, operands))


def _is_plane(known: Known, operands: tuple[str, ...]) -> bool:
    numbers = _floats(operands)
    return csg.length_of(_cross(numbers[3:6], numbers[6:9])) > 1e-8  # type: ignore[arg-type]


def _leaves_plane(known: Known, operands: tuple[str, ...]) -> bool:
    along, normal = _floats(operands[1:]), _across(known, operands)
    out = abs(sum(a * n for a, n in zip(along, normal, strict=True)))
    return out > 2e-9 * math.hypot(*along)


def _turns(known: Known, operands: tuple[str, ...]) -> bool:
    return operands[1:7] in known.nodes[int(operands[0])].axes and float(operands[7]) != 0


def _has_direction(known: Known, operands: tuple[str, ...], first: int) -> bool:
    return any(float(word) != 0 for word in operands[first : first + 3])


def _edge(known: Known, operands: tuple[str, ...]) -> csg.Line | csg.Arc:
    x1, y1, x2, y2, *centre = _floats(operands)
    if known.operation == "L":
        return csg.Line((x1, y1), (x2, y2))
    return csg.Arc((x1, y1), (x2, y2), (centre[0], centre[1]), centre[2] == 1)


def _is_edge(known: Known, operands: tuple[str, ...]) -> bool:
    """Whether the edge is one, and the loop encloses something if it closes it."""
    edge = _edge(known, operands)
    if isinstance(edge, csg.Line) and math.dist(edge.start, edge.end) <= 2 * GAP_MM:
        return False
    if isinstance(edge, csg.Arc):
        first, last = math.dist(edge.start, edge.centre), math.dist(edge.end, edge.centre)
        if abs(first - last) > 0.9 * RADIUS_MM or first < 2 * GAP_MM:
            return False
    loop = (*known.edges, edge)
    if math.dist(loop[0].start, edge.end) > GAP_MM:
        return True
    try:
        outline([loop], known.facets, 1)
    except LanguageError:
        return False
    return True


_CHECKS: dict[str, Callable[[Known, tuple[str, ...]], bool]] = {
    "SK": _is_plane,
    "E": _leaves_plane,
    "V": _turns,
    "LP": partial(_has_direction, first=1),
    "CP": partial(_has_direction, first=4),
    "L": _is_edge,
    "A": _is_edge,
}


def _ends(known: Known) -> list[str]:
    """The words that may come of the one that is being read."""
    wanted = [word for word in _wanted(known, known.operands) if word.startswith(known.word)]
    if known.operation == "V" and len(known.operands) < 7:
        return wanted  # an axis of the sketch, word for word
    return [*wanted, *(number_ends(known.word) if known.word else [])]


def _feed_number(known: Known, letter: str) -> Known | None:
    sign = known.word[:1] == "-"
    if letter == "-" and not known.word:
        word: str | None = "-"
    else:
        digits = extend_number(known.word[sign:], letter)
        word = None if digits is None else "-"[: int(sign)] + digits
    if word is None:
        return None
    known = known._replace(word=word)
    return known if any(_fits(known, known.operands, end) for end in _ends(known)) else None


def _end_number(known: Known) -> Known | None:
    if (
        not is_number(known.word.removeprefix("-"))
        or known.word not in _ends(known)
        or not _fits(known, known.operands, known.word)
    ):
        return None
    return _taken(known, known.word)


def _finish_number(known: Known) -> tuple[str, Known] | None:
    for word in _ends(known):
        if _fits(known, known.operands, word):
            return word[len(known.word) :], _taken(known, word)
    return None


_number = Token(DIGITS | {"-"}, "number", _feed_number, _end_number, _finish_number)


def _keep_whole(known: Known, value: float) -> Known:
    return known._replace(operands=(*known.operands, f"{value:.0f}"))


_count = limited("whole", 1, 99_999, whole=True, keep=_keep_whole)


def _taken(known: Known, word: str) -> Known:
    """After a whole operand."""
    return known._replace(word="", operands=(*known.operands, word))


def _feed_flag(known: Known, letter: str) -> Known | None:
    fits = not known.word and letter in "01" and _is_possible(known, (*known.operands, letter))
    return known._replace(word=letter) if fits else None


def _end_flag(known: Known) -> Known | None:
    return _taken(known, known.word) if known.word else None


def _finish_flag(known: Known) -> tuple[str, Known] | None:
    word = known.word or next((flag for flag in "10" if _is_possible(known, (*known.operands, flag))), None)
    return None if word is None else (word[len(known.word) :], _taken(known, word))


_flag = Token(frozenset("01"), "flag", _feed_flag, _end_flag, _finish_flag)


# References


def _references(known: Known, operation: str) -> Iterator[int]:
    """The nodes that the operation may name, unused ones first."""
    for number in sorted(range(len(known.nodes)), key=lambda n: (n not in known.loose, n)):
        node = known.nodes[number]
        if _serves(node, operation) and f"{number}" not in known.operands and _has_room(known, node):
            yield number


def _serves(node: Numbered, operation: str) -> bool:
    if operation == "E":
        return node.sketch is not None
    return bool(node.axes) if operation == "V" else node.sketch is None and node.depth < MAX_DEPTH


def _has_room(known: Known, node: Numbered) -> bool:
    """Whether the program stays small enough when one more line uses `node`, which may be used already."""
    operands = sum(known.nodes[int(word)].size for word in known.operands if word.isdigit())
    loose = sum(known.nodes[number].size + 1 for number in known.loose)
    return loose + operands + node.size + 1 <= MAX_SIZE


def _feed_reference(known: Known, letter: str) -> Known | None:
    known = known._replace(word=known.word + letter)
    begun = letter in DIGITS and any(f"{n}".startswith(known.word) for n in _references(known, known.operation))
    return known if begun else None


def _end_reference(known: Known) -> Known | None:
    if known.word not in map(str, _references(known, known.operation)):
        return None
    return _taken(known, known.word)


def _finish_reference(known: Known) -> tuple[str, Known] | None:
    for number in _references(known, known.operation):
        if f"{number}".startswith(known.word):
            return f"{number}"[len(known.word) :], _end_reference(known._replace(word=f"{number}"))  # type: ignore[return-value]
    return None


_reference = Token(DIGITS, "whole", _feed_reference, _end_reference, _finish_reference)


# Lines


def _begin(known: Known, operation: str) -> Known | None:
    """Before a line: there must be nodes for its references, and room for one node more."""
    known = known._replace(operation=operation, operands=())
    needed = sum(name in REFERENCES for name in ARITY[operation].split())
    if not needed:
        return known
    return known if sum(1 for _ in zip(range(needed), _references(known, operation), strict=False)) == needed else None


def _build(known: Known) -> Known:
    """The node that the line makes."""
    count = sum(name in REFERENCES for name in ARITY[known.operation].split())
    used = [int(word) for word in known.operands[:count]]
    size = 1 + sum(known.nodes[number].size for number in used)
    depth = 1 + max((known.nodes[number].depth for number in used), default=0)
    return _added(known, Numbered(size, depth), used)


def _added(known: Known, node: Numbered, used: list[int]) -> Known:
    loose = (known.loose - set(used)) | {len(known.nodes)}
    return known._replace(nodes=(*known.nodes, node), loose=loose, operands=())


def _line(operation: str) -> Part:
    operands: list[Part] = []
    for name in ARITY[operation].split():
        operands += [Text(" "), _operand(name)]
    return Seq((Act(partial(_begin, operation=operation)), Text(operation), *operands))


def _operand(name: str) -> Part:
    return _reference if name in REFERENCES else {"count": _count, "ccw": _flag}.get(name, _number)


def _open_sketch(known: Known) -> Known:
    return known._replace(plane=_floats(known.operands), operands=(), loops=(), edges=(), ends=())


def _draw(known: Known) -> Known:
    """The line just read is the next edge; it may close its loop."""
    edge = _edge(known, known.operands)
    edges = (*known.edges, edge)
    if math.dist(edges[0].start, edge.end) <= GAP_MM:
        return known._replace(loops=(*known.loops, edges), edges=(), ends=(), operands=())
    begin = known.ends[:2] or known.operands[:2]
    return known._replace(edges=edges, ends=(*begin, *known.operands[2:4]), operands=())


def _end_edges(known: Known) -> Known | None:
    return known if known.loops and not known.edges else None


def _finish_edges(known: Known) -> tuple[str, Known]:
    """Close the open loop, or draw a triangle where there is none."""
    if not known.edges and known.loops:
        return "", known
    corners = [("0", "0"), ("1", "0"), ("0", "1")]
    first, last = (known.ends[:2], known.ends[2:]) if known.edges else (corners[0], corners[0])
    taken = [_floats(first), _floats(last)]
    free = [corner for corner in corners if min(math.dist(_floats(corner), other) for other in taken) > 2 * GAP_MM]
    between = free[:0] if len(known.edges) > 1 else free[: 1 if known.edges else 2]
    points = [last, *between, first]
    text = ""
    for begin, end in pairwise(points):
        known = _draw(known._replace(operation="L", operands=(*begin, *end)))
        text += f"L {' '.join((*begin, *end))}\n"
    return text, known


def _close_sketch(known: Known) -> Known:
    origin, x, y = known.plane[:3], known.plane[3:6], known.plane[6:]
    sketch = Sketch(1, origin, x, y, list(known.loops))  # type: ignore[arg-type]
    flat = tuple(map(number_text, known.plane))
    axes = dict.fromkeys((("0", "0", "0", "0", "0", "1"), (*flat[:3], *flat[6:]), flat[:6]))
    possible = tuple(axis for axis in axes if _turns_about(sketch, axis, known.facets))
    return _added(known, Numbered(1, _SWEPT_DEPTH, sketch, possible), [])


def _turns_about(sketch: Sketch, axis: tuple[str, ...], facets: Facets) -> bool:
    numbers = _floats(axis)
    try:
        revolved(sketch, numbers[:3], numbers[3:], 360, facets, 1)  # type: ignore[arg-type]
    except LanguageError:
        return False
    return True


_edges = Token(frozenset(), "", lambda known, letter: None, _end_edges, _finish_edges)
_sketch = Seq(
    (
        _line("SK"),
        Text("\n"),
        Act(_open_sketch),
        Many(Seq((Choice((_line("L"), _line("A"))), Text("\n"), Act(_draw)))),
        _edges,
        Text("END"),
        Act(_close_sketch),
    )
)
_OPERATIONS = [name for name in ARITY if name not in ("SK", "L", "A", "END", "ROOT")]


def _joining(known: Known) -> int:
    """The operation that leads to the end of the program: use up what is unused."""
    sketches = sum(known.nodes[number].sketch is not None for number in known.loose)
    name = "E" if sketches else "U" if len(known.loose) > 1 else "C"
    return _OPERATIONS.index(name)


_node = Choice((*(Seq((_line(name), Act(_build))) for name in _OPERATIONS), _sketch), _joining)


# The program


def _may_go_on(known: Known) -> Known | None:
    small = sum(known.nodes[number].size + 1 for number in known.loose) < MAX_SIZE - 2
    return known if len(known.nodes) < MAX_LINES and small else None


def _finish_program(known: Known) -> tuple[str, Known]:
    """Make solids of unused sketches, and join what is left."""
    lines, total = [], len(known.nodes)
    solids = [number for number in sorted(known.loose) if known.nodes[number].sketch is None]
    for number in sorted(known.loose - set(solids)):
        lines.append(f"E {number} {' '.join(map(_short, _normal(known, (str(number),))))}")
        solids.append(total)
        total += 1
    # the same lines, in the same order, that _joining and _references lead to: an end that has begun gets no longer
    while len(solids) > 1:
        lines.append(f"U {solids[0]} {solids[1]}")
        solids = [*solids[2:], total]
        total += 1
    return "".join(f"\n{line}" for line in lines), known


def _keep_fineness(known: Known, value: float, name: str) -> Known:
    return known._replace(facets=replace(known.facets, **{name: value}))


def _fineness(name: str, low: float, high: float) -> Part:
    value = limited("number", low, high, keep=partial(_keep_fineness, name=name))
    return Seq((Text(f"M ${name} "), value, Text("\n")))


_metadata = Choice((_fineness("fn", 0, MAX_FACETS), _fineness("fa", 0.4, 360), _fineness("fs", 0, 1000)))
_joined = Token(frozenset(), "", lambda known, letter: None, lambda known: known, _finish_program)
PROGRAM = Seq((Many(_metadata), _node, Many(Seq((Act(_may_go_on), Text("\n"), _node))), _joined))
