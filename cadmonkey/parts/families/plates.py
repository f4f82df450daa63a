"""Flat stock: plates with holes, and the L-bracket."""

import math
import random

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.families.draw import DEFAULTS_MM, Draft, Draw, hole_size, measure_of, through
from cadmonkey.parts.measures import Measure, NoRoomError
from cadmonkey.parts.phrases import LENGTH, THICKNESS, WIDTH, Attribute, Words


def plate(rng: random.Random) -> Draft:
    """A rectangular plate: plain, with a centre hole, corner holes, both, or a grid of holes."""
    draw = Draw(rng)
    length, width = draw.size("length", 20, 200), draw.size("width", 15, 160)
    attributes, rest = [LENGTH, WIDTH, THICKNESS], []
    product = "length*width*thickness"
    if draw.chance(0.07):
        thickness = draw.keep("thickness", measure_of(DEFAULTS_MM["plate"]["thickness"]))
        attributes, product = [LENGTH, WIDTH], "length*width"
    else:
        thickness = draw.size("thickness", 1, 12)
        if draw.chance(0.25):
            product, rest = "length*width", [THICKNESS]
    noun = "[plate|plate|flat plate|rectangular plate|mounting plate|base plate|panel|sheet]"
    holes = rng.choices((_no_holes, _centre_hole, _corner_holes, _both_holes, _hole_grid), (15, 20, 32, 13, 20))[0]
    cuts, features = holes(draw, length, width, thickness)
    root = csg.difference(csg.Cube((length, width, thickness)), *cuts)
    count = sum(map(csg.copies_in, cuts))
    if count:
        draw.tell("holes", count)
    words = Words(
        noun,
        attributes,
        features,
        product,
        rest,
        bare=draw.bare,
        facts=_plate_facts(draw) or [("holes", "none") for _ in features],
        steps=_plate_steps(draw, said=THICKNESS in attributes),
        absent=() if cuts or features else ("[no|without] holes", "no holes in it", "[solid, ]no holes or slots"),
    )
    return draw.draft(root, words, count, holes.__name__.strip("_"))


Cuts = tuple[list[csg.Node], list[str]]


def _no_holes(draw: Draw, length: Quantity, width: Quantity, thickness: Quantity) -> Cuts:
    return [], ["[no holes|no holes in it]"] if draw.chance(0.2) else []


def _centre_hole(draw: Draw, length: Quantity, width: Quantity, thickness: Quantity, stem: str = "hole") -> Cuts:
    radius, size = hole_size(draw, stem, 2, min(length, width) * 0.7, "bore")
    cut = csg.Translate((length / Quantity(2), width / Quantity(2), Quantity(-1)), through(radius, thickness))
    words = (
        f"[@ |one |a single ][{size} [through |]hole|hole of {size}] [in|through|at] the [center|centre|middle]",
        f"[@ |a central |one centered ]{size} [hole in the center|center hole|centre hole|central hole|middle hole]",
    )
    return [cut], [draw.rng.choice(words)]


def _corner_holes(draw: Draw, length: Quantity, width: Quantity, thickness: Quantity) -> Cuts:
    short = min(length, width)
    radius, size = hole_size(draw, "hole", 2, min(short * 0.25, 14), "off_centre_hole")
    places = draw.rng.random()
    if places < 0.7:
        inset = draw.size("inset", float(radius) + 1.5, short / 2 - float(radius) - 1)
        xs, ys = [inset, length - inset], [inset, width - inset]
        where = draw.rng.choice(
            (
                "[|in the corners|at the corners|one in each corner|in each corner][,| ,]"
                " {inset} [from the edges|from each edge|in from the edges|from the sides|from both edges]",
                "{inset} [from the edges|from each edge|from the edge|inset from the edges]",
                "[in|at] the [four |]corners, [inset|offset|inset by] {inset}",
                "[in the corners|at the corners|in each corner][,|] with [an edge distance of {inset}|@ {inset} inset]",
            )
        )
    else:
        pitch_x = draw.size("spacing_x", 2 * float(radius) + 2, length - 2 * float(radius) - 2)
        pitch_y = draw.size("spacing_y", 2 * float(radius) + 2, width - 2 * float(radius) - 2)
        two = Quantity(2)
        xs, ys = (
            [(length - pitch_x) / two, (length + pitch_x) / two],
            [(width - pitch_y) / two, (width + pitch_y) / two],
        )
        where = (
            "[on|in|at] [a|a centered|a rectangular] {spacing_x*spacing_y} [pattern|hole pattern|hole spacing|spacing]"
        )
    cut = through(radius, thickness)
    cuts: list[csg.Node] = [csg.Translate((x, y, Quantity(-1)), cut) for x in xs for y in ys]
    return cuts, [f"[four|four|4] [{size} [|mounting |corner |screw |through ]holes|holes of {size}] {where}"]


