"""Drilled holes: round pieces on one axis that go over into each other, from a countersink to a drill point."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from manifold3d import Manifold

from cadmonkey.cad.facets import cross
from cadmonkey.cad.surfaces import Cone, Cylinder, Surfaces

JUST_BEYOND_MM = 0.01
"""How far past the end of a hole its floor is looked for, and how far apart its pieces may lie."""
SAME_AXIS_MM = 0.02
POINTED_MM = 0.05
"""A cone whose end is narrower comes to a point."""
AXES = np.eye(3)


@dataclass(frozen=True, slots=True)
class Bore:
    """One hole; its pieces from start to end."""

    pieces: tuple[Cylinder | Cone, ...]
    open_start: bool
    open_end: bool

    @property
    def drill(self) -> Cylinder:
        """The piece that the drill made: the narrowest cylinder."""
        return min(self.cylinders, key=lambda cylinder: cylinder.diameter)

    @property
    def cylinders(self) -> list[Cylinder]:
        """The straight pieces."""
        return [piece for piece in self.pieces if isinstance(piece, Cylinder)]

    @property
    def through(self) -> bool:
        """Whether no material closes an end."""
        return self.open_start and self.open_end

    @property
    def blind(self) -> bool:
        """Whether material closes one end."""
        return self.open_start != self.open_end

    @property
    def depth(self) -> float:
        """From the mouth of a blind hole to the end of its full diameter."""
        if self.open_start:
            return max(cylinder.end for cylinder in self.cylinders) - self.pieces[0].start
        return self.pieces[-1].end - min(cylinder.start for cylinder in self.cylinders)

    @property
    def counterbores(self) -> list[Cylinder]:
        """The wider cylinders."""
        return [piece for piece in self.cylinders if piece.diameter > self.drill.diameter + SAME_AXIS_MM]

    @property
    def countersinks(self) -> list[Cone]:
        """The cones that widen to an open end."""
        first, last = self.pieces[0], self.pieces[-1]
        found = []
        if isinstance(first, Cone) and self.open_start and first.diameters[0] > first.diameters[1]:
            found.append(first)
        if isinstance(last, Cone) and self.open_end and last.diameters[1] > last.diameters[0]:
            found.append(last)
        return found


def bores_of(part: Manifold, surfaces: Surfaces) -> list[Bore]:
    """Find the holes that have at least one straight piece."""
    round_pieces: list[Cylinder | Cone] = [*surfaces.cylinders, *surfaces.cones]
    found = []
    for stack in _stacks(piece for piece in round_pieces if piece.hollow and piece.whole):
        if any(isinstance(piece, Cylinder) for piece in stack):
            found.append(Bore(tuple(stack), not _closed(part, stack[0], 0), not _closed(part, stack[-1], 1)))
    return found


def coaxial(one: Cylinder | Cone, other: Cylinder | Cone) -> bool:
    """Whether two round surfaces have one axis."""
    # Both points are the nearest to the origin, so where the axes are parallel they are as far apart as these.
    apart = one.point - other.point
    return float(apart @ apart) < SAME_AXIS_MM**2 and abs(float(one.axis @ other.axis)) > 1 - 1e-6


def _stacks(pieces: Iterable[Cylinder | Cone]) -> list[list[Cylinder | Cone]]:
    """Put each piece onto the one that ends where it starts."""
    stacks: list[list[Cylinder | Cone]] = []
    for piece in sorted(pieces, key=lambda piece: piece.start):
        for stack in stacks:
            if abs(stack[-1].end - piece.start) < 2 * JUST_BEYOND_MM and coaxial(stack[-1], piece):
                stack.append(piece)
                break
        else:
            stacks.append([piece])
    return stacks


def _closed(part: Manifold, piece: Cylinder | Cone, end: int) -> bool:
    """Whether there is material just beyond the start (0) or the end (1) of a piece."""
    width = min(piece.diameters) if isinstance(piece, Cone) else piece.diameter
    if isinstance(piece, Cone) and piece.diameters[end] < POINTED_MM:
        return True
    # A little beside the axis, where the corners of triangles meet.
    beside = cross(piece.axis, AXES[np.abs(piece.axis).argmin()]) * width * 0.0137
    middle = piece.at((piece.start + piece.end) / 2) + beside
    beyond = piece.at(piece.end + JUST_BEYOND_MM if end else piece.start - JUST_BEYOND_MM) + beside
    return bool(part.ray_cast(tuple(middle), tuple(beyond)))
