"""Whether a row is right: both notations are one part, and its solid has every size that the sentence states."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cadmonkey.cad.dimensions import Stated, check_dimensions, check_kinds
from cadmonkey.cad.ir import parse_ir
from cadmonkey.cad.judge import SPECK_MM3, judge_solid
from cadmonkey.cad.measure import measure
from cadmonkey.cad.openscad import parse_openscad
from cadmonkey.cad.program import Facets, Program
from cadmonkey.cad.solid import solid
from cadmonkey.errors import CadmonkeyError

COARSE = Facets(fn=24)
"""How finely curves are cut to be measured at first.

Sizes are fitted to corners, and the corners of a circle lie on it however many there are.
"""


def check_row(row: Mapping[str, Any], *, full: bool = False) -> str | None:
    """Return what is wrong with a row, or None where nothing is.

    `completion` and `completion_ir` must parse, to equal trees or else to equal solids; the solid must not be empty,
    and every dimension in `stated` must be measured on it. That is all which the judge can find on a program that is
    its own reference: equal trees have equal solids.

    Args:
        row: as `cadmonkey.data.rows.make_row` makes it.
        full: measure at the program's own fineness, through the judge. Otherwise curves have COARSE sides, and the
            judge is asked where a size seems wrong.
    """
    stated = row["stated"]
    try:
        check_kinds(stated)
        program, other = parse_openscad(row["completion"]), parse_ir(row["completion_ir"])
        if not is_same_part(program, other):
            return "the two notations are different parts"
        if not full and _holds_coarsely(program, stated):
            return None
        verdict = judge_solid(program, solid(program), stated)
    except CadmonkeyError as error:
        return str(error)
    return None if verdict.all_pass else verdict.reason


def is_same_part(one: Program, other: Program) -> bool:
    """Whether two programs have equal trees, or solids without a difference."""
    if one.facets == other.facets and one.root == other.root:
        return True
    first, second = solid(one), solid(other)
    return bool((first - second).volume() + (second - first).volume() <= SPECK_MM3)


def _holds_coarsely(program: Program, stated: Sequence[Stated]) -> bool:
    """Whether there is a solid and every stated dimension holds, with coarse curves."""
    if program.facets.fn < COARSE.fn:
        return False
    part = solid(replace(program, facets=COARSE))
    if part.is_empty() or not part.volume() > SPECK_MM3:
        return False
    return all(check["ok"] for check in check_dimensions(stated, measure(part)))
