"""The grammars take all that is printed, nothing that the parsers refuse, and always know an end."""

import random
import re
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given, settings

from cadmonkey.cad import csg
from cadmonkey.cad.grammar import LANGUAGES, Language, State, gbnf, start
from cadmonkey.cad.ir import NotationError, parse_ir, print_ir
from cadmonkey.cad.openscad import parse_openscad, print_openscad
from cadmonkey.cad.program import Facets, LanguageError, Parameter, Program
from cadmonkey.cad.quantity import Quantity
from cadmonkey.data.rows import make_rows
from cadmonkey.parts import FAMILIES
from tests.cad.shapes import common_trees, every_tree

PARSERS: dict[Language, Callable[[str], Program]] = {"openscad": parse_openscad, "ir": parse_ir}
WORDS = {
    "openscad": [
        *(
            "hull() {",
            "polygon([[",
            "polygon(points = [",
            "], paths = [[",
            "for (i = [0 : ",
            ", j = [0 : ",
            "multmatrix([[",
        ),
        *("rotate(a = ", ", v = [", "linear_extrude(height = ", "rotate_extrude(", "$fn = ", "offset(r = ", "delta = "),
        *("polyhedron(points = [", " / norm([", "] * i * ", "slices = ", "twist = ", "mirror([", "circle(", "square("),
        *("translate([i * ", "i * 5, j", "0.0", "1000000", "e-", "// x\n", "/ 0", "% ", "- 1", "/ i", "\n", "é"),
    ],
    "ir": [
        *(
            "SK 0 0 0 1 0 0 0 1 0\n",
            "SK 0 0 0 1 0 0 0 0 1\n",
            "L 0 0 ",
            "A 0 0 ",
            "END",
            "\nE ",
            "\nV ",
            "\nLP ",
            "\nCP ",
        ),
        *("M $fn ", "M $fa ", "\nU 0", "\nX ", " 0 0 0", " 1 1 1", " 1 0", "0 0 0 0 0 1 ", "\n", "-", "e-", "0."),
    ],
}


def read(text: str, language: Language) -> State:
    """The state after a text, letter by letter; the test fails where it is refused."""
    state = start(language)
    for place, letter in enumerate(text.encode()):
        after = state.advance(bytes([letter]))
        assert after is not None, f"{text[:place]}<refused>{text[place:]}"
        state = after
    return state


def accepts(text: str, language: Language) -> bool:
    state = start(language).advance(text.encode())
    return state is not None and state.is_complete


@cache
def programs() -> list[Program]:
    return [parse_openscad(row["completion"]) for row in make_rows(8 * len(FAMILIES), seed=11)]


def test_every_row_of_the_data_is_taken_in_both_notations() -> None:
    for program in programs():
        assert read(print_openscad(program), "openscad").is_complete
        assert read(print_ir(program), "ir").is_complete


@given(every_tree)
@settings(max_examples=60, deadline=None)
def test_every_tree_that_prints_is_taken(tree: csg.Node) -> None:
    program = Program(tree, (), Facets(fn=12))
    assert read(print_openscad(program), "openscad").is_complete
    try:
        text = print_ir(program)
    except NotationError:
        return
    assert read(text, "ir").is_complete


@pytest.mark.parametrize("facets", [Facets(), Facets(fn=48), Facets(fa=5, fs=0.25), Facets(fn=12.5)])
def test_any_fineness_is_taken(facets: Facets) -> None:
    program = Program(csg.Sphere(5.0), (), facets)
    for language, text in (("openscad", print_openscad(program)), ("ir", print_ir(program))):
        assert read(text, language).is_complete  # type: ignore[arg-type]


