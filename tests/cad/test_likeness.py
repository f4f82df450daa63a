"""Which trees are known for one solid by the way that they are built."""

import pytest

from cadmonkey.cad.ir import parse_ir
from cadmonkey.cad.likeness import built_alike
from cadmonkey.cad.openscad import parse_openscad
from cadmonkey.cad.translation import translate

DISC = "$fn = 96;\nlinear_extrude(height = 5) translate([12, 3]) circle(r = 8.1);"
RAISED = "$fn = 96;\nlinear_extrude(height = 5) difference() { square([40, 30]); translate([12, 9]) circle(d = 6.3); }"
NUT = "$fn = 96;\ndifference() { cylinder(r = 9, h = 6, $fn = 6); translate([0, 0, -1]) cylinder(r = 4, h = 8); }"
RING = "$fn = 96;\nrotate_extrude() translate([20, 0]) circle(r = 4);"


@pytest.mark.parametrize("code", [DISC, RAISED, NUT, RING])
def test_a_part_is_built_like_its_own_compact_ir_whose_tree_differs(code: str) -> None:
    one, other = parse_openscad(code), parse_ir(translate(code, "openscad", "ir")[0])
    assert one.root != other.root
    assert built_alike(one, other)


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        (DISC, DISC.replace("8.1", "8.1001")),
        (DISC, DISC.replace("[12, 3]", "[12, 3.0001]")),
        (DISC, DISC.replace("height = 5", "height = 5.0001")),
        (RAISED, RAISED.replace("difference", "union")),
        (RAISED, RAISED.replace("square([40, 30]);", "square([40, 30]); square(2);")),
        (NUT, NUT.replace("$fn = 6", "$fn = 8")),
        (RING, RING.replace("rotate_extrude()", "rotate_extrude(angle = 90)")),
        (RING, RING.replace("r = 4", "r = 4, $fn = 48")),
    ],
)
def test_a_part_is_not_built_like_the_compact_ir_of_another(code: str, wrong: str) -> None:
    assert not built_alike(parse_openscad(code), parse_ir(translate(wrong, "openscad", "ir")[0]))


def test_without_fn_nothing_is_known_of_curves() -> None:
    program = parse_openscad("cylinder(r = 5, h = 5);")
    assert not built_alike(program, program)
