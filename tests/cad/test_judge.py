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
