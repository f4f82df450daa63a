"""Bars of one section: T, I, C, U, L and Z profiles, square and rectangular tubes."""

import random
from collections.abc import Callable, Sequence

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.families.draw import Draft, Draw
from cadmonkey.parts.families.solids import at, cube
from cadmonkey.parts.phrases import Attribute, Words

Points = Sequence[tuple[float, float]]
_LONG = Attribute("length", "length|overall length", "long|in length")
_WIDE = Attribute("width", "width|overall width", "wide|in width")
_HIGH = Attribute("height", "height|profile height|overall height", "high|tall|in height")
_DEEP = Attribute("depth", "depth|section depth", "deep|in depth")
_FLANGE = Attribute("flange", "flange thickness|flange", "flange|flange thickness|thick flange")
_FLANGES = Attribute("flange", "flange thickness|thickness of the flanges", "flange thickness|thick flanges")
_WEB = Attribute("web", "web thickness|web", "web|web thickness|thick web")
_THICK = Attribute(
    "thickness", "thickness|wall thickness|material thickness", "thick|in thickness|wall thickness|thick material"
)
_WALL = Attribute("wall", "wall thickness|wall", "wall|wall thickness|thick wall")


def profile(rng: random.Random) -> Draft:
    """A bar of one section, lying along x or standing on z: T, I, C, U, L, Z, or a square or rectangular tube."""
    kinds = (_tee, _i_beam, _channel, _u_channel, _angle, _zed, _square_tube, _rectangular_tube)
    return rng.choice(kinds)(Draw(rng))


def _tee(draw: Draw) -> Draft:
    def points(w: Quantity, h: Quantity, flange: Quantity, web: Quantity) -> Points:
        left, right = (w - web) / 2, (w + web) / 2
        return ((0, 0), (w, 0), (w, flange), (right, flange), (right, h), (left, h), (left, flange), (0, flange))

    noun = "[T profile|T-profile|T bar|T-bar|T section|tee section|T beam|T-shaped extrusion]"
    steps = "Put the flange, {flange} thick, at the bottom and the web, {web} thick, on the middle of it"
    return _flanged(draw, "tee", noun, [_FLANGE, _WEB], points, "@ T", steps)


def _i_beam(draw: Draw) -> Draft:
    def points(w: Quantity, h: Quantity, flange: Quantity, web: Quantity) -> Points:
        left, right, upper = (w - web) / 2, (w + web) / 2, h - flange
        lower_half = ((0, 0), (w, 0), (w, flange), (right, flange), (right, upper), (w, upper))
        return (*lower_half, (w, h), (0, h), (0, upper), (left, upper), (left, flange), (0, flange))

    noun = "[I beam|I-beam|I profile|I-profile|I section|H beam|double T profile|universal beam|wide flange beam]"
    steps = "Make both flanges, bottom and top, {flange} thick and the web between their middles {web} thick"
    return _flanged(draw, "i_beam", noun, [_FLANGES, _WEB], points, "an I", steps)


def _channel(draw: Draw) -> Draft:
    def points(w: Quantity, h: Quantity, flange: Quantity, web: Quantity) -> Points:
        lower_half = ((0, 0), (w, 0), (w, flange), (web, flange))
        return (*lower_half, (web, h - flange), (w, h - flange), (w, h), (0, h))

    noun = "[C channel|C-channel|C profile|C-profile|C section|channel section|C-shaped beam]"
    steps = "Put the web, {web} thick, at one side and flanges, {flange} thick, at the bottom and at the top"
    return _flanged(draw, "channel", noun, [_FLANGES, _WEB], points, "@ C", steps)


def _u_channel(draw: Draw) -> Draft:
    def points(w: Quantity, h: Quantity, t: Quantity) -> Points:
        return ((0, 0), (w, 0), (w, h), (w - t, h), (w - t, t), (t, t), (t, h), (0, h))

    noun = "[U channel|U-channel|U profile|U-profile|U section|U-shaped channel|open channel]"
    return _even(draw, "u_channel", noun, points, "@ U, open at the top,", "web_thickness")


def _zed(draw: Draw) -> Draft:
    def points(w: Quantity, h: Quantity, t: Quantity) -> Points:
        left, right = (w - t) / 2, (w + t) / 2
        lower_half = ((left, 0), (w, 0), (w, t), (right, t))
        return (*lower_half, (right, h), (0, h), (0, h - t), (left, h - t))

    noun = "[Z profile|Z-profile|Z bar|Z-bar|Z section|zed section|Z purlin|Z-shaped extrusion]"
    return _even(draw, "zed", noun, points, "@ Z with its web in the middle", "any_bar_width")


def _angle(draw: Draw) -> Draft:
    length = draw.size("length", 20, 250, "width")
    width, height = draw.size("width", 10, 90, "length"), draw.size("height", 10, 90)
    thickness = draw.size_or_default("profile", "thickness", 1, min(8.0, min(width, height) * 0.3), "leg_thickness")
    root = csg.union(cube(width, length, thickness), cube(thickness, length, height))
    noun = "[L angle|angle profile|L profile|L-profile|angle iron|L section|corner profile|angle bar]"
    legs = [
        Attribute("width", "width|horizontal leg|base leg", "wide|base leg|horizontal leg"),
        Attribute("height", "height|vertical leg|upright leg", "high|tall|upright leg|vertical leg"),
    ]
    steps = (
        "Lay down a strip {width} wide (X), {length} long (Y) and {thickness} thick (Z)",
        "Along its left edge put an upright leg {thickness} thick (X), as long as the strip and {height} high over all",
    )
    noun += "[|||, lying along Y]"
    return _draft(draw, "angle", noun, [*legs, _LONG, _THICK], root, steps)


