"""Flats on round outsides: their distances are found whether or not they look like one more face of the round."""

import math

import pytest

from cadmonkey.cad import arcs
from cadmonkey.cad.measure import measure
from cadmonkey.cad.openscad import parse_openscad
from cadmonkey.cad.solid import solid

R = 10.0


def d_shaft(away: float) -> list[float]:
    """Across the flat of a shaft of 24 sides with one flat so far from its axis; not across what is left of a side."""
    code = f"difference() {{ cylinder(r = {R}, h = 30); translate([{away}, -20, -1]) cube([20, 40, 32]); }}"
    found = arcs.across_flats(measure(solid(parse_openscad(f"$fn = 24; {code}"))))
    return sorted({round(across, 6) for across in found if across < R * (1 + arcs.DEEPEST_ROUND)})


@pytest.mark.parametrize("away", [2.0, 5.3, 8.1, 9.2])
def test_a_flat_between_corners_of_the_round_is_measured(away: float) -> None:
    assert d_shaft(away) == [pytest.approx(R + away, abs=1e-6)]


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_a_flat_that_ends_at_corners_of_the_round_is_no_side_of_it(steps: int) -> None:
    away = R * math.cos(math.radians(15 * steps))
    assert d_shaft(away) == [pytest.approx(R + away, abs=1e-6)]


def test_the_sides_of_a_whole_round_are_no_flats() -> None:
    assert d_shaft(20) == []


def test_a_flat_is_as_deep_as_it_lies_within_the_round() -> None:
    code = "$fn = 96; difference() { cylinder(r = 10, h = 30); translate([6, -20, -1]) cube([20, 40, 32]); }"
    depths = arcs.face_depths(measure(solid(parse_openscad(code))))
    assert {round(depth, 6) for depth in depths if depth > R * (1 - arcs.DEEPEST_ROUND)} == {4}
