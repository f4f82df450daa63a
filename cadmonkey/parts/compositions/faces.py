"""Faces of a body, by their names, and places on them: where a feature goes, in a program and in words.

X runs from left to right, Y from front to back, Z from bottom to top.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cadmonkey.cad import csg
from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.families.draw import Draw
from cadmonkey.parts.measures import NoRoomError

SIDES = {"left": (0, False), "right": (0, True), "front": (1, False), "back": (1, True)}
SIDES |= {"bottom": (2, False), "top": (2, True)}
"""Name of a face -> the axis across it, and whether it is the one with the higher coordinate."""
EDGE_MM = 1.5
"""The least material between a cut and an edge, a floor or another cut."""
ZERO, ONE, TWO = Quantity(0), Quantity(1), Quantity(2)
_SUFFIXES = {"left": "x", "front": "y", "bottom": "z"}
_TURNS: tuple[csg.Vector | None, ...] = ((0.0, 90.0, 0.0), (-90.0, 0.0, 0.0), None)
"""How an upright cutter is turned to point along x, y and z."""
_FROM = {
    "left": "from the left [end|side|edge]",
    "right": "from the right [end|side|edge]",
    "front": "from the front [edge|side|]",
    "back": "from the back [edge|side|]",
    "bottom": "[above the bottom|from the bottom|up from the bottom]",
    "top": "[below the top|from the top|down from the top]",
}
_MIDWAY = (
    "[midway between {0}left and right|centred along X|centered from left to right]",
    "[midway between {0}front and back|centred along Y|centered from front to back]",
    "[at half height|halfway up|centred along Z]",
)
_CIRCLES = {"hole": "bolt_circle", "boss": "boss_circle", "slot": "slot_circle"}
"""What the judge measures the distance of a feature from the axis of a round face as."""
_MIDDLE = "[centred|centered|in the middle|in the center|right in the centre]"

Vector = tuple[Quantity, Quantity, Quantity]
Box = tuple[tuple[float, ...], tuple[float, ...]]
"""The corners with the least and the greatest coordinates."""


@dataclass(frozen=True, slots=True)
class Face:
    """A flat face of a body, and the straight material behind it."""

    side: str
    """Where it looks: a name of SIDES."""
    low: Vector
    """The corner with the least coordinates of the box that places are told in."""
    size: Vector
    """The sides of that box."""
    through: str
    """How a hole through it runs: `through it along Z`."""
    on: str
    """Its name: `the top face`."""
    sides: Sequence[str] = tuple(SIDES)
    """The sides that places may be told from."""
    inset: float = 0.0
    """A strip along its edges that features keep out of."""
    depth: Quantity | None = None
    """The thickness of the material behind it; None for all of the box."""
    radius: float | None = None
    """Of a round face on the z axis: how far from the axis features may reach."""
    centred: bool = True
    """Of a round face: whether its axis is the middle of the part's box, which the judge measures from."""
    high: Vector | None = None
    """The corner with the greatest coordinates, where it is more than `low` plus `size` to say."""
    owner: str = ""
    """Whose sides the places between sides are told of: `the arm's`."""

    @property
    def axis(self) -> int:
        """The axis across the face."""
        return SIDES[self.side][0]

    @property
    def plane(self) -> tuple[int, int]:
        """The two axes within the face."""
        first, second = (axis for axis in range(3) if axis != self.axis)
        return first, second

    @property
    def thickness(self) -> Quantity:
        """The material behind the face."""
        return self.depth if self.depth is not None else self.size[self.axis]

    def end(self, axis: int) -> Quantity:
        """The greatest coordinate of the box along an axis."""
        return plus(self.low[axis], self.size[axis]) if self.high is None else self.high[axis]

    def span(self, depth: Quantity | None) -> tuple[Quantity, Quantity]:
        """Where a cutter begins along the axis and how long it is, 1 mm beyond what it opens; no depth is through."""
        axis, high = SIDES[self.side]
        start, end = self.low[axis], self.end(axis)
        if depth is None:
            wall = minus(end, self.depth) if self.depth is not None and high else start
            return minus(wall, ONE), self.thickness + TWO
        return minus(end, depth) if high else minus(start, ONE), depth + ONE


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on a face: its coordinates within the face's plane, and in words."""

    at: tuple[Quantity, Quantity]
    words: str

    @property
    def is_middle(self) -> bool:
        """Whether it is the middle of the face."""
        return self.words == _MIDDLE


@dataclass(slots=True)
class Room:
    """The boxes of a part that features have taken."""

    taken: list[Box] = field(default_factory=list)

    def claim(self, low: Sequence[float], high: Sequence[float]) -> None:
        """Take a box.

        Raises:
            NoRoomError: it comes closer than EDGE_MM to one that is taken.
        """
        for taken_low, taken_high in self.taken:
            pairs = zip(low, high, taken_low, taken_high, strict=True)
            gaps = (max(start - taken_end, taken_start - end) for start, end, taken_start, taken_end in pairs)
            if max(gaps) < EDGE_MM:
                raise NoRoomError
        self.taken.append((tuple(map(float, low)), tuple(map(float, high))))


def plus(one: Quantity, other: Quantity) -> Quantity:
    """The sum, without a zero that was written as one."""
    return other if _is_zero(one) else one if _is_zero(other) else one + other


def minus(one: Quantity, other: Quantity) -> Quantity:
    """The difference, without a zero that was written as one."""
    return one if _is_zero(other) else -other if _is_zero(one) else one - other


def _is_zero(value: Quantity) -> bool:
    return value.is_literal and float(value) == 0


