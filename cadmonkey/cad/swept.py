"""What prisms and solids of revolution share: one flat area that is swept, up or around, to make the solid."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from manifold3d import CrossSection, Manifold


@dataclass(frozen=True, eq=False)
class Swept(ABC):
    """An area that is not empty, and its solid, which is made when it is asked for."""

    area: CrossSection
    make: Callable[[], Manifold]
    """Makes its solid without the grid of areas, to take part in booleans of solids."""
    joined: bool = field(default=False, kw_only=True)
    """Whether the area is that of a boolean."""

    @cached_property
    def solid(self) -> Manifold:
        """What it is, to the last bit."""
        return self.make()

    @abstractmethod
    def sweep(self) -> Manifold:
        """The solid of its area."""

    def is_empty(self) -> bool:
        """It never is."""
        return False
