"""Halves and quarters of round bodies, bare or with a hole."""

import random

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.compositions.faces import EDGE_MM, ONE, TWO, ZERO
from cadmonkey.parts.families.draw import Draft, Draw
from cadmonkey.parts.phrases import HEIGHT, THICKNESS, Attribute, Words


def section(rng: random.Random) -> Draft:
    """A half or a quarter of a cylinder, a disc, a ring or a ball, or a bar with a half round section."""
    draw = Draw(rng)
    return rng.choices((_round_piece, _ring_piece, _ball_piece, _half_round_bar), (38, 24, 26, 12))[0](draw)


_PIECES = (
    (180.0, "half", "its flat face to the front"),
    (90.0, "quarter", "its two flat faces to the front and the left"),
)


def _round_piece(draw: Draw) -> Draft:
    """Half or a quarter of a cylinder or a disc, behind the x axis."""
    angle, share, place = draw.rng.choice(_PIECES)
    flat = draw.chance(0.4)
    radius, across = draw.round_size("", 16, 140)
    upright = "thickness" if flat else "height"
    height = draw.size(upright, *((2, 14) if flat else (14, 120)))
    draw.kinds[across.name] = "width" if across.name == "radius" else "length" if angle == 180 else "outside_diameter"
    kind = "disc" if flat else "cylinder"
    root = csg.RotateExtrude(csg.Square((radius, height)), angle)
    features: list[str] = []
    steps: list[str] = []
    cuts: list[csg.Node] = []
    if angle == 180 and draw.chance(0.6):
        cuts, told = _hole_in_half(draw, radius, height, upright)
        features, steps = [told], [f"[Drill|Bore|Make] {told}"]
    noun = f"[{share} {kind}|{share} of a {kind}|{share}-{kind}]"
    size = f"{{{across.name}}} in {across.name} and {{{upright}}} {'thick' if flat else 'tall'} (Z)"
    begin = f"[Begin with|Make|Start with] a {share} {kind}, {size}, standing upright with {place}"
    words = Words(
        noun,
        (across, THICKNESS if flat else HEIGHT),
        features,
        bare=draw.bare,
        steps=[begin, *steps],
        absent=() if cuts else ("no holes",),
    )
    variant = f"{share} {kind}{': hole' * bool(cuts)}"
    return draw.draft(csg.difference(root, *cuts), words, int(bool(cuts)), variant)


def _hole_in_half(draw: Draw, radius: Quantity, height: Quantity, upright: str) -> tuple[list[csg.Node], str]:
    """A through hole along z behind the middle of the flat face."""
    reach = float(radius)
    bore = draw.size("hole_d", 2, reach * 0.5, "hole_diameter")
    half = float(bore) / 2 + EDGE_MM
    back = draw.size("hole_y", half, reach - half, "hole_from_front")
    cutter = csg.Translate((ZERO, back, -ONE), csg.Cylinder(bore / TWO, height + TWO))
    where = "{hole_y} behind the flat face and [midway between its ends|centred from left to right]"
    return [cutter], f"@ {{hole_d}} [diameter |]hole [straight down through it along Z|through it along Z], {where}"


def _ring_piece(draw: Draw) -> Draft:
    """Half or a quarter of a ring."""
    angle, share, place = draw.rng.choice(_PIECES)
    outer = draw.size("outer_d", 16, 150)
    wall = draw.size("wall", 1.5, float(outer) * 0.35)
    height = draw.size("height", 2, 80)
    draw.kinds |= {"outer_d": "length" if angle == 180 else "outside_diameter", "wall": "ring_wall"}
    inner = outer / TWO - wall
    profile = csg.Translate((inner, ZERO, ZERO), csg.Square((wall, height)))
    noun = f"[{share} ring|{share} of a ring|{share} tube|{share} of a tube]"
    attributes = (
        Attribute("outer_d", "outer diameter|outside diameter|OD", "outer diameter|outside diameter|OD"),
        Attribute("wall", "wall thickness|wall", "wall|wall thickness"),
        HEIGHT,
    )
    begin = (
        f"[Begin with|Make|Start with] a {share} ring, {{outer_d}} in outer diameter with @ {{wall}} wall and "
        f"{{height}} tall (Z), standing upright with {place}"
    )
    words = Words(noun, attributes, bare=draw.bare, steps=[begin], absent=("no holes",))
    return draw.draft(csg.RotateExtrude(profile, angle), words, 0, f"{share} ring")


_AT: dict[tuple[int, ...], str] = {
    (2,): "[down|at the bottom]",
    (0, 2): "at the bottom and the left",
    (1, 2): "at the bottom and in front",
    (0, 1, 2): "at the bottom, the left and the front",
}
"""Where the flat faces of a piece of a ball are that lie across these axes."""
_BALLS = tuple((("half", "quarter", "eighth")[len(sides) - 1], sides) for sides in _AT)


def _ball_piece(draw: Draw) -> Draft:
    """Half, a quarter or an eighth of a ball."""
    radius, across = draw.round_size("", 10, 140)
    full = Quantity.named("diameter", float(radius) * 2) if across.name == "diameter" else TWO * radius
    low = -radius if across.name == "radius" else -full / TWO
    draw.kinds[across.name] = f"sphere_{across.name}"
    share, sides = draw.rng.choice(_BALLS)
    corner = [ZERO if axis in sides else low for axis in range(3)]
    size = [radius if axis in sides else full for axis in range(3)]
    kept: csg.Node = csg.Cube((size[0], size[1], size[2]))
    if len(sides) < 3:
        kept = csg.Translate((corner[0], corner[1], corner[2]), kept)
    root = csg.intersection(csg.Sphere(radius), kept)
    side = f"{'its flat face' if len(sides) == 1 else 'its flat faces'} {_AT[sides]}"
    of = "[ball|sphere]"
    noun = f"[{share} of a {of}|{share} {of}]" if share != "eighth" else f"eighth of a {of}"
    begin = f"[Make|Start with|Begin with] @ {share} of a {of}, {{{across.name}}} in {across.name}, {side}"
    words = Words(
        noun, [across], [f"[{side.removeprefix('with ')}]"], bare=draw.bare, steps=[begin], absent=("no holes",)
    )
    return draw.draft(root, words, 0, f"{share} ball")


def _half_round_bar(draw: Draw) -> Draft:
    """A lying bar with a half round section, flat below."""
    length = draw.size("length", 15, 160)
    diameter = draw.size("diameter", 8, 80, "width")
    bar = csg.Rotate((0.0, 90.0, 0.0), csg.Cylinder(diameter / TWO, length))
    kept = csg.Translate((ZERO, -diameter / TWO, ZERO), csg.Cube((length, diameter, diameter / TWO)))
    noun = "[half round bar|half-round bar|half round rod|D-shaped bar with a half round section]"
    attributes = (
        Attribute("length", "length|overall length", "long|in length"),
        Attribute("diameter", "diameter|diameter of the round side", "diameter|in diameter"),
    )
    begin = "[Take|Begin with|Make] a half round bar {length} long (X), {diameter} in diameter, flat side down"
    features = ["its flat side [down|at the bottom]"]
    words = Words(noun, attributes, features, bare=draw.bare, steps=[begin], absent=("no holes",))
    return draw.draft(csg.intersection(bar, kept), words, 0, "half round bar")
