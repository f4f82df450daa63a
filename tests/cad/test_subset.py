"""The rest of the documented subset: flat shapes, extrusions, matrices, patterns about any axis, children()."""

import pytest

from cadmonkey.cad.openscad import LanguageError, parse_openscad, print_openscad
from cadmonkey.cad.solid import solid

PRINTED = (
    "linear_extrude(height = 5, center = true) circle(d = 8);",
    "linear_extrude(height = 5, twist = 90, slices = 12, scale = 0.5) square([4, 6], center = true);",
    "linear_extrude(height = 5, scale = [0.5, 2]) polygon([[0, 0], [4, 0], [0, 4]]);",
    "linear_extrude(height = 2) offset(r = 1, $fn = 24) offset(delta = -0.5, chamfer = true) square(9);",
    "linear_extrude(height = 2) difference() {\n  square(9);\n"
    "  translate([2, 3]) rotate(45) scale([1, 2]) circle(r = 1);\n}",
    "rotate_extrude(angle = 90, $fn = 48) translate([10, 0]) mirror([1, 0]) square(3);",
    "polyhedron(points = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], faces = [[0, 1, 2]]);",
    "rotate(a = 30, v = [1, 1, 0]) cube(2);",
    "multmatrix([[1, 0, 0, 4], [0, 1, 0.5, 5], [0, 0, 1, 6]]) cube(2);",
    "hull() {\n  for (x = [0, 30], y = [0, 20])\n    translate([x, y, 0]) cylinder(r = 3, h = 4);\n}",
    "for (i = [0 : 6 - 1], j = [0 : 4 - 1])\n  translate([i * 10, j * 8, 0]) cube(2);",
    "for (i = [0 : 6 - 1])\n  translate([1, 1, 0] * i * 10 / norm([1, 1, 0])) cube(2);",
    "for (i = [0 : 6 - 1])\n  translate([0, -1, 0] * i * 10) cube(2);",
    "for (i = [0 : 6 - 1])\n  rotate([0, 0, i * 360 / 6]) translate([20, 0, 0]) cube(2);",
    "for (i = [0 : 6 - 1])\n  rotate(a = i * 90 / 6, v = [1, 0, 0]) translate([0, 20, 0]) cube(2);",
    "for (i = [0 : 6 - 1])\n  translate([5, 4, 0]) rotate([0, 0, i * 360 / 6]) translate([-5, -4, 0]) cube(2);",
)  # fmt: skip


@pytest.mark.parametrize("code", PRINTED)
def test_programs_print_as_they_are_written(code: str) -> None:
    assert print_openscad(parse_openscad(code)) == code


def test_fineness_is_handed_down_and_taken_back() -> None:
    code = "$fn = 24;\nlinear_extrude(height = 1) offset(r = 2, $fn = 12) circle(r = 9, $fn = 24);"
    assert print_openscad(parse_openscad(code)) == code
    handed = parse_openscad("$fn = 24; rotate_extrude($fn = 12) translate([20, 0]) circle(9);")
    assert print_openscad(handed).endswith("circle(r = 9, $fn = 12);")


