"""Every kind of stated dimension holds on the right part and fails, by name, on one with a planted error."""

from pathlib import Path

import pytest

from cadmonkey.cad.dimensions import check_dimensions, check_kinds, failure_text
from cadmonkey.cad.judge import judge
from cadmonkey.cad.kinds import KINDS, base_kind, table
from cadmonkey.cad.measure import measure
from cadmonkey.cad.openscad import parse_openscad
from cadmonkey.cad.solid import solid
from cadmonkey.data.rows import make_rows
from cadmonkey.errors import InputError
from cadmonkey.parts.stated import KINDS as PART_KINDS

CORNERS = """$fn = 96; difference() { cube([80, 60, 4]); translate([40, 30, -1]) cylinder(d = 20, h = 6);
for (x = [9, 71], y = [8, 52]) translate([x, y, -1]) cylinder(d = 5.5, h = 6); }"""
INSET = CORNERS.replace("[9, 71]", "[8, 72]")
GRID = """$fn = 96; difference() { cube([80, 60, 4]); translate([10, 10, -1])
for (i = [0 : 3], j = [0 : 2]) translate([i * 12, j * 12, 0]) cylinder(d = 5, h = 6); }"""
FLANGE = """$fn = 96; difference() { cylinder(d = 90, h = 8); translate([0, 0, -1]) cylinder(d = 30, h = 10);
for (i = [0 : 6 - 1]) rotate([0, 0, i * 360 / 6]) translate([66 / 2, 0, -1]) cylinder(d = 6.6, h = 10); }"""
TUBE = "$fn = 96; difference() { cylinder(r = 20, h = 50); translate([0, 0, -1]) cylinder(r = 18, h = 52); }"
BOX = "difference() { cube([80, 60, 40]); translate([2, 2, 3]) cube([76, 56, 40]); }"
BRACKET = "union() { cube([50, 20, 4]); cube([4, 20, 30]); }"
SHAFT = "$fn = 96; union() { cylinder(d = 20, h = 15); translate([0, 0, 15]) cylinder(d = 12, h = 40); }"
FRUSTUM = "$fn = 96; cylinder(d1 = 40, d2 = 25, h = 30);"
BALL = "$fn = 96; sphere(r = 14);"

PLANTED = [
    ("length", 80, CORNERS, "cube([80,", "cube([80.1,", 80.1),
    ("width", 60, CORNERS, "60, 4]", "60.2, 4]", 60.2),
    ("height", 40, BOX, "60, 40]", "60, 41]", 41),
    ("thickness", 4, CORNERS, "60, 4]", "60, 4.2]", 4.2),
    ("side", 30, "cube([30, 30, 30]);", "30]", "33]", 33),
    ("outer_diameter", 90, FLANGE, "d = 90", "r = 90", 180),
    ("outer_radius", 20, TUBE, "r = 20", "d = 20 * 2.02", 20.2),
    ("sphere_radius", 14, BALL, "r = 14", "d = 14", 7),
    ("base_diameter", 40, FRUSTUM, "d1 = 40", "d1 = 41", 41),
    ("top_diameter", 25, FRUSTUM, "d2 = 25", "d2 = 24.9", 24.9),
    ("bore_diameter", 20, CORNERS, "d = 20", "r = 20", 40),
    ("hole_diameter", 5, GRID, "d = 5", "d = 5.1", 5.1),
    ("off_centre_hole_diameter", 5.5, CORNERS, "d = 5.5", "d = 5", 5),
    ("bolt_circle_diameter", 66, FLANGE, "66 / 2", "66.4 / 2", 66.4),
    ("inset", 8, INSET, "[8, 72]", "[8.5, 72]", 8.5),
    ("spacing_x", 62, CORNERS, "[9, 71]", "[9, 70]", 61),
    ("spacing_y", 44, CORNERS, "[8, 52]", "[8.1, 52]", 43.9),
    ("pitch", 12, GRID, "j * 12", "j * 12.5", 12.5),
    ("wall", 2, TUBE, "r = 18", "r = 17.8", 2.2),
    ("wall", 2, BOX, "[76, 56", "[76.2, 56", 1.8),
    ("floor", 3, BOX, "2, 3]", "2, 2]", 2),
    ("leg_thickness", 4, BRACKET, "[4, 20, 30]", "[4.2, 20, 30]", 4.2),
    ("inner_length", 76, BOX, "[76,", "[75.5,", 75.5),
    ("inner_width", 56, BOX, "76, 56", "76, 57", 57),
    ("inner_height", 37, BOX, "2, 3]", "2, 3.2]", 36.8),
    ("step_diameter", 12, SHAFT, "d = 12", "d = 11", 11),
    ("step_length", 40, SHAFT, "h = 40", "h = 39", 39),
]
COUNTED = [
    ("holes", 12, GRID, "[0 : 3]", "[0 : 2]", 9),
    ("off_centre_holes", 6, FLANGE, "6 - 1", "5 - 1", 5),
    ("columns", 4, GRID, "[0 : 3]", "[0 : 4]", 5),
    ("rows", 3, GRID, "[0 : 2]", "[0 : 1]", 2),
]


