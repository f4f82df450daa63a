"""The printer and the parser are each other's inverse, and what is outside the subset is refused by line."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadmonkey.cad import csg
from cadmonkey.cad.openscad import LanguageError, parse_openscad, print_openscad
from cadmonkey.cad.program import Facets, Program
from cadmonkey.cad.quantity import Quantity
from cadmonkey.cad.solid import solid

PLATE = """\
length = 96;
width = 58;
thickness = 5;
hole_d = 5.5;
inset = 9;
$fn = 96;
difference() {
  cube([length, width, thickness]);
  for (x = [inset, length - inset], y = [inset, width - inset])
    translate([x, y, -1]) cylinder(d = hole_d, h = thickness + 2);
}"""

sizes = st.floats(0.1, 500).map(lambda value: round(value, 3)) | st.integers(1, 200).map(float)
offsets = st.floats(-500, 500).map(lambda value: round(value, 3))
counts = st.integers(1, 6).map(float)
fineness = st.none() | st.integers(3, 64)
axes = st.sampled_from([(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)])
vectors = st.tuples(offsets, offsets, offsets)
primitives = (
    st.builds(csg.Cube, st.tuples(sizes, sizes, sizes))
    | st.builds(csg.Cylinder, sizes, sizes, fineness)
    | st.tuples(sizes, sizes, sizes, fineness).filter(lambda t: t[0] != t[1]).map(lambda t: csg.Cone(*t))
    | st.builds(csg.Sphere, sizes, fineness)
)


def wrapped(children: st.SearchStrategy[csg.Node]) -> st.SearchStrategy[csg.Node]:
    several = st.lists(children, min_size=2, max_size=4).map(tuple)
    return (
        st.builds(csg.Translate, vectors, children)
        | st.builds(csg.Rotate, vectors, children)
        | st.builds(csg.Scale, st.tuples(sizes, sizes, sizes), children)
        | st.builds(csg.Mirror, axes, children)
        | st.builds(csg.LinearPattern, axes, counts, sizes, children)
        | st.builds(csg.CircularPattern, counts, sizes, children)
        | st.builds(csg.Union, several)
        | st.builds(csg.Difference, several)
        | st.builds(csg.Intersection, several)
        | st.tuples(children, st.lists(vectors, min_size=2, max_size=5, unique=True)).map(
            lambda pair: csg.Union(tuple(csg.Translate(offset, pair[0]) for offset in pair[1]))
        )
    )


trees = st.recursive(primitives, wrapped, max_leaves=8)


@given(trees)
@settings(max_examples=300, deadline=None)
def test_any_tree_reads_back_equal(tree: csg.Node) -> None:
    text = print_openscad(tree)
    assert parse_openscad(text).root == tree
    assert print_openscad(parse_openscad(text).root) == print_openscad(tree)


def test_a_parametric_program_prints_as_it_was_written() -> None:
    assert print_openscad(parse_openscad(PLATE)) == PLATE


def test_numbers_in_a_program_are_copied_from_its_parameters() -> None:
    changed = parse_openscad(PLATE.replace("length = 96", "length = 200"))
    assert solid(changed).bounding_box()[3] == 200


def test_a_bare_tree_prints_plain_numbers() -> None:
    text = print_openscad(parse_openscad(PLATE).root)
    assert "length" not in text
    assert "for (x = [9, 87], y = [9, 49])" in text


def test_quantities_keep_their_expression_and_its_precedence() -> None:
    a, b = Quantity.named("a", 3), Quantity.named("b", 4)
    assert ((a - b) * Quantity(2) - (a - (b - a))).text == "(a - b) * 2 - (a - (b - a))"
    assert (a / (b * a)).text == "a / (b * a)"
    assert (-(a + b)).text == "-(a + b)"
    assert (a - -b).text == "a - -b"


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("cube(3, center = true);", "translate([-1.5, -1.5, -1.5]) cube([3, 3, 3]);"),
        ("cylinder(h = 5, d = 4);", "cylinder(r = 2, h = 5);"),
        ("cylinder(5, 2, 2);", "cylinder(h = 5, r1 = 2, r2 = 2);"),
        ("translate([1, 2]) cube(1);", "translate([1, 2, 0]) cube(1);"),
        ("rotate(30) cube(1);", "rotate([0, 0, 30]) cube(1);"),
        ("rotate(30, [0, -2, 0]) cube(1);", "rotate([0, -30, 0]) cube(1);"),
        ("union() { union() { cube(1); cube(2); } cube(3); }", "cube(1); cube(2); cube(3);"),
        ("difference() { cube(3); union() { cube(1); cube(2); } }", "difference() { cube(3); cube(1); cube(2); }"),
        ("x = 2; x = 3; cube(x);", "cube(3);"),
        ("module leg(h = 4) { cube([1, 1, h]); } leg(); leg(h = 2);", "cube([1, 1, 4]); cube([1, 1, 2]);"),
        ("if (1 > 2) cube(1); else cube(2);", "cube(2);"),
        ("for (i = [0 : 2]) translate([i, i, 0]) cube(1);", "for (i = [0, 1, 2]) translate([i, i, 0]) cube(1);"),
        ("for (a = [0 : 90 : 180]) rotate(a) cube(1);", "for (a = [0, 90, 180]) rotate(a) cube(1);"),
        ("cube([min(3, 2), sqrt(9), 2 * sin(30) + 7 % 4]);", "cube([2, 3, 2 * sin(30) + 3]);"),
        ("/* a */ cube(1); // b", "cube(1);"),
        ("v = [1, 2, 3]; cube(v.y + v[2]);", "cube(5);"),
        ("$fn = 8; cylinder(r = 3, h = 1, $fn = 6);", "$fn = 8; cylinder($fn = 6, h = 1, r = 3);"),
    ],
)
def test_two_ways_of_writing_give_one_tree(written: str, same: str) -> None:
    assert parse_openscad(written).root == parse_openscad(same).root


@pytest.mark.parametrize(
    ("code", "line", "words"),
    [
        ('cube(1);\nimport("a.stl");', 2, "'import' is refused"),
        ("include <a.scad>", 1, "'include' is refused"),
        ("use <a.scad>", 1, "'use' is refused"),
        ("cube(1);\n\nminkowski() cube(1);", 3, "'minkowski'"),
        ("cube([1, 2, x]);", 1, "unknown variable 'x'"),
        ("cube(1)", 1, "end of file"),
        ("cube(1);\ncube(;", 2, "';'"),
        ("cylinder(radius = 3);", 1, "no argument 'radius'"),
        ("for (i = [0 : 1e9]) cube(1);", 1, "range"),
        ("for (i = [0 : 999], j = [0 : 999]) cube([i, j, 1]);", 1, "the loop runs"),
        ("module a() { a(); } a();", 1, "deeper"),
        ("cube(" + "(" * 500 + "1" + ")" * 500 + ");", 1, "nested"),
        ("cube(" + "1+" * 50_000 + "1);", 1, "nests too deeply"),
        ("sphere(r = 1, $fn = 1e9);", 1, "facets"),
        ('cube("a");', 1, "expected"),
        ("cube(1) @", 1, "unexpected character '@'"),
        ("cube(1);\n/* open", 2, "end of the comment"),
        ("cube([1, 2]);", 1, "expected cube([x, y, z]), got [1, 2]"),
        ("cube(1);\nchildren();", 2, "outside of a module"),
        ("#cube(1);", 1, "modifier"),
        ("x = [for (i = [1, 2]) i]; cube(1);", 1, "list comprehensions"),
        ("cube([1, 2, 1 / 0 > 1 ? sqrt(-1) : 0]);", 1, "sqrt"),
    ],
)
def test_what_is_refused_names_its_line(code: str, line: int, words: str) -> None:
    with pytest.raises(LanguageError) as caught:
        parse_openscad(code)
    assert caught.value.line == line
    assert words in str(caught.value)


@given(st.text(alphabet='cubespher()[]{};=,.+-*/<>0123456789 \n$fnortaelmdiw"x', max_size=120))
@settings(max_examples=500, deadline=None)
def test_no_text_breaks_the_parser(text: str) -> None:
    with suppress(LanguageError):
        assert isinstance(parse_openscad(text), Program)


def test_facets_follow_openscads_rule() -> None:
    assert Facets(fn=0).around(5) == 16
    assert Facets(fn=0).around(0.1) == 5
    assert Facets(fn=2).around(10) == 3
    assert Facets(fn=0, fa=1, fs=0.5).around(1000) == 360


def test_a_loop_whose_variables_multiply_each_other_is_unrolled() -> None:
    made = parse_openscad("for (i = [0 : 2 - 1], j = [0 : 3 - 1]) translate([i * j, j * 5, 0]) cube(1);").root
    moves = [node.offset for node in csg.walk(made) if isinstance(node, csg.Translate)]
    assert moves == [(i * j, j * 5, 0) for i in range(2) for j in range(3)]
