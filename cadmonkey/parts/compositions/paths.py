"""Free outlines: told by moves (`go up 20 mm, right 30 mm, …`) or by the coordinates of their corners."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.compositions.faces import ZERO, plus
from cadmonkey.parts.families.draw import Draw, measure_of
from cadmonkey.parts.measures import Measure, NoRoomError

LEAST_MM = 4.0
"""The least length of an edge, and the least level of a path above its base line."""

_COORDINATES = {
    "x": "any_corner_from_left",
    "y": "any_corner_from_front",
    "z": "any_corner_from_bottom",
    "r": "any_turned_radius",
}
"""What the judge measures the coordinates of corners as."""
Corner = tuple[Quantity, Quantity]


@dataclass(slots=True)
class Path:
    """A line of moves above a base line: it goes on along the line, and changes its level above it."""

    draw: Draw
    ways: tuple[str, str, str]
    """What going on, and a rise and a fall of the level, are called: `right`, `up`, `down`."""
    corners: list[Corner] = field(default_factory=list)
    """Where it has come, along the base line and above it."""
    moves: list[str] = field(default_factory=list)
    """The moves in words."""
    names: list[tuple[str, ...]] = field(default_factory=list)
    """The parameters of each move."""

    @property
    def outline(self) -> list[Corner]:
        """Its corners, from the base line and back to it."""
        return [(ZERO, ZERO), *self.corners, (self.corners[-1][0], ZERO)]

    def rise(self, low_mm: float, high_mm: float) -> None:
        """Begin: go up from the base line."""
        name, size = self._size(self.ways[1], low_mm, high_mm)
        self._add(ZERO, size, f"{self.ways[1]} {{{name}}}", name)

    def go_on(self, low_mm: float, high_mm: float) -> None:
        """Go on at this level."""
        along, level = self.corners[-1]
        name, step = self._size(self.ways[0], low_mm, high_mm)
        self._add(plus(along, step), level, f"{self.ways[0]} {{{name}}}", name)

    def change(self, most_mm: float) -> None:
        """Rise or fall where it is."""
        way, name, level = self._change(most_mm)
        self._add(self.corners[-1][0], level, f"{way} {{{name}}}", name)

    def slant(self, low_mm: float, high_mm: float, most_mm: float) -> None:
        """Go on and rise or fall in one straight line."""
        name, step = self._size(self.ways[0], low_mm, high_mm)
        way, other, level = self._change(most_mm)
        told = f"[slanting|in a straight slanted line] {{{name}}} {self.ways[0]} and {{{other}}} {way}"
        self._add(plus(self.corners[-1][0], step), level, told, name, other)

    def measure(self, along: str, level: str) -> bool:
        """Give the moves the kinds that the judge measures them as; tell whether one is between parallel flat faces.

        Args:
            along: the axis of the base line.
            level: the axis of the levels above it; `r`, if the path is turned about the base line.
        """
        corners = self.outline
        runs = [_run(a, b) for a, b in zip(corners, [*corners[1:], corners[0]], strict=True)]
        turned = level == "r"
        parallel = False
        for index, names in enumerate(self.names):
            rises = (
                "any_turned_radius" if turned and index == 0 else "any_turned_step" if turned else f"any_edge_{level}"
            )
            goes = f"any_edge_{along}"
            if runs[index - 1] == runs[index + 1] != "slant" != runs[index]:
                goes = f"any_gap_{along}"
                rises = rises if turned else f"any_gap_{level}"
                parallel |= runs[index] == "along" or not turned
            ways = {"along": [goes], "level": [rises], "slant": [goes, rises]}[runs[index]]
            self.draw.kinds |= dict(zip(names, ways, strict=True))
        return parallel

    def _add(self, along: Quantity, level: Quantity, told: str, *names: str) -> None:
        self.corners.append((along, level))
        self.moves.append(told)
        self.names.append(names)

    def _change(self, most_mm: float) -> tuple[str, str, Quantity]:
        """A rise or a fall: its way, its parameter and the level that it leads to."""
        level = self.corners[-1][1]
        falls = level >= 2 * LEAST_MM and self.draw.chance(0.5)
        way = self.ways[2] if falls else self.ways[1]
        name, size = self._size(way, LEAST_MM, min(most_mm, level - LEAST_MM) if falls else most_mm)
        return way, name, level - size if falls else level + size

    def _size(self, way: str, low_mm: float, high_mm: float) -> tuple[str, Quantity]:
        number = sum(name.startswith(way) and name.removeprefix(way).isdigit() for name in self.draw.values) + 1
        size = self.draw.size(f"{way}{number}", low_mm, high_mm)
        self.draw.kinds[f"{way}{number}"] = ""
        return f"{way}{number}", size


def _run(a: Corner, b: Corner) -> str:
    return "level" if float(a[0]) == float(b[0]) else "along" if float(a[1]) == float(b[1]) else "slant"


def draw_path(draw: Draw, ways: tuple[str, str, str], first_mm: float, high_mm: float) -> Path:
    """Draw a path of two to four pieces, the first level up to `first_mm`, each piece up to `high_mm` long."""
    path = Path(draw, ways)
    path.rise(LEAST_MM + 1, first_mm)
    pieces = draw.rng.choices((1, 2, 3, 4), (10, 40, 35, 15))[0]
    slanted = [draw.chance(0.35 if pieces > 1 else 1.0) for _ in range(pieces)]
    for here, after in zip(slanted, [*slanted[1:], True], strict=True):
        if here:
            path.slant(LEAST_MM + 1, high_mm, first_mm * 0.6)
        else:
            path.go_on(LEAST_MM + 1, high_mm)
            if not after:
                path.change(first_mm * 0.6)
    return path


def draw_corners(rng: random.Random) -> list[tuple[int, int]]:
    """Corners of a polygon of three to seven, counterclockwise, in whole mm, its box beginning at the origin."""
    count = rng.choices((3, 4, 5, 6, 7), (15, 30, 25, 20, 10))[0]
    middle = rng.randrange(12, 46), rng.randrange(12, 46)
    turns = sorted((index + rng.uniform(-0.3, 0.3)) / count * 2 * math.pi for index in range(count))
    grid = rng.choice((1, 1, 5))
    reach = [(rng.uniform(0.45, 1.0) * middle[0], rng.uniform(0.45, 1.0) * middle[1]) for _ in turns]
    corners = [
        (grid * round((middle[0] + x * math.cos(turn)) / grid), grid * round((middle[1] + y * math.sin(turn)) / grid))
        for turn, (x, y) in zip(turns, reach, strict=True)
    ]
    low = min(x for x, _ in corners), min(y for _, y in corners)
    return [(x - low[0], y - low[1]) for x, y in corners]


def check_corners(corners: Sequence[tuple[float, float]]) -> None:
    """See that an outline can be made.

    Raises:
        NoRoomError: it has a short edge or a sharp corner.
    """
    ring = [*corners, *corners[:2]]
    short = any(math.dist(a, b) < LEAST_MM for a, b in pairwise(ring))
    if short or any(_turn_deg(a, b, c) > 150 for a, b, c in zip(ring, ring[1:], ring[2:], strict=False)):
        raise NoRoomError


def _turn_deg(a: Sequence[float], b: Sequence[float], c: Sequence[float]) -> float:
    """How sharply a line turns at `b`."""
    turn = math.atan2(c[1] - b[1], c[0] - b[0]) - math.atan2(b[1] - a[1], b[0] - a[0])
    return abs(math.degrees((turn + math.pi) % (2 * math.pi) - math.pi))


def keep_corners(
    draw: Draw, corners: Sequence[tuple[int, int]], axes: tuple[str, str]
) -> tuple[tuple[Corner, ...], str]:
    """Make coordinates parameters, as `x2` and `y2` for the second corner; equal ones are one.

    Returns:
        The corners in them, and in words: `(0, 0), (40, 0) and (20, 30)`, sometimes with a letter each.
    """
    names: dict[tuple[str, int], str] = {}
    for number, corner in enumerate(corners, 1):
        for axis, value in zip(axes, corner, strict=True):
            if value and (axis, value) not in names:
                names[axis, value] = f"{axis}{number}"
                draw.keep(f"{axis}{number}", measure_of(value))
                draw.kinds[f"{axis}{number}"] = _COORDINATES[axis]
    pairs = [[(axis, value) for axis, value in zip(axes, corner, strict=True)] for corner in corners]
    points = [f"({', '.join(f'{{{names[key]}#}}' if key in names else '0' for key in pair)})" for pair in pairs]
    if draw.chance(0.25):
        points = [f"{letter} {point}" for letter, point in zip("ABCDEFGHIJKL", points, strict=False)]
    kept = [[Quantity.named(names[key], key[1]) if key in names else ZERO for key in pair] for pair in pairs]
    return tuple((a, b) for a, b in kept), f"{', '.join(points[:-1])}[,| and|, and] {points[-1]}"


def name_of(draw: Draw, axis: str, value: float) -> str:
    """The parameter of a coordinate that `keep_corners` made."""
    return next(
        name
        for name, stated in draw.values.items()
        if name.startswith(axis) and isinstance(stated, Measure) and stated.mm == value
    )
