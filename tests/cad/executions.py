"""What is done with one hostile program, and what must hold: a result, or one of our own errors."""

import math
from collections.abc import Iterator

from cadmonkey.cad.dimensions import check_dimensions, failure_text
from cadmonkey.cad.ir import parse_ir, print_ir
from cadmonkey.cad.judge import MAX_MEASURED_TRIANGLES, SPECK_MM3, judge, judge_solid
from cadmonkey.cad.kinds import KINDS
from cadmonkey.cad.measure import measure
from cadmonkey.cad.openscad import parse_openscad, print_openscad
from cadmonkey.cad.solid import solid
from cadmonkey.errors import CadmonkeyError

PARSERS = {"openscad": (parse_openscad, print_openscad), "ir": (parse_ir, print_ir)}
REFERENCE = "$fn = 24; difference() { cube([30, 20, 5]); translate([15, 10, -1]) cylinder(d = 6, h = 7); }"
EVERY_KIND = [{"kind": name, "name": name, kind.unit: 5} for name, kind in KINDS.items()]


def execute(text: str, language: str) -> str:
    """Parse, print, read back, build and judge `text`; return how far it came.

    Anything but one of our own errors leaves: AssertionError where a promise is broken, else what broke.
    """
    parse, write = PARSERS[language]
    try:
        program = parse(text)
    except CadmonkeyError:
        return "refused"
    try:
        again = parse(write(program))
    except CadmonkeyError:
        again = None  # no words for it, or longer than what is read
    if again is not None and not math.isnan(math.fsum(_numbers(program))):
        assert again.root == program.root, "it does not read back as it was printed"
    try:
        made = solid(program)
    except CadmonkeyError:
        return "no solid"
    assert made.volume() >= -1e-9 * (1 + made.surface_area()), "it has a negative volume"
    if made.is_empty() or not made.volume() > SPECK_MM3 or made.num_tri() > MAX_MEASURED_TRIANGLES:
        return "not judged"
    _judged(text, language, program, made)
    return "judged"


def _judged(text, language, program, made) -> None:
    own = judge_solid(program, made, EVERY_KIND)
    checks = check_dimensions(EVERY_KIND, measure(made))
    assert own.iou == 1, own
    assert all((own.box_ok, own.volume_ok, own.features_ok, own.bodies_ok)), own
    assert [check["ok"] for check in own.dimensions] == [check["ok"] for check in checks]
    for check in checks:
        assert failure_text(check)
        assert check["measured"] is None or math.isfinite(check["measured"]), check
    other = judge(text, REFERENCE) if language == "openscad" else judge_solid(program, solid(parse_openscad(REFERENCE)))
    assert all(map(math.isfinite, (other.iou, other.iou_rotated, other.deviation_mm or 0))), other


def _numbers(program) -> Iterator[float]:
    from cadmonkey.cad import csg

    for node in csg.walk(program.root):
        for number in csg.numbers_of(node):
            yield math.nan if math.isnan(number) else 0.0
