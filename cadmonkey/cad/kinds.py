"""The kinds of dimension that the judge knows: the unit of each, its gauge, and what it means in a line.

`python -m cadmonkey.cad.kinds` prints the table of `docs/dimensions.md`.
"""

from dataclasses import dataclass
from typing import Literal

from cadmonkey.cad import arcs, edges, gauges, profiles, rows, turned
from cadmonkey.cad.gauges import Gauge
from cadmonkey.cad.measure import Measured
from cadmonkey.cad.surfaces import Cone, Cylinder

Unit = Literal["mm", "count", "deg"]


ANY = "any_"
"""Before a kind: one of the values that the part has must be the stated one, not all of them."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of dimension."""

    gauge: Gauge
    """All values of it that a part has; all must be what is stated, and a part without any fails."""
    meaning: str
    unit: Unit = "mm"
    """The key of a stated number that holds its value."""


def _counterbores(part: Measured) -> list[Cylinder]:
    return [piece for bore in part.bores for piece in bore.counterbores]


def _countersinks(part: Measured) -> list[Cone]:
    return [piece for bore in part.bores for piece in bore.countersinks]


_pockets, _windows = gauges.rectangles(through=False), gauges.rectangles(through=True)


def _count(gauge: Gauge, meaning: str) -> Kind:
    return Kind(gauge, meaning, "count")


def _place(gauge: Gauge, what: str, side: str) -> Kind:
    return Kind(gauge, f"from the {side} of the part's box to the {what} parallel to that side")


