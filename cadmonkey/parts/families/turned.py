"""Turned parts with a bore: hub, flanged and stepped bushing, spool, pulley."""

import random

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.families.draw import Draft, Draw, bore, hole_size, raised, through
from cadmonkey.parts.measures import NoRoomError
from cadmonkey.parts.phrases import Attribute, Words

WIDEST = Attribute("flange_d", "flange diameter|outer diameter|OD", "flange diameter|outer diameter|OD|diameter flange")
OUTSIDE = Attribute(
    "outer_d", "outer diameter|outside diameter|OD|diameter", "[outer |outside |]diameter|OD|in diameter"
)
OVERALL = Attribute(
    "height", "[overall|total] [height|length]", "tall|long|high|[overall|total] height|in overall height"
)
ALL_AROUND = "[evenly spaced|equally spaced|spaced evenly]"


def hub(rng: random.Random) -> Draft:
    """A flange with a boss on it and a bore through both, with or without bolt holes around the boss."""
    draw = Draw(rng)
    flange = draw.size("flange_d", 25, 150, "outer_diameter")
    thickness = draw.size("flange_thickness", 2, 15, "step_length:1")
    boss = draw.size("boss_d", max(8.0, flange * 0.2), flange * 0.65, "step_diameter:2")
    total, up = _boss_top(draw, thickness)
    hole, hole_words, hole_step = bore(draw, total, 2, boss * 0.75)
    cuts, bolt_words, bolt_steps = _bolts(draw, flange, boss, thickness) if draw.chance(0.55) else ([], [], [])
    features = [
        "[@ |]{flange_thickness} [thick flange|flange|flange thickness]",
        f"@ {{boss_d}} [|diameter |dia |round ][boss|hub|collar]{up}",
        hole_words,
        *bolt_words,
    ]
    steps = [
        "[Start with|Begin with|Turn|Draw] a disc {flange_d} in diameter and {flange_thickness} thick, flat on the XY "
        "plane and centred on the Z axis",
        f"[Put|Add] a round boss of {{boss_d}} diameter on top[, centred|, on the same axis]{up}",
        hole_step,
        *bolt_steps,
    ]
    noun = "[hub|hub|flanged hub|shaft hub|mounting hub|wheel hub|round hub with a flange]"
    root = csg.difference(csg.union(csg.Cylinder(flange / 2, thickness), csg.Cylinder(boss / 2, total)), hole, *cuts)
    absent = ["no keyway", "no set screw", *([] if cuts else ["no bolt holes", "no mounting holes"])]
    words = Words(noun, [WIDEST], features, bare=draw.bare, steps=steps, absent=absent)
    count = int(draw.values["bolts"]) if cuts else 0  # type: ignore[arg-type]
    return draw.draft(root, words, 1 + count, "bolted" if cuts else "plain")


def _boss_top(draw: Draw, thickness: Quantity) -> tuple[Quantity, str]:
    """The height of the whole, and the words for where the boss ends."""
    if draw.chance(0.3):
        total = draw.size("height", thickness + 4, thickness + 60)
        return (
            total,
            "[ that makes it {height} tall in all| reaching a total height of {height}|, {height} tall overall]",
        )
    height = draw.size("boss_height", 3, 60, "step_length:2")
    return (
        thickness + height,
        "[ that rises {boss_height} above the flange| rising {boss_height} [above|from] the flange|"
        " standing {boss_height} proud of the flange|, {boss_height} high above the flange]",
    )


def _bolts(
    draw: Draw, flange: Quantity, boss: Quantity, thickness: Quantity
) -> tuple[list[csg.Node], list[str], list[str]]:
    """Bolt holes in the flange around the boss: the cut, the words, the step."""
    room = (flange - boss) / 2
    radius, size = hole_size(draw, "bolt", 2, min(12.0, room - 4), "off_centre_hole")
    across = 2 * float(radius)
    count = draw.count("bolts", [3, 4, 4, 5, 6, 6, 8], "off_centre_holes")
    circle = draw.size("bolt_circle_d", boss + across + 3, flange - across - 3, "bolt_circle_diameter")
    if circle * 3.1 / count < across + 2:
        raise NoRoomError
    cut = csg.CircularPattern(count, 360.0, csg.Translate((circle / 2, 0, -1), through(radius, thickness)))
    words = (
        f"{{bolts}} {size} [bolt |mounting |screw |]holes[|, {ALL_AROUND},| around the boss] on @ {{bolt_circle_d}} "
        "[bolt circle|circle|pitch circle|PCD|diameter circle]"
    )
    step = (
        f"Drill {{bolts}} {size} holes through the flange, {ALL_AROUND} on a circle of {{bolt_circle_d}} diameter "
        "about the Z axis, the first one on the X axis"
    )
    return [cut], [words], [step]


