"""Part families: sizes, the program that is built from them, and the words for them.

What a sentence leaves unsaid takes the value in DEFAULTS_MM. Boxes, plates and brackets start at the
origin; round parts stand on z = 0, centred on the z axis; a ball is centred at the origin.
"""

import random
from collections.abc import Callable, Mapping

from cadmonkey.parts.compositions import COMPOSITIONS
from cadmonkey.parts.families.boxes import box
from cadmonkey.parts.families.draw import DEFAULTS_MM, Draft, Draw
from cadmonkey.parts.families.plates import bracket, plate
from cadmonkey.parts.families.primitives import block, cone, cylinder, sphere
from cadmonkey.parts.families.round import flange, shaft, spacer

Family = Callable[[random.Random], Draft]
FAMILIES: Mapping[str, Family] = {
    family.__name__: family
    for family in (block, cylinder, sphere, cone, plate, spacer, flange, bracket, box, shaft, *COMPOSITIONS)
}
"""Every family by its name."""

__all__ = ["DEFAULTS_MM", "FAMILIES", "Draft", "Draw", "Family"]