def _square_tube(draw: Draw) -> Draft:
    size = draw.size("size", 8, 80, "length")
    length = draw.size("length", 20, 250, "height")
    wall = draw.size_or_default("profile", "wall", 0.8, min(6.0, size * 0.25))
    side = Attribute("size", "side|outer side|outside width", "square|on each side|across")
    noun = "[square tube|square pipe|square hollow section|box tube|square tubing]"
    root = _tube(size, size, length, wall)
    step = "Begin with @ {size} square bar (X and Y), {length} tall (Z)"
    return _draft(draw, "square_tube", noun + _UPRIGHT, [side, _LONG, _WALL], root, (step, _BORE), 1)


def _rectangular_tube(draw: Draw) -> Draft:
    width, depth = draw.size("width", 10, 100, "length"), draw.size("depth", 10, 80, "width")
    length = draw.size("length", 20, 250, "height")
    wall = draw.size_or_default("profile", "wall", 0.8, min(6.0, min(width, depth) * 0.25))
    noun = "[rectangular tube|rectangular pipe|rectangular hollow section|rectangular tubing]"
    root = _tube(width, depth, length, wall)
    step = "Begin with a bar {width} wide (X), {depth} deep (Y) and {length} tall (Z)"
    return _draft(draw, "rectangular_tube", noun + _UPRIGHT, [_WIDE, _DEEP, _LONG, _WALL], root, (step, _BORE), 1)


_UPRIGHT = "[||, standing upright|, standing on end]"
_BORE = "Cut the inside out along Z, right through, so that walls {wall} thick are left all around"


def _tube(width: Quantity, depth: Quantity, length: Quantity, wall: Quantity) -> csg.Node:
    inside = cube(width - 2 * wall, depth - 2 * wall, length + 2)
    return csg.difference(cube(width, depth, length), at(wall, wall, -1, inside))


def _flanged(
    draw: Draw,
    variant: str,
    noun: str,
    attributes: list[Attribute],
    points: Callable[[Quantity, Quantity, Quantity, Quantity], Points],
    section: str,
    step: str,
) -> Draft:
    """A profile with flanges and a web of their own thickness."""
    width, height, length, upright = _outside(draw)
    flange = draw.size_or_default("profile", "flange", 1, min(10.0, height * 0.25), "flange_thickness")
    web = draw.size_or_default("profile", "web", 1, min(10.0, width * 0.3), "web_thickness")
    root = _extruded(points(width, height, flange, web), length, upright)
    return _profile_draft(draw, variant, noun, attributes, root, section, [step], upright)


def _even(
    draw: Draw,
    variant: str,
    noun: str,
    points: Callable[[Quantity, Quantity, Quantity], Points],
    section: str,
    kind: str,
) -> Draft:
    """A profile of one thickness throughout."""
    width, height, length, upright = _outside(draw)
    thickness = draw.size_or_default("profile", "thickness", 1, min(8.0, min(width, height) * 0.25), kind)
    root = _extruded(points(width, height, thickness), length, upright)
    steps = ["Make it {thickness} thick everywhere"]
    return _profile_draft(draw, variant, noun, [_THICK], root, section, steps, upright)


def _outside(draw: Draw) -> tuple[Quantity, Quantity, Quantity, bool]:
    """Width and height of a section, the length of the bar, and whether it stands on its end."""
    upright = draw.chance(0.35)
    width = draw.size("width", 10, 100, "length" if upright else "width")
    height = draw.size("depth", 10, 100, "width") if upright else draw.size("height", 10, 100)
    return width, height, draw.size("length", 15, 250, "height" if upright else "length"), upright


def _extruded(points: Points, length: Quantity, upright: bool) -> csg.Node:
    bar = csg.LinearExtrude(length, csg.Polygon(tuple(points)))
    return bar if upright else csg.Rotate((90, 0, 90), bar)


def _profile_draft(
    draw: Draw,
    variant: str,
    noun: str,
    attributes: list[Attribute],
    root: csg.Node,
    section: str,
    steps: list[str],
    upright: bool,
) -> Draft:
    if upright:
        sketch = f"Draw {section} {{width}} wide (X) and {{depth}} deep (Y) on the floor"
        noun = f"[[upright|vertical|standing] {noun}|{noun} [along|extruded along|standing along] [Z|the Z axis|z]]"
    else:
        sketch = f"Draw {section} {{width}} wide (Y) and {{height}} high (Z), as seen along X"
        noun = f"[|||lying |horizontal ]{noun}[||| along X| along the X axis]"
    steps = [sketch, *steps, f"Extrude it {{length}} along {'Z' if upright else 'X'}"]
    sizes = [_WIDE, _DEEP if upright else _HIGH, _LONG]
    return _draft(draw, variant, noun, [*sizes, *attributes], root, steps)


def _draft(
    draw: Draw,
    variant: str,
    noun: str,
    attributes: list[Attribute],
    root: csg.Node,
    steps: Sequence[str],
    holes: int = 0,
) -> Draft:
    said = draw.named(*attributes)
    outside = [a for a in said if a.name in ("width", "height", "depth", "length", "size")]
    rest = [a for a in said if a not in outside]
    product = "*".join(["size", "size", "length"] if "size" in draw.values else [a.name for a in outside])
    absent = ["open at both ends", "no end caps"] if holes else ["no holes", "solid|not hollow", "no fillets"]
    words = Words(noun, said, (), product, rest, bare=draw.bare, steps=steps, absent=absent)
    return draw.draft(root, words, holes, variant)