def bushing(rng: random.Random) -> Draft:
    """A bushing whose outside is stepped: a top hat with a flange below, or two or three steps."""
    draw = Draw(rng)
    return _top_hat(draw) if draw.chance(0.6) else _stepped(draw)


def _top_hat(draw: Draw) -> Draft:
    flange = draw.size("flange_d", 8, 80, "outer_diameter")
    thickness = draw.size("flange_thickness", 1, 8, "step_length:1")
    body = draw.size("body_d", max(5.0, flange * 0.4), flange * 0.85, "step_diameter:2")
    height = draw.size("height", thickness + 3, thickness + 70)
    hole, hole_words, hole_step = bore(draw, height, 2, body * 0.8)
    features = [
        "[@ |]{flange_thickness} [thick flange|flange|flange thickness|thick collar]",
        "[@ |]{body_d} [body|sleeve|barrel|body diameter|sleeve diameter|diameter body]",
        hole_words,
    ]
    steps = [
        "[Start with|Turn|Draw] a disc {flange_d} in diameter, {flange_thickness} thick, on the XY plane with its "
        "axis on Z: this is the flange",
        "[Add|Put] a cylinder {body_d} in diameter on the same axis, from the flange up to z = {height}, so that "
        "the part is {height} tall in all",
        hole_step,
    ]
    noun = (
        "[flanged bushing|flanged bushing|top hat spacer|top-hat bushing|flange bushing|flanged sleeve|collar bushing]"
    )
    root = csg.difference(csg.union(csg.Cylinder(flange / 2, thickness), csg.Cylinder(body / 2, height)), hole)
    absent = ["no bolt holes in the flange", "no chamfers", "just one flange"]
    words = Words(noun, [WIDEST, OVERALL], features, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(root, words, 1, "top_hat")


def _stepped(draw: Draw) -> Draft:
    steps = draw.rng.choice((2, 2, 3))
    pieces: list[csg.Node] = []
    said, instructions, top = [], [], Quantity(0)
    across = draw.rng.uniform(12, 80)
    for step in range(1, steps + 1):
        diameter = draw.size(f"d{step}", across * 0.65, across * 0.92, f"step_diameter:{step}")
        length = draw.size(f"l{step}", 2, 40, f"step_length:{step}")
        across = float(diameter)
        piece = csg.Cylinder(diameter / 2, length)
        pieces.append(raised(top, piece) if pieces else piece)
        top = top + length if len(pieces) > 1 else length
        said.append(f"{{d{step}}} [diameter|dia|across] [over|for] {{l{step}}}")
        where = "on top of it" if pieces[1:] else "on the XY plane, its axis on Z"
        instructions.append(f"[Put|Add] a cylinder {{d{step}}} in diameter and {{l{step}}} tall {where}")
    hole, hole_words, hole_step = bore(draw, top, 2, across * 0.75)
    noun = "[stepped bushing|stepped bushing|stepped sleeve|stepped spacer|bushing with steps|step bushing]"
    outside = draw.rng.choice((", then ", "; then ", " and then ", ", followed by ")).join(said)
    start = f"[: |, outside |. Outside: |, from the bottom up: | in {len(said)} steps, ]"
    plain = f"[@ |]{noun}{start}{outside}[, with| and|; with|. Give it] {hole_words}[| all the way through]"
    words = Words(noun, plain=plain, steps=[*instructions, hole_step], absent=["no flange", "no chamfers"])
    return draw.draft(csg.difference(csg.union(*pieces), hole), words, 1, f"{steps}_steps")


def spool(rng: random.Random) -> Draft:
    """Two flanges on a core, with a bore; its length is overall, or between the flanges."""
    draw = Draw(rng)
    flange = draw.size("flange_d", 15, 150, "outer_diameter")
    core = draw.size("core_d", max(6.0, flange * 0.2), flange * 0.8, "step_diameter:2")
    thickness = draw.size("flange_thickness", 1, 8, "step_length:1")
    if draw.chance(0.55):
        height = draw.size("height", 2 * thickness + 4, 2 * thickness + 100)
        attributes, between, upper = [WIDEST, OVERALL], [], height - thickness
        length = "making the spool {height} tall in all"
    else:
        room = draw.size("winding_width", 4, 100, "step_length:2")
        height, upper = room + 2 * thickness, thickness + room
        attributes = [WIDEST]
        between = ["{winding_width} [between the flanges|of winding space|of room between the flanges|winding width]"]
        length = "leaving {winding_width} between the two flanges"
    hole, hole_words, hole_step = bore(draw, height, 2, core * 0.8)
    disc = csg.Cylinder(flange / 2, thickness)
    features = [
        "[@ |]{core_d} [core|core diameter|barrel|drum|diameter core]",
        "[flanges {flange_thickness} thick|{flange_thickness} [thick flanges|flanges|flange thickness]]",
        *between,
        hole_words,
    ]
    steps = [
        "[Start with|Draw] a disc {flange_d} in diameter and {flange_thickness} thick on the XY plane, its axis on Z",
        "Stand a core {core_d} in diameter on its middle",
        f"[Close it with|Put] a second disc of the same size on top, {length}",
        hole_step,
    ]
    noun = "[spool|spool|reel|bobbin|thread spool|cable spool|wire spool]"
    root = csg.difference(csg.union(disc, csg.Cylinder(core / 2, height), raised(upper, disc)), hole)
    absent = ["no holes in the flanges", "no spokes", "no slots"]
    words = Words(noun, attributes, features, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(root, words, 1, "between" if between else "overall")


def pulley(rng: random.Random) -> Draft:
    """A pulley on a bore: a V groove, a flat groove for a belt, or a round one for a rope."""
    draw = Draw(rng)
    outer, width = draw.size("outer_d", 15, 150, "outer_diameter"), draw.size("width", 6, 40, "height")
    variant = draw.rng.choice(("v", "v", "flat", "round"))
    hole_room = outer * 0.5
    if variant == "round":
        body, features, step, depth = _rope_groove(draw, outer, width)
        noun = "[rope pulley|pulley|pulley wheel|sheave|round groove pulley]"
    else:
        body, features, step, depth = _belt_groove(draw, outer, width, variant)
        kind = "V-belt|v-groove|V groove" if variant == "v" else "flat belt|flat-groove|flanged belt"
        noun = f"[[{kind}] [pulley|pulley|sheave|pulley wheel]]"
    hole, hole_words, hole_step = bore(draw, width, 2, min(hole_room, outer - 2 * depth - 6))
    across = Attribute("width", "width|thickness", "wide|thick|in width")
    steps = [
        "[Start with|Turn|Draw] a disc {outer_d} in diameter and {width} thick, flat on the XY plane, centred on Z",
        step,
        hole_step,
    ]
    absent = ["no spokes", "no teeth", "no hub", "no lightening holes", "no keyway"]
    words = Words(noun, [OUTSIDE, across], [*features, hole_words], bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(csg.difference(*body, hole), words, 1, variant)


Groove = tuple[list[csg.Node], list[str], str, float]
"""The body and its cuts, the words, the step, and the groove's depth."""


def _belt_groove(draw: Draw, outer: Quantity, width: Quantity, variant: str) -> Groove:
    groove = draw.size("groove_width", 3, width - 2)
    depth = draw.size("groove_depth", 1, min(20.0, outer * 0.2))
    rim, low, high = outer / 2, (width - groove) / 2, (width + groove) / 2
    bottom = [(rim - depth, width / 2)] if variant == "v" else [(rim - depth, low), (rim - depth, high)]
    profile = csg.Polygon(((0, 0), (rim, 0), (rim, low), *bottom, (rim, high), (rim, width), (0, width)))
    shape = "[V-groove|V groove|v-shaped groove]" if variant == "v" else "[flat groove|rectangular groove|belt groove]"
    words = (
        f"@ {shape} {{groove_width}} wide and {{groove_depth}} deep [around the rim|in the rim|around it|]",
        f"@ {shape}, {{groove_width}} [wide|wide at the rim], {{groove_depth}} deep",
        f"@ {{groove_width}} wide, {{groove_depth}} deep {shape} [around the rim|around the edge|]",
    )
    step = (
        f"Cut @ {shape} all around the rim at mid-height: {{groove_width}} wide at its mouth (along Z) and "
        "{groove_depth} deep towards the axis" + (", coming to a point" if variant == "v" else "")
    )
    return [csg.RotateExtrude(profile)], [draw.rng.choice(words)], step, float(depth)


def _rope_groove(draw: Draw, outer: Quantity, width: Quantity) -> Groove:
    rope = draw.size("rope_d", 3, min(width - 2, outer * 0.3), "groove_width")
    ring = csg.RotateExtrude(csg.Translate((outer / 2, 0, 0), csg.Circle(rope / 2)))
    words = (
        "[@ half-round|@ semicircular] groove {rope_d} [wide|across|in diameter] [around the rim|in the rim|]",
        "[@ half-round|@ semicircular] groove for @ {rope_d} rope[| around the rim]",
        "[@ half-round|@ semicircular] {rope_d} [rope |cord |]groove [around the rim|around the edge|]",
    )
    step = (
        "Cut a half-round groove of {rope_d} diameter all around the rim at mid-height: its centre runs on the edge of "
        "the disc, so it is half as deep as it is wide"
    )
    return [csg.Cylinder(outer / 2, width), raised(width / 2, ring)], [draw.rng.choice(words)], step, float(rope) / 2
