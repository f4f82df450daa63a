"""OpenSCAD as our printer writes it: parameters first, then the shapes.

It takes everything that `print_openscad` prints, and somewhat more: any white space, comments between statements,
several shapes side by side. It leaves out what the printer never writes: modules, `if`, `echo`, strings, functions.
"""

from functools import partial

from cadmonkey.cad.grammar import values
from cadmonkey.cad.grammar.automaton import Act, Choice, Letters, Many, Part, Rule, Seq, State, Text, Token, start
from cadmonkey.cad.grammar.numerals import DIGITS, extend_number, is_number, limited, number_ends
from cadmonkey.cad.grammar.values import Frame, Interval, Known
from cadmonkey.cad.program import MAX_FACETS

MAX_DEPTH = 44
"""Statements and blocks within one another; expressions need the rest of the parser's 60 levels."""
MAX_NAME = 40
"""Letters of a name."""
MAXDIGITS = 24
"""Letters of a number."""
_KEYWORDS = frozenset(
    word
    for line in (
        "true false undef PI module function children if else for let each",
        "use include import surface assert echo",
    )
    for word in line.split()
)
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")

_space = Rule("ws", Letters(frozenset(" \t\n"), r"[ \t\n]"))
_comment = Seq((Text("//"), Letters(frozenset(map(chr, (9, *range(32, 127), *range(128, 256)))), r"[^\n]"), Text("\n")))
_gap = Rule("gap", Seq((_space, Many(Seq((_comment, _space))))))
"""Between statements: white space and comments."""


def openscad_start() -> State:
    """The state before the first letter of an OpenSCAD program."""
    return start(PROGRAM, Known())


def _word(text: str) -> Part:
    """A word or sign, and the white space behind it."""
    return Seq((Text(text), _space))


def _list(*parts: Part) -> Part:
    """`a, b, c`."""
    separated: list[Part] = []
    for part in parts:
        separated += [_word(","), part]
    return Seq(tuple(separated[1:]))


# Numbers and names


def _put_number(known: Known, word: str) -> Known | None:
    value = float(word)
    return values.put(known, (value, value))


def _ends(known: Known) -> list[str]:
    neutral = known.frames[-1].neutral
    if not known.word:
        return [neutral, "1", "0", "9"]
    return number_ends(known.word) + ([neutral] if neutral.startswith(known.word) else [])


def _feed_number(known: Known, letter: str) -> Known | None:
    word = extend_number(known.word, letter)
    if word is None or (not known.word and not _has_time(known)):
        return None
    known = known._replace(word=word)
    return known if any(_put_number(known, end) for end in _ends(known)) else None


def _has_time(known: Known) -> bool:
    return known.work + 8 * known.loops <= values.MAX_WORK


def _end_number(known: Known) -> Known | None:
    return _placed(_put_number(known, known.word)) if is_number(known.word) else None


def _placed(known: Known | None) -> Known | None:
    """After a whole operand: the word is done and the work counted."""
    return None if known is None else known._replace(word="", work=known.work + 8 * known.loops)


def _finish_number(known: Known) -> tuple[str, Known] | None:
    for word in _ends(known):
        after = _placed(_put_number(known, word))
        if after is not None:
            return word[len(known.word) :], after
    return None


def _feed_name(known: Known, letter: str) -> Known | None:
    if letter not in _LETTERS and (letter not in DIGITS or not known.word):
        return None
    known = known._replace(word=known.word + letter)
    return known if (known.word != letter or _has_time(known)) and _names(known) else None


def _names(known: Known) -> list[str]:
    """The names that may be meant, the shortest first."""
    begun = sorted((name for name in known.names if name.startswith(known.word)), key=len)
    return [name for name in begun if values.put(known, known.names[name])]


def _end_name(known: Known) -> Known | None:
    return _placed(values.put(known, known.names[known.word])) if known.word in known.names else None


def _finish_name(known: Known) -> tuple[str, Known] | None:
    for name in _names(known):
        after = _end_name(known._replace(word=name))
        if after is not None:
            return name[len(known.word) :], after
    return None


_number = Token(DIGITS, "number", _feed_number, _end_number, _finish_number)
_name = Token(_LETTERS, "name", _feed_name, _end_name, _finish_name)


def _feed_new_name(known: Known, letter: str) -> Known | None:
    if len(known.word) >= MAX_NAME or (letter not in _LETTERS and (letter not in DIGITS or not known.word)):
        return None
    return known._replace(word=known.word + letter)


