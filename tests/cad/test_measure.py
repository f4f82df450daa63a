"""Cylinders, cones, spheres, holes and bosses are found on the mesh alone, whatever their facets, place and turn."""

import pytest

from cadmonkey.cad.judge import judge
from cadmonkey.cad.measure import Measured, body_count, differing_features, measure
from cadmonkey.cad.openscad import parse_openscad
from cadmonkey.cad.solid import solid


def measured(code: str) -> Measured:
    return measure(solid(parse_openscad(code)))


def features(code: str) -> list[tuple]:
    found = measured(code).features()
    return sorted((f.kind, *(round(size, 3) for size in f.size_mm)) for f in found)


def drilled(holes: str) -> str:
    return f"$fn = 96; difference() {{ cube([60, 40, 10]); {holes} }}"


@pytest.mark.parametrize("fn", [8, 12, 24, 33, 96, 360])
@pytest.mark.parametrize("turn", ["", "rotate([90, 0, 0])", "rotate([0, 90, 90])", "translate([7, 8, 9]) rotate(31)"])
def test_a_bore_measures_its_stated_diameter_at_any_fineness_and_turn(fn: int, turn: str) -> None:
    code = f"{turn} difference() {{ cylinder(d = 30, h = 9); translate([2, 1, -1]) cylinder(d = 7.3, h = 12); }}"
    part = measured(f"$fn = {fn}; {code}")
    assert [hole.diameter for hole in part.holes] == [pytest.approx(7.3, abs=1e-6)]
    assert [boss.diameter for boss in part.bosses] == [pytest.approx(30, abs=1e-6)]
    assert part.holes[0].end - part.holes[0].start == pytest.approx(9)
    assert part.bores[0].through


def test_axes_and_extents_are_where_they_should_be() -> None:
    [hole] = measured(drilled("translate([20, 12, 4]) cylinder(d = 6, h = 9);")).holes
    assert abs(hole.axis) == pytest.approx([0, 0, 1])
    assert hole.point == pytest.approx([20, 12, 0])
    assert (hole.start, hole.end) == pytest.approx((4, 10))


def test_through_blind_and_counterbored_holes_are_told_apart() -> None:
    holes = """translate([10, 20, -1]) cylinder(d = 4, h = 12); translate([30, 20, 3]) cylinder(d = 5, h = 12);
    translate([50, 20, -1]) cylinder(d = 6, h = 12); translate([50, 20, 6]) cylinder(d = 10, h = 12);"""
    assert features(drilled(holes)) == [
        ("blind hole", 5.0),
        ("counterbore", 10.0),
        ("through hole", 4.0),
        ("through hole", 6.0),
    ]
    assert len(measured(drilled(holes)).hole_axes) == 3


def test_a_boss_a_cavity_and_rounded_corners() -> None:
    assert features("$fn = 48; union() { cube(20); translate([10, 10, 19]) cylinder(d = 8, h = 6); }") == [
        ("boss", 8.0)
    ]
    hollow = "difference() { cube(20); translate([5, 5, 5]) cube(10); }"
    assert features(hollow) == [("cavity",)]
    assert body_count(solid(parse_openscad(hollow))) == 1
    rounded = """$fn = 48; union() { translate([5, 0, 0]) cube([40, 30, 3]); translate([0, 5, 0]) cube([50, 20, 3]);
    for (x = [5, 45], y = [5, 25]) translate([x, y, 0]) cylinder(r = 5, h = 3); }"""
    part = measured(rounded)
    assert part.features() == []
    assert [round(c.diameter, 3) for c in part.surfaces.cylinders] == [10.0] * 4


