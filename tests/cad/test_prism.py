"""Booleans of upright prisms are those of their areas; the solids are the ones that the kernel would make."""

import pytest
from manifold3d import Manifold

from cadmonkey.cad.openscad import parse_openscad
from cadmonkey.cad.prism import Prism, Shape, as_solid, finished, hull, rotated, shared, subtracted, translated, united
from cadmonkey.cad.solid import shape, solid

PLATE = "cube([30, 20, 5]);"
TALL = "translate([5, 5, -1]) cube([4, 4, 9]);"
BLIND = "translate([5, 5, 2]) cube([4, 4, 9]);"
SIDEWAYS = "translate([-1, 10, 2]) rotate([0, 90, 0]) cylinder(r = 1, h = 40, $fn = 8);"
POST = "translate([28, 18, 0]) rotate([0, 0, 30]) cylinder(r = 6, h = 5, $fn = 7);"


def shape_of(code: str) -> Shape:
    return shape(parse_openscad(code))


@pytest.mark.parametrize("other", [TALL, BLIND, SIDEWAYS, POST])
def test_booleans_with_a_plate_are_those_of_the_solids(other: str) -> None:
    plate, second = shape_of(PLATE), shape_of(other)
    one, two = as_solid(plate), as_solid(second)
    assert finished(united([plate, second])).volume() == pytest.approx((one + two).volume(), abs=1e-5)
    assert finished(subtracted(plate, [second])).volume() == pytest.approx((one - two).volume(), abs=1e-5)
    assert finished(shared([plate, second])).volume() == pytest.approx((one ^ two).volume(), abs=1e-5)
    assert finished(hull([plate, second])).volume() == pytest.approx(Manifold.batch_hull([one, two]).volume(), abs=1e-5)


def test_a_cut_that_ends_in_the_base_is_not_taken_for_one_that_goes_through() -> None:
    plate, (through, blind) = shape_of(PLATE), map(shape_of, (TALL, BLIND))
    assert isinstance(subtracted(plate, [through]), Prism)
    assert not isinstance(subtracted(plate, [through, blind]), Prism)
    assert finished(subtracted(plate, [blind])).volume() == pytest.approx(3000 - 4 * 4 * 3)
    assert finished(subtracted(plate, [through, blind])).volume() == pytest.approx(3000 - 4 * 4 * 5)


def test_a_cut_that_only_touches_from_above_takes_nothing() -> None:
    assert solid(parse_openscad(f"difference() {{ {PLATE} translate([0, 0, 5]) cube(9); }}")).volume() == 3000


def test_what_is_left_of_a_prism_may_be_nothing() -> None:
    assert solid(parse_openscad("difference() { cube(2); translate([-1, -1, -1]) cube(9); }")).is_empty()
    assert solid(parse_openscad("intersection() { cube(2); translate([0, 0, 3]) cube(2); }")).is_empty()


def test_a_hole_that_meets_a_countersink_keeps_its_rim_to_the_last_bit() -> None:
    sunk = "$fn = 24; difference() { cube([30, 30, 8]); translate([15.1, 15.3, -1]) cylinder(d = 5.3, h = 10);"
    sunk += " translate([15.1, 15.3, 5.5]) cylinder(d1 = 5.3, d2 = 10.3, h = 2.5); }"
    assert solid(parse_openscad(sunk)).num_vert() == 8 + 3 * 24


def test_a_prism_is_moved_as_its_solid_is() -> None:
    plate = shape_of(PLATE)
    for moved in (translated(plate, (1.5, -2, 3)), rotated(plate, (0, 0, 90))):
        assert isinstance(moved, Prism)
        assert moved.bounding_box() == pytest.approx(as_solid(moved).bounding_box())
        assert moved.volume() == pytest.approx(as_solid(moved).volume())
    assert not isinstance(rotated(plate, (90, 0, 0)), Prism)


def test_a_shape_that_nothing_was_done_to_keeps_its_corners_to_the_last_bit() -> None:
    box = solid(parse_openscad("translate([0.1, 0.2, 0]) cube([1/3, 1/7, 1]);")).bounding_box()
    assert box == (0.1, 0.2, 0.0, 0.1 + 1 / 3, 0.2 + 1 / 7, 1.0)