def test_parameters_with_comments_and_every_operator_are_taken() -> None:
    a, b = Quantity.named("a", 7), Quantity.named("b_2", 3)
    size = (a - b) * (a + 2) / b - -a
    parameters = (Parameter("a", Quantity(7), "[1:10] größer"), Parameter("b_2", Quantity(3)), Parameter("c", size))
    text = print_openscad(Program(csg.Cube((a, b, size)), parameters))
    assert "//" in text
    assert read(text, "openscad").is_complete


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("openscad", "cube(size);"),
        ("openscad", "a = b; b = 1; cube(1);"),
        ("openscad", "cube(1 / (2 - 2));"),
        ("openscad", "for (i = [0 : 1000000]) cube(1);"),
        ("openscad", "for (i = [0 : 99]) for (j = [0 : 99]) cube(1);"),
        ("openscad", "a = 1000; b = a * a * a * a;"),
        ("openscad", "linear_extrude(height = 1) cube(1);"),
        ("openscad", "square(1);"),
        ("openscad", "$fn = 1001; sphere(r = 1);"),
        ("openscad", "rotate(a = 5, v = [0, 0, 0]) cube(1);"),
        ("openscad", "linear_extrude(height = 1) polygon(points = [[0, 0], [1, 0], [0, 1]], paths = [[0, 1, 3]]);"),
        ("openscad", "teapot();"),
        ("openscad", "a = 1;"),
        ("openscad", "cube(1)"),
        ("ir", "C 1 2"),
        ("ir", "C 1 2 3 4"),
        ("ir", "C 1 2 3\nT 1 0 0 0"),
        ("ir", "C 1 2 3\nS 4"),
        ("ir", "SK 0 0 0 1 0 0 2 0 0"),
        ("ir", "SK 0 0 0 1 0 0 0 1 0\nL 0 0 1 0\nL 1 1 0 0"),
        ("ir", "SK 0 0 0 1 0 0 0 1 0\nL 0 0 1 0\nL 1 0 0 0"),
        ("ir", "SK 0 0 0 1 0 0 0 1 0\nA 0 0 2 0 1 0.1"),
        ("ir", "SK 0 0 0 1 0 0 0 1 0\nL 0 0 1 0\nL 1 0 0 1\nL 0 1 0 0\nEND\nE 0 1 1 0"),
        ("ir", "SK 0 0 0 1 0 0 0 1 0\nL 0 0 1 0\nL 1 0 0 1\nL 0 1 0 0\nEND\nT 0 1 1 1"),
        ("ir", "SK 0 0 0 1 1 128275 0 0 2e-08\nL 0 0 1 0\nL 1 0 0 1\nL 0 1 0 0\nEND\nE 0 1 0 29"),
        ("ir", "C 1 1 1\nLP 0 0 0 0 2 3"),
        ("ir", "C 1 1 2000000"),
    ],
)
def test_what_the_parsers_refuse_or_a_context_free_grammar_cannot_see_is_refused(language: Language, text: str) -> None:
    assert not accepts(text, language)


def test_a_program_may_end_only_where_every_node_is_used() -> None:
    state = read("C 1 2 3\nS 4", "ir")
    assert not state.is_complete
    assert state.completion() == b"\nU 0 1"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("seed", range(12))
def test_random_pieces_always_lead_to_a_program_and_the_way_out_gets_no_longer(language: Language, seed: int) -> None:
    text = ramble(language, seed)
    try:
        PARSERS[language](text)
    except LanguageError as error:
        raise AssertionError(text) from error


def ramble(language: Language, seed: int, most: int = 90) -> str:
    """What a model without any idea says under the grammar: pieces by chance, by a taste of its own."""
    rng = random.Random(f"{language} {seed}")
    pieces = [*WORDS[language], *map(chr, range(32, 127)), *_words(language)]
    weights = [rng.random() ** rng.choice([1, 4]) for _ in pieces]
    state, text = start(language), b""
    for left in range(most, 0, -1):
        order = sorted(zip(pieces, weights, strict=True), key=lambda pair: rng.random() ** (1 / (pair[1] + 1e-9)))
        found = (fitting(state, piece.encode(), left - 2) for piece, _ in reversed(order))
        chosen = next((pair for pair in found if pair is not None), None)
        assert chosen is not None or state.is_complete, f"no way on: {text!r}, known end {state.completion()!r}"
        if chosen is None:
            break
        state, text = chosen[0], text + chosen[1]
    return (text + (state.completion() or b"")).decode(errors="replace")


def _words(language: Language) -> list[str]:
    texts = [PRINTERS[language](program) for program in programs()[:20]]
    return sorted({word for text in texts for word in re.findall(r"\w+|\s+|[^\w\s]+", text)})


PRINTERS: dict[Language, Callable[[Program], str]] = {"openscad": print_openscad, "ir": print_ir}


def fitting(state: State, piece: bytes, room: int) -> tuple[State, bytes] | None:
    after = state.advance(piece)
    return (after, piece) if after is not None and len(ending(after)) <= room else None


def ending(state: State) -> str:
    found = state.completion()
    assert found is not None, "a state without a way out"
    return found.decode()


@given(common_trees)
@settings(max_examples=20, deadline=None)
def test_every_beginning_of_a_program_has_an_end(tree: csg.Node) -> None:
    for language in LANGUAGES:
        text = PRINTERS[language](Program(tree))
        state = start(language)
        for place, letter in enumerate(text.encode()):
            after = state.advance(bytes([letter]))
            assert after is not None
            state = after
            if place % 7 == 0:
                PARSERS[language](text[: place + 1] + ending(state))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_shipped_gbnf_is_the_one_that_the_code_makes(language: Language, repository: object) -> None:
    from pathlib import Path

    name = "grammar.gbnf" if language == "openscad" else "grammar-ir.gbnf"
    assert (Path(str(repository)) / "cadmonkey" / "assets" / name).read_text() == gbnf(language)
