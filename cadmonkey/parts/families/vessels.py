"""Vessels and shells of revolution: cup, bowl, hollow dome, funnel."""

import random

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.families.draw import Draft, Draw, hole_size, raised
from cadmonkey.parts.phrases import HEIGHT, Attribute, Words

OUTSIDE = Attribute(
    "outer_d", "[outer|outside] diameter|OD|diameter", "[outer|outside] diameter|[outer |]diameter|OD|in diameter"
)
INSIDE = Attribute("inner_d", "[inner|inside] diameter|ID", "[inner|inside] diameter|ID")
WALL_WORDS = (
    "[{wall} [walls|thick walls|wall|wall thickness]|[a |]wall thickness [of |]{wall}|walls {wall} thick|@ {wall} wall]"
)
OPEN_TOP = ("no lid", "open at the top", "open top", "no cover", "not closed at the top")
TAPERED = (("base_d", "base|bottom|lower"), ("top_d", "top|rim|upper"))


def cup(rng: random.Random) -> Draft:
    """A round cup, open at the top: straight by its outside or its inside, tapered, or a mug with a ring handle."""
    draw = Draw(rng)
    variant = rng.choices(("straight", "inner", "tapered", "mug"), (40, 15, 25, 20))[0]
    return _tapered_cup(draw) if variant == "tapered" else _straight_cup(draw, variant)