def test_cones_and_spheres_measure_their_diameters() -> None:
    [cone] = measured("$fn = 40; cylinder(d1 = 30, d2 = 12, h = 50);").surfaces.cones
    assert cone.diameters == (pytest.approx(30), pytest.approx(12))
    assert not cone.hollow
    [tip] = measured("$fn = 96; cylinder(r1 = 8, r2 = 0, h = 5);").surfaces.cones
    assert tip.diameters == (pytest.approx(16), pytest.approx(0, abs=1e-6))
    [sink] = measured(drilled("translate([30, 20, 6]) cylinder(d1 = 4, d2 = 14, h = 5);")).surfaces.cones
    assert sink.hollow
    assert sink.diameters == (pytest.approx(4), pytest.approx(12))
    [dome] = measured(
        "$fn = 64; intersection() { sphere(d = 33); translate([-20, -20, 0]) cube(40); }"
    ).surfaces.spheres
    assert dome.diameter == pytest.approx(33, abs=1e-3)
    assert measured("$fn = 64; sphere(d = 33);").bosses == []


def test_a_polygon_with_corners_is_not_round() -> None:
    assert features("cylinder(d = 20, h = 5, $fn = 6);") == []


HOLES = "translate([10, 10, -1]) cylinder(d = 5, h = 12); translate([30, 20, -1]) cylinder(d = 5, h = 12);"


@pytest.mark.parametrize(
    ("made", "missing", "spurious"),
    [
        (drilled(HOLES), [], []),
        (drilled(HOLES.replace("d = 5", "d = 6")), [], []),
        (drilled(HOLES.split(";")[0] + ";"), ["1 through hole of 5 mm missing"], []),
        (drilled(""), ["2 through holes of 5 mm missing"], []),
        (drilled(HOLES + "translate([50, 10, -1]) cylinder(d = 8, h = 12);"), [], ["a spurious through hole of 8 mm"]),
        (drilled(HOLES + "translate([40, 20, 2]) cube(3);"), [], ["a spurious cavity"]),
        (drilled(HOLES + "translate([45, 30, -1]) cube([4, 4, 12]);"), [], ["a spurious window of 4 x 4 mm"]),
        (
            drilled(HOLES.replace("30, 20, -1", "30, 20, 2")),
            ["1 through hole of 5 mm missing"],
            ["a spurious blind hole of 5 mm"],
        ),
    ],
)
def test_missing_and_spurious_features_are_named(made: str, missing: list[str], spurious: list[str]) -> None:
    assert differing_features(measured(made), measured(drilled(HOLES))) == (missing, spurious)
    verdict = judge(made, drilled(HOLES))
    assert (verdict.missing, verdict.spurious) == (missing, spurious)
    assert verdict.features_ok == (not missing and not spurious)
    assert not (verdict.all_pass and not verdict.features_ok)


def test_an_opening_in_a_curved_wall_is_counted() -> None:
    ball = "$fn = 48; difference() { sphere(10); translate([-2, -2, -20]) cube([4, 4, 40]); }"
    assert judge(ball, "$fn = 48; sphere(10);").spurious == ["1 spurious opening"]


def test_a_boss_that_is_not_there_is_missed() -> None:
    with_boss = "$fn = 96; union() { cube(20); translate([10, 10, 20]) cylinder(d = 8, h = 0.02); }"
    verdict = judge("cube(20);", with_boss)
    assert verdict.reason == "1 boss of 8 mm missing"
    assert not verdict.all_pass


