"""Hostile programs get a clear verdict: bounded in steps, nodes, triangles and depth, never a crash."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadmonkey.cad import csg
from cadmonkey.cad.ir import parse_ir, print_ir
from cadmonkey.cad.openscad import parse_openscad, print_openscad
from cadmonkey.cad.program import Facets, Program
from cadmonkey.cad.solid import SolidError, solid
from cadmonkey.errors import InputError

DOUBLING = "a0 = [1, 1];" + "".join(f"a{i + 1} = [a{i}, a{i}];" for i in range(40))
MODULES = "module m0() { cube(1); children(); }" + "".join(
    f"module m{i + 1}() {{ m{i}() {{ children(); children(); }} m{i}() children(); }}" for i in range(25)
)
PATTERNS = "for (i = [0 : 999 - 1]) translate([i * 2, 0, 0]) for (j = [0 : 999 - 1]) rotate([0, 0, j * 360 / 999])"
CORNERS = "[[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]"
OPENSCAD = {
    "brackets": "cube(" + "[" * 5000 + "1" + "]" * 5000 + ");",
    "blocks": "{" * 5000 + "cube(1);" + "}" * 5000,
    "unary": "cube(" + "-" * 5000 + "1);",
    "moves": "translate([1, 0, 0]) " * 5000 + "cube(1);",
    "facets of a sphere": "sphere(5, $fn = 1e9);",
    "facets of the file": "$fn = 1e9; cylinder(r = 5, h = 1);",
    "facets by size": "$fs = 1e-9; $fa = 1e-9; circle(1e5);",
    "facets that are no number": "$fn = 0 / 0; rotate_extrude() translate([5, 0]) circle(2);",
    "infinitely many facets": "$fn = 1 / 0; rotate_extrude() translate([5, 0]) square(2);",
    "finer than nothing": "$fs = 0; $fa = 0; linear_extrude(1) circle(5);",
    "many fine spheres": "for (i = [0 : 3000]) translate([i * 3, 0, 0]) sphere(2, $fn = 900);",
    "many fine sweeps": "$fn = 1000; for (i = [1 : 99]) rotate_extrude() translate([9, i * 3]) circle(1);",
    "a long loop": "for (i = [0 : 1e-9 : 1]) cube(1);",
    "loops in loops": "for (i = [0 : 200]) for (j = [0 : 200]) for (k = [0 : 200]) cube(1);",
    "an endless loop": "for (i = [0 : 1 / 0]) cube(1);",
    "a backward loop": "for (i = [1e300 : -1e300]) cube(1);",
    "patterns in patterns": f"{PATTERNS} cube(1);",
    "flat patterns in patterns": f"linear_extrude(1) {PATTERNS} square(1);",
    "doubling vectors": DOUBLING + "cube(a40 * 2);",
    "doubling vectors, compared": DOUBLING + "if (-a40 == a40) cube(1);",
    "doubling vectors, shown": DOUBLING + "cube(a40);",
    "modules without end": "module a() { b(); } module b() { a(); } a();",
    "doubling children": MODULES + "m25() cube(1);",
    "a huge number": "cube(1e999);",
    "not a number": "cube([1, 2, 0 / 0]);",
    "zero scale": "scale([1, 0, 1]) cube(1);",
    "zero matrix": "multmatrix([[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]) cube(1);",
    "zero axis": "rotate(30, [0, 0, 0]) cube(1);",
    "zero mirror": "mirror([0, 0, 0]) cube(1);",
    "zero direction": "for (i = [0 : 3 - 1]) translate([0, 0, 0] * i * 5 / norm([0, 0, 0])) cube(1);",
    "zero height": "linear_extrude(0) square(1);",
    "flat scale": "linear_extrude(1) scale([0, 1]) square(1);",
    "negative top": "linear_extrude(3, scale = -1) square(1);",
    "huge twist": "linear_extrude(3, twist = 1e9) square(1);",
    "endless twist": "linear_extrude(3, twist = 1 / 0) square(1);",
    "huge slices": "linear_extrude(3, twist = 90, slices = 1e9) square(1);",
    "slices that are no number": "linear_extrude(3, twist = 90, slices = 0 / 0) square(1);",
    "a sweep across the axis": "rotate_extrude() circle(5);",
    "a sweep of nothing": "rotate_extrude(angle = 0) translate([5, 0]) circle(2);",
    "an index outside": "polyhedron([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 9]]);",
    "an open polyhedron": "polyhedron([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 1, 2], [0, 3, 1]]);",
    "inside out": f"polyhedron({CORNERS}, [[2, 1, 0], [1, 3, 0], [3, 2, 0], [2, 3, 1]]);",
    "a face that repeats": "polyhedron([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 0, 0, 0], [1, 1, 1]]);",
    "2-D and 3-D": "union() { cube(1); square(1); }",
    "2-D and 3-D in a file": "cube(1);\ncircle(1);",
    "2-D and 3-D in a loop": "for (i = [0, 1]) if (i > 0) cube(1); else square(1);",
    "a solid extruded": "linear_extrude(3) cube(1);",
    "a solid offset": "offset(1) sphere(1);",
    "a flat program": "square(4);",
    "a flat shape upright": "linear_extrude(3) rotate([90, 0, 0]) square(1);",
}  # fmt: skip
IR = {
    "facets": "M $fn 1e6\nS 5",
    "facets of an arc": "M $fn 1e6\nSK 0 0 0 1 0 0 0 1 0\nA 5 0 5 0 0 0 1\nEND\nE 0 0 0 1",
    "deep": "C 1 1 1\n" + "\n".join(f"T {i} 1 0 0" for i in range(3000)),
    "doubling": "C 1 1 1\n" + "\n".join(f"U {i} {i}" for i in range(60)),
    "a huge row": "C 1 1 1\nLP 0 1 0 0 1000000 2",
    "rows of rows": "S 1\nLP 0 1 0 0 900 2\nLP 1 0 1 0 900 2",
    "zero": "C 0 1 1",
    "zero scale": "C 1 1 1\nX 0 1 1 0",
    "a huge fillet": "C 1 1 1\nFI 0 1000",
    "a shell of many faces": "S 9\nS 9\nT 1 5 0 0\nU 0 2\nSH 3 1",
}


def test_two_dimensions_are_mixed_on_a_line() -> None:
    with pytest.raises(InputError, match="line 2: 2-D and 3-D"):
        parse_openscad("cube(1);\ncircle(1);")


@pytest.mark.parametrize("name", OPENSCAD)
def test_a_hostile_openscad_program_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        solid(parse_openscad(OPENSCAD[name]))


@pytest.mark.parametrize("name", IR)
def test_a_hostile_ir_program_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        solid(parse_ir(IR[name]))


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from /proc")
def test_all_of_them_together_stay_within_a_gigabyte() -> None:
    code = (
        "from pathlib import Path\n"
        "from cadmonkey.cad.ir import parse_ir\n"
        "from cadmonkey.cad.openscad import parse_openscad\n"
        "from cadmonkey.cad.solid import solid\n"
        "from cadmonkey.errors import InputError\n"
        "from tests.cad.test_hostile import IR, OPENSCAD\n"
        "for parse, texts in ((parse_openscad, OPENSCAD), (parse_ir, IR)):\n"
        "    for text in texts.values():\n"
        "        try:\n"
        "            solid(parse(text))\n"
        "        except InputError:\n"
        "            pass\n"
        # not getrusage, whose maximum begins with that of the process that started this one
        "print(next(line for line in Path('/proc/self/status').read_text().splitlines() if 'VmHWM' in line))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert 1024 * int(done.stdout.split()[1]) < 1 << 30


def test_self_intersecting_polygons_follow_the_even_odd_rule() -> None:
    star = "polygon([[0, 10], [6, -8], [-10, 3], [10, 3], [-6, -8]]);"
    pierced = solid(parse_openscad(f"linear_extrude(1) {star}"))
    centre = solid(parse_openscad(f"linear_extrude(1) difference() {{ hull() {star} {star} }}"))
    bow = solid(parse_openscad("linear_extrude(1) polygon([[0, 0], [10, 10], [10, 0], [0, 10]]);"))
    assert bow.volume() == pytest.approx(50)
    assert pierced.slice(0.5).area() == pytest.approx(pierced.volume())
    assert not pierced.is_empty()
    assert (pierced ^ centre).volume() == pytest.approx(0, abs=1e-6)


def test_long_expressions_do_not_grow_without_bound() -> None:
    code = "union() { a0 = 1; " + " ".join(f"a{i + 1} = a{i} + a{i};" for i in range(300)) + " cube(a300); }"
    assert len(print_openscad(parse_openscad(code))) < 2000


def test_an_unreadable_error_is_short() -> None:
    with pytest.raises(InputError) as caught:
        parse_openscad(DOUBLING + f'cube("{"x" * 9000}");')
    assert len(str(caught.value)) < 300


wild = st.floats() | st.integers(-3, 3).map(float) | st.sampled_from([1e-12, 1e6, 1e300])
wild_counts = st.none() | st.integers(-5, 2000)
wild_vectors = st.tuples(wild, wild, wild)
flat = st.builds(csg.Circle, wild) | st.builds(csg.Square, st.tuples(wild, wild))
corners = st.lists(st.tuples(wild, wild), max_size=6).map(tuple)
wild_leaves = (
    st.builds(csg.Cube, wild_vectors)
    | st.builds(csg.Cylinder, wild, wild, st.integers(-5, 2000))
    | st.builds(csg.Cone, wild, wild, wild)
    | st.builds(csg.Sphere, wild)
    | st.builds(csg.LinearExtrude, wild, flat, wild, wild_counts, st.tuples(wild, wild))
    | st.builds(csg.RotateExtrude, flat, wild, wild_counts)
    | st.builds(csg.LinearExtrude, wild, st.builds(csg.Polygon, corners))
    | st.builds(csg.Square, st.tuples(wild, wild))
)  # fmt: skip
wild_trees = st.recursive(
    wild_leaves,
    lambda children: (
        st.builds(csg.Translate, wild_vectors, children)
        | st.builds(csg.Turn, wild, wild_vectors, children)
        | st.builds(csg.Scale, wild_vectors, children)
        | st.builds(csg.Mirror, wild_vectors, children)
        | st.builds(csg.Transform, st.tuples(*[st.tuples(wild, wild, wild, wild)] * 3), children)
        | st.builds(csg.LinearPattern, wild_vectors, wild, wild, children)
        | st.builds(csg.CircularPattern, wild, wild, children, wild_vectors, wild_vectors)
        | st.builds(csg.Shell, wild, children)
        | st.builds(csg.Offset, wild, children)
        | st.builds(csg.Hull, st.lists(children, max_size=3).map(tuple))
        | st.builds(csg.Difference, st.lists(children, min_size=1, max_size=3).map(tuple))
    ),
    max_leaves=4,
)


@given(wild_trees)
@settings(max_examples=300, deadline=None)
def test_no_tree_breaks_the_evaluator(tree: csg.Node) -> None:
    try:
        made = solid(Program(tree, (), Facets(fn=12)))
    except SolidError:
        return
    assert made.volume() >= -1e-9 * (1 + made.surface_area())


WORDS = (
    "cube sphere cylinder square circle polygon translate rotate scale linear_extrude rotate_extrude "
    "offset hull union difference for if module children ( ) [ ] { } ; , = : * / - 0 1 2 3.5 i $fn twist "
    "center true undef m"
)
words = st.sampled_from(WORDS.split())


@given(st.lists(words, max_size=40).map(" ".join))
@settings(max_examples=300, deadline=None)
def test_no_words_break_openscad(code: str) -> None:
    try:
        program = parse_openscad(code)
        assert parse_openscad(print_openscad(program)).root == program.root
        solid(program)
    except InputError:
        return


OPERATIONS = "C Y S K T R X U D I LP CP SH SK L A END E V ROOT M"
operations = st.sampled_from(OPERATIONS.split())


@given(st.lists(st.tuples(operations, st.lists(st.integers(-1, 4), max_size=9)), max_size=12))
@settings(max_examples=300, deadline=None)
def test_no_lines_break_ir(lines: list[tuple[str, list[int]]]) -> None:
    try:
        program = parse_ir("\n".join(" ".join([name, *map(str, values)]) for name, values in lines))
        assert parse_ir(print_ir(program)).root == program.root
        solid(program)
    except InputError:
        return
