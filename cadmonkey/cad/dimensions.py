"""Stated numbers as checks: each is measured on the solid by the gauge of its kind.

A stated number is {"kind", "name", "mm"}, or with "count" or "deg" for the number, as the kind's unit has it: the kind
is one of `cadmonkey.cad.kinds.KINDS` (a table of them is in docs/dimensions.md), or one that ends in `_diameter` there
with `_radius` instead; the name is how a person calls it; a step of a shaft has its number as "step" as well. Lengths
are along x, widths along y, heights and thicknesses along z of the solid as it is given.
"""

from collections.abc import Sequence
from typing import Any

from cadmonkey.cad.kinds import KINDS, Unit, base_kind
from cadmonkey.cad.measure import SAME_PLACE_MM, Measured, number_text
from cadmonkey.errors import InputError

TOLERANCES: dict[Unit, float] = {"mm": SAME_PLACE_MM, "deg": 0.1, "count": 0.0}
"""How far a measured number may be from the stated one; the least step between stated sizes is 0.1 mm."""
_SIGNS: dict[Unit, str] = {"mm": " mm", "deg": "°", "count": ""}

Stated = dict[str, Any]
Check = dict[str, Any]


def check_kinds(stated: Sequence[Stated]) -> None:
    """See that every stated dimension can be checked.

    Raises:
        InputError: a kind that is not known, or a number that is missing.
    """
    for dimension in stated:
        kind = KINDS.get(base_kind(str(dimension.get("kind"))))
        number = None if kind is None else dimension.get(kind.unit)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise InputError(f"stated: expected a known kind with its mm, count or deg, got {dimension!r}")


def check_dimensions(stated: Sequence[Stated], part: Measured) -> list[Check]:
    """Measure every stated number: {"kind", "name", "expected", "measured", "ok"} for each, in order.

    `measured` is the value furthest from what is expected where several were measured, and None where the part has
    nothing of the kind. The kinds are known ones, see `check_kinds`.
    """
    return [_check(dimension, part) for dimension in stated]


def failure_text(check: Check) -> str:
    """`hole diameter 5.5 mm: measured 5 mm`."""
    sign = _SIGNS[KINDS[base_kind(check["kind"])].unit]
    measured = "none found" if check["measured"] is None else f"measured {number_text(check['measured'])}{sign}"
    return f"{check['name']} {number_text(check['expected'])}{sign}: {measured}"


def _check(stated: Stated, part: Measured) -> Check:
    kind = stated["kind"]
    unit = KINDS[base_kind(kind)].unit
    expected = stated[unit]
    values = _measure(kind, stated.get("step"), part)
    measured = max(values, key=lambda value: abs(value - expected)) if values else None
    ok = measured is not None and abs(measured - expected) <= TOLERANCES[unit]
    shown = None if measured is None else int(measured) if unit == "count" else round(float(measured), 4)
    return {"kind": kind, "name": stated.get("name") or kind, "expected": expected, "measured": shown, "ok": ok}


def _measure(kind: str, step: int | None, part: Measured) -> list[float]:
    base = base_kind(kind)
    values = KINDS[base].gauge(part)
    if step is not None:
        values = values[step - 1 : step]
    return values if base == kind else [value / 2 for value in values]