DRILL = "translate([30, 20, -1]) cylinder(d = 5, h = 12);"
STADIUM = "hull() { cylinder(d = 6, h = 12); translate([20, 0, 0]) cylinder(d = 6, h = 12); }"
CUTS = {
    "1 counterbore of 10 mm missing": (DRILL, "translate([30, 20, 6]) cylinder(d = 10, h = 5);"),
    "1 countersink of 10 mm missing": (DRILL, "translate([30, 20, 7.5]) cylinder(d1 = 5, d2 = 10, h = 2.5);"),
    "1 blind hole of 6 mm missing": (
        "",
        "translate([30, 20, 4]) cylinder(d = 6, h = 9); translate([30, 20, 2.2]) cylinder(d1 = 0, d2 = 6, h = 1.8);",
    ),
    "1 slot of 26 x 6 mm missing": ("", f"translate([20, 20, -1]) {STADIUM}"),
    "1 blind slot of 26 x 6 mm missing": ("", f"translate([20, 10, 5]) rotate(30) {STADIUM}"),
    "1 pocket of 30 x 20 mm missing": ("", "translate([10, 10, 6]) cube([30, 20, 12]);"),
    "1 pocket of 30 x 22 mm missing": (
        "",
        "translate([10, 9, 6]) linear_extrude(9) offset(3) translate([3, 3]) square([24, 16]);",
    ),
    "1 window of 30 x 20 mm missing": ("", "translate([10, 10, -1]) cube([30, 20, 12]);"),
    "1 polygonal pocket of 12 x 10.39 mm missing": ("", "translate([30, 20, 5]) cylinder(d = 12, h = 6, $fn = 6);"),
    "1 polygonal hole of 12 x 10.39 mm missing": ("", "translate([30, 20, -1]) cylinder(d = 12, h = 12, $fn = 6);"),
    "1 cutout of 10 x 12 mm missing": (
        "",
        "translate([30, 20, -1]) cylinder(d = 10, h = 12); translate([28.5, 20, -1]) cube([3, 7, 12]);",
    ),
}
"""The fault of a plate that lacks the second cut, while both have the first."""
ADDED = {
    "1 boss of 12 mm missing": "translate([30, 20, 5]) cylinder(d = 12, h = 10);",
    "1 rectangular boss of 14 x 10 mm missing": "translate([20, 10, 5]) cube([14, 10, 10]);",
    "1 rib of 4 mm missing": "translate([10, 18, 5]) cube([40, 4, 15]);",
}
"""The fault of a plate that lacks what stands on it."""
PAIRS = {fault: (f"{both} {cut}", both) for fault, (both, cut) in CUTS.items()} | {
    fault: (f"}} union() {{ {added}", "") for fault, added in ADDED.items()
}


def plated(code: str) -> str:
    return f"difference() {{ cube([60, 40, 10]); {code} }}"


@pytest.mark.parametrize("fault", PAIRS)
def test_equal_features_pass_and_a_missing_one_is_named(fault: str) -> None:
    wanted, lacking = (f"$fn = 96; {plated(code)}" for code in PAIRS[fault])
    assert judge(f"translate([0, 0, 0]) {{ {wanted} }}", wanted).all_pass
    assert not judge(lacking, wanted).all_pass
    assert judge(lacking, wanted).missing == [fault]
    assert judge(wanted, lacking).spurious == [fault.replace("1 ", "a spurious ", 1).removesuffix(" missing")]


@pytest.mark.parametrize("fault", PAIRS)
@pytest.mark.parametrize("turn", ["rotate([0, 90, 90])", "translate([7, 8, 9]) rotate([20, 31, 45])"])
def test_features_are_told_at_any_fineness_place_and_turn(fault: str, turn: str) -> None:
    code = plated(PAIRS[fault][0])
    expected = [(kind, *map(round, size)) for kind, *size in features(f"$fn = 96; {code}")]
    for fn in (24, 32, 64):
        found = features(f"$fn = {fn}; {turn} union() {{ {code} }}")
        assert [(kind, *map(round, size)) for kind, *size in found] == expected


@pytest.mark.parametrize(("ball_d", "z"), [(20, 30), (24, 27), (24, 24)])
def test_a_ball_on_a_rod_is_one_cylinder_and_one_sphere(ball_d: float, z: float) -> None:
    code = f"$fn = 96; union() {{ cylinder(d = 20, h = 30); translate([0, 0, {z}]) sphere(d = {ball_d}); }}"
    surfaces = measured(code).surfaces
    assert [round(cylinder.diameter, 3) for cylinder in surfaces.cylinders] == [20]
    assert [round(sphere.diameter, 2) for sphere in surfaces.spheres] == [ball_d]
