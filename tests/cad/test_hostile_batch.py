"""A batch in which most programs are hostile ends in time, with a clear verdict for each, and judges the others."""

from cadmonkey.cad.workers import work

CUBE = "cube([10, 20, 30]);"
HOSTILE = {
    "union() {" * 5000 + CUBE + "}" * 5000: "nested deeper",
    "cube(" + "(" * 20_000 + "1" + ")" * 20_000 + ");": "nested deeper",
    "$fn = 1e9; cylinder(d = 10, h = 5);": "facets",
    "$fa = 0.00001; $fs = 0.0000001; sphere(r = 500);": "facets",
    "sphere(r = 5, $fn = 900);": "500000 triangles in one shape",
    "for (i = [0 : 1000000000]) translate([i, 0, 0]) cube(1);": "range",
    "for (i = [0 : 0.0000001 : 1]) translate([i, 0, 0]) cube(1);": "range",
    "for (i = [0 : 999], j = [0 : 999]) translate([2 * i, 2 * j, 0]) cube(1);": "loop",
    "for (i = [0 : 60], j = [0 : 60]) translate([2 * i, 2 * j, 0]) sphere(r = 1.3, $fn = 100);": "2000000 triangles",
    "for (i = [0 : 199]) translate([i, 0, 0]) sphere(r = 3, $fn = 200);": "2000000 triangles",
    "cube([0 / 0, 1, 1]);": "got nan",
    "cube([1e400, 1, 1]);": "got inf",
    "cube(1e300);": "up to a million",
    "scale([0, 1, 1]) cube(10);": "above zero",
    "scale([1e-9, 1, 1]) cube(10);": "empty",
    "mirror([0, 0, 0]) cube(3);": "above zero",
    "module a() { a(); } a();": "deeper",
    "x = 1;\n" * 300_000 + "cube(x);": "characters",
    "cube(5);\x00": "unexpected character",
}


def test_hostile_programs_fail_alone_in_time_and_with_a_reason():
    codes = [code for hostile in HOSTILE for code in (hostile, CUBE)]
    answers = work([{"do": "verdict", "code": code, "reference": CUBE} for code in codes], processes=1)
    for code, answer in zip(codes, answers, strict=True):
        verdict = answer["verdict"]  # one that needed the workers' time limit would have none
        assert verdict["all_pass"] == (code == CUBE)
        assert HOSTILE.get(code, "") in verdict["reason"], (code[:60], verdict["reason"])


def test_a_program_that_needs_more_memory_than_a_worker_has_fails_alone():
    greedy = {"do": "picture", "code": CUBE, "size": [200_000, 200_000], "colours": 0}
    answers = work([greedy, {"do": "verdict", "code": CUBE, "reference": CUBE}], processes=1)
    assert answers[0] == {"failed": "memory limit"}
    assert answers[1]["verdict"]["all_pass"]