def facing(axis: int, node: csg.Node) -> csg.Node:
    """An upright cutter turned to point along an axis."""
    turn = _TURNS[axis]
    return node if turn is None else csg.Rotate(turn, node)


def point(face: Face, at: tuple[Quantity, Quantity], along: Quantity) -> Vector:
    """The point at a place in the plane of a face, this far along the axis across it."""
    found = [along] * 3
    for axis, value in zip(face.plane, at, strict=True):
        found[axis] = value
    return found[0], found[1], found[2]


def place(draw: Draw, stem: str, face: Face, reach: tuple[float, float], what: str = "hole") -> Spot:
    """Draw the place of the middle of a feature with round ends.

    Args:
        draw: what the part is drawn with.
        stem: the feature's name, of which those of the offsets are made: `hole_x`.
        face: where the feature is.
        reach: how far it extends from there along the two axes of the face, in mm.
        what: `hole`, `boss` or `slot`: what the judge measures the offsets of.

    Raises:
        NoRoomError: the feature is too large for the face.
    """
    if face.radius is not None:
        return _place_on_round(draw, stem, face, max(reach), what)
    kind = f"any_{'slot' if what == 'slot' else 'hole'}_from_"
    first, second = (
        _along(draw, stem, face, axis, half, None, kind) for axis, half in zip(face.plane, reach, strict=True)
    )
    return Spot((first[0], second[0]), _told(face, (first[1], second[1]), _MIDDLE))


def place_corner(draw: Draw, stem: str, face: Face, sizes: tuple[Quantity, Quantity]) -> Spot:
    """Draw the place of a rectangle of these sizes: of its corner with the least coordinates.

    Raises:
        NoRoomError: the feature is too large for the face.
    """
    if face.radius is not None:
        if sum(float(size) ** 2 for size in sizes) ** 0.5 / 2 > face.radius - EDGE_MM:
            raise NoRoomError
        return Spot((-sizes[0] / TWO, -sizes[1] / TWO), _MIDDLE)
    first, second = (
        _along(draw, stem, face, axis, float(size) / 2, size, "any_face_from_")
        for axis, size in zip(face.plane, sizes, strict=True)
    )
    words = _told(face, (first[1], second[1]), _MIDDLE)
    return Spot((first[0], second[0]), f"[starting|beginning] {words}" if first[1] or second[1] else words)


def place_strip(draw: Draw, stem: str, face: Face, axis: int, width: Quantity) -> tuple[Quantity, str]:
    """Draw where a strip across a whole face begins along an axis, and the words for it.

    Raises:
        NoRoomError: the strip is too wide for the face.
    """
    if face.radius is not None:
        return -width / TWO, "through the middle"
    at, told = _along(draw, stem, face, axis, float(width) / 2, width, "any_face_from_")
    if told is None:
        return at, _MIDWAY[axis].format(face.owner and face.owner + " ")
    return at, f"[starting|beginning] {told[1]} {_FROM[told[0]]}"


Told = tuple[str, str] | None
"""A side and the value of the offset from it, or the middle."""


def _along(
    draw: Draw, stem: str, face: Face, axis: int, half: float, extent: Quantity | None, kind: str
) -> tuple[Quantity, Told]:
    """Draw one coordinate of a feature: of its middle, or of its lower end where its extent is given."""
    low, size = face.low[axis], face.size[axis]
    near = 0.0 if extent is not None else half
    room = float(size) - 2 * (half + EDGE_MM + face.inset)
    if room < 0:
        raise NoRoomError
    sides = [side for side in face.sides if SIDES[side][0] == axis]
    if not sides or draw.chance(0.35):
        return plus(low, (size if extent is None else size - extent) / TWO), None
    side = draw.rng.choice(sides)
    name = f"{stem}_{_SUFFIXES.get(side, side)}"
    least = near + EDGE_MM + face.inset
    offset = draw.size(name, least, least + min(room, float(size) * 0.5))
    draw.kinds[name] = kind + side
    if SIDES[side][1]:
        far = face.end(axis) - offset
        return far if extent is None else far - extent, (side, f"{{{name}}}")
    return plus(low, offset), (side, f"{{{name}}}")


def _told(face: Face, told: tuple[Told, Told], middle: str) -> str:
    """A place in words: offsets from sides, or the middle."""
    said = [f"{value} {_FROM[side]}" for side, value in filter(None, told)]
    if len(said) == 2:
        return f"{said[0]} and {said[1]}"
    if not said:
        return middle
    axis = face.plane[0 if told[0] is None else 1]
    return f"{said[0]}[,| and] {_MIDWAY[axis].format(face.owner and face.owner + ' ')}"


def _place_on_round(draw: Draw, stem: str, face: Face, radius: float, what: str) -> Spot:
    """In the middle of a round face, or right, left, in front of or behind it."""
    room = float(face.radius or 0) - EDGE_MM - radius
    if room < 0:
        raise NoRoomError
    if draw.chance(0.6) or room < 3:
        return Spot((ZERO, ZERO), _MIDDLE)
    axis, high = draw.rng.randrange(2), draw.chance(0.5)
    name = f"{stem}_{'xy'[axis]}"
    offset = draw.size(name, min(radius + 1, room / 2), room)
    draw.kinds[name] = f"any_{_CIRCLES[what]}_radius" if face.centred else ""
    way = (("to the left of", "to the right of"), ("in front of", "behind"))[axis][high]
    at = (offset if high else -offset, ZERO)
    return Spot(at if axis == 0 else at[::-1], f"{{{name}}} {way} the [centre|center|middle]")
