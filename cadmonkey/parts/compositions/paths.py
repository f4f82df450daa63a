"""Free outlines: told by moves (`go up 20 mm, right 30 mm, …`) or by the coordinates of their corners."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from cadmonkey.cad.quantity import Quantity
from cadmonkey.parts.compositions.faces import ZERO, plus
from cadmonkey.parts.families.draw import Draw
from cadmonkey.parts.measures import NoRoomError
from cadmonkey.parts.splits import HELD_OUT_BAND_MM

LEAST_MM = 4.0
"""The least length of an edge, and the least level of a path above its base line."""

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
    names: list[str] = field(default_factory=list)
    """The parameters of the moves, in order."""

    def rise(self, low_mm: float, high_mm: float) -> None:
        """Begin: go up from the base line."""
        level = self._size(self.ways[1], low_mm, high_mm)
        self.corners.append((ZERO, level))
        self.moves.append(f"{self.ways[1]} {{{self.names[-1]}}}")

    def go_on(self, low_mm: float, high_mm: float) -> None:
        """Go on at this level."""
        along, level = self.corners[-1]
        step = self._size(self.ways[0], low_mm, high_mm)
        self.corners.append((plus(along, step), level))
        self.moves.append(f"{self.ways[0]} {{{self.names[-1]}}}")

    def change(self, most_mm: float) -> None:
        """Rise or fall where it is."""
        along, level = self.corners[-1]
        way, size = self._change(most_mm)
        self.corners.append((along, level + size if way == self.ways[1] else level - size))
        self.moves.append(f"{way} {{{self.names[-1]}}}")

    def slant(self, low_mm: float, high_mm: float, most_mm: float) -> None:
        """Go on and rise or fall in one straight line."""
        along, level = self.corners[-1]
        step = self._size(self.ways[0], low_mm, high_mm)
        way, size = self._change(most_mm)
        self.corners.append((plus(along, step), level + size if way == self.ways[1] else level - size))
        self.moves.append(
            f"[slanting|in a straight slanted line] {{{self.names[-2]}}} {self.ways[0]} and {{{self.names[-1]}}} {way}"
        )

    def _change(self, most_mm: float) -> tuple[str, Quantity]:
        level = float(self.corners[-1][1])
        falls = level - LEAST_MM >= LEAST_MM and self.draw.chance(0.5)
        way = self.ways[2] if falls else self.ways[1]
        return way, self._size(way, LEAST_MM, min(most_mm, level - LEAST_MM) if falls else most_mm)

    def _size(self, way: str, low_mm: float, high_mm: float) -> Quantity:
        number = sum(name.rstrip("0123456789") == way for name in self.names) + 1
        self.names.append(f"{way}{number}")
        size = self.draw.size(self.names[-1], low_mm, high_mm)
        self.draw.kinds[self.names[-1]] = ""
        return size


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
    """Corners of a polygon of three to seven, counterclockwise, in whole mm, its box beginning at the origin.

    Raises:
        NoRoomError: it has a short edge, a sharp corner, or a number of the held-out band.
    """
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
    corners = [(x - low[0], y - low[1]) for x, y in corners]
    check_corners(corners)
    return corners


def check_corners(corners: Sequence[tuple[float, float]]) -> None:
    """See that an outline can be made.

    Raises:
        NoRoomError: it has a short edge, a sharp corner, or a number of the held-out band.
    """
    ring = [*corners, *corners[:2]]
    short = any(math.dist(a, b) < LEAST_MM for a, b in pairwise(ring))
    if short or any(_turn_deg(a, b, c) > 150 for a, b, c in zip(ring, ring[1:], ring[2:], strict=False)):
        raise NoRoomError
    low, high = HELD_OUT_BAND_MM
    if any(low <= number < high for corner in corners for number in corner):
        raise NoRoomError


def _turn_deg(a: Sequence[float], b: Sequence[float], c: Sequence[float]) -> float:
    """How sharply a line turns at `b`."""
    turn = math.atan2(c[1] - b[1], c[0] - b[0]) - math.atan2(b[1] - a[1], b[0] - a[0])
    return abs(math.degrees((turn + math.pi) % (2 * math.pi) - math.pi))


def told_corners(rng: random.Random, corners: Sequence[tuple[float, float]]) -> str:
    """Coordinates in words: `(0, 0), (40, 0) and (20, 30)`, sometimes with a letter each."""
    points = [f"({x:g}, {y:g})" for x, y in corners]
    if rng.random() < 0.25:
        points = [f"{letter} {point}" for letter, point in zip("ABCDEFGHIJKL", points, strict=False)]
    return f"{', '.join(points[:-1])}[,| and|, and] {points[-1]}"


def literals(corners: Sequence[tuple[float, float]]) -> tuple[Corner, ...]:
    """Coordinates as they stand in a program."""
    return tuple((Quantity(x), Quantity(y)) for x, y in corners)
