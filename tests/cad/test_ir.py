"""Compact IR: every operation does what it says, and every mistake names its line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadmonkey.cad import csg
from cadmonkey.cad.ir import LanguageError, NotationError, parse_ir, print_ir
from cadmonkey.cad.openscad import parse_openscad, print_openscad
from cadmonkey.cad.program import Facets, Program
from cadmonkey.cad.solid import SolidError, solid

BAD_NUMBERS = ("nan", "inf", "-inf", "1e999", "0x10", "1_0", "\u0661", "--1", "2e6", "1e", "a")
TRIANGLE = "SK 0 0 0 1 0 0 0 1 0\nL 0 0 4 0\nL 4 0 4 5\nL 4 5 0 0"
SLOT = "SK 0 0 0 1 0 0 0 1 0\nL 0 0 10 0\nA 10 0 10 10 10 5 1\nL 10 10 0 10\nL 0 10 0 0\nEND"


@pytest.mark.parametrize(
    ("text", "box", "volume"),
    [
        ("C 1 2 3", (0, 0, 0, 1, 2, 3), 6),
        ("C 1 2 3\nT 0 1 1 1", (1, 1, 1, 2, 3, 4), 6),
        ("C 1 2 3\nR 0 90 0 90", (0, 0, 0, 3, 1, 2), 6),
        ("C 1 2 3\nX 0 2 1 -1", (0, 0, -3, 2, 2, 0), 12),
        ("C 2 2 2\nC 1 1 4\nU 0 1", (0, 0, 0, 2, 2, 4), 10),
        ("C 2 2 2\nC 1 1 4\nD 0 1", (0, 0, 0, 2, 2, 2), 6),
        ("C 2 2 2\nC 1 1 4\nI 0 1", (0, 0, 0, 1, 1, 2), 2),
        ("C 1 1 1\nLP 0 0 -3 0 4 2", (0, -6, 0, 1, 1, 1), 4),
        ("C 1 1 1\nLP 0 3 4 0 2 5", (0, 0, 0, 4, 5, 1), 2),
        ("C 1 1 1\nT 0 4 0 0\nCP 1 0 0 0 0 0 1 2 360", (-5, -1, 0, 5, 1, 1), 2),
        ("C 1 1 1\nCP 0 5 0 0 0 0 1 2 360", (0, -1, 0, 10, 1, 1), 2),
        ("C 1 1 1\nCP 0 0 0 0 -2 0 0 4 360", (0, -1, -1, 1, 1, 1), 4),
        ("C 10 10 10\nSH 0 1", (0, 0, 0, 10, 10, 10), 1000 - 512),
        (SLOT.replace("A 10 0 10 10 10 5 1", "L 10 0 10 10") + "\nE 0 0 0 4", (0, 0, 0, 10, 10, 4), 400),
        (SLOT.replace("A 10 0 10 10 10 5 1", "L 10 0 10 10") + "\nE 0 0 0 -4", (0, 0, -4, 10, 10, 0), 400),
        (SLOT.replace("A 10 0 10 10 10 5 1", "L 10 0 10 10") + "\nE 0 5 0 4", (0, 0, 0, 15, 10, 4), 400),
        ("SK 1 2 3 0 1 0 0 0 1\nL 0 0 4 0\nL 4 0 4 5\nL 4 5 0 0\nEND\nE 0 6 0 0", (1, 2, 3, 7, 6, 8), 60),
        (f"{TRIANGLE}\nL 3 1 3 2\nL 3 2 2 1\nL 2 1 3 1\nEND\nE 0 0 0 1", (0, 0, 0, 4, 5, 1), 9.5),
    ],
)  # fmt: skip
def test_operations(text: str, box: tuple[float, ...], volume: float) -> None:
    made = solid(parse_ir(text))
    assert made.bounding_box() == pytest.approx(box, abs=1e-6)
    assert made.volume() == pytest.approx(volume, rel=1e-6)
    assert print_ir(parse_ir(print_ir(parse_ir(text)))) == print_ir(parse_ir(text))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Y 3 4", "cylinder(r = 3, h = 4);"),
        ("K 3 0 4", "cylinder(r1 = 3, r2 = 0, h = 4);"),
        ("S 5", "sphere(5);"),
        ("SK 0 0 0 1 0 0 0 0 1\nL 3 0 5 0\nL 5 0 5 2\nL 5 2 3 0\nEND\nV 0 0 0 0 0 0 1 90",
         "rotate_extrude(angle = 90) polygon([[3, 0], [5, 0], [5, 2]]);"),
        ("SK 0 0 0 1 0 0 0 1 0\nL 3 0 5 0\nL 5 0 5 2\nL 5 2 3 0\nEND\nV 0 0 0 0 0 1 0 360",
         "rotate([-90, 0, 0]) rotate_extrude() polygon([[3, 0], [5, 0], [5, 2]]);"),
        ("SK 9 0 0 1 0 0 0 0 1\nA 2 0 2 0 0 0 1\nEND\nV 0 0 0 0 0 0 1 360",
         "rotate_extrude() translate([9, 0]) circle(2);"),
    ],
)  # fmt: skip
def test_an_operation_is_the_openscad_of_the_same_name(text: str, code: str) -> None:
    ours, theirs = solid(parse_ir(text)), solid(parse_openscad("$fn = 96;" + code))
    assert ((ours - theirs).volume(), (theirs - ours).volume()) == pytest.approx((0, 0), abs=1e-6)


def test_arcs_are_remembered_and_are_round() -> None:
    program = parse_ir(f"{SLOT}\nE 0 0 0 1")
    assert print_ir(program) == f"{SLOT}\nE 0 0 0 1"
    assert solid(program).volume() == pytest.approx(100 + 25 * 3.14159 / 2, rel=1e-3)
    assert parse_openscad(print_openscad(program)) == program


def test_a_clockwise_arc_cuts_inwards() -> None:
    bitten = SLOT.replace("A 10 0 10 10 10 5 1", "A 10 0 10 10 10 5 0")
    assert solid(parse_ir(f"{bitten}\nE 0 0 0 1")).volume() == pytest.approx(100 - 25 * 3.14159 / 2, rel=1e-3)


def test_names_comments_and_metadata_do_not_count() -> None:
    text = '# a peg\n\nM unit mm\nC 1 1 1 "foot"\n  # and\nM $fn 12\nY 2 3 "peg" # round\nU 0 1\nROOT 2\n'
    program = parse_ir(text)
    assert program == parse_ir("M $fn 12\nC 1 1 1\nY 2 3\nU 0 1")
    assert program.facets == Facets(fn=12)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("C 1 1 1\nQ 1", 2, "unknown operation 'Q'"),
        ("c 1 1 1", 1, "unknown operation"),
        ("C 1 1", 1, "expected 3 operands (x y z), got 2"),
        ("C 1 1 1 1", 1, "got 4"),
        ("C 1 1 1\n\nT 1 0 0 0", 3, "node 1 is not above this line"),
        ("C 1 1 1\nU 0 7", 2, "node 7 is not above"),
        ("C 1 1 1\nT -1 0 0 0", 2, "expected the number of a node"),
        ("C 1 1 1\nT 0.0 0 0 0", 2, "expected the number of a node"),
        ("C 1 1 1\nC 2 2 2", 1, "node 0 is never used"),
        ("C 1 1 1\nC 2 2 2\nROOT 0", 2, "node 1 is never used"),
        ("C 1 1 1\nT 0 1 1 1\nROOT 0", 2, "node 1 is never used"),
        ("C 1 1 1\nROOT 5", 2, "node 5 does not exist"),
        ("C 1 1 1\nROOT 0\nROOT 0", 3, "already"),
        *((f"C 1 1 {bad}", 1, "decimal number") for bad in BAD_NUMBERS),
        ("SK 0 0 0 1 0 0 0 1 0\nL 0 0 1 0\nC 1 1 1", 3, "has no END"),
        ("SK 0 0 0 1 0 0 0 1 0\nL 0 0 1 0", 1, "no END"),
        ("SK 0 0 0 1 0 0 0 1 0\nL 0 0 1 0\nL 1 0 1 1\nEND\nE 0 0 0 1", 4, "does not close"),
        ("SK 0 0 0 1 0 0 0 1 0\nL 0 0 1 0\nL 2 0 1 1", 3, "does not connect"),
        ("SK 0 0 0 1 0 0 0 1 0\nL 0 0 0 0", 2, "ends where it starts"),
        ("SK 0 0 0 1 0 0 0 1 0\nA 0 0 5 5 0 4 1", 2, "an arc of one radius"),
        ("SK 0 0 0 1 0 0 0 1 0\nA 0 0 0 0 0 4 2", 2, "0 or 1"),
        ("SK 0 0 0 1 0 0 0 1 0\nEND", 2, "empty"),
        ("SK 0 0 0 1 0 0 2 0 0", 1, "span a plane"),
        (f"{SLOT}\nE 0 1 1 0", 7, "out of the sketch's plane"),
        (f"{SLOT}\nV 0 0 0 0 0 0 1 90", 7, "axis in the sketch's plane"),
        (f"{SLOT}\nV 0 5 0 0 0 1 0 90", 7, "one side of the axis"),
        (f"{SLOT}\nV 0 0 0 0 0 0 0 90", 7, "not zero"),
        (f"{SLOT}\nT 0 1 1 1", 7, "node 0 is a sketch"),
        (SLOT, 1, "root is a sketch"),
        ("C 1 1 1\nE 0 0 0 1", 2, "node 0 is a solid"),
        ("L 0 0 1 1", 1, "inside SK"),
        ("C 1 1 1\nLP 0 1 0 0 2.5 3", 2, "whole number"),
        ("C 1 1 1\nLP 0 0 0 0 2 3", 2, "a direction"),
        ("C 1 1 1\nCP 0 0 0 0 0 0 0 2 360", 2, "a direction"),
        ("C 1 1 1 \"open", 1, "name"),
        ("", 1, "empty"),
        ("# nothing\n\n", 2, "empty"),
    ],
)  # fmt: skip
def test_mistakes_name_their_line(text: str, line: int, words: str) -> None:
    with pytest.raises(LanguageError, match=r".") as caught:
        parse_ir(text)
    assert words in str(caught.value)
    assert caught.value.line == line


@pytest.mark.parametrize(
    "code",
    [
        "hull() { cube(1); sphere(2); }",
        "polyhedron([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]]);",
        "linear_extrude(5, twist = 90) square(4);",
        "sphere(3, $fn = 8);",
        "circle(3);",
    ],
)
def test_what_the_notation_cannot_say_is_an_error(code: str) -> None:
    with pytest.raises(NotationError, match="Compact IR has no operation"):
        print_ir(parse_openscad(code))


@pytest.mark.parametrize(
    "code",
    [
        "multmatrix([[1, 0.5, 0, 3], [0, 2, 0, 0], [0, 0, -1, 0]]) cube([1, 2, 3]);",
        "mirror([1, 2, 3]) cube([1, 2, 3]);",
        "rotate(40, [1, 2, 3]) cube([1, 2, 3]);",
        "cylinder(r = 5, h = 3, $fn = 6);",
        "linear_extrude(3) offset(2) difference() { square(20); translate([5, 5]) circle(3); }",
        "rotate_extrude(angle = 100) translate([9, 0]) circle(3);",
    ],
)
def test_what_it_says_otherwise_is_the_same_solid(code: str) -> None:
    program = parse_openscad("$fn = 24;" + code)
    ours, theirs = solid(program), solid(parse_ir(print_ir(program)))
    assert ((ours - theirs).volume(), (theirs - ours).volume()) == pytest.approx((0, 0), abs=1e-5)


@pytest.mark.parametrize(
    ("text", "void"),
    [
        ("C 10 20 30\nSH 0 2", 6 * 16 * 26),
        ("Y 10 20\nSH 0 2", 96 / 2 * 64 * 0.0654031292 * 16),
        ("C 20 20 10\nC 5 5 30\nT 1 5 5 -5\nD 0 2\nSH 3 1", (18 * 18 - 7 * 7) * 8),
        ("C 10 10 10\nT 0 5 5 5\nR 1 0 0 45\nSH 2 1", 512),
    ],
)
def test_a_shell_leaves_a_closed_void(text: str, void: float) -> None:
    program = parse_ir(text)
    outer = solid(Program(program.root.child))
    made = solid(program)
    assert outer.volume() - made.volume() == pytest.approx(void, rel=1e-6)
    assert made.bounding_box() == outer.bounding_box()
    assert ((made - solid(parse_openscad(print_openscad(program)))).volume()) == pytest.approx(0, abs=1e-6)


def test_a_convex_shell_has_walls_of_one_thickness() -> None:
    wedge = csg.Hull((csg.Cube((20.0, 20.0, 1.0)), csg.Cube((1.0, 20.0, 20.0))))
    made = solid(Program(csg.Shell(2.0, wedge)))
    void = solid(Program(wedge)) - made
    assert void.min_gap(
        solid(Program(csg.Difference((csg.Translate((-50.0,) * 3, csg.Cube((100.0,) * 3)), wedge)))), 10
    ) == pytest.approx(2)


def test_an_eroded_shell_rounds_reentrant_edges_only() -> None:
    corner = csg.Union((csg.Cube((20.0, 20.0, 4.0)), csg.Cube((4.0, 20.0, 20.0))))
    void = solid(Program(corner)) - solid(Program(csg.Shell(1.0, corner)))
    assert len(void.decompose()) == 1
    assert void.bounding_box() == pytest.approx((1, 1, 1, 19, 19, 19))


def test_a_shell_thicker_than_the_part_is_refused() -> None:
    for text in ("C 4 10 10\nSH 0 2", "S 3\nSH 0 3", "Y 9 2\nSH 0 1", "K 4 1 6\nSH 0 3"):
        with pytest.raises(SolidError, match="leaves no room"):
            solid(parse_ir(text))


@given(st.text(alphabet='CYSKTRXUDILPEVHFAM0123456789 .-e\n"#NDOT', max_size=150))
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        program = parse_ir(text)
    except LanguageError:
        return
    assert parse_ir(print_ir(program)).root == program.root