def _straight_cup(draw: Draw, variant: str) -> Draft:
    inner = variant == "inner"
    across = draw.size(*(("inner_d", 12, 120, "bore_diameter") if inner else ("outer_d", 20, 140, "outer_diameter")))
    height = draw.size("height", 10, 160)
    wall = draw.size_or_default("cup", "wall", 0.8, min(6.0, across * 0.15))
    floor, floor_words = _floor(draw, wall, height, "any_face_from_bottom" if variant == "mug" else None)
    outer = Quantity(2) * wall + across if inner else across
    hollow = across if inner else across - 2 * wall
    body: csg.Node = csg.Cylinder(outer / 2, height)
    handle, handle_words, handle_steps = _handle(draw, outer, height, wall) if variant == "mug" else ([], [], [])
    root = csg.difference(csg.union(body, *handle), raised(floor, csg.Cylinder(hollow / 2, height)))
    which = INSIDE if inner else OUTSIDE
    size = "{inner_d} in inside diameter" if inner else "{outer_d} in outside diameter"
    steps = [
        f"[Draw|Start with] a cup-shaped cylinder, {size} and {{height}} tall, standing on the XY plane along Z",
        *handle_steps,
        "Hollow it out from the top, leaving a wall {wall} thick all around" + _floor_step(floor_words),
    ]
    noun = (
        "[mug|coffee mug|cup with a handle]"
        if handle
        else ("[cup|round cup|cylindrical cup|beaker|pot|round container|cylindrical container|tumbler]")
    )
    absent = [*OPEN_TOP, *([] if handle else ["no handle", "no handles"]), "no drain hole", "no holes in the bottom"]
    open_top = draw.rng.choice((" open at the top", " without a lid", "", ", open top", ""))
    features = [*draw.said(WALL_WORDS), *floor_words, *handle_words]
    words = Words(noun + open_top, [which, HEIGHT], features, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(root, words, 1 if handle else 0, variant)


def _floor(draw: Draw, wall: Quantity, height: Quantity, kind: str | None = None) -> tuple[Quantity, list[str]]:
    """A floor of its own, or one as thick as the wall; the words for it."""
    if draw.unsaid or draw.chance(0.6):
        return wall, []
    floor = draw.size("floor", 0.8, min(10.0, height * 0.3), kind)
    return floor, ["[@ |]{floor} [floor|bottom|thick floor|thick bottom|base]"]


def _floor_step(floor_words: list[str]) -> str:
    return " and a floor {floor} thick" if floor_words else " and a floor of the same thickness"


def _handle(
    draw: Draw, outer: Quantity, height: Quantity, wall: Quantity
) -> tuple[list[csg.Node], list[str], list[str]]:
    """A ring on the side, its centre on the cup's outside at mid-height."""
    grip = draw.size("grip_d", 3, 12, "")
    ring = draw.size("handle_d", max(3.0 * grip, 2 * (float(wall) + grip)), height - grip - 4, "")
    torus = csg.RotateExtrude(csg.Translate((ring / 2, 0, 0), csg.Circle(grip / 2)))
    side = csg.Translate((outer / 2, 0, height / 2), csg.Rotate((90, 0, 0), torus))
    words = (
        "@ ring handle [at mid-height|on the side at mid-height], its centre on the outer wall, {handle_d} in diameter "
        "[along its centreline|from centre to centre] and made of {grip_d} round [stock|bar]"
    )
    step = (
        "Put a ring handle on the side at +X: a torus with @ {handle_d} centreline diameter and a section {grip_d} "
        "thick, upright in the XZ plane, its centre on the outer wall at half the height"
    )
    return [side], [words], [step]


def _tapered_cup(draw: Draw) -> Draft:
    base, height = draw.size("base_d", 15, 100, "base_diameter"), draw.size("height", 12, 150)
    top = draw.size("top_d", base * 1.1, base * 1.8, "top_diameter")
    wall = draw.size_or_default("cup", "wall", 0.8, min(5.0, base * 0.15))
    floor, floor_words = _floor(draw, wall, height)
    bottom, rim = base / 2, top / 2
    inside = bottom + (rim - bottom) * floor / height - wall
    outline = ((0, 0), (bottom, 0), (rim, height), (rim - wall, height), (inside, floor), (0, floor))
    steps = [
        "[Draw|Start with] a frustum standing on the XY plane along Z: {base_d} in diameter at the bottom, {top_d} at "
        "the top, {height} tall",
        "Hollow it out from the top, leaving a wall that measures {wall} across (horizontally) everywhere"
        + _floor_step(floor_words),
    ]
    attributes = [
        Attribute(name, f"[{words}] diameter", f"[{words}] diameter|diameter at the [{words}]")
        for name, words in TAPERED
    ]
    noun = "[tapered cup|conical cup|tapered pot|plant pot|flower pot|conical beaker|tapered container]"
    words = Words(
        noun,
        [*attributes, HEIGHT],
        [*draw.said(WALL_WORDS), *floor_words],
        bare=draw.bare,
        steps=steps,
        absent=[*OPEN_TOP, "no handle", "no drain hole", "no holes in the bottom"],
    )
    return draw.draft(csg.RotateExtrude(csg.Polygon(outline)), words, 0, "tapered")


def bowl(rng: random.Random) -> Draft:
    """A half ball hollowed out, open at the top, round below or on a foot."""
    draw = Draw(rng)
    inner = draw.chance(0.25)
    across = draw.size(
        *(("inner_d", 16, 140, "inner_sphere_diameter") if inner else ("outer_d", 20, 150, "sphere_diameter"))
    )
    wall = draw.size_or_default("bowl", "wall", 0.8, min(8.0, across * 0.12))
    outer = across + 2 * wall if inner else across
    hollow = across if inner else across - 2 * wall
    foot, lift, foot_words, foot_steps = _foot(draw, outer) if draw.chance(0.4) else ([], Quantity(0), [], [])
    centre = lift + outer / 2 if foot else outer / 2
    body = csg.union(raised(centre, _half_ball(outer, lower=True)), *(csg.Cylinder(r, centre) for r in foot))
    root = csg.difference(body, raised(centre, csg.Sphere(hollow / 2)))
    size = "an inside diameter of {inner_d}" if inner else "an outside diameter of {outer_d}"
    steps = [
        f"[Start with|Make] the lower half of a hollow ball with {size} and a wall {{wall}} thick, its open rim up "
        f"(+Z) and its lowest point {'{foot_height} above' if foot else 'on'} the XY plane",
        *foot_steps,
    ]
    noun = "[bowl|round bowl|hemispherical bowl|half-sphere bowl|hollow hemisphere open at the top]"
    features = [*draw.said(WALL_WORDS), *foot_words]
    absent = [*OPEN_TOP, "no handles", "no holes", *([] if foot else ["no foot", "no flat base"])]
    words = Words(noun, [INSIDE if inner else OUTSIDE], features, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(root, words, 0, "foot" if foot else "round")


def _foot(draw: Draw, outer: Quantity) -> tuple[list[Quantity], Quantity, list[str], list[str]]:
    """The radius of a round foot, how far it lifts the bowl off the ground, the words and the step."""
    foot = draw.size("foot_d", max(8.0, outer * 0.3), outer * 0.6, "outer_diameter")
    lift = draw.size("foot_height", 1.5, max(3.0, outer * 0.25), "ball_from_bottom")
    words = (
        "@ [solid |round |]foot {foot_d} [in diameter|across|wide] that [lifts|raises] [it|the bowl] {foot_height} "
        "[off|above] the [ground|table]"
    )
    step = "Put a solid round foot {foot_d} in diameter under it, from the XY plane up to the bowl, on the same axis"
    return [foot / 2], lift, [words], [step]


def _half_ball(across: Quantity, lower: bool = False) -> csg.Node:
    """Half a ball centred at the origin, cut with room to spare on the other sides."""
    box = csg.Cube((2 * across, 2 * across, across))
    return csg.intersection(
        csg.Sphere(across / 2), csg.Translate((-across, -across, -across if lower else Quantity(0)), box)
    )


def dome_shell(rng: random.Random) -> Draft:
    """A hollow half ball standing on its open side: by its wall or by both diameters, closed or with a hole on top."""
    draw = Draw(rng)
    outer = draw.size("outer_d", 20, 150, "sphere_diameter")
    attributes = [OUTSIDE]
    if draw.chance(0.3):
        inner = draw.size("inner_d", outer * 0.6, outer * 0.94, "inner_sphere_diameter")
        attributes, features, inside = [OUTSIDE, INSIDE], [], "ball {inner_d} in diameter"
    else:
        wall = draw.size_or_default("dome_shell", "wall", 0.8, min(10.0, outer * 0.15))
        inner, features, inside = outer - 2 * wall, draw.said(WALL_WORDS), "ball that leaves a wall {wall} thick"
    cuts: list[csg.Node] = [csg.Sphere(inner / 2)]
    steps = [
        "[Start with|Draw] the upper half of a ball {outer_d} in diameter, its flat side on the XY plane, its "
        "centre at the origin",
        f"Hollow it out from below with a concentric {inside}; the bottom stays open",
    ]
    hole = draw.chance(0.3)
    if hole:
        radius, size = hole_size(draw, "hole", 2, min(30.0, inner * 0.4), "bore")
        cuts.append(csg.Cylinder(radius, outer))
        features.append(f"[@ |one ]{size} hole [in|at|through] the [top|apex|top of the dome]")
        steps.append(f"Drill @ {size} hole through the top, along the Z axis")
    noun = (
        "[hollow dome|dome shell|hollow hemisphere|hollow half sphere|hollow half ball|domed cap|hemispherical shell]"
    )
    absent = ["open at the bottom", "no floor", "no bottom", "no flange", *([] if hole else ["no holes"])]
    words = Words(noun, attributes, features, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(csg.difference(_half_ball(outer), *cuts), words, int(hole), "hole" if hole else "closed")


def funnel(rng: random.Random) -> Draft:
    """A funnel: a cone on a spout, open right through, by its parts or its whole height; or a hopper without spout."""
    draw = Draw(rng)
    return _hopper(draw) if draw.chance(0.25) else _spouted(draw)


def _spouted(draw: Draw) -> Draft:
    spout = draw.size("spout_d", 5, 30, "base_diameter")
    mouth = draw.size("mouth_d", spout * 2, 150, "top_diameter")
    length = draw.size("spout_length", 5, 60, "step_length:1")
    overall = draw.chance(0.5)
    if overall:
        height = draw.size("height", length + 10, length + 100)
        tall = ["[overall|total] height of {height}"]
        up = "{height} above the ground, so that the whole is {height} tall"
    else:
        cone = draw.size("cone_height", 10, 100, "any_edge_z")
        height = length + cone
        tall, up = ["[@ |]{cone_height} [tall cone|high cone|cone height|cone]"], "{cone_height} above that"
    wall = draw.size_or_default("funnel", "wall", 0.8, min(4.0, spout * 0.25))
    bore, rim = spout / 2 - wall, mouth / 2
    outline = (
        (bore, 0),
        (spout / 2, 0),
        (spout / 2, length),
        (rim, height),
        (rim - wall, height),
        (bore, length),
    )
    steps = [
        "[Draw|Turn] the spout: a tube {spout_d} in outside diameter, {spout_length} long, standing on the XY "
        "plane along Z",
        f"On top of it put a hollow cone that widens to {{mouth_d}} in outside diameter {up}",
        "Spout and cone are open right through, with a wall of {wall} everywhere, measured horizontally",
    ]
    features = [
        "[@ |]{spout_length} [long spout|spout length|spout]",
        *tall,
        *draw.said(WALL_WORDS),
    ]
    attributes = [
        Attribute("mouth_d", "[mouth|top|rim] [outer |outside |]diameter", "[mouth|top|rim] diameter|mouth"),
        Attribute(
            "spout_d", "[spout|outlet|stem] [outer |outside |]diameter", "[spout|stem] [diameter|outer diameter]"
        ),
    ]
    words = Words(
        "[funnel|funnel|pouring funnel|kitchen funnel|filling funnel]",
        attributes,
        features,
        bare=draw.bare,
        steps=steps,
        absent=_FUNNEL_ABSENT,
    )
    return draw.draft(csg.RotateExtrude(csg.Polygon(outline)), words, 1, "overall" if overall else "parts")


_FUNNEL_ABSENT = ("no handle", "open at both ends", "no lid", "no strainer", "not closed at the bottom")


def _hopper(draw: Draw) -> Draft:
    base, height = draw.size("base_d", 6, 60, "base_diameter"), draw.size("height", 10, 120)
    top = draw.size("top_d", base * 1.4, base * 3.5, "top_diameter")
    wall = draw.size_or_default("funnel", "wall", 0.8, min(4.0, base * 0.25))
    bottom, rim = base / 2, top / 2
    outline = csg.Polygon(((bottom - wall, 0), (bottom, 0), (rim, height), (rim - wall, height)))
    steps = [
        "[Draw|Start with] a frustum standing on the XY plane along Z: {base_d} in outside diameter at the bottom, "
        "{top_d} at the top, {height} tall",
        "Hollow it out right through, leaving a wall that measures {wall} across (horizontally) everywhere",
    ]
    attributes = [
        Attribute(name, f"[{words}] [outer |outside |]diameter", f"[{words}] diameter|diameter at the [{words}]")
        for name, words in TAPERED
    ]
    noun = "[funnel without a spout|conical tube|hollow cone open at both ends|tapered tube|hopper|tapered sleeve]"
    words = Words(
        noun, [*attributes, HEIGHT], draw.said(WALL_WORDS), bare=draw.bare, steps=steps, absent=_FUNNEL_ABSENT
    )
    return draw.draft(csg.RotateExtrude(outline), words, 1, "hopper")