def _both_holes(draw: Draw, length: Quantity, width: Quantity, thickness: Quantity) -> Cuts:
    corners, corner_words = _corner_holes(draw, length, width, thickness)
    centre, centre_words = _centre_hole(draw, length, width, thickness, "center")
    _keep_apart(draw, length, width)
    return [*centre, *corners], draw.rng.sample([*corner_words, *centre_words], 2)


def _keep_apart(draw: Draw, length: Quantity, width: Quantity) -> None:
    """Draw again where the centre hole would touch the others: coarse circles may miss by a hair that fine ones touch.

    Raises:
        NoRoomError: there is no half millimetre between them.
    """
    mm = {name: value.mm for name, value in draw.values.items() if isinstance(value, Measure)}
    across = (
        (mm["spacing_x"], mm["spacing_y"]) if "spacing_x" in mm else (length - 2 * mm["inset"], width - 2 * mm["inset"])
    )
    radii = sum(mm[f"{stem}_r"] if f"{stem}_r" in mm else mm[f"{stem}_d"] / 2 for stem in ("hole", "center"))
    if math.hypot(*across) / 2 < radii + 0.5:
        raise NoRoomError


def _hole_grid(draw: Draw, length: Quantity, width: Quantity, thickness: Quantity) -> Cuts:
    radius, size = hole_size(draw, "hole", 2, 10, "hole")
    columns, rows = draw.count("columns", [2, 3, 4, 5, 6, 7, 8]), draw.count("rows", [2, 3, 4, 5, 6])
    room = min((length - 2 * float(radius) - 3) / (columns - 1), (width - 2 * float(radius) - 3) / (rows - 1))
    pitch = draw.size("pitch", 2 * float(radius) + 1.5, float(room))
    one, two = Quantity(1), Quantity(2)
    corner = ((length - (columns - one) * pitch) / two, (width - (rows - one) * pitch) / two, Quantity(-1))
    grid = csg.LinearPattern(
        (1.0, 0.0, 0.0), columns, pitch, csg.LinearPattern((0.0, 1.0, 0.0), rows, pitch, through(radius, thickness))
    )
    apart = "[,|] [{pitch} apart|spaced {pitch} apart|with {pitch} spacing|with a pitch of {pitch}|at {pitch} pitch]"
    words = (
        f"[@ |]{{columns}} [x|by] {{rows}} [grid|array|pattern] of {size} holes{apart}",
        f"{{columns}} columns and {{rows}} rows of {size} holes{apart}",
        f"{{rows}} rows of {{columns}} {size} holes{apart}",
    )
    return [csg.Translate(corner, grid)], [draw.rng.choice(words)]


def bracket(rng: random.Random) -> Draft:
    """An L-bracket: a base leg along x, an upright leg along z, with or without a hole in each."""
    draw = Draw(rng)
    two, zero = Quantity(2), Quantity(0)
    length, height = draw.size("length", 15, 120), draw.size("height", 15, 120)
    width = draw.size("width", 8, 100)
    attributes = [
        Attribute("length", "base length|[base|horizontal|bottom] leg|base", "base|base leg|[long|in length]"),
        Attribute("height", "height|[upright|vertical] leg|upright", "tall|high|upright|in height"),
        Attribute("width", "width", "wide|in width"),
    ]
    if draw.chance(0.07):
        thickness = draw.keep("thickness", measure_of(DEFAULTS_MM["bracket"]["thickness"]), "leg_thickness")
    else:
        thickness = draw.size("thickness", 1.5, min(12.0, min(length, height) * 0.3), "leg_thickness")
        attributes.append(THICKNESS)
    legs = csg.union(csg.Cube((length, width, thickness)), csg.Cube((thickness, width, height)))
    cuts: list[csg.Node] = []
    features = []
    if draw.chance(0.5):
        room = min(width, length - thickness, height - thickness)
        radius, size = hole_size(draw, "hole", 2, room * 0.6, "hole")
        base = csg.Translate(((length + thickness) / two, width / two, Quantity(-1)), through(radius, thickness))
        drilled = csg.Rotate((zero, Quantity(90), zero), through(radius, thickness))
        upright = csg.Translate((Quantity(-1), width / two, (height + thickness) / two), drilled)
        cuts = [base, upright]
        draw.tell("holes", 2)
        features = [f"[@ |one ]{size} hole [in the middle of |centered in |in ][each leg|both legs|each side]"]
    noun = "[L-bracket|L bracket|angle bracket|l-bracket|L shaped bracket|right angle bracket|corner bracket]"
    rest = attributes[3:]
    words = Words(
        noun,
        attributes,
        features,
        "length*height*width",
        rest,
        bare=draw.bare,
        facts=[("holes", f"2 x {_hole(draw, 'hole')}, one [in the middle of|centered in] each leg")] if cuts else (),
        steps=_bracket_steps(draw, said=bool(rest)),
        absent=("no gusset", "no rib between the legs") if cuts else ("[no|without] holes", "no holes and no gusset"),
    )
    return draw.draft(csg.difference(legs, *cuts), words, len(cuts), "drilled" if cuts else "plain")


