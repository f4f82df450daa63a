"""Stated numbers as checks: each kind of dimension knows how it is measured on a solid.

A stated number is {"kind", "name", "mm"} or {"kind", "name", "count"}: the kind is one of KINDS, or one that ends in
`_diameter` there with `_radius` instead; the name is how a person calls it; a step of a shaft has its number as "step"
as well. Lengths are along x, widths along y, heights and thicknesses along z of the solid as it is given.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from cadmonkey.cad.measure import Measured, coaxial, number_text
from cadmonkey.cad.surfaces import Cylinder
from cadmonkey.errors import InputError

DIMENSION_TOLERANCE_MM = 0.03
"""How far a measured size may be from the stated one; the least step between stated sizes is 0.1 mm."""
NEAR_RIM = 0.97
"""Walls are measured at this share of a part's height or length, away from floors and holes."""

Stated = dict[str, Any]
Check = dict[str, Any]


def check_kinds(stated: Sequence[Stated]) -> None:
    """See that every stated dimension can be checked.

    Raises:
        InputError: a kind that is not known, or a number that is missing.
    """
    for dimension in stated:
        kind = str(dimension.get("kind"))
        number = dimension.get("count" if kind in COUNTS else "mm")
        if base_kind(kind) not in KINDS or not isinstance(number, int | float):
            raise InputError(f"stated: expected a known kind with its mm or count, got {dimension!r}")


def check_dimensions(stated: Sequence[Stated], part: Measured) -> list[Check]:
    """Measure every stated number: {"kind", "name", "expected", "measured", "ok"} for each, in order.

    `measured` is the value furthest from what is expected where several were measured, and None where the part has
    nothing of the kind. The kinds are known ones, see `check_kinds`.
    """
    return [_check(dimension, part) for dimension in stated]


def failure_text(check: Check) -> str:
    """`hole diameter 5.5 mm: measured 5 mm`."""
    unit = "" if check["kind"] in COUNTS else " mm"
    measured = "none found" if check["measured"] is None else f"measured {number_text(check['measured'])}{unit}"
    return f"{check['name']} {number_text(check['expected'])}{unit}: {measured}"


def _check(stated: Stated, part: Measured) -> Check:
    kind = stated["kind"]
    counts = kind in COUNTS
    expected = stated["count" if counts else "mm"]
    values = _measure(kind, stated.get("step"), part)
    measured = max(values, key=lambda value: abs(value - expected)) if values else None
    tolerance = 0.0 if counts else DIMENSION_TOLERANCE_MM
    ok = measured is not None and abs(measured - expected) <= tolerance
    shown = None if measured is None else int(measured) if counts else round(float(measured), 4)
    return {"kind": kind, "name": stated.get("name") or kind, "expected": expected, "measured": shown, "ok": ok}


def base_kind(kind: str) -> str:
    """The kind of KINDS that measures `kind`: that of the diameter for a radius."""
    return f"{kind.removesuffix('_radius')}_diameter" if kind.endswith("_radius") else kind


def _measure(kind: str, step: int | None, part: Measured) -> list[float]:
    values = KINDS[base_kind(kind)](part)
    if step is not None:
        values = values[step - 1 : step]
    return [value / 2 for value in values] if kind.endswith("_radius") else values


def _extent(axis: int) -> Callable[[Measured], list[float]]:
    return lambda part: [float(part.size[axis])]


def _sides(part: Measured) -> list[float]:
    return [float(side) for side in part.size]


def _central(part: Measured) -> list[float]:
    return [hole.diameter for hole in part.holes if part.is_central(hole)]


def _off_centre(part: Measured) -> list[Cylinder]:
    return [hole for hole in part.hole_axes if not part.is_central(hole)]


def _across(part: Measured, hole: Cylinder) -> list[int]:
    """The two axes of the box that lie across a hole."""
    return [axis for axis in range(3) if axis != int(np.argmax(np.abs(hole.axis)))]


def _insets(part: Measured) -> list[float]:
    """From the axis of every hole off the centre to the nearest side, in both directions."""
    found: list[float] = []
    for hole in _off_centre(part):
        middle = hole.at((hole.start + hole.end) / 2)
        found += [float(min(middle[a] - part.low[a], part.high[a] - middle[a])) for a in _across(part, hole)]
    return found


def _places(holes: list[Cylinder], axis: int) -> list[float]:
    """The distinct coordinates of holes' axes."""
    places: list[float] = []
    for place in sorted(float(hole.at((hole.start + hole.end) / 2)[axis]) for hole in holes):
        if not places or place - places[-1] > DIMENSION_TOLERANCE_MM:
            places.append(place)
    return places


