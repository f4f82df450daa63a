"""A program: named parameters, the fineness of its curves, and the tree; and what is wrong with it."""

import math
from dataclasses import dataclass, field

from cadmonkey.cad.csg import Node
from cadmonkey.cad.quantity import Quantity
from cadmonkey.errors import InputError

MAX_NODES = 20_000
"""Nodes that one program may build, loops unrolled."""
MAX_FACETS = 1_000
"""Sides of one circle, layers of one extrusion."""
MAX_SOURCE = 200_000
"""Characters of source."""


class LanguageError(InputError):
    """A program that the language refuses; `line` is 1-based."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


class SolidError(InputError):
    """A tree that has no solid, or is too large to evaluate."""


class NotationError(InputError):
    """A tree that the notation asked for has no words for."""


@dataclass(frozen=True, slots=True)
class Facets:
    """How finely curves are cut into flats: OpenSCAD's `$fn`, `$fa` (degrees) and `$fs` (mm)."""

    fn: float = 0
    fa: float = 12
    fs: float = 2

    def around(self, radius: float) -> int:
        """The number of sides of a circle of this radius, by OpenSCAD's documented rule."""
        if self.fn > 0:
            return max(int(min(self.fn, 1e9)), 3)
        return math.ceil(max(min(360 / max(self.fa, 0.01), radius * 2 * math.pi / max(self.fs, 0.01)), 5))


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