def _hole(draw: Draw, stem: str) -> str:
    """The place for a hole's size, with its sign."""
    return f"{{!{stem}_r}}" if f"{stem}_r" in draw.values else f"{{!{stem}_d}}"


def _drilled(draw: Draw, stem: str) -> str:
    """A hole's size in words, as they stand before `hole`."""
    return f"{{{stem}_r}} radius" if f"{stem}_r" in draw.values else f"{{{stem}_d}}"


def _plate_facts(draw: Draw) -> list[tuple[str, str]]:
    """The holes of a plate as a list has them."""
    names, facts = draw.values.keys(), []
    if "columns" in names:
        return [("[grid|hole grid|hole pattern]", "{columns*rows} " + f"holes {_hole(draw, 'hole')}, pitch {{pitch}}")]
    if "inset" in names:
        facts = [("[corner holes|holes]", f"4 x {_hole(draw, 'hole')}, {{inset}} from [the|both] edges")]
    elif "spacing_x" in names:
        facts = [("[mounting holes|holes]", f"4 x {_hole(draw, 'hole')} on {{spacing_x*spacing_y}} centers")]
    elif names & {"hole_d", "hole_r"}:
        facts = [("[center|centre|central] hole", _hole(draw, "hole"))]
    if names & {"center_d", "center_r"}:
        facts.append(("[center|centre|central] hole", _hole(draw, "center")))
    return facts


def _plate_steps(draw: Draw, said: bool) -> list[str]:
    """A plate as a block with holes drilled into it."""
    thick = " and {thickness} thick (Z)" if said else ", of [the standard|the usual|standard] thickness (Z)"
    also = ", " if said else " and "
    steps = [f"[Begin|Start] with a [block|plate] {{length}} long (X){also}{{width}} wide (Y){thick}"]
    names = draw.values.keys()
    through = "[all the way |straight |]through [it |it along Z|the plate|along Z]"
    if "columns" in names:
        steps.append(
            f"[Drill|Make] a grid of {_drilled(draw, 'hole')} holes {through}: {{columns}} [columns |]along X and "
            "{rows} [rows |]along Y, {pitch} apart in both directions"
        )
        steps.append("[Center|Centre] the grid on the plate")
        return steps
    if "inset" in names:
        steps.append(
            f"[Drill|Put|Make] @ {_drilled(draw, 'hole')} hole {through} in each of the four corners, its center "
            "{inset} from both edges"
        )
    elif "spacing_x" in names:
        steps.append(
            f"[Drill|Make] four {_drilled(draw, 'hole')} holes {through}, {{spacing_x}} apart along X and "
            "{spacing_y} apart along Y, the pattern centered on the plate"
        )
    for stem in ("center", "hole") if len(steps) == 1 else ("center",):
        if names & {f"{stem}_d", f"{stem}_r"}:
            steps.append(
                f"[Drill|Bore|Cut] @ {_drilled(draw, stem)} hole {through} [in|at] the [center|centre|middle] of the "
                "plate"
            )
    return steps


def _bracket_steps(draw: Draw, said: bool) -> list[str]:
    """An L as two legs, with a hole in each."""
    thick = " and {thickness} thick (Z)" if said else ", of [the standard|the usual|standard] thickness"
    also = ", " if said else " and "
    steps = [
        f"[Lay down|Begin with|Start with] the base leg: {{length}} long (X){also}{{width}} wide (Y){thick}",
        "[Stand|Put|Add] an upright leg [at its end x = 0|on the end of it that is at x = 0], as wide and as thick as "
        "the base, so that the [bracket|L|whole] is {height} tall (Z)",
    ]
    if draw.values.keys() & {"hole_d", "hole_r"}:
        steps.append(
            f"Drill @ {_drilled(draw, 'hole')} hole through each leg, centered on the part of it that is clear of the "
            "other leg"
        )
    return steps