def _is_free(known: Known, name: str, parameter: bool) -> bool:
    taken = known.names if parameter else dict(known.bound)
    return bool(name) and name not in _KEYWORDS and name not in taken


def _end_new_name(known: Known, parameter: bool) -> Known | None:
    return known._replace(word="", target=known.word) if _is_free(known, known.word, parameter) else None


def _finish_new_name(known: Known, parameter: bool) -> tuple[str, Known]:
    name = known.word or "a"
    while not _is_free(known, name, parameter):
        name += "_"
    return name[len(known.word) :], known._replace(word="", target=name)


def _new_name(parameter: bool) -> Part:
    end, finish = partial(_end_new_name, parameter=parameter), partial(_finish_new_name, parameter=parameter)
    return Token(_LETTERS, "name", _feed_new_name, end, finish)


def _index() -> Part:
    """The number of a point."""

    def feed(known: Known, letter: str) -> Known | None:
        word = known.word + letter
        return known._replace(word=word) if letter in DIGITS and len(word) < 6 and int(word) < known.points else None

    def end(known: Known) -> Known | None:
        return known._replace(word="") if known.word else None

    def finish(known: Known) -> tuple[str, Known]:
        return "" if known.word else "0", known._replace(word="")

    return Token(DIGITS, "whole", feed, end, finish)


# Expressions


def _opened(goal: str, prefer: str) -> Part:
    return Act(lambda known: known._replace(frames=(*known.frames, Frame(goal, prefer))))


def _open_bracket(known: Known) -> Known | None:
    """A bracket begins as its place in the expression would: its neutral operand is that of the frame around it."""
    frame = known.frames[-1]
    if len(known.frames) > values.MAX_BRACKETS:
        return None
    return known._replace(frames=(*known.frames, Frame("bracket", frame.neutral)))


def _close_bracket(known: Known) -> Known | None:
    return values.put(known._replace(frames=known.frames[:-1]), known.frames[-1].value)


def _negate(known: Known) -> Known | None:
    """Before a sign: with it, no operand need leave the value as it is, so one that is allowed must be known."""
    frame = known.frames[-1]
    known = known._replace(frames=(*known.frames[:-1], frame._replace(negative=not frame.negative)))
    return known if any(_put_number(known, end) for end in _ends(known)) else None


def _operator(sign: str) -> Part:
    def apply(known: Known) -> Known | None:
        frame = known.frames[-1]
        after = values.add(frame, 1 if sign == "+" else -1) if sign in "+-" else values.multiply(frame, sign)
        return known._replace(frames=(*known.frames[:-1], after)) if after is not None else None

    return Seq((Act(apply), _word(sign)))  # an act that may refuse comes before the letters


_sum = Rule("sum")
_bracket = Seq((Act(_open_bracket), _word("("), _sum, Text(")"), Act(_close_bracket)))
_atom = Choice((_number, _name, _bracket))
_minus = Seq((Act(_negate), _word("-")))
_operand = Rule("operand", Seq((Choice((Seq(()), _minus, Seq((_minus, _minus)))), _atom, _space)))
_sum.part = Seq((_operand, Many(Seq((Choice(tuple(map(_operator, "+-*/%"))), _operand)))))


def _drop(known: Known) -> Known:
    return known._replace(frames=known.frames[:-1])


def _keep(known: Known) -> Known:
    """An item of a vector or range: its value is remembered."""
    return known._replace(frames=known.frames[:-1], items=(*known.items, known.frames[-1].value))


def _expression(prefer: str = "1") -> Part:
    return Seq((_opened("", prefer), _sum, Act(_drop)))


def _item(goal: str = "", prefer: str = "1") -> Part:
    return Seq((_opened(goal, prefer), _sum, Act(_keep)))


_value = _expression()
_no_items = Act(lambda known: known._replace(items=()))


def _vector(*items: Part) -> Part:
    return Seq((_word("["), _list(*items), _word("]")))


def _numbers(prefer: str) -> Part:
    """A vector of numbers; a completion writes the letters of `prefer`."""
    return _vector(*map(_expression, prefer))


def _axis(length: int) -> Part:
    """A vector that is not zero."""
    return Seq((_no_items, _vector(*[_item()] * (length - 1), _item("nonzero"))))


def _end_norm(known: Known) -> Known | None:
    return values.put(known._replace(items=()), values.norm(known.items))


_norm = Seq(
    (
        Text("norm("),
        _no_items,
        _word("["),
        _list(_item(), _item(), _item("norm")),
        _word("]"),
        Text(")"),
        _space,
        Act(_end_norm),
    )
)


