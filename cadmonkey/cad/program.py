"""A program: named parameters, the fineness of its curves, and the tree."""

import math
from dataclasses import dataclass, field

from cadmonkey.cad.csg import Node
from cadmonkey.cad.quantity import Quantity


@dataclass(frozen=True, slots=True)
class Facets:
    """How finely curves are cut into flats: OpenSCAD's `$fn`, `$fa` (degrees) and `$fs` (mm)."""

    fn: float = 0
    fa: float = 12
    fs: float = 2

    def around(self, radius: float) -> int:
        """The number of sides of a circle of this radius, by OpenSCAD's documented rule."""
        if self.fn > 0:
            return max(int(self.fn), 3)
        return math.ceil(max(min(360 / self.fa, radius * 2 * math.pi / self.fs), 5))


@dataclass(frozen=True, slots=True)
class Parameter:
    """One `name = value;` line at the top of a program."""

    name: str
    value: Quantity
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Program:
    """What an OpenSCAD file holds."""

    root: Node
    parameters: tuple[Parameter, ...] = field(default=(), compare=False)
    facets: Facets = Facets(fn=96)
