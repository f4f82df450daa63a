"""What a sentence states, as checks for the judge: every parameter that was said, and how it is measured."""

import re
from collections.abc import Mapping, Set
from typing import Any

from cadmonkey.parts.families import Draft
from cadmonkey.parts.measures import Measure
from cadmonkey.parts.sentences import Stated

_ROUND_OUTSIDE = {"outer_d": "outer_diameter", "outer_r": "outer_radius"}
_BOX_SIZES = {name: name for name in ("length", "width", "height", "thickness")}

KINDS: Mapping[str, Mapping[str, str]] = {
    "block": {**_BOX_SIZES, "size": "side"},
    "cylinder": {"diameter": "outer_diameter", "radius": "outer_radius", "height": "height", "thickness": "thickness"},
    "sphere": {"diameter": "sphere_diameter", "radius": "sphere_radius"},
    "cone": {
        "base_d": "base_diameter",
        "base_r": "base_radius",
        "top_d": "top_diameter",
        "top_r": "top_radius",
        "height": "height",
    },
    "plate": {
        **_BOX_SIZES,
        "hole_d": "off_centre_hole_diameter",
        "hole_r": "off_centre_hole_radius",
        "center_d": "bore_diameter",
        "center_r": "bore_radius",
        "inset": "inset",
        "spacing_x": "spacing_x",
        "spacing_y": "spacing_y",
        "pitch": "pitch",
        "columns": "columns",
        "rows": "rows",
    },
    "spacer": {
        **_ROUND_OUTSIDE,
        "inner_d": "bore_diameter",
        "inner_r": "bore_radius",
        "wall": "wall",
        "height": "height",
        "thickness": "thickness",
    },
    "flange": {
        **_ROUND_OUTSIDE,
        "thickness": "thickness",
        "bolt_d": "off_centre_hole_diameter",
        "bolt_r": "off_centre_hole_radius",
        "bolts": "off_centre_holes",
        "bolt_circle_d": "bolt_circle_diameter",
        "bore_d": "bore_diameter",
    },
    "bracket": {**_BOX_SIZES, "thickness": "leg_thickness", "hole_d": "hole_diameter", "hole_r": "hole_radius"},
    "box": {
        **_BOX_SIZES,
        "wall": "wall",
        "floor": "floor",
        **{f"inner_{name}": f"inner_{name}" for name in ("length", "width", "height")},
    },
    "shaft": {},
}
"""Family -> parameter -> the kind of dimension that the judge knows it by (`cadmonkey.cad.dimensions`)."""

_STEP = re.compile(r"([dl])(\d+)")


def stated_dimensions(family: str, draft: Draft, said: Set[str]) -> list[dict[str, Any]]:
    """Return {"kind", "name", "mm" or "count"} for every value that the sentence states, in the parameters' order.

    A number of kind "" is left out: the judge has no measure for it. A plate's holes are all of a pattern, or one in
    the middle; how many there are is stated by the words for it.
    """
    checked = [name for name in draft.values if name in said and draft.kinds.get(name) != ""]
    dimensions = [_dimension(family, name, draft) for name in checked]
    if family in ("plate", "bracket") and draft.holes:
        dimensions.append({"kind": "holes", "name": "holes", "count": draft.holes})
    return dimensions


def _dimension(family: str, name: str, draft: Draft) -> dict[str, Any]:
    value = draft.values[name]
    number = {"mm": round(value.mm, 6)} if isinstance(value, Measure) else {"count": value}
    if family == "shaft" and (step := _STEP.fullmatch(name)):
        kind = {"d": "step_diameter", "l": "step_length"}[step[1]]
        return {"kind": kind, "name": f"step {step[2]} {kind[5:]}", "step": int(step[2]), **number}
    kind = _plate_hole(name, draft.values) if family == "plate" else KINDS.get(family, draft.kinds)[name]
    return {"kind": kind, "name": _called(name), **number}


def _plate_hole(name: str, values: Mapping[str, Stated]) -> str:
    """The kind of a plate's parameter: its holes are in the corners, in a grid, or one in the middle."""
    kind = KINDS["plate"][name]
    if name.startswith("hole_") and "columns" in values:
        return kind.removeprefix("off_centre_")
    if name.startswith("hole_") and not values.keys() & {"inset", "spacing_x"}:
        return kind.replace("off_centre_hole", "bore")
    return kind


def _called(name: str) -> str:
    """`hole_d` as people say it: hole diameter."""
    words = {"d": "diameter", "r": "radius", "center": "centre hole", "bolt": "bolt hole", "size": "side"}
    name = name.replace("bolt_circle", "bolt circle")
    return " ".join(words.get(word, word) for word in name.split("_"))