def _open_product(known: Known) -> Known | None:
    """A vector that is multiplied: its largest item stands for it."""
    return values.put(known._replace(frames=(Frame(),)), values.hull(known.items))


_offset = Seq(
    (
        _no_items,
        _vector(_item(), _item(), _item()),
        Act(_open_product),
        Many(Choice((Seq((_operator("*"), _operand)), Seq((_operator("/"), Choice((_operand, _norm))))))),
        Act(_drop),
    )
)

# Shapes


def _room(known: Known) -> Known | None:
    """Before a statement that must hold another."""
    fits = known.depth + 3 <= MAX_DEPTH and values.has_room(known, known.loops * 2)
    return known if fits else None


def _enter(known: Known) -> Known | None:
    nodes, depth = known.nodes + known.loops, known.depth + 1
    if nodes > values.MAX_NODES or depth > MAX_DEPTH:
        return None
    scopes = (*known.scopes, (known.names, known.loops, known.depth))
    return known._replace(nodes=nodes, depth=depth, scopes=scopes, copies=known.loops, bound=())


def _leave(known: Known) -> Known:
    names, loops, depth = known.scopes[-1]
    return known._replace(names=names, loops=loops, depth=depth, scopes=known.scopes[:-1])


def _deeper(known: Known) -> Known:
    return known._replace(depth=known.depth + 1)


def _call(name: str, *arguments: Part) -> Part:
    return Seq((_word(name), _word("("), *arguments, Text(")"), _space))


def _shape(name: str, *arguments: Part) -> Part:
    return Seq((_call(name, *arguments), Text(";"), _gap))


def _maybe(*parts: Part) -> Part:
    return Choice((Seq(()), Seq(parts)))


def _named(name: str, value: Part) -> Part:
    return Seq((_word(name), _word("="), value))


def _also(name: str, value: Part) -> Part:
    """`, name = value`, or nothing."""
    return _maybe(_word(","), _named(name, value))


def _size(end: str = "") -> Choice:
    """A radius or a diameter."""
    return Choice((_named(f"r{end}", _value), _named(f"d{end}", _value)))


_round = Choice((*_size().options, _value))
"""A radius may go without its name where it is the only size."""
_facets = limited("number", 0, MAX_FACETS)
_own_facets = _also("$fn", _facets)
_centred = _also("center", _word("true"))
_fn = Seq((_facets, _space))
_count_point = Act(lambda known: known._replace(points=known.points + 1))


def _points(length: int) -> Part:
    """At least three points; those of a completion are three corners."""
    point = Seq((_numbers("0" * length), _count_point))
    corners = (_numbers("10000"[:length]), _numbers("01000"[:length]))
    first = _list(point, *(Seq((corner, _count_point)) for corner in corners))
    begin = Act(lambda known: known._replace(points=0))
    return Seq((begin, _word("["), first, Many(Seq((_word(","), point))), _word("]")))


_path = Seq(
    (
        _word("["),
        _list(*[Seq((_index(), _space))] * 3),
        Many(Seq((_word(","), _index(), _space))),
        _word("]"),
    )
)
_paths = Seq((_word("["), _path, Many(Seq((_word(","), _path))), _word("]")))


def _cylinder() -> Part:
    height = _named("h", _value)
    sizes = ((_size(), height), (_size("1"), _size("2"), height), (height, _size()), (height, _size("1"), _size("2")))
    return _shape("cylinder", Choice(tuple(_list(*size) for size in sizes)), _centred, _own_facets)


def _polygon() -> Part:
    listed = _list(_named("points", _points(2)), _named("paths", _paths))
    return _shape("polygon", Choice((_points(2), listed)))


def _rotations(flat: bool) -> tuple[Part, ...]:
    turn = _list(_named("a", _value), _named("v", _axis(3)))
    return (_value, _numbers("000"), turn) if flat else (_numbers("000"), turn, _value)


def _operations(child: Part, flat: bool) -> list[Part]:
    """What moves or joins shapes of one dimension."""
    planar = (_numbers("00"),) if flat else ()
    moves = [
        _call("translate", Choice((_offset, *planar))),
        _call("rotate", Choice(_rotations(flat))),
        _call("scale", Choice((_numbers("111"), _value, *((_numbers("11"),) if flat else ())))),
        _call("mirror", Choice((_axis(3), *((_axis(2),) if flat else ())))),
        _call("multmatrix", _vector(_numbers("1000"), _numbers("0100"), _numbers("0010"))),
    ]
    joins = [_call(name) for name in ("union", "difference", "intersection", "hull")]
    return [Seq((Act(_room), head, child)) for head in [*moves, *joins, _loop()]]


