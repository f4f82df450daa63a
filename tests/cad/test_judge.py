"""The judge passes the part that was asked for, however it is written, and names what is wrong with any other."""

import pytest

from cadmonkey.cad.judge import judge

PLATE = "$fn = 96; difference() { cube([100, 60, 5]); translate([50, 30, -1]) cylinder(d = 5, h = 7); }"


def test_the_part_itself_passes() -> None:
    verdict = judge(PLATE, PLATE)
    assert verdict.all_pass
    assert verdict.iou == pytest.approx(1)
    assert verdict.reason == ""


@pytest.mark.parametrize(
    "same",
    [
        PLATE.replace("$fn = 96;", "$fn = 96; translate([7, -3, 2]) rotate([0, 90, 90])"),
        PLATE.replace("96", "64"),
        PLATE.replace("cylinder(d = 5, h = 7)", "cylinder(r = 2.5, h = 30)"),
    ],
)
def test_place_turn_and_fineness_do_not_matter(same: str) -> None:
    assert judge(same, PLATE).all_pass


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (PLATE.replace("d = 5", "d = 5.1"), "a surface is 0.05 mm off"),
        (PLATE.replace("d = 5", "r = 5"), "off"),
        (PLATE.replace("50, 30", "50, 31"), "off"),
        (PLATE.replace("100, 60", "100.1, 60"), "box 100.1 x 60 x 5 mm, expected 100 x 60 x 5 mm"),
        ("cube([100, 60, 5]);", "1 through hole of 5 mm missing"),
        (PLATE + " translate([0, 0, 50]) cube(1);", "2 bodies, expected 1"),
        ("mirror([1, 0, 0]) " + PLATE.removeprefix("$fn = 96; ").replace("50, 30", "20, 11"), "off"),
        ("cube(-1);", "no solid"),
        ("cube(", "does not parse: line 1"),
        ("difference() { cube(3); cube(4); }", "empty"),
        ("// nothing", "empty"),
    ],
)
def test_a_wrong_part_fails_with_a_reason(wrong: str, reason: str) -> None:
    verdict = judge(wrong, PLATE)
    assert not verdict.all_pass
    assert reason in verdict.reason


def test_a_mirrored_part_is_not_the_part() -> None:
    left = "union() { cube([20, 4, 2]); cube([4, 10, 2]); cube([4, 4, 8]); }"
    verdict = judge(f"mirror([1, 0, 0]) {left}", left)
    assert not verdict.all_pass
    assert verdict.iou_rotated < 0.99


def test_a_coarse_cylinder_is_not_round() -> None:
    assert not judge("cylinder(d = 10, h = 20);", "$fn = 96; cylinder(d = 10, h = 20);").all_pass


def with_radius(radius: float, fn: int) -> str:
    return (
        f"$fn = {fn}; difference() {{ cylinder(r = {radius}, h = 5); translate([0, 0, -1]) cylinder(r = 4, h = 7); }}"
    )


@pytest.mark.parametrize(
    ("radius", "fn", "passes"),
    [
        (4.8, 22, True),
        (6, 22, False),
        (90, 22, False),
        (90, 24, True),
        (90, 64, True),
        (90, 128, True),
    ],
)
def test_a_coarser_circle_passes_with_24_sides_or_flats_within_a_twentieth_of_a_millimetre(
    radius: float, fn: int, passes: bool
) -> None:
    assert judge(with_radius(radius, fn), with_radius(radius, 96)).all_pass == passes


@pytest.mark.parametrize(
    "torus", ["rotate_extrude() translate([60, 0]) circle(5);", "scale([12, 12, 1]) cylinder(r = 5, h = 5);"]
)
def test_swept_and_scaled_curves_are_held_to_it_as_well(torus: str) -> None:
    assert not judge(f"$fn = 20; {torus}", f"$fn = 96; {torus}").all_pass
    assert judge(f"$fn = 48; {torus}", f"$fn = 96; {torus}").all_pass


@pytest.mark.parametrize("fn", [24, 50, 80])
def test_a_stated_diameter_is_that_of_the_circle_through_the_corners(fn: int) -> None:
    stated = [{"kind": "outer_diameter", "name": "diameter", "mm": 120}]
    right = with_radius(60, 96)
    assert judge(with_radius(60, fn), right, stated).all_pass
    verdict = judge(with_radius(60.1, fn), right, stated)
    assert verdict.reason == "diameter 120 mm: measured 120.2 mm"


def test_a_round_part_is_not_the_hexagon_that_its_fineness_would_make_of_it() -> None:
    hexagon = "$fn = 6; cylinder(r = 10, h = 5);"
    assert judge(hexagon, hexagon.replace("$fn = 6; cylinder(", "$fn = 96; cylinder($fn = 6, ")).all_pass
    assert not judge(hexagon.replace("6", "96"), hexagon).all_pass
    assert not judge(hexagon, hexagon.replace("6", "96")).all_pass