def _gaps(holes: list[Cylinder], axis: int) -> list[float]:
    places = _places(holes, axis)
    return [after - before for before, after in pairwise(places)]


def _bolt_circles(part: Measured) -> list[float]:
    """Twice the distance of every hole off the centre from the middle."""
    return [2 * float(np.linalg.norm(np.cross(part.centre - hole.point, hole.axis))) for hole in _off_centre(part)]


def _outer(part: Measured) -> list[float]:
    return [max(boss.diameter for boss in part.bosses)] if part.bosses else []


def _steps(part: Measured) -> list[Cylinder]:
    return sorted((b for b in part.bosses if abs(b.axis[2]) > 0.999), key=lambda boss: boss.start)


def _cone_ends(end: int) -> Callable[[Measured], list[float]]:
    return lambda part: [cone.diameters[end] for cone in part.surfaces.cones if abs(cone.axis[2]) > 0.999]


def _walls(part: Measured) -> list[float]:
    """Half the difference of coaxial outsides and bores, or the four walls of a box near its rim."""
    rings = [(boss.diameter - hole.diameter) / 2 for boss in part.bosses for hole in part.holes if coaxial(boss, hole)]
    return rings or [wall for axis in (0, 1) for wall in _two_walls(part, axis)]


def _near_rim(part: Measured) -> Any:
    """A point in the middle of the part, near its upper rim."""
    point = part.centre
    point[2] = part.low[2] + NEAR_RIM * part.size[2]
    return point


def _two_walls(part: Measured, axis: int) -> list[float]:
    material = part.material_along(axis, _near_rim(part))
    return [material[0][1] - material[0][0], material[-1][1] - material[-1][0]] if len(material) > 1 else []


def _room(axis: int) -> Callable[[Measured], list[float]]:
    """The clear width between two walls of a box near its rim."""

    def measured(part: Measured) -> list[float]:
        material = part.material_along(axis, _near_rim(part))
        return [material[-1][0] - material[0][1]] if len(material) > 1 else []

    return measured


def _floors(part: Measured) -> list[float]:
    return [leave - enter for enter, leave in part.material_along(2, part.centre)[:1]]


def _depths(part: Measured) -> list[float]:
    return [float(part.high[2] - leave) for _, leave in part.material_along(2, part.centre)[:1]]


def _legs(part: Measured) -> list[float]:
    """The thickness of an L's legs along x and z, measured near the end of each."""
    found: list[float] = []
    for across, along in ((0, 2), (2, 0)):
        point = part.low + part.size * np.array([0.5, 0.1, 0.5])
        point[along] = part.low[along] + NEAR_RIM * part.size[along]
        found.append(sum(leave - enter for enter, leave in part.material_along(across, point)))
    return found


COUNTS: dict[str, Callable[[Measured], list[float]]] = {
    "holes": lambda part: [len(part.hole_axes)],
    "off_centre_holes": lambda part: [len(_off_centre(part))],
    "columns": lambda part: [len(_places(part.hole_axes, 0))],
    "rows": lambda part: [len(_places(part.hole_axes, 1))],
}
"""What is counted."""

KINDS: dict[str, Callable[[Measured], list[float]]] = {
    **COUNTS,
    "length": _extent(0),
    "width": _extent(1),
    "height": _extent(2),
    "thickness": _extent(2),
    "side": _sides,
    "outer_diameter": _outer,
    "sphere_diameter": lambda part: [sphere.diameter for sphere in part.surfaces.spheres],
    "base_diameter": _cone_ends(0),
    "top_diameter": _cone_ends(1),
    "bore_diameter": _central,
    "hole_diameter": lambda part: [hole.diameter for hole in part.holes],
    "off_centre_hole_diameter": lambda part: [hole.diameter for hole in part.holes if not part.is_central(hole)],
    "bolt_circle_diameter": _bolt_circles,
    "inset": _insets,
    "spacing_x": lambda part: _gaps(_off_centre(part), 0),
    "spacing_y": lambda part: _gaps(_off_centre(part), 1),
    "pitch": lambda part: _gaps(part.hole_axes, 0) + _gaps(part.hole_axes, 1),
    "wall": _walls,
    "floor": _floors,
    "leg_thickness": _legs,
    "inner_length": _room(0),
    "inner_width": _room(1),
    "inner_height": _depths,
    "step_diameter": lambda part: [boss.diameter for boss in _steps(part)],
    "step_length": lambda part: [boss.end - boss.start for boss in _steps(part)],
}
"""Kind of a dimension -> all values of it that a part has, in mm, or the count."""
