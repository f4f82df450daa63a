"""Solids of revolution: what one flat area sweeps on its way round an upright axis.

The booleans of those that share an axis and a number of sides are booleans of their areas: see `cadmonkey.cad.prism`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from manifold3d import CrossSection, Manifold, OpType

from cadmonkey.cad.csg import Point
from cadmonkey.cad.swept import Swept


@dataclass(frozen=True, eq=False)
class Revolved(Swept):
    """An area turned all the way round: its x is the distance from the axis, never negative; its y is z."""

    sides: int
    """A multiple of four, so that the box of the solid is that of a true circle."""
    centre: Point
    """Where the axis passes z = 0."""

    def num_tri(self) -> int:
        """The most triangles that its solid may have."""
        return int(2 * self.sides * self.area.num_vert())

    def bounding_box(self) -> tuple[float, float, float, float, float, float]:
        """Low x, y and z, then the high ones."""
        _, low, radius, high = self.area.bounds()
        x, y = self.centre
        return (x - radius, y - radius, low, x + radius, y + radius, high)

    def volume(self) -> float:
        """Its volume in mm³: each bit of the area makes a ring that is a polygon."""
        moment = 0.0
        for loop in self.area.to_polygons():
            points = loop.tolist()
            for (x, y), (u, v) in zip(points, points[1:] + points[:1], strict=True):
                moment += (x * v - u * y) * (x + u) / 6
        return moment * self.sides * math.sin(2 * math.pi / self.sides)

    def sweep(self) -> Manifold:
        """The solid of its area."""
        made = self.area.revolve(self.sides)
        return made.translate((*self.centre, 0.0)) if any(self.centre) else made


def combined(shapes: Sequence[Revolved], operation: OpType, make: Callable[[], Manifold]) -> Revolved | None:
    """The boolean of shapes by their areas; None where they have not one axis and one number of sides, or are nothing.

    Args:
        shapes: one or more.
        operation: of all of them, in order.
        make: makes the solid of the same boolean.
    """
    if len({(shape.sides, shape.centre) for shape in shapes}) > 1:
        return None
    area = CrossSection.batch_boolean([shape.area for shape in shapes], operation)
    return None if area.is_empty() else Revolved(area, make, shapes[0].sides, shapes[0].centre, joined=True)