def test_a_pattern_about_a_named_centre_keeps_its_names() -> None:
    code = (
        "x = 30;\nn = 6;\n$fn = 24;\nfor (i = [0 : n - 1])\n"
        "  translate([x, 0, 0]) rotate([0, 0, i * 360 / n]) translate([-x, 0, 0]) cylinder(r = 2, h = 5);"
    )
    assert print_openscad(parse_openscad(code)) == code


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("rotate(30, [0, 0, -3]) cube(1);", "rotate([0, 0, -30]) cube(1);"),
        ("scale([1, -1, 1]) cube(1);", "mirror([0, 1, 0]) cube(1);"),
        ("multmatrix([[1, 0, 0, 1], [0, 1, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]]) cube(1);",
         "multmatrix([[1, 0, 0, 1], [0, 1, 0, 2], [0, 0, 1, 3]]) cube(1);"),
        ("polygon([[0, 0], [1, 0], [0, 1]], [0, 1, 2], convexity = 4);",
         "polygon([[0, 0], [1, 0], [0, 1]], [[0, 1, 2]]);"),
        ("linear_extrude(4, $fn = 36, twist = 90) square(2);", "linear_extrude(4, slices = 9, twist = 90) square(2);"),
        ("hull() { union() { cube(1); cube(2); } cube(3); }", "hull() { cube(1); cube(2); cube(3); }"),
        ("echo(\"size\", version()); cube(1);", "cube(1);"),
        ("module a() { children(1); children([0, 1]); } a() { cube(1); sphere(2); }",
         "sphere(2); cube(1); sphere(2);"),
        ("module a() { for (i = [0 : $children - 1]) translate([i, 9 * i, 0]) children(i); } a() { cube(1); cube(2); }",
         "translate([0, 0, 0]) cube(1); translate([1, 9, 0]) cube(2);"),
        ("x = 1; module m() { cube(x); } module n() { x = 2; m(); } n();", "cube(1);"),
        ("module m() { cube($x); } module n() { $x = 2; m(); } n();", "cube(2);"),
        ("union() { module m() { cube(3); } m(); }", "cube(3);"),
        ("cube([1, 2, 3] * [1, 1, 1] + norm([3, 4]));", "cube(11);"),
        ("for (i = [2 : 0]) translate([i, i, 0]) cube(1);", "for (i = [0 : 2]) translate([i, i, 0]) cube(1);"),
    ],
)  # fmt: skip
def test_two_ways_of_writing_give_one_tree(written: str, same: str) -> None:
    assert parse_openscad(written).root == parse_openscad(same).root


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import(\"a.stl\");", "'import' is refused"),
        ("surface(\"a.png\");", "'surface' is refused"),
        ("minkowski() { cube(1); sphere(1); }", "'minkowski' is refused"),
        ("text(\"a\");", "'text' is refused"),
        ("projection() cube(1);", "'projection' is refused"),
        ("resize([1, 2, 3]) cube(1);", "'resize' is refused"),
        ("intersection_for(i = [1, 2]) cube(i);", "'intersection_for' is refused"),
        ("assert(true);", "'assert' is refused"),
        ("function f(x) = x;", "'function' is refused"),
        ("let(x = 1) cube(x);", "'let' is refused"),
        ("x = let(y = 1) y; cube(x);", "'let' is refused"),
        ("cube([for (i = [1 : 3]) i]);", "list comprehensions"),
        ("%cube(1);", "modifier '%'"),
        ("*cube(1);", "modifier '*'"),
        ("!cube(1);", "modifier '!'"),
        ("cube(2 ^ 3);", "'^'"),
        ("wibble();", "unknown or unsupported module 'wibble'"),
        ("cube(1) sphere(1);", "takes no children"),
        ("polygon([[0, 0], [1, 0]]);", "at least 3 points"),
        ("polygon([[0, 0], [1, 0], [0, 1]], [[0, 1, 3]]);", "indices below 3"),
        ("polygon([[0, 0, 0], [1, 0, 0], [0, 1, 0]]);", "2 numbers"),
        ("square([1, 2, 3]);", "square([x, y])"),
        ("multmatrix([[1, 0], [0, 1]]) cube(1);", "4 numbers"),
        ("multmatrix([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 2]]) cube(1);", "last [0, 0, 0, 1]"),
        ("linear_extrude(4) cube(1);", "expected 2-D shapes inside"),
        ("union() { cube(1);\n square(1); }", "mixed"),
        ("$fs = 1; linear_extrude(4, twist = 9, $fa = 3) square(1);", "write slices"),
        ("rotate_extrude($fa = 3) translate([3, 0]) square(1);", "use $fn"),
    ],
)  # fmt: skip
def test_what_is_refused_is_named_with_its_line(code: str, words: str) -> None:
    with pytest.raises(LanguageError) as caught:
        parse_openscad("// one\n" + code)
    assert words in str(caught.value)
    assert caught.value.line == 2 + code.count("\n")


def test_flat_shapes_ignore_z_and_may_lie_on_their_back() -> None:
    made = solid(parse_openscad("linear_extrude(5) translate([0, 0, 9]) rotate([180, 0, 0]) square([2, 3]);"))
    assert made.bounding_box() == pytest.approx((0, -3, 0, 2, 0, 5))


def test_a_long_polygon_is_printed_a_few_points_to_the_line() -> None:
    points = ", ".join(f"[{i}, {i * i}]" for i in range(60))
    text = print_openscad(parse_openscad(f"linear_extrude(3) polygon([{points}]);"))
    assert max(map(len, text.splitlines())) <= 100
    assert parse_openscad(text).root == parse_openscad(f"linear_extrude(3) polygon([{points}]);").root
