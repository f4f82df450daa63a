"""The kinds of dimension that the judge knows: the unit of each, its gauge, and what it means in a line.

`python -m cadmonkey.cad.kinds` prints the table of `docs/dimensions.md`.
"""

from dataclasses import dataclass
from typing import Literal

from cadmonkey.cad import gauges
from cadmonkey.cad.gauges import Gauge
from cadmonkey.cad.measure import Measured

Unit = Literal["mm", "count", "deg"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of dimension."""

    gauge: Gauge
    """All values of it that a part has; all must be what is stated, and a part without any fails."""
    meaning: str
    unit: Unit = "mm"
    """The key of a stated number that holds its value."""


def _later(part: Measured) -> list[float]:
    return []


def _count(gauge: Gauge, meaning: str) -> Kind:
    return Kind(gauge, meaning, "count")


KINDS: dict[str, Kind] = {
    # The box.
    "length": Kind(gauges.extent(0), "extent along x; the x axis of an ellipse"),
    "width": Kind(gauges.extent(1), "extent along y; the y axis of an ellipse"),
    "height": Kind(gauges.extent(2), "extent along z"),
    "thickness": Kind(gauges.extent(2), "extent along z"),
    "side": Kind(gauges.sides, "all three extents of a cube"),
    # Round outsides.
    "outer_diameter": Kind(gauges.outer, "the widest round outside"),
    "sphere_diameter": Kind(lambda part: [s.diameter for s in part.surfaces.spheres], "outside of a ball or dome"),
    "inner_sphere_diameter": Kind(_later, "inside of a hollow ball, dome or bowl"),
    "base_diameter": Kind(gauges.cone_ends(0), "lower end of an upright cone's outside"),
    "top_diameter": Kind(gauges.cone_ends(1), "upper end of an upright cone's outside"),
    "step_diameter": Kind(
        lambda part: [boss.diameter for boss in gauges.steps(part)], "step of a shaft; `step` numbers them from below"
    ),
    "step_length": Kind(lambda part: [boss.end - boss.start for boss in gauges.steps(part)], "length of that step"),
    "bosses": _count(_later, "round bosses that stand on a wider face"),
    "boss_diameter": Kind(_later, "of every such boss"),
    "boss_height": Kind(_later, "of every such boss, from its foot to its top"),
    "grooves": _count(_later, "grooves around an upright round outside, such as a pulley's"),
    "groove_width": Kind(_later, "of every such groove, along z at its mouth"),
    "groove_depth": Kind(_later, "of every such groove, from the rim to its bottom, along the radius"),
    # Flat-sided and toothed outsides, looked at from above at mid height.
    "sides": _count(_later, "flat sides of the outer profile: 6 of a hex prism"),
    "across_flats": Kind(
        _later, "between opposite parallel sides of a regular outer profile with an even number of them"
    ),
    "across_corners": Kind(_later, "circle through the corners of the outer profile"),
    "teeth": _count(_later, "teeth of a gear: periods of the outer profile"),
    "tip_diameter": Kind(_later, "circle around the teeth; `tip_radius` is its half"),
    "root_diameter": Kind(_later, "circle at the feet of the teeth"),
    # Holes.
    "holes": _count(lambda part: [len(part.hole_axes)], "axes with round holes; a counterbored hole is one"),
    "off_centre_holes": _count(lambda part: [len(gauges.off_centre(part))], "those whose axis is not the part's own"),
    "columns": _count(lambda part: [len(gauges.places(part.hole_axes, 0))], "places of holes along x"),
    "rows": _count(lambda part: [len(gauges.places(part.hole_axes, 1))], "places of holes along y"),
    "hole_diameter": Kind(lambda part: [hole.diameter for hole in part.holes], "every hole, without its counterbore"),
    "off_centre_hole_diameter": Kind(
        lambda part: [hole.diameter for hole in part.holes if not part.is_central(hole)], "every hole off the middle"
    ),
    "bore_diameter": Kind(gauges.central, "every hole on the part's own axis"),
    "bolt_circle_diameter": Kind(gauges.bolt_circles, "circle through the axes of the holes off the middle"),
    "inset": Kind(gauges.insets, "from the axes of the holes off the middle to the nearest sides, both ways"),
    "spacing_x": Kind(lambda part: gauges.gaps(gauges.off_centre(part), 0), "between holes off the middle, along x"),
    "spacing_y": Kind(lambda part: gauges.gaps(gauges.off_centre(part), 1), "between holes off the middle, along y"),
    "pitch": Kind(
        lambda part: gauges.gaps(part.hole_axes, 0) + gauges.gaps(part.hole_axes, 1),
        "between neighbours of a hole grid",
    ),
    "pitch_x": Kind(
        lambda part: gauges.gaps(part.hole_axes, 0), "between neighbours along x, as on a perforated strip"
    ),
    "pitch_y": Kind(lambda part: gauges.gaps(part.hole_axes, 1), "between neighbours along y"),
    "hole_depth": Kind(_later, "every blind hole, from its mouth to the end of its full diameter (no drill point)"),
    "counterbores": _count(_later, "holes with a wider cylindrical mouth"),
    "counterbore_diameter": Kind(_later, "of every counterbore"),
    "counterbore_depth": Kind(_later, "of every counterbore"),
    "countersinks": _count(_later, "holes with a conical mouth"),
    "countersink_diameter": Kind(_later, "of every countersink, at the surface"),
    "countersink_angle": Kind(_later, "of every countersink, between opposite sides: 90 for metric screws", "deg"),
    "socket_across_flats": Kind(_later, "between opposite sides of a regular hole with an even number of them"),
    # Slots, pockets and windows: recesses whose outline is not a circle.
    "slots": _count(_later, "recesses with two round ends, through or blind"),
    "slot_length": Kind(_later, "of every slot, overall, with its round ends"),
    "slot_width": Kind(_later, "of every slot, the diameter of its ends"),
    "slot_depth": Kind(_later, "of every slot, through or blind"),
    "pockets": _count(_later, "rectangular recesses with a floor, corners sharp or rounded"),
    "pocket_length": Kind(_later, "of every pocket, along x (along y in a face across x)"),
    "pocket_width": Kind(_later, "of every pocket, along y (along z in a face across x or y)"),
    "pocket_depth": Kind(_later, "of every pocket, from its mouth to its floor"),
    "windows": _count(_later, "rectangular openings through a wall"),
    "window_length": Kind(_later, "of every window, along x (along y in a face across x)"),
    "window_width": Kind(_later, "of every window, along y (along z in a face across x or y)"),
    # Walls, ribs and profiles.
    "wall": Kind(gauges.walls, "of a tube, a round shell or a box, near the rim"),
    "floor": Kind(gauges.floors, "the lowest material on the vertical line through the middle"),
    "leg_thickness": Kind(gauges.legs, "both legs of an L, along x and z"),
    "inner_length": Kind(gauges.room(0), "clear room of a box along x, near the rim"),
    "inner_width": Kind(gauges.room(1), "clear room of a box along y, near the rim"),
    "inner_height": Kind(gauges.depths, "from the floor of a box to its rim"),
    "opening_top_diameter": Kind(_later, "upper end of an upright conical inside, such as a funnel's"),
    "opening_base_diameter": Kind(_later, "lower end of an upright conical inside"),
    "ribs": _count(_later, "flat plates that stand within the box: gussets and stiffeners"),
    "rib_thickness": Kind(_later, "of every rib"),
    "flange_thickness": Kind(_later, "flanges of an I, T, C or U profile of any direction"),
    "web_thickness": Kind(_later, "web of an I, T, C or U profile"),
    "fins": _count(_later, "pieces of material on a line near the top: fins on a plate, along x or y"),
    "fin_thickness": Kind(_later, "of every fin"),
    "fin_pitch": Kind(_later, "from fin to fin"),
    "slats": _count(_later, "pieces of material between openings on a line through the middle, the frame not counted"),
    "slat_thickness": Kind(_later, "of every slat"),
    "slat_pitch": Kind(_later, "from slat to slat"),
    # Edges and slopes.
    "corner_radius": Kind(_later, "rounded upright edges of the outside"),
    "edge_radius": Kind(_later, "rounded edges of the outside that are not upright"),
    "chamfer": Kind(_later, "both legs of every bevel of an edge, straight or around"),
    "slope_angle": Kind(_later, "of every slanted plane against the horizontal, as of a wedge or ramp", "deg"),
}
"""Kind of a dimension -> how it is measured."""


def base_kind(kind: str) -> str:
    """The kind of KINDS that measures `kind`: that of the diameter for a radius which is no kind of its own."""
    radius = kind.endswith("_radius") and kind not in KINDS
    return f"{kind.removesuffix('_radius')}_diameter" if radius else kind


def table() -> str:
    """The kinds as a Markdown table."""
    rows = [f"| `{name}` | {kind.unit} | {kind.meaning} |" for name, kind in KINDS.items()]
    return "\n".join(["| kind | unit | what is measured on the solid |", "|---|---|---|", *rows])


if __name__ == "__main__":
    print(table())
