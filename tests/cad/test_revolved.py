"""Booleans of shapes turned about one axis are those of their areas; the solids are the ones the kernel would make."""

import pytest

from cadmonkey.cad.openscad import parse_openscad
from cadmonkey.cad.prism import Prism, Shape, as_solid, finished, shared, subtracted, translated, united
from cadmonkey.cad.revolved import Revolved
from cadmonkey.cad.solid import shape, solid

DISC = "cylinder(r = 10, h = 5);"
BALL = "translate([0, 0, 4]) sphere(8);"
CONE = "translate([0, 0, -1]) cylinder(r1 = 7, r2 = 2, h = 12);"
POINT = "translate([0, 0, 1]) cylinder(r1 = 0, r2 = 6, h = 9);"
RING = "rotate_extrude() translate([4, 0]) square([3, 8]);"
SLAB = "translate([-20, -20, 2]) cube([40, 40, 3]);"
ASIDE = "translate([1, 0, 2]) cylinder(r = 6, h = 8);"
COARSER = "translate([0, 0, 2]) cylinder(r = 6, h = 8, $fn = 12);"
NARROW = "translate([-20, -6, 2]) cube([40, 12, 9]);"


def shape_of(code: str) -> Shape:
    return shape(parse_openscad("$fn = 24; " + code))


@pytest.mark.parametrize("first", [DISC, BALL, SLAB])
@pytest.mark.parametrize("second", [CONE, POINT, RING, SLAB, ASIDE, COARSER, NARROW])
def test_booleans_of_round_shapes_are_those_of_the_solids(first: str, second: str) -> None:
    shapes = [shape_of(first), shape_of(second)]
    one, two = map(as_solid, shapes)
    for made, wanted in (
        (united(shapes), one + two),
        (subtracted(shapes[0], shapes[1:]), one - two),
        (shared(shapes), one ^ two),
    ):
        assert made.volume() == pytest.approx(wanted.volume(), abs=1e-4)
        assert finished(made).volume() == pytest.approx(wanted.volume(), abs=1e-4)
        assert finished(made).genus() == wanted.genus()
        assert made.bounding_box() == pytest.approx(wanted.bounding_box(), abs=1e-6) or wanted.is_empty()


def test_only_shapes_with_one_axis_and_one_number_of_sides_stay_areas() -> None:
    ball = shape_of(BALL)
    assert all(isinstance(united([ball, shape_of(other)]), Revolved) for other in (DISC, CONE, POINT, RING))
    assert not any(isinstance(united([ball, shape_of(other)]), Revolved) for other in (ASIDE, COARSER, SLAB))


def test_a_box_cuts_a_ball_as_a_disc_where_it_is_wider_on_all_sides() -> None:
    ball = shape_of(BALL)
    assert isinstance(shared([shape_of(SLAB), ball]), Revolved)
    assert isinstance(subtracted(ball, [shape_of(SLAB)]), Revolved)
    assert not isinstance(subtracted(shape_of(SLAB), [ball]), Revolved)
    assert not isinstance(shared([ball, shape_of(NARROW)]), Revolved)


def test_a_round_shape_is_moved_as_its_solid_is() -> None:
    stepped = united([shape_of(DISC), shape_of(CONE)])
    moved = translated(stepped, (1.5, -2, 3))
    assert isinstance(moved, Revolved)
    for made in (as_solid(moved), finished(moved)):
        assert moved.bounding_box() == pytest.approx(made.bounding_box())
        assert moved.volume() == pytest.approx(made.volume())
    assert isinstance(united([translated(shape, (1, 0, 0)) for shape in (shape_of(BALL), shape_of(RING))]), Revolved)
    assert isinstance(translated(shape_of(DISC), (1, 2, 3)), Prism)


def test_a_cross_hole_meets_a_stepped_shaft_as_it_meets_the_solids_of_its_steps() -> None:
    shaft = "union() { cylinder(r = 6, h = 30); cylinder(r = 9.3, h = 8.7); }"
    pin = "translate([-20, 0, 8.7]) rotate([0, 90, 0]) cylinder(r = 2, h = 40);"
    steps = [as_solid(shape_of(code)) for code in ("cylinder(r = 6, h = 30);", "cylinder(r = 9.3, h = 8.7);")]
    made = solid(parse_openscad(f"$fn = 24; difference() {{ {shaft} {pin} }}"))
    wanted = (steps[0] + steps[1]) - as_solid(shape_of(pin))
    assert (made.num_vert(), made.genus()) == (wanted.num_vert(), wanted.genus())
    assert made.volume() == pytest.approx(wanted.volume(), abs=1e-9)


@pytest.mark.parametrize("sides", [3, 5, 6, 24])
def test_round_shapes_of_any_number_of_sides_join(sides: int) -> None:
    codes = ("cylinder(r = 6, h = 30);", "cylinder(r = 9, h = 8);", "translate([0, 0, 30]) sphere(6);")
    joined = solid(parse_openscad(f"$fn = {sides}; union() {{ {' '.join(codes)} }}"))
    parts = [solid(parse_openscad(f"$fn = {sides}; {code}")) for code in codes]
    wanted = parts[0] + parts[1] + parts[2]
    assert (joined - wanted).volume() + (wanted - joined).volume() < 1e-4