KINDS: dict[str, Kind] = {
    # The box.
    "length": Kind(gauges.extent(0), "extent along x; the x axis of an ellipse"),
    "width": Kind(gauges.extent(1), "extent along y; the y axis of an ellipse"),
    "height": Kind(gauges.extent(2), "extent along z"),
    "thickness": Kind(gauges.extent(2), "extent along z"),
    "side": Kind(gauges.sides, "all three extents of a cube"),
    # Round outsides.
    "outer_diameter": Kind(gauges.outer, "the widest round outside"),
    "sphere_diameter": Kind(gauges.spheres(hollow=False), "outside of a ball or dome"),
    "inner_sphere_diameter": Kind(gauges.spheres(hollow=True), "inside of a hollow ball, dome or bowl"),
    "base_diameter": Kind(gauges.cone_ends(0, hollow=False), "lower end of an upright cone's outside"),
    "top_diameter": Kind(gauges.cone_ends(1, hollow=False), "upper end of an upright cone's outside"),
    "step_diameter": Kind(
        lambda part: [boss.diameter for boss in gauges.steps(part)], "step of a shaft; `step` numbers them from below"
    ),
    "step_length": Kind(lambda part: [boss.end - boss.start for boss in gauges.steps(part)], "length of that step"),
    "bosses": _count(lambda part: [len(gauges.standing(part))], "round bosses that stand on a wider face"),
    "boss_diameter": Kind(
        lambda part: [boss.outline.sides_mm[0] for boss in gauges.standing(part)], "of every such boss"
    ),
    "boss_height": Kind(
        lambda part: [boss.depth for boss in gauges.standing(part)], "of every such boss, from its foot to its top"
    ),
    "boss_circle_diameter": Kind(rows.circle(gauges.standing), "circle about the middle through every such boss"),
    "boss_pitch_x": Kind(rows.pitch(gauges.standing, 0), "from each such boss to the next along x"),
    "grooves": _count(
        lambda part: [len(gauges.grooves(part))], "grooves around an upright round outside, such as a pulley's"
    ),
    "groove_width": Kind(
        lambda part: [width for width, _ in gauges.grooves(part)], "of every such groove, along z at its mouth"
    ),
    "groove_depth": Kind(
        lambda part: [depth for _, depth in gauges.grooves(part)],
        "of every such groove, from the rim to its bottom, along the radius",
    ),
    "turned_diameter": Kind(
        turned.diameters, "every circle that the corners of a turned part lie on, about its upright axis"
    ),
    "turned_step": Kind(turned.steps, "between any two of these circles, along the radius"),
    "rim_width": Kind(turned.rims, "from the widest of these circles inwards to each of the others"),
    "eye_diameter": Kind(turned.eyes, "the narrowest of these circles: the inside of a ring"),
    "ring_diameter": Kind(turned.centrelines, "the circle midway between the narrowest and the widest of them"),
    "ball_from_bottom": Kind(gauges.balls_from_bottom, "from the bottom of the part to the lowest point of a ball"),
    # Round surfaces, whole or in part: clips, knuckles, shafts with a flat.
    "outside_diameter": Kind(arcs.diameters(hollow=False), "every round outside, however far it goes round"),
    "inside_diameter": Kind(arcs.diameters(hollow=True), "every round inside, however far it goes round"),
    "axis_spacing": Kind(arcs.axis_spacings, "between the axes of any two parallel round surfaces"),
    "ring_wall": Kind(arcs.rings, "between any two round surfaces on one axis, along the radius"),
    "flat_depth": Kind(
        arcs.face_depths, "how far each flat face along a round outside lies within it, or beside it: of a keyway"
    ),
    "across_flat": Kind(arcs.across_flats, "from each flat face along a round outside to the far side of it"),
    "channel_depth": Kind(arcs.channel_depths, "from the top to the lowest line of each round inside that lies"),
    # Flat-sided and toothed outsides, looked at from above at mid height.
    "sides": _count(profiles.sides, "flat sides of the outer profile: 6 of a hex prism"),
    "side_length": Kind(profiles.side_lengths, "every side of a regular outer profile"),
    "across_flats": Kind(
        profiles.across_flats, "between opposite parallel sides of a regular outer profile with an even number of them"
    ),
    "across_corners": Kind(profiles.across_corners, "circle through the corners of the outer profile"),
    "teeth": _count(profiles.teeth, "teeth of a gear: periods of the outer profile"),
    "tip_diameter": Kind(profiles.across_corners, "circle around the teeth; `tip_radius` is its half"),
    "root_diameter": Kind(profiles.root_diameters, "circle at the feet of the teeth"),
    "tooth_depth": Kind(profiles.tooth_depths, "from the tips of the teeth to their feet, along the radius"),
    "gear_module": Kind(profiles.modules, "the diameter at the tips over the number of teeth and two"),
    "spokes": _count(profiles.spokes, "openings at mid height around the middle: as many as spokes between them"),
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
    "hole_depth": Kind(
        lambda part: [bore.depth for bore in part.bores if bore.blind],
        "every blind hole, from its mouth to the end of its full diameter (no drill point)",
    ),
    "counterbores": _count(lambda part: [len(_counterbores(part))], "holes with a wider cylindrical mouth"),
    "counterbore_diameter": Kind(
        lambda part: [piece.diameter for piece in _counterbores(part)], "of every counterbore"
    ),
    "counterbore_depth": Kind(
        lambda part: [piece.end - piece.start for piece in _counterbores(part)], "of every counterbore"
    ),
    "countersinks": _count(lambda part: [len(_countersinks(part))], "holes with a conical mouth"),
    "countersink_diameter": Kind(
        lambda part: [max(piece.diameters) for piece in _countersinks(part)], "of every countersink, at the surface"
    ),
    "countersink_angle": Kind(
        lambda part: [piece.angle_deg for piece in _countersinks(part)],
        "of every countersink, between opposite sides: 90 for metric screws",
        "deg",
    ),
    **{
        f"row_{axis}_holes": _count(rows.row_holes(index), f"equal, evenly spaced holes in each row along {axis}")
        for index, axis in enumerate("xyz")
    },
    **{
        f"row_{axis}_pitch": Kind(rows.row_pitches(index), f"from hole to hole in each row along {axis}")
        for index, axis in enumerate("xyz")
    },
    "ring_holes": _count(rows.ring_holes, "equal holes on each circle about the middle of the part"),
    "socket_across_flats": Kind(gauges.sockets, "between opposite sides of a regular hole with an even number of them"),
    # Slots, pockets and windows: recesses whose outline is not a circle.
    "slots": _count(lambda part: [len(gauges.slots(part))], "recesses with two round ends, through or blind"),
    "slot_length": Kind(
        lambda part: [slot.outline.sides_mm[0] for slot in gauges.slots(part)],
        "of every slot, overall, with its round ends",
    ),
    "slot_width": Kind(
        lambda part: [slot.outline.sides_mm[1] for slot in gauges.slots(part)],
        "of every slot, the diameter of its ends",
    ),
    "slot_depth": Kind(lambda part: [slot.depth for slot in gauges.slots(part)], "of every slot, through or blind"),
    **{
        f"slot_from_{side}": Kind(
            rows.middle_from(gauges.slots, *place), f"from the {side} of the part's box to the middle of each slot"
        )
        for side, place in gauges.SIDES.items()
    },
    "slot_circle_diameter": Kind(rows.circle(gauges.slots), "circle about the middle through the middle of each slot"),
    "slot_start": Kind(rows.slot_starts, "from the middle of the part to the near end of each slot or window"),
    "slot_pitch_x": Kind(rows.pitch(gauges.slots, 0), "from the middle of each slot to the next along x"),
    "slot_pitch_y": Kind(rows.pitch(gauges.slots, 1), "from the middle of each slot to the next along y"),
    "pockets": _count(
        lambda part: [len(_pockets(part))], "rectangular recesses with a floor, corners sharp or rounded"
    ),
    "pocket_length": Kind(
        lambda part: [gauges.plan(pocket)[0] for pocket in _pockets(part)],
        "of every pocket, along x (along y in a face across x)",
    ),
    "pocket_width": Kind(
        lambda part: [gauges.plan(pocket)[1] for pocket in _pockets(part)],
        "of every pocket, along y (along z in a face across x or y)",
    ),
    "pocket_depth": Kind(
        lambda part: [pocket.depth for pocket in _pockets(part)], "of every pocket, from its mouth to its floor"
    ),
    "pocket_columns": _count(rows.place_counts(_pockets, 0), "places of pockets along x: compartments of a tray"),
    "pocket_rows": _count(rows.place_counts(_pockets, 1), "places of pockets along y"),
    "windows": _count(lambda part: [len(_windows(part))], "rectangular openings through a wall"),
    "window_length": Kind(
        lambda part: [gauges.plan(window)[0] for window in _windows(part)],
        "of every window, along x (along y in a face across x)",
    ),
    "window_width": Kind(
        lambda part: [gauges.plan(window)[1] for window in _windows(part)],
        "of every window, along y (along z in a face across x or y)",
    ),
    # Walls, ribs and profiles.
    "wall": Kind(gauges.walls, "of a tube, a round shell or a box, near the rim"),
    "box_wall": Kind(profiles.box_walls, "every wall, floor and lid of a box on the lines through its middle"),
    "floor": Kind(gauges.floors, "the lowest material on the vertical line through the middle"),
    "leg_thickness": Kind(gauges.legs, "both legs of an L, along x and z"),
    "inner_length": Kind(gauges.room(0), "clear room of a box along x, near the rim"),
    "inner_width": Kind(gauges.room(1), "clear room of a box along y, near the rim"),
    "inner_height": Kind(gauges.depths, "from the floor of a box to its rim"),
    "opening_top_diameter": Kind(
        gauges.cone_ends(1, hollow=True), "upper end of an upright conical inside, such as a funnel's"
    ),
    "opening_base_diameter": Kind(gauges.cone_ends(0, hollow=True), "lower end of an upright conical inside"),
    "ribs": _count(lambda part: [len(part.ribs)], "flat plates that stand within the box: gussets and stiffeners"),
    "rib_thickness": Kind(lambda part: part.ribs, "of every rib"),
    "flange_thickness": Kind(profiles.flanges, "flanges of an I, T, C or U profile of any direction"),
    "web_thickness": Kind(profiles.webs, "web of an I, T, C or U profile"),
    "fins": _count(
        lambda part: [len(profiles.fins(part))],
        "pieces of material on a line near the top: fins on a plate, along x or y",
    ),
    "fin_thickness": Kind(lambda part: profiles.thicknesses(profiles.fins(part)), "of every fin"),
    "fin_pitch": Kind(lambda part: profiles.pitches(profiles.fins(part)), "from fin to fin"),
    "slats": _count(
        lambda part: [len(profiles.slats(part))],
        "pieces of material between openings on a line through the middle, the frame not counted",
    ),
    "slat_thickness": Kind(lambda part: profiles.thicknesses(profiles.slats(part)), "of every slat"),
    "slat_pitch": Kind(lambda part: profiles.pitches(profiles.slats(part)), "from slat to slat"),
    "tines": _count(lambda part: [len(profiles.tines(part))], "pieces of material on a line along x near the back"),
    "notches": _count(
        lambda part: [len(profiles.notches(part))], "gaps between pieces of material on a line along x near the top"
    ),
    "notch_pitch": Kind(lambda part: profiles.pitches(profiles.notches(part)), "from notch to notch"),
    "bar_width": Kind(
        edges.bars, "between any two flat faces of any direction that look away from each other: spokes, teeth, bars"
    ),
    "opening_width": Kind(edges.openings, "between any two flat faces of any direction that look at each other"),
    # Places: where holes, bosses and flat faces lie, from a named side of the part's box.
    **{f"hole_from_{side}": _place(gauges.hole_from(side), "axis of a hole or boss", side) for side in gauges.SIDES},
    **{
        f"gap_{axis}": Kind(gauges.gap(index), f"between two flat faces across {axis}")
        for index, axis in enumerate("xyz")
    },
    **{f"face_from_{side}": _place(gauges.face_from(side), "flat face", side) for side in gauges.SIDES},
    **{
        f"axis_from_{side}": _place(arcs.axis_from(side), "axis of a round surface, whole or in part,", side)
        for side in gauges.SIDES
    },
    "axis_to_face_z": Kind(arcs.axes_to_faces(2), "between the axis of a lying round surface and a flat face across z"),
    # Corners, edges and slopes.
    **{
        f"corner_from_{side}": Kind(edges.corner_from(side), f"from the {side} of the part's box to each corner of it")
        for side in gauges.SIDES
    },
    **{
        f"edge_{axis}": Kind(edges.edge(index), f"how far each straight edge reaches along {axis}")
        for index, axis in enumerate("xyz")
    },
    "corner_radius": Kind(gauges.rounded_edges(upright=True), "rounded upright edges of the outside"),
    "edge_radius": Kind(gauges.rounded_edges(upright=False), "rounded edges of the outside that are not upright"),
    "chamfer": Kind(profiles.chamfers, "both legs of every bevel of an edge, straight or around"),
    "slope_angle": Kind(profiles.slopes, "of every slanted plane against the horizontal, as of a wedge or ramp", "deg"),
}
"""Kind of a dimension -> how it is measured."""


def base_kind(kind: str) -> str:
    """The kind of KINDS behind `kind`: without `any_`, and that of the diameter for a radius that is no kind itself."""
    kind = kind.removeprefix(ANY)
    radius = kind.endswith("_radius") and kind not in KINDS
    return f"{kind.removesuffix('_radius')}_diameter" if radius else kind


def table() -> str:
    """The kinds as a Markdown table."""
    rows = [f"| `{name}` | {kind.unit} | {kind.meaning} |" for name, kind in KINDS.items()]
    return "\n".join(["| kind | unit | what is measured on the solid |", "|---|---|---|", *rows])


if __name__ == "__main__":
    print(table())