def _end_range(known: Known) -> Known:
    return _bind(known, values.hull(known.items), values.steps((known.items[0], known.items[1])))


def _end_list(known: Known) -> Known | None:
    if not values.has_room(known, known.copies * len(known.items)):
        return None
    return _bind(known, values.hull(known.items), len(known.items))


def _bind(known: Known, value: Interval, times: int) -> Known:
    return known._replace(bound=(*known.bound, (known.target, value)), copies=known.copies * times, items=())


def _one_more(known: Known) -> Known | None:
    return known if values.has_room(known, known.copies * (len(known.items) + 1)) else None


def _begin_loop(known: Known) -> Known:
    return known._replace(names=known.names | dict(known.bound), loops=known.copies, bound=())


def _loop() -> Part:
    """`for (i = [0 : n - 1], x = [a, b])`."""
    more = Many(Seq((Act(_one_more), _word(","), _item())))
    listed = Seq((_no_items, _word("["), _item(), more, _word("]"), Act(_end_list)))
    ends = (_item("first", "0"), _word(":"), _item("last", "0"))
    ranged = Seq((_no_items, _word("["), *ends, _word("]"), Act(_end_range)))
    span = Seq((_new_name(False), _space, _word("="), Choice((listed, ranged))))
    return Seq((_call("for", span, Many(Seq((_word(","), span)))), Act(_begin_loop)))


def _statement(name: str, *options: Part) -> Rule:
    rule = Rule(name)
    child = Rule(f"{name}-child")
    block = Seq((_word("{"), _gap, Act(_deeper), rule, Many(rule), Text("}"), _gap))
    child.part = Choice((rule, block))
    flat = name == "flat"
    rule.part = Seq((Act(_enter), Choice((*options, *_operations(child, flat))), Act(_leave)))
    return rule


def _offset_2d() -> Part:
    grown = Seq((_named("r", _value), _own_facets))
    sharp = Seq((_named("delta", _value), _also("chamfer", _word("true"))))
    return _call("offset", Choice((grown, sharp)))


def _linear_extrude() -> Part:
    slices = Seq((limited("whole", 1, MAX_FACETS, whole=True), _space))
    scale = Choice((_value, _numbers("11")))
    height = _named("height", _value)
    options = (_centred, _also("twist", _value), _also("slices", slices), _also("scale", scale))
    return _call("linear_extrude", height, *options)


def _rotate_extrude() -> Part:
    fn = _named("$fn", Seq((limited("number", 1, MAX_FACETS), _space)))
    angle = Seq((_named("angle", _value), _maybe(_word(","), fn)))
    return _call("rotate_extrude", Choice((Seq(()), angle, fn)))


_flat_child = Rule("flat-child")
_flat = _statement(
    "flat",
    _shape("square", Choice((_value, _numbers("11"))), _centred),
    _shape("circle", _round, _own_facets),
    _polygon(),
    Seq((Act(_room), _offset_2d(), _flat_child)),
)
_flat_child.part = Choice((_flat, Seq((_word("{"), _gap, Act(_deeper), _flat, Many(_flat), Text("}"), _gap))))
_solid = _statement(
    "solid",
    _shape("cube", Choice((_value, _numbers("111"))), _centred),
    _shape("sphere", _round, _own_facets),
    _cylinder(),
    _shape("polyhedron", _list(_named("points", _points(3)), _named("faces", _paths))),
    Seq((Act(_room), _linear_extrude(), _flat_child)),
    Seq((Act(_room), _rotate_extrude(), _flat_child)),
)

# The program


def _assign(known: Known) -> Known:
    names = known.names | {known.target: known.frames[-1].value}
    return known._replace(names=names, frames=known.frames[:-1])


def _fineness() -> Part:
    """Limits that no circle of a part exceeds MAX_FACETS with."""
    limits = {"$fn": (0, MAX_FACETS), "$fa": (0.4, 360), "$fs": (0, 1000)}
    return Choice(tuple(_named(name, Seq((limited("number", *limit), _space))) for name, limit in limits.items()))


_assignment = Seq((_new_name(True), _space, _word("="), _opened("", "1"), _sum, Act(_assign)))
_header = Rule("header", Seq((Choice((_assignment, _fineness())), Text(";"), _gap)))
PROGRAM = Rule("root", Seq((_gap, Many(_header, ambiguous=True), _solid, Many(_solid))))
