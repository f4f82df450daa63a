"""Whether a row is right: both notations are one part, and its solid has every size that the sentence states."""

from collections.abc import Mapping, Sequence
from typing import Any

from cadmonkey.cad.dimensions import Stated, check_dimensions, check_kinds
from cadmonkey.cad.ir import parse_ir
from cadmonkey.cad.judge import SPECK_MM3, judge
from cadmonkey.cad.likeness import built_alike
from cadmonkey.cad.measure import measure
from cadmonkey.cad.mesh import unshared_mm3
from cadmonkey.cad.openscad import parse_openscad
from cadmonkey.cad.prism import Shape
from cadmonkey.cad.program import Program
from cadmonkey.cad.solid import shape, solid
from cadmonkey.errors import CadmonkeyError
from cadmonkey.parts import Part


def check_row(row: Mapping[str, Any], part: Part | None = None) -> str | None:
    """Return what is wrong with a row, or None where nothing is.

    `completion` and `completion_ir` must parse, to equal trees or else to equal solids, and the completion must be
    all right by the judge, with itself for a reference and every dimension in `stated` measured on it.

    Args:
        row: as `cadmonkey.data.rows.make_row` makes it.
        part: the part that the row was made of, which spares most of the work. The completion must parse to its very
            tree, so that its solid is the row's, and that is measured: not empty, and every stated size right. There
            is no more that the judge could find on a program that is its own reference. Its curves are coarse, but
            sizes are fitted to corners, which lie on the true curve at any fineness. A size that seems wrong is
            measured on the full solid, and the judge itself is asked where it is wrong there as well.
    """
    stated = row["stated"]
    try:
        check_kinds(stated)
        program = parse_openscad(row["completion"])
        if row["completion_ir"] is None:
            return "Compact IR has no words for the part"
        if not is_same_part(program, parse_ir(row["completion_ir"])):
            return "the two notations are different parts"
        if part is not None and program != part.program:
            return "the completion does not read back as the part"
        if part is not None and _holds(part, stated):
            return None
        verdict = judge(row["completion"], row["completion"], stated)
    except CadmonkeyError as error:
        return str(error)
    return None if verdict.all_pass else verdict.reason


def is_same_part(one: Program, other: Program) -> bool:
    """Whether two programs have equal trees, or trees that make equal solids, or solids without a difference."""
    if (one.facets == other.facets and one.root == other.root) or built_alike(one, other):
        return True
    return unshared_mm3(solid(one), solid(other)) <= SPECK_MM3


def _holds(part: Part, stated: Sequence[Stated]) -> bool:
    """Whether every stated dimension is measured on a solid that is not empty: on the coarse one, or else the full."""
    if part.solid.is_empty() or not part.solid.volume() > SPECK_MM3:
        return False
    # The coarse ball is lower than the full one, for OpenSCAD cuts off its poles.
    left = _not_measured(stated, part.solid)
    return not left or not _not_measured(left, shape(part.program))


def _not_measured(stated: Sequence[Stated], made: Shape) -> list[Stated]:
    checks = check_dimensions(stated, measure(made))
    return [dimension for dimension, check in zip(stated, checks, strict=True) if not check["ok"]]
