"""Programs that almost are: real ones with tokens changed, lost, repeated and wrapped, token soup, and noise."""

import random
import re

from hypothesis import HealthCheck, Phase, given, settings

from cadmonkey.cad import csg
from cadmonkey.cad.ir import print_ir
from cadmonkey.cad.openscad import print_openscad
from cadmonkey.cad.program import Facets, Program
from cadmonkey.data.rows import make_rows
from cadmonkey.errors import CadmonkeyError
from tests.cad import shapes

TOKEN = re.compile(r"\$?[A-Za-z_]\w*|\d+\.?\d*(?:[eE][+-]?\d+)?|\s+|[^\w\s]")
NUMBERS = (
    "0 -0 1 -1 2 3 0.5 1e-3 1e-6 1e-9 1e-12 1e-300 5e-324 7 8 90 180 360 -360 720 999 1000 1001 1e4 999999 1e6 1000001 "
    "1e9 1e15 1e300 1e308 1e999 0.1 0.30000000000000004 (0/0) (1/0) (-1/0) PI"
)
WORDS = (
    "cube sphere cylinder square circle polygon polyhedron translate rotate scale mirror multmatrix linear_extrude "
    "rotate_extrude offset hull union difference intersection for if else module children group color render echo "
    "$fn $fa $fs d r d1 d2 r1 r2 h center twist slices angle delta chamfer points paths faces convexity true false "
    "undef len norm sin cos tan sqrt pow min max abs floor ceil round i x y m import use include minkowski text"
)
SIGNS = [*"()[]{};,=:*/%+-<>!?&|.^#'\"\\", "==", "<=", "&&", "||", "//", "/*", "*/", "\n", " "]
CHARACTERS = [
    "\0",
    "\x1b",
    "\x7f",
    "\xa0",
    "é",
    "Ⅷ",
    "٣",
    "²",
    "\u2028",
    "\u202e",
    "\U0001d7d9",
    "\ud800",
    "\r",
    "\t",
    "\v",
    "\ufeff",
]
WRAPS = (
    "translate([{0}, {1}, {2}]) {{ {3} }}",
    "rotate([{0}, {1}, {2}]) {{ {3} }}",
    "rotate({0}, [{1}, {2}, 1]) {{ {3} }}",
    "scale([{0}, {1}, {2}]) {{ {3} }}",
    "mirror([{0}, {1}, {2}]) {{ {3} }}",
    "hull() {{ {3} cube([{0}, {1}, {2}]); }}",
    "difference() {{ {3} translate([{0}, 0, 0]) sphere({1}); }}",
    "intersection() {{ {3} cylinder(r = {0}, h = {1}); }}",
    "for (i = [0 : {0} - 1]) translate([i * {1}, 0, 0]) {{ {3} }}",
    "for (i = [0 : {0} - 1]) rotate([0, 0, i * 360 / {0}]) {{ {3} }}",
    "for (i = [{0} : {1} : {2}]) {{ {3} }}",
    "module m(a = {0}) {{ {3} children(); }} m({1}) cube({2});",
    "if ({0} < {1}) {{ {3} }}",
    "linear_extrude({0}, twist = {1}, scale = {2}) {{ {3} }}",
    "rotate_extrude(angle = {0}) translate([{1}, {2}]) {{ {3} }}",
    "offset({0}) {{ {3} }}",
    "{{ {3} }}",
)
IR_WORDS = 'C Y S K T R X U D I LP CP SH FI CH SK L A END E V ROOT M $fn $fa $fs # "a"'


def real_programs(rows: int, trees: int) -> dict[str, list[str]]:
    """Programs of the parts that we make and of random trees of every node, in each notation."""
    programs = [Program(tree, (), Facets(fn=8)) for tree in _trees(trees)]
    made = [row["completion"] for row in make_rows(rows, seed=7)]
    return {
        "openscad": made + _printed(print_openscad, programs),
        "ir": _printed(print_ir, programs) + _printed(print_ir, [_parsed(code) for code in made]),
    }


def mutated(draw: random.Random, programs: list[str], language: str) -> str:
    """One of the programs with a few faults put in, or none at all but noise."""
    kind = draw.random()
    if kind < 0.05:
        return "".join(
            draw.choice([*CHARACTERS, *SIGNS, chr(draw.randrange(0x500))]) for _ in range(draw.randrange(80))
        )
    if kind < 0.15:
        return " ".join(_soup(draw, language) for _ in range(draw.randrange(60)))
    text = draw.choice(programs)
    for _ in range(draw.choice((1, 1, 2, 3, 5, 9))):
        text = _fault(draw, text, programs, language)
    return text[:20_000]


def _fault(draw: random.Random, text: str, programs: list[str], language: str) -> str:
    kind = draw.random()
    if kind < 0.08 and language == "openscad":
        return draw.choice(WRAPS).format(*(draw.choice(NUMBERS.split()) for _ in range(3)), text)
    if kind < 0.2:
        return _crossed(draw, text.splitlines(), draw.choice(programs).splitlines())
    if kind < 0.25:
        place = draw.randrange(len(text) + 1)
        return text[:place] + draw.choice(CHARACTERS) + text[place + draw.randrange(2) :]
    tokens = TOKEN.findall(text)
    places = [i for i, token in enumerate(tokens) if not token.isspace()]
    if not places:
        return text
    place = draw.choice(places)
    if kind < 0.7:
        numbers = [i for i in places if tokens[i][0].isdigit()]
        tokens[draw.choice(numbers or places)] = _number(draw)
    elif kind < 0.8:
        tokens[place] = _soup(draw, language)
    elif kind < 0.9:
        end = place + draw.randrange(1, 12)
        tokens[place:end] = draw.choice(([], tokens[place:end] * 2, tokens[place:end][::-1]))
    else:
        tokens.insert(place, _soup(draw, language))
    return "".join(tokens)


def _crossed(draw: random.Random, lines: list[str], others: list[str]) -> str:
    """Lines put into, taken out of or moved within a program."""
    place, other = draw.randrange(len(lines) + 1), draw.randrange(len(others) + 1)
    kept = lines[place + draw.randrange(3) :]
    return "\n".join(lines[:place] + others[other : other + draw.randrange(6)] + kept)


def _number(draw: random.Random) -> str:
    if draw.random() < 0.5:
        return draw.choice(NUMBERS.split())
    return f"{draw.choice((1, 10, 100, 1000)) * draw.uniform(-0.2, 1):.{draw.randrange(6)}f}"


def _soup(draw: random.Random, language: str) -> str:
    if language == "ir":
        return draw.choice(("\n", " ", _number(draw), str(draw.randrange(5)), draw.choice(IR_WORDS.split())))
    return draw.choice((draw.choice(WORDS.split()), draw.choice(SIGNS), draw.choice(SIGNS), _number(draw)))


def _trees(count: int) -> list[csg.Node]:
    found: list[csg.Node] = []

    @given(shapes.every_tree)
    @settings(
        max_examples=count, derandomize=True, database=None, phases=[Phase.generate],
        deadline=None, suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def collect(tree: csg.Node) -> None:
        found.append(tree)

    collect()
    return found


def _parsed(code: str) -> Program:
    from cadmonkey.cad.openscad import parse_openscad

    return parse_openscad(code)


def _printed(printer, programs: list[Program]) -> list[str]:
    texts = []
    for program in programs:
        try:
            texts.append(printer(program))
        except CadmonkeyError:
            continue  # the notation has no words for it
    return texts