def checked(code: str, kind: str, expected: float) -> dict:
    stated = {"kind": kind, "name": kind, "count" if kind in dict.fromkeys(c[0] for c in COUNTED) else "mm": expected}
    if kind.startswith("step_"):
        stated["step"] = 2
    check_kinds([stated])
    return check_dimensions([stated], measure(solid(parse_openscad(code))))[0]


@pytest.mark.parametrize(("kind", "expected", "code", "right", "wrong", "measured"), PLANTED + COUNTED)
def test_a_planted_error_fails_its_check_which_tells_what_was_measured(
    kind: str, expected: float, code: str, right: str, wrong: str, measured: float
) -> None:
    assert right in code
    assert checked(code, kind, expected)["ok"]
    check = checked(code.replace(right, wrong), kind, expected)
    assert not check["ok"]
    assert check["measured"] == pytest.approx(measured, abs=1e-3)


def test_every_kind_has_a_planted_error() -> None:
    assert {base_kind(case[0]) for case in PLANTED + COUNTED} == set(KINDS)


def test_the_table_of_kinds_in_the_documents_is_the_one_that_the_judge_has() -> None:
    document = Path(__file__).parents[2] / "docs" / "dimensions.md"
    assert document.read_text(encoding="utf-8").endswith("\n\n" + table() + "\n")


def test_every_kind_that_parts_state_is_known() -> None:
    stated = {kind for kinds in PART_KINDS.values() for kind in kinds.values()}
    check_kinds([{"kind": kind, "mm": 1, "count": 1} for kind in stated])


@pytest.mark.parametrize("bad", [{"kind": "girth", "mm": 3}, {"kind": "wall"}, {"kind": "holes", "mm": 3}, {}])
def test_a_kind_that_nobody_can_measure_is_bad_input(bad: dict) -> None:
    with pytest.raises(InputError, match="expected a known kind"):
        check_kinds([bad])


def test_every_number_that_a_sentence_states_holds_on_its_reference() -> None:
    kinds = set()
    for row in make_rows(300, seed=21):
        assert row["stated"], row["prompt"]
        checks = check_dimensions(row["stated"], measure(solid(parse_openscad(row["completion"]))))
        assert [check for check in checks if not check["ok"]] == [], row["prompt"]
        kinds |= {base_kind(check["kind"]) for check in checks}
    assert kinds == set(KINDS)


def test_a_failure_is_named_with_what_was_measured() -> None:
    stated = [{"kind": "off_centre_hole_diameter", "name": "hole diameter", "mm": 5.5}]
    verdict = judge(CORNERS.replace("d = 5.5", "d = 5"), CORNERS, stated)
    assert verdict.reason == "hole diameter 5.5 mm: measured 5 mm"
    assert not verdict.dimensions_ok
    assert not verdict.all_pass
    assert failure_text(checked("cube(5);", "bore_diameter", 4)) == "bore_diameter 4 mm: none found"
    assert failure_text(checked(GRID, "columns", 5)) == "columns 5: measured 4"


def test_dimensions_are_measured_in_the_references_frame_however_the_part_lies() -> None:
    stated = [{"kind": "step_diameter", "name": "step 2 diameter", "step": 2, "mm": 12}]
    lying = SHAFT.replace("union()", "translate([3, 4, 5]) rotate([0, 90, 90]) union()")
    assert judge(lying, SHAFT, stated).all_pass


def test_a_stated_dimension_that_the_reference_lacks_fails_an_equal_part() -> None:
    verdict = judge(BRACKET, BRACKET, [{"kind": "length", "name": "length", "mm": 51}])
    assert not verdict.all_pass
    assert verdict.reason == "length 51 mm: measured 50 mm"
