"""A part put together freely: a body, and up to four features that fit on it."""

import random
from collections import Counter
from collections.abc import Sequence

from cadmonkey.cad import csg
from cadmonkey.parts.compositions.bodies import BODIES, SHARES, Body
from cadmonkey.parts.compositions.faces import Room
from cadmonkey.parts.compositions.features import Feature, Way
from cadmonkey.parts.families.draw import Draft, Draw
from cadmonkey.parts.measures import NoRoomError
from cadmonkey.parts.phrases import Words

TRIES = 12
"""Draws of one feature before the part begins anew."""
_UNDER_ADDED = {
    "any_face_from_top": "any_gap_z",
    "any_hole_from_top": "any_axis_to_face_z",
    "any_slot_from_top": "",
    "across_corners": "",
}
"""Kinds that are measured from the top of a part, or at half its height, and what holds where things stand on it."""


def composition(rng: random.Random) -> Draft:
    """A body with none to four features that keep apart."""
    draw = Draw(rng)
    body = rng.choices(BODIES, SHARES)[0](draw)
    count = rng.choices(range(5), (7, 30, 31, 20, 12))[0]
    ways = rng.choices(body.ways, k=count)
    room = Room(list(body.taken))
    made = [_made(draw, body, way, stem, room) for way, stem in zip(ways, _stems(ways), strict=True)]
    adds = [node for feature in made for node in feature.adds]
    cuts = [*body.cuts, *(node for feature in made for node in feature.cuts)]
    if adds:
        # The top and the middle of the part are no longer those of its body.
        draw.kinds |= {name: _UNDER_ADDED.get(kind, kind) for name, kind in draw.kinds.items()}
        draw.kinds[body.upright] = "any_face_from_bottom"
    if len(made) == 1:
        draw.kinds |= made[0].alone
    variant = f"{body.name}: {', '.join(way.name for way in ways) or 'plain'}"
    root = csg.difference(csg.union(body.root, *adds), *cuts)
    holes = sum(feature.holes for feature in made)
    return draw.draft(root, _words(rng, draw, body, made), holes, variant, apart=True)


def _stems(ways: Sequence[Way]) -> list[str]:
    """The names of the features, numbered where there are several of one name: `hole1`, `hole2`."""
    counts, seen = Counter(way.stem for way in ways), Counter[str]()
    stems = []
    for way in ways:
        seen[way.stem] += 1
        head, _, tail = way.stem.partition("_")
        number = str(seen[way.stem]) if counts[way.stem] > 1 else ""
        stems.append(f"{head}{number}" + (f"_{tail}" if tail else ""))
    return stems


def _made(draw: Draw, body: Body, way: Way, stem: str, room: Room) -> Feature:
    """The feature on a face that suits it; what a draw without room has left is taken back."""
    for _ in range(TRIES):
        values, kinds, taken = dict(draw.values), dict(draw.kinds), list(room.taken)
        side = draw.rng.choice(way.sides)
        faces = [face for face in body.faces if face.side == side]
        try:
            if faces:
                return way.make(draw, stem, draw.rng.choice(faces), room)
        except NoRoomError:
            draw.values, draw.kinds, room.taken = values, kinds, taken
    raise NoRoomError


def _words(rng: random.Random, draw: Draw, body: Body, made: Sequence[Feature]) -> Words:
    """The part in a sentence, and as instructions."""
    shape = f", with {body.shape}" if body.shape else ""
    features = [body.shape] * bool(body.shape) + [feature.words for feature in made]
    plain = (
        f"[@ |]{body.noun} {body.begin}{shape}{_told_in_turn(rng, made)}" if len(made) > 1 and draw.chance(0.5) else ""
    )
    begin = f"[Begin with|Start with|Take|Make] @ {body.noun} {body.begin}{shape}"
    steps = [begin, *(f"[{'|'.join(map(str.capitalize, feature.verbs))}] {feature.words}" for feature in made)]
    absent = [] if any(feature.holes for feature in made) else ["[no holes through it|no through holes]"]
    if not any(feature.cuts for feature in made) and not body.cuts:
        absent = ["[no holes|no cut-outs|nothing cut out of it]"]
    return Words(
        *(body.noun, body.attributes, features, body.product), bare=draw.bare, plain=plain, steps=steps, absent=absent
    )


def _told_in_turn(rng: random.Random, made: Sequence[Feature]) -> str:
    """The features as a flowing text: `, then drill …, then cut …`."""
    sign = rng.choice((". ", ". Then ", "; ", ", then ", "; then "))
    capital = str.capitalize if sign == ". " else str.lower
    return "".join(f"{sign}[{'|'.join(map(capital, feature.verbs))}] {feature.words}" for feature in made)
